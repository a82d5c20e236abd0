//! flight, to be written.
