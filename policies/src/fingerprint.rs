//! A short digest of what a principal sees of a table.

use std::hash::{Hash, Hasher};

use datafusion::logical_expr::Expr;
use sha2::{Digest, Sha256};

use crate::decision::ColumnAccess;

/// Equal for equal columns, masks, filter and size of groups, whoever the principal is. It depends on every literal's type and
/// value, not on how they are printed: a value that looks like a piece of an expression cannot imitate one.
pub(crate) fn fingerprint(columns: &[ColumnAccess], row_filter: Option<&Expr>, group: Option<u64>) -> u64 {
    let mut digest = Sha(Sha256::new());
    columns.len().hash(&mut digest);
    for column in columns {
        column.index.hash(&mut digest);
        column.mask.as_ref().map(|mask| (&mask.name, &mask.expression)).hash(&mut digest);
    }
    row_filter.hash(&mut digest);
    group.hash(&mut digest);
    digest.finish()
}

/// The standard library's hashers are either seeded anew in every process or weak; this one is neither.
struct Sha(Sha256);

impl Hasher for Sha {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}
