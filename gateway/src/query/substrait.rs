//! Substrait plans: read on the same governed tables as SQL, and checked in the same way.
//!
//! Behind the cargo feature `substrait`, since to build its crate takes `protoc`.

#[cfg(feature = "substrait")]
mod reading {
    use datafusion::execution::SessionState;
    use datafusion::logical_expr::LogicalPlan;
    use datafusion_substrait::logical_plan::consumer::from_substrait_plan;
    use datafusion_substrait::substrait::proto::Plan;
    use prost::Message;

    use crate::error::{Error, ErrorKind};
    use crate::failure;

    /// The newest version of Substrait that is read: `MAJOR.MINOR.PATCH`.
    pub(crate) fn version() -> Option<String> {
        let version = datafusion_substrait::substrait::version::version();
        Some(format!("{}.{}.{}", version.major_number, version.minor_number, version.patch_number))
    }

    /// The logical plan of a serialised one.
    pub(in crate::query) async fn read(plan: &[u8], state: &SessionState) -> Result<LogicalPlan, Error> {
        let undecoded = || Error::new(ErrorKind::InvalidStatement, "the Substrait plan cannot be decoded");
        let plan = Plan::decode(plan).map_err(|_| undecoded())?;
        from_substrait_plan(state, &plan).await.map_err(|error| failure::told(&error))
    }

    /// The plan for people.
    pub(in crate::query) fn readable(plan: &[u8]) -> String {
        Plan::decode(plan).map_or_else(|_| "(not a Substrait plan)".to_owned(), |plan| format!("{plan:?}"))
    }
}

#[cfg(not(feature = "substrait"))]
mod reading {
    use datafusion::execution::SessionState;
    use datafusion::logical_expr::LogicalPlan;

    use crate::error::{Error, ErrorKind};

    /// None is read.
    pub(crate) fn version() -> Option<String> {
        None
    }

    /// Refuses the plan.
    pub(in crate::query) async fn read(_plan: &[u8], _state: &SessionState) -> Result<LogicalPlan, Error> {
        let message = "not supported: Substrait plans, in this build; send SQL, or build with --features substrait";
        Err(Error::new(ErrorKind::UnsupportedCommand, message))
    }

    /// Says that it is one.
    pub(in crate::query) fn readable(_plan: &[u8]) -> String {
        "(a Substrait plan)".to_owned()
    }
}

pub(crate) use reading::version;
pub(super) use reading::{read, readable};
