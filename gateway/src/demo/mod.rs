//! The demo: a retailer's mesh, written into a folder with everything that it needs.

mod delta;
mod facts;
mod files;
pub mod mesh;
mod retail;
mod tables;
#[cfg(test)]
mod tests;
