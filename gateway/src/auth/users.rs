//! The local identities of a mesh: `users.toml`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use catalog::{Name, Problem, Problems};
use policies::{AttributeValue, Principal};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{basic, password};
use crate::config;

/// Largest `users.toml` that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// The users of a mesh. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Users {
    by_name: BTreeMap<String, User>,
    decoy: String,
}

#[derive(Debug)]
struct User {
    /// `None`: no password is his.
    password_hash: Option<String>,
    principal: Arc<Principal>,
}

/// Whether a user must have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passwords {
    /// There is nothing else to prove who he is with.
    Required,
    /// He may show a client certificate instead.
    Optional,
}

impl Users {
    /// Reads `file`, a path relative to the mesh `folder`. Without the file there are no users.
    ///
    /// # Errors
    /// Every mistake of the file.
    pub fn load(folder: &Path, file: &Path, passwords: Passwords) -> Result<Self, Problems> {
        if !folder.join(file).exists() {
            return Ok(Self::of(BTreeMap::new()));
        }
        Self::parse(file, &config::read(folder, file, MAX_FILE_BYTES)?, passwords)
    }

    /// The users that `text`, the content of `file`, names.
    ///
    /// # Errors
    /// Every mistake of the text, with its line.
    pub fn parse(file: &Path, text: &str, passwords: Passwords) -> Result<Self, Problems> {
        let mut reader = Reader { file, text, passwords, problems: Problems::default() };
        let mut by_name = BTreeMap::new();
        match DeTable::parse(text) {
            Ok(table) => reader.users(table.get_ref(), &mut by_name),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                reader.problem(at, error.message().to_owned(), "correct the TOML");
            }
        }
        reader.problems.or(Self::of(by_name))
    }

    fn of(by_name: BTreeMap<String, User>) -> Self {
        let model = by_name.values().find_map(|user| user.password_hash.as_deref());
        Self { decoy: password::decoy(model), by_name }
    }

    /// The principal of a user, if there is such a user.
    #[must_use]
    pub fn principal(&self, name: &str) -> Option<Arc<Principal>> {
        self.by_name.get(name).map(|user| Arc::clone(&user.principal))
    }

    /// Names of all users, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(super) fn hash_of(&self, name: &str) -> Option<&str> {
        self.by_name.get(name)?.password_hash.as_deref()
    }

    /// What the password of an unknown user is compared with.
    pub(super) fn decoy(&self) -> &str {
        &self.decoy
    }
}

/// The lines of `users.toml` that make a user; appended to the file by `meshgate user add`.
///
/// # Errors
/// What is wrong with the name or an attribute.
pub fn section(name: &str, hash: &str, attributes: &[(String, String)]) -> Result<String, String> {
    if !is_user_name(name) {
        return Err(format!("{name:?} is not a user name: {NAME_RULE}"));
    }
    let mut text = format!("[users.{}]\npassword = {}\n", toml_text(name), toml_text(hash));
    if !attributes.is_empty() {
        let mut pairs = Vec::new();
        for (key, value) in attributes {
            if let Some(fault) = attribute_fault(key) {
                return Err(fault);
            }
            pairs.push(format!("{key} = {}", toml_text(value)));
        }
        text.push_str(&format!("attributes = {{ {} }}\n", pairs.join(", ")));
    }
    Ok(text)
}

fn toml_text(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

const NAME_RULE: &str =
    "use letters, digits and `_ . @ -`, beginning with a letter, a digit or `_`, at most 128 in all";

pub(super) fn is_user_name(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(&byte));
    first && rest && name.len() <= basic::MAX_USER_BYTES
}

fn attribute_fault(name: &str) -> Option<String> {
    if policies::is_reserved_attribute(name) {
        return Some(format!("attribute {name:?} would say who somebody is"));
    }
    name.parse::<Name>().is_err().then(|| format!("{name:?} is not the name of an attribute"))
}

/// Walks the file and collects what is wrong with it.
struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    passwords: Passwords,
    problems: Problems,
}

