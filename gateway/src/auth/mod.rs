//! auth, to be written.
