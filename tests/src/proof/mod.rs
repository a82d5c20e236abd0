//! The proof that nothing hidden can be observed: generated questions to two meshes that differ only in what the
//! asking principal may not see, and to a copy that is secured by hand.
//!
//! A question is made of a seed alone, and so is the pair of meshes that it is put to: one seed is enough to put a
//! failing question again. What is not compared, because no statement fixes it: the order of rows without a total
//! `ORDER BY`, how rows are cut into batches, and time.

mod chance;
mod judge;
mod layout;
mod observe;
mod principals;
mod question;
mod rows;
mod run;
mod statements;
mod world;

pub use principals::Principal;
pub use question::Question;
pub use rows::Side;
pub use run::{Finding, Tally, run, until_found};
