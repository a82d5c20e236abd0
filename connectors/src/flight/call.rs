//! What every call to a remote carries: deadline, query id, and the caller's identity where it is asked for.

use std::sync::Arc;
use std::time::Instant;

use catalog::Table;
use catalog::source::{FlightSource, ForwardIdentity};
use tonic::Request;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use url::form_urlencoded::byte_serialize;

use crate::context::CallContext;
use crate::error::Error;

/// Header with the id of the query that a call belongs to.
const QUERY_ID: &str = "meshgate-query-id";

/// Header with the name of the subject, form-urlencoded.
const USER: &str = "meshgate-forwarded-user";

/// Header with one attribute, `name=value`, both form-urlencoded; once for each.
const ATTRIBUTE: &str = "meshgate-forwarded-attribute";

/// The context of all calls of one scan or one opening.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The table on whose behalf the calls are made.
    pub(super) table: Arc<Table>,
    /// When the answer is of no use any more.
    pub(super) deadline: Instant,
    query_id: Arc<str>,
    headers: Arc<Vec<(&'static str, String)>>,
}

impl Call {
    pub(super) fn new(table: &Arc<Table>, source: &FlightSource, context: &CallContext) -> Self {
        Self {
            table: Arc::clone(table),
            deadline: context.deadline,
            query_id: Arc::clone(&context.query_id),
            headers: Arc::new(identity(source.forward_identity, context)),
        }
    }

    /// Whether the deadline has passed.
    pub(super) fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
    }

    /// An empty request with every header but the authorization.
    ///
    /// # Errors
    /// When the deadline has passed, or a header cannot be sent.
    pub(super) fn request(&self) -> Result<Request<()>, Error> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(super::remote::late(&self.table));
        }
        let mut request = Request::new(());
        request.set_timeout(remaining);
        add(request.metadata_mut(), QUERY_ID, &encoded(&self.query_id))
            .map_err(|cause| Error::failed(&self.table, cause))?;
        for (name, value) in self.headers.iter() {
            add(request.metadata_mut(), name, value).map_err(|cause| Error::failed(&self.table, cause))?;
        }
        Ok(request)
    }
}

fn add(
    headers: &mut MetadataMap,
    name: &'static str,
    value: &str,
) -> Result<(), tonic::metadata::errors::InvalidMetadataValue> {
    headers.append(name, AsciiMetadataValue::try_from(value)?);
    Ok(())
}

/// The headers that tell the source who asks, as far as it asked for that.
fn identity(forward: ForwardIdentity, context: &CallContext) -> Vec<(&'static str, String)> {
    let Some(identity) = &context.identity else { return Vec::new() };
    let user = (USER, encoded(&identity.subject));
    match forward {
        ForwardIdentity::None => Vec::new(),
        ForwardIdentity::Subject => vec![user],
        ForwardIdentity::Attributes => {
            let attributes = identity.attributes.iter();
            let pairs = attributes.map(|(name, value)| (ATTRIBUTE, format!("{}={}", encoded(name), encoded(value))));
            std::iter::once(user).chain(pairs).collect()
        }
    }
}

/// Headers are ASCII without line ends, names of people are not.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
