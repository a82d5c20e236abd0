//! The messages of the Flight action `SetSessionOptions` (Flight.proto), which arrow-flight does not have.

use std::collections::BTreeMap;

use arrow_flight::Action;
use prost::Message;

use super::error::Error;

/// The name of the action. Its body is the bare message, not an `Any`.
const ACTION: &str = "SetSessionOptions";

#[derive(Clone, PartialEq, Message)]
struct SetSessionOptionsRequest {
    #[prost(btree_map = "string, message", tag = "1")]
    session_options: BTreeMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SessionOptionValue {
    #[prost(oneof = "OptionValue", tags = "1")]
    option_value: Option<OptionValue>,
}

/// Only the kind that the shell sends.
#[derive(Clone, PartialEq, prost::Oneof)]
enum OptionValue {
    #[prost(string, tag = "1")]
    String(String),
}

#[derive(Clone, PartialEq, Message)]
struct SetSessionOptionsResult {
    #[prost(btree_map = "string, message", tag = "1")]
    errors: BTreeMap<String, OptionError>,
}

#[derive(Clone, PartialEq, Message)]
struct OptionError {
    #[prost(enumeration = "ErrorValue", tag = "1")]
    value: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum ErrorValue {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}

/// Asks the server to look for unqualified tables in this schema, which is what Flight SQL calls a domain.
pub(super) fn set_schema(domain: &str) -> Action {
    let value = SessionOptionValue { option_value: Some(OptionValue::String(domain.to_owned())) };
    let request = SetSessionOptionsRequest { session_options: BTreeMap::from([("schema".to_owned(), value)]) };
    Action::new(ACTION, request.encode_to_vec())
}

/// Whether the server took the schema.
pub(super) fn check_answer(domain: &str, body: &[u8]) -> Result<(), Error> {
    let answer = SetSessionOptionsResult::decode(body)
        .map_err(|error| Error::Result(format!("not a session answer: {error}")))?;
    let Some((_, error)) = answer.errors.first_key_value() else { return Ok(()) };
    Err(Error::Command(match error.value() {
        ErrorValue::InvalidName => "the server does not know the session option \"schema\"".to_owned(),
        ErrorValue::InvalidValue => format!("there is no domain {domain:?}"),
        ErrorValue::Unspecified | ErrorValue::Error => format!("the server cannot use the domain {domain:?}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], expected: Option<&str>) {
        let message = check_answer("nowhere", body).err().map(|error| error.to_string());
        assert_eq!(message.as_deref(), expected);
    }

    #[test]
    fn the_request_has_the_bytes_of_the_specification() {
        let action = set_schema("sales");
        assert_eq!(action.r#type, "SetSessionOptions");
        assert_eq!(&action.body[..], b"\x0a\x11\x0a\x06schema\x12\x07\x0a\x05sales");
    }

    #[test]
    fn a_refusal_says_what_is_wrong() {
        check(b"", None);
        check(
            b"\x0a\x0c\x0a\x06schema\x12\x02\x08\x01",
            Some("the server does not know the session option \"schema\""),
        );
        check(b"\x0a\x0c\x0a\x06schema\x12\x02\x08\x02", Some("there is no domain \"nowhere\""));
        check(b"\x0a\x0c\x0a\x06schema\x12\x02\x08\x03", Some("the server cannot use the domain \"nowhere\""));
        check(b"\xff", Some("not a session answer: failed to decode Protobuf message: invalid varint"));
    }
}