impl Reader<'_> {
    fn problem(&mut self, at: usize, message: String, remedy: &str) {
        self.problems.push(Problem::at(self.file, config::line_of(self.text, at), message, remedy));
    }

    fn users(&mut self, root: &DeTable<'_>, by_name: &mut BTreeMap<String, User>) {
        for (key, value) in root {
            if key.get_ref() != "users" {
                self.problem(key.span().start, format!("unknown key {:?}", key.get_ref()), "remove it");
                continue;
            }
            let Some(users) = value.get_ref().as_table() else {
                self.problem(value.span().start, "\"users\" is not a table".into(), "write [users.NAME]");
                continue;
            };
            for (name, user) in users {
                if !is_user_name(name.get_ref()) {
                    let message = format!("{:?} is not a user name", name.get_ref());
                    self.problem(name.span().start, message, NAME_RULE);
                } else if let Some(user) = self.user(name.get_ref(), user) {
                    by_name.insert(name.get_ref().to_string(), user);
                }
            }
        }
    }

    fn user(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<User> {
        let Some(table) = value.get_ref().as_table() else {
            self.problem(value.span().start, format!("user {name:?} is not a table"), "write [users.NAME]");
            return None;
        };
        let (mut hash, mut attributes) = (None, BTreeMap::new());
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "password" => hash = Some(self.hash(name, value)?),
                "attributes" => attributes = self.attributes(name, value),
                other => {
                    self.problem(key.span().start, format!("user {name:?} has the unknown key {other:?}"), "remove it");
                }
            }
        }
        if hash.is_none() && self.passwords == Passwords::Required {
            let remedy = "let `meshgate user add` write it; only where [tls] has `client_ca` can a user do without";
            self.problem(value.span().start, format!("user {name:?} has no password"), remedy);
            return None;
        }
        let principal = Principal { attributes, ..Principal::named(name) };
        Some(User { password_hash: hash, principal: Arc::new(principal) })
    }

    fn hash(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let remedy = "write the Argon2id hash that `meshgate user add` makes";
        let text = value.get_ref().as_str().unwrap_or_default();
        if let Some(fault) = password::fault(text) {
            // Never the text itself: it may be a password that somebody wrote down in clear.
            self.problem(value.span().start, format!("the password of user {name:?} {fault}"), remedy);
            return None;
        }
        Some(text.to_owned())
    }

    fn attributes(&mut self, name: &str, value: &Spanned<DeValue<'_>>) -> BTreeMap<String, AttributeValue> {
        let mut attributes = BTreeMap::new();
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("the attributes of user {name:?} are not a table");
            self.problem(value.span().start, message, "write attributes = { key = \"value\" }");
            return attributes;
        };
        for (key, value) in table {
            if let Some(fault) = attribute_fault(key.get_ref()) {
                self.problem(key.span().start, format!("user {name:?}: {fault}"), "give it another name");
            } else if let Some(value) = attribute(value.get_ref()) {
                attributes.insert(key.get_ref().to_string(), value);
            } else {
                let message = format!("attribute {:?} of user {name:?} is of no use", key.get_ref());
                self.problem(value.span().start, message, "write a text, a whole number, true or false");
            }
        }
        attributes
    }
}

