//! What an error looks like on gRPC.

use tonic::Status;
use tonic::metadata::{MetadataMap, MetadataValue};

use crate::error::Error;

/// Longest message in bytes: messages travel in trailers, which many clients bound to 8 KiB.
const MAX_MESSAGE_BYTES: usize = 1_999;

/// The status for `error`: its code, its message, and the headers `meshgate-error`, `meshgate-sqlstate` and
/// `meshgate-query-id`.
pub(super) fn of(error: &Error) -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("meshgate-error", MetadataValue::from_static(error.kind.as_str()));
    metadata.insert("meshgate-sqlstate", MetadataValue::from_static(error.sqlstate()));
    if let Some(id) = error.query_id.as_deref().and_then(|id| MetadataValue::try_from(id).ok()) {
        metadata.insert("meshgate-query-id", id);
    }
    Status::with_metadata(error.kind.grpc(), shorten(&error.message), metadata)
}

fn shorten(message: &str) -> String {
    if message.len() <= MAX_MESSAGE_BYTES {
        return message.to_owned();
    }
    let ellipsis = "…";
    let mut end = MAX_MESSAGE_BYTES - ellipsis.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.get(..end).unwrap_or_default().to_owned() + ellipsis
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_status_carries_code_kind_sqlstate_and_query() {
        for kind in ErrorKind::ALL {
            let status = of(&Error::new(kind, "text").of_query("q1"));
            assert_eq!((status.code(), status.message()), (kind.grpc(), "text"));
            let header = |name: &str| status.metadata().get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(header("meshgate-error"), kind.as_str());
            assert_eq!(header("meshgate-sqlstate"), kind.sqlstate());
            assert_eq!(header("meshgate-query-id"), "q1");
        }
        let status = of(&Error::new(ErrorKind::DataError, "").with_sqlstate("22012"));
        assert_eq!(status.metadata().get("meshgate-sqlstate").unwrap(), "22012");
        assert!(status.metadata().get("meshgate-query-id").is_none());
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        for text in ["x".repeat(100_000), "ä".repeat(50_000), "€".repeat(1_000), "x".repeat(2_001)] {
            let status = of(&Error::new(ErrorKind::InvalidStatement, text));
            assert!(status.message().len() <= MAX_MESSAGE_BYTES && status.message().ends_with('…'));
        }
        assert_eq!(shorten(&"x".repeat(1_999)), "x".repeat(1_999));
    }
}
