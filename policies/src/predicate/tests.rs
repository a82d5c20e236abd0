//! Tests of predicates.
