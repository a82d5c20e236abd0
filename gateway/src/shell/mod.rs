//! shell, to be written.
