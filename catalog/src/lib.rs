//! What exists in a mesh: domains, data products, contracts, sources, tables and their versions.
//!
//! The crate reads the files of a mesh folder ([`load()`]) into an immutable [`Registry`]. It knows no
//! network, no principal and no query engine; everything else in the workspace builds on it.

pub mod contract;
pub mod drift;
pub mod foreign_key;
pub mod load;
pub mod name;
pub mod problem;
pub mod product;
pub mod registry;
pub mod source;
pub mod table;
pub mod version;

pub use contract::{Contract, Status};
pub use foreign_key::ForeignKey;
pub use load::load;
pub use name::{Name, TableName};
pub use problem::{Problem, Problems};
pub use product::Product;
pub use registry::Registry;
pub use source::Source;
pub use table::{Column, Table};
pub use version::Version;
