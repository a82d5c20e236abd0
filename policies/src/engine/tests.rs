//! Tests of Casbin and the compiled form.
