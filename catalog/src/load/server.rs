//! Finds the server of a contract that is the source, and reads our own properties of it.

use super::fields::{Fields, Text, flag, text};
use super::node::{Node, Value};
use super::report::Report;

/// Our properties of a server; see the design of the mesh files.
const PROPERTIES: [&str; 11] = [
    "meshRole",
    "protocol",
    "query",
    "credentialRef",
    "tlsCa",
    "tlsClientCert",
    "forwardIdentity",
    "acceptedLocations",
    "pushdown",
    "dialect",
    "shareJoinKeys",
];

/// One server of a contract.
#[derive(Debug)]
pub(super) struct Server<'a> {
    /// What ODCS says of it.
    pub(super) fields: Fields<'a>,
    /// What we say of it.
    pub(super) properties: Vec<Property<'a>>,
}

/// One item of a server's `customProperties`.
#[derive(Debug)]
pub(super) struct Property<'a> {
    /// Its name, with its line.
    pub(super) name: Text<'a>,
    value: &'a Node,
    /// Whether it belongs to another tool.
    foreign: bool,
}

/// The one server of a contract that is its source: the one with `meshRole: source`, or the only one.
pub(super) fn source<'a>(contract: &Fields<'a>, report: &mut Report<'_>) -> Option<Server<'a>> {
    let nodes = contract.list("servers", report);
    let mut servers: Vec<Server<'a>> = nodes.iter().filter_map(|node| Server::read(node, report)).collect();
    let marked: Vec<bool> = servers.iter().map(|server| server.is_source(report)).collect();
    let remedy = "write `customProperties: [{property: meshRole, value: source}]` at exactly one server";
    if nodes.is_empty() {
        report.at(contract.line, "the contract has no server", "say under `servers` where the data lives");
    }
    // With one of them unreadable, the others cannot be judged.
    if nodes.is_empty() || servers.len() != nodes.len() {
        return None;
    }
    let mut sources = (0..servers.len()).filter(|index| marked[*index]);
    let chosen = match (sources.next(), sources.next()) {
        (Some(only), None) => only,
        (None, _) if servers.len() == 1 => 0,
        (None, _) => {
            report.at(contract.line, "none of the contract's servers is its source", remedy);
            return None;
        }
        (Some(_), Some(second)) => {
            report.at(servers[second].fields.line, "more than one server of the contract is its source", remedy);
            return None;
        }
    };
    let server = servers.swap_remove(chosen);
    server.check_properties(report);
    Some(server)
}

impl<'a> Server<'a> {
    fn read(node: &'a Node, report: &mut Report<'_>) -> Option<Self> {
        let fields = Fields::of(node, "a server", report)?;
        let name = fields.required("server", "write `server: …`, a name for it", report)?;
        let fields = fields.named(format!("server {:?}", name.text));
        let mut properties = Vec::new();
        for item in fields.list("customProperties", report) {
            let property = Fields::of(item, format!("a custom property of {}", fields.what), report)?;
            let name = property.required("property", "write `property: …`, its name", report)?;
            let foreign = property.get("vendor").is_some();
            let Some(value) = property.get("value") else {
                report.at(
                    property.line,
                    format!("property {:?} of {} has no value", name.text, fields.what),
                    "write `value: …`, or remove the property",
                );
                continue;
            };
            properties.push(Property { name, value, foreign });
        }
        Some(Self { fields, properties })
    }

    fn is_source(&self, report: &mut Report<'_>) -> bool {
        let Some(role) = self.property("meshRole", report) else { return false };
        if role.text != "source" {
            report.at(
                role.line,
                format!("`meshRole` of {} is {:?}, which is not a role", self.fields.what, role.text),
                "write `value: source`, or remove the property",
            );
        }
        role.text == "source"
    }

    /// Notes properties that are not ours, and properties written twice.
    fn check_properties(&self, report: &mut Report<'_>) {
        let ours = || self.properties.iter().filter(|property| !property.foreign);
        for (index, property) in ours().enumerate() {
            let (name, line) = (property.name.text, property.name.line);
            if !PROPERTIES.contains(&name) {
                report.at(
                    line,
                    format!("{} has the property {name:?}, which meshgate does not know", self.fields.what),
                    format!("remove it, or write one of: {}", PROPERTIES.join(", ")),
                );
            }
            if ours().take(index).any(|earlier| earlier.name.text == name) {
                report.at(line, format!("{} has the property {name:?} twice", self.fields.what), "keep one");
            }
        }
    }

    /// Notes every property of ours that has no meaning for this kind of source.
    pub(super) fn only(&self, allowed: &[&str], kind: &str, report: &mut Report<'_>) {
        for property in &self.properties {
            let name = property.name.text;
            if !property.foreign && PROPERTIES.contains(&name) && !allowed.contains(&name) {
                report.at(
                    property.name.line,
                    format!("property {name:?} of {} has no meaning for {kind}", self.fields.what),
                    "remove the property",
                );
            }
        }
    }

    fn value(&self, name: &str) -> Option<&'a Node> {
        self.properties.iter().find(|property| property.name.text == name && !property.foreign).map(|found| found.value)
    }

    /// What a property is called in messages.
    pub(super) fn what(&self, property: &str) -> String {
        format!("property {property:?} of {}", self.fields.what)
    }

    /// The text of a property of ours.
    pub(super) fn property(&self, name: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
        text(self.value(name)?, &self.what(name), report)
    }

    /// The text of a property of ours that must be there.
    pub(super) fn required(&self, name: &str, remedy: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
        if self.value(name).is_none() {
            report.at(self.fields.line, format!("{} has no property `{name}`", self.fields.what), remedy);
            return None;
        }
        self.property(name, report)
    }

    /// The flag of a property of ours; `false` where it is absent.
    pub(super) fn property_flag(&self, name: &str, report: &mut Report<'_>) -> bool {
        self.value(name).and_then(|node| flag(node, &self.what(name), report)).unwrap_or(false)
    }

    /// The texts of a property of ours: a list, or one text with commas or spaces between them.
    pub(super) fn property_list(&self, name: &str, report: &mut Report<'_>) -> Vec<Text<'a>> {
        let what = self.what(name);
        let Some(node) = self.value(name) else { return Vec::new() };
        let texts: Vec<Text<'a>> = match &node.value {
            Value::List(items) => items.iter().filter_map(|item| text(item, &what, report)).collect(),
            Value::Null | Value::Flag(_) | Value::Integer(_) | Value::Number | Value::Text(_) | Value::Map(_) => {
                text(node, &what, report).into_iter().collect()
            }
        };
        let separator = |letter: char| letter == ',' || letter.is_whitespace();
        let split = |Text { text, line }: Text<'a>| {
            text.split(separator).filter(|part| !part.is_empty()).map(move |text| Text { text, line })
        };
        texts.into_iter().flat_map(split).collect()
    }
}
