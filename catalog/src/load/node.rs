//! A YAML document as a tree that remembers its lines.
//!
//! The tree comes first and the checks afterwards, because a derived structure stops at the first mistake
//! and a mesh reports all of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Spanned, UserMessageFormatter};

/// Deepest nesting of a document; the checks recurse, so this guards the stack.
const MAX_DEPTH: usize = 32;
/// Most nodes of a document.
const MAX_NODES: usize = 100_000;
/// Most nodes that aliases (`*name`) may repeat, all together.
const MAX_REPEATED: usize = 20_000;

/// One value of a document and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// One-based line.
    pub(super) line: u64,
    /// What stands there.
    pub(super) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true`, `false` and what YAML takes for them.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number. Its value is of no use to the loader.
    Number,
    /// A text.
    Text(String),
    /// `- a` or `[a]`.
    List(Vec<Node>),
    /// `a: b` or `{a: b}`, in the order of the file, keys unique.
    Map(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Line of the key.
    pub(super) line: u64,
    /// The value.
    pub(super) node: Node,
}

/// Why a text is not a document: line (where known) and reason.
pub(super) type Malformed = (Option<u64>, String);

impl Node {
    /// Reads one document, within limits that a document written by hand never meets.
    pub(super) fn parse(text: &str) -> Result<Self, Malformed> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: MAX_DEPTH,
                flow_nesting_limit: MAX_DEPTH,
                max_nodes: MAX_NODES,
                max_recorded_anchor_events: MAX_REPEATED,
            },
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: MAX_REPEATED,
                max_replay_stack_depth: 8,
            },
            with_snippet: false,
        };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            let line = error.location().map(|location| location.line()).filter(|line| *line > 0);
            let reason = error.render_with_formatter(&UserMessageFormatter);
            // The line stands in the problem already.
            let reason = reason.split_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
            (line, reason.to_owned())
        })
    }
}

impl Value {
    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Flag(_) => "true or false",
            Self::Integer(_) | Self::Number => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Value>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), value: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Number, Value::Integer))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element()? {
            list.push(node);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, node)) = entries.next_entry::<Spanned<String>, Node>()? {
            map.push(Entry { key: key.value, line: key.referenced.line(), node });
        }
        Ok(Value::Map(map))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    fn refused(text: &str, line: Option<u64>, words: &str) {
        let (at, reason) = Node::parse(text).unwrap_err();
        assert_eq!(at, line, "{text:?}: {reason}");
        assert!(reason.contains(words) && !reason.contains(" at line "), "{text:?}: {reason}");
    }

    #[test]
    fn every_key_and_value_knows_its_line() {
        let root = Node::parse("a: 1\nb:\n  - x\n  - {c: true, d: 1.5}\n").unwrap();
        let Value::Map(map) = root.value else { unreachable!() };
        assert_eq!((map[0].line, map[0].node.line, map[1].line), (1, 1, 2));
        let Value::List(items) = &map[1].node.value else { unreachable!() };
        assert_eq!((items[0].line, items[1].line), (3, 4));
        assert_eq!(items[1].value.kind(), "a mapping");
    }

    #[test]
    fn a_malformed_document_is_refused_with_its_line() {
        refused("a: 1\nb: [1,\n", Some(2), "unclosed");
        refused("a: 1\na: 2\n", Some(2), "duplicate");
        refused("a: 1\n---\nb: 2\n", Some(3), "document");
    }

    #[test]
    fn an_alias_stands_for_what_it_names() {
        let root = Node::parse("a: &a {x: 1}\nb: *a\nc:\n  <<: *a\n  y: 2\n").unwrap();
        let Value::Map(map) = root.value else { unreachable!() };
        let size = |node: &Node| if let Value::Map(map) = &node.value { map.len() } else { 0 };
        assert_eq!((size(&map[1].node), size(&map[2].node)), (1, 2));
    }

    #[test]
    fn a_document_cannot_exhaust_memory_or_stack() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{},", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        assert!(Node::parse(&bomb).is_err());
        assert!(Node::parse(&"[".repeat(100_000)).is_err());
        assert!(Node::parse(&(0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect::<String>()).is_err());
        assert!(Node::parse(&"- x\n".repeat(MAX_NODES + 1)).is_err());
        assert!(Node::parse("a: &a\n  b: *a\n").is_err());
    }
}
