//! A statement that is announced again when the plan has learnt the keys of a join.

use std::sync::Arc;

use datafusion::physical_plan::PhysicalExpr;
use tokio::sync::OnceCell;

use super::keys::{self, Keys};
use super::scan::Parts;
use super::{provider, sql, stream};
use crate::error::Error;

/// What is needed to announce a statement again.
pub(super) struct Later {
    provider: Arc<provider::Parts>,
    statement: sql::Statement,
}

/// What is read in the end.
#[derive(Clone)]
pub(super) enum Answer {
    /// What was announced at planning.
    Planned,
    /// What was announced when the keys were known.
    Narrowed(Arc<Parts>, Arc<stream::Ends>),
    /// No row matches: nobody is asked.
    Nothing,
}

impl Later {
    pub(super) fn new(provider: Arc<provider::Parts>, statement: sql::Statement) -> Self {
        Self { provider, statement }
    }

    /// Announces the statement with what `filters` have become by now, in place of what was `planned`; once for all
    /// partitions of a scan.
    ///
    /// Where the remote does not take the longer statement, the planned one is as right.
    pub(super) async fn answer(
        &self,
        known: &OnceCell<Answer>,
        filters: &[Arc<dyn PhysicalExpr>],
        planned: &Arc<Parts>,
    ) -> Result<Answer, Error> {
        let ask = || async {
            let table = &self.provider.call.table;
            let whole = &self.provider.schema;
            let learnt = keys::known(filters, whole, self.provider.source.dialect);
            let conditions = match learnt.map_err(|cause| Error::failed(table, cause))? {
                Keys::Unknown => return Ok(Answer::Planned),
                Keys::None => {
                    stream::cancel(planned);
                    return Ok(Answer::Nothing);
                }
                Keys::Some(conditions) => conditions,
            };
            match self.provider.announce(&self.statement.with(conditions), &planned.schema).await {
                Ok(parts) => {
                    stream::cancel(planned);
                    Ok(Answer::Narrowed(Arc::new(parts), Arc::default()))
                }
                Err(error @ Error::Failed { .. }) => {
                    tracing::debug!(table = %table.name, %error, "the remote does not take the keys of a join");
                    Ok(Answer::Planned)
                }
                Err(error) => Err(error),
            }
        };
        known.get_or_try_init(ask).await.cloned()
    }
}