fn attribute(value: &DeValue<'_>) -> Option<AttributeValue> {
    if let Some(text) = value.as_str() {
        return Some(AttributeValue::Text(text.to_owned()));
    }
    if let Some(truth) = value.as_bool() {
        return Some(AttributeValue::Boolean(truth));
    }
    let number = value.as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok().map(AttributeValue::Integer)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn check(text: &str, problems: &[&str]) {
        let text = text.replace("HASH", HASH);
        let found = match Users::parse(Path::new("users.toml"), &text, Passwords::Required) {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(ToString::to_string).collect(),
        };
        let first_lines: Vec<&str> = found.iter().map(|problem| problem.lines().next().unwrap()).collect();
        assert_eq!(first_lines, problems, "{text}");
    }

    #[test]
    fn users_have_a_password_and_typed_attributes() {
        let text = format!(
            "[users.ann]\npassword = \"{HASH}\"\nattributes = {{ region = \"EU\", level = 1_0, lead = true }}\n\
             [users.\"bob@example.org\"]\npassword = \"{HASH}\"\n"
        );
        let users = Users::parse(Path::new("users.toml"), &text, Passwords::Required).unwrap();
        assert_eq!(users.names().collect::<Vec<_>>(), ["ann", "bob@example.org"]);
        let ann = users.principal("ann").unwrap();
        assert_eq!(ann.attributes["region"], AttributeValue::Text("EU".into()));
        assert_eq!(ann.attributes["level"], AttributeValue::Integer(10));
        assert_eq!(ann.attributes["lead"], AttributeValue::Boolean(true));
        assert_eq!(users.hash_of("ann"), Some(HASH));
        assert!(users.principal("Ann").is_none() && users.hash_of("*").is_none());
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_line() {
        check(
            "[users.ann]\npassword = \"secret\"\n[users.bob]\nage = 1\npassword = \"HASH\"\n[users.\"a b\"]\n\
             password = \"HASH\"\n[users.eve]\nattributes = { a = 1.5, Subject = 1, subject = 1 }\n[more]\n",
            &[
                "users.toml:2: the password of user \"ann\" is not a password hash",
                "users.toml:4: user \"bob\" has the unknown key \"age\"",
                "users.toml:6: \"a b\" is not a user name",
                "users.toml:8: user \"eve\" has no password",
                "users.toml:9: attribute \"a\" of user \"eve\" is of no use",
                "users.toml:9: user \"eve\": attribute \"Subject\" would say who somebody is",
                "users.toml:9: user \"eve\": attribute \"subject\" would say who somebody is",
                "users.toml:10: unknown key \"more\"",
            ],
        );
        check("users = 1", &["users.toml:1: \"users\" is not a table"]);
        check("users.ann = 1", &["users.toml:1: user \"ann\" is not a table"]);
        check("\n[users.ann]\npassword = 1", &["users.toml:3: the password of user \"ann\" is not a password hash"]);
        assert!(Users::parse(Path::new("users.toml"), "[users.ann\n", Passwords::Required).is_err());
        check("", &[]);
    }

    #[test]
    fn a_password_in_clear_is_refused_and_not_repeated() {
        let found = Users::parse(Path::new("users.toml"), "[users.ann]\npassword = \"hunter2\"\n", Passwords::Required)
            .unwrap_err();
        assert!(!found.to_string().contains("hunter2"));
    }

    #[test]
    fn where_certificates_are_shown_a_user_may_have_no_password() {
        let text = "[users.etl]\nattributes = { region = \"EU\" }\n";
        let users = Users::parse(Path::new("users.toml"), text, Passwords::Optional).unwrap();
        assert!(users.principal("etl").is_some() && users.hash_of("etl").is_none());
    }

    #[test]
    fn a_written_section_is_read_back() {
        let attributes = [("region".to_owned(), "E\"U".to_owned())];
        let text = section("ann@x.org", HASH, &attributes).unwrap();
        let users = Users::parse(Path::new("users.toml"), &text, Passwords::Required).unwrap();
        let ann = users.principal("ann@x.org").unwrap();
        assert_eq!(ann.attributes["region"], AttributeValue::Text("E\"U".into()));
        assert!(section("a b", HASH, &[]).is_err());
        assert!(section("ann", HASH, &[("Region".into(), String::new())]).is_err());
    }

    #[test]
    fn a_user_name_has_no_room_for_patterns() {
        for good in ["ann", "_x", "9", "Ann.Lee-2@example.org"] {
            assert!(is_user_name(good), "{good}");
        }
        for bad in ["", "*", "a*", "a b", "a:b", "a,b", ".a", "ä", "role:x", &"a".repeat(129)] {
            assert!(!is_user_name(bad), "{bad}");
        }
    }
}
