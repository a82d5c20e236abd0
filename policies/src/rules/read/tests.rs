//! Tests of reading rule files.
