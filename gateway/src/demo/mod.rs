//! demo, to be written.
