//! `meshgate policy diff`: who gains or loses what between two versions of a mesh.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use catalog::TableName;
use policies::{Access, Change, HashKey, Principal, changes};
use serde_json::{Value, json};

use super::super::arguments::{DiffArguments, DiffFormat};
use super::super::{Failure, Outcome, say};
use crate::mesh::Mesh;

/// Somebody who is asked about. Users come before roles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    User(String),
    Role(String),
}

/// What changes for one principal, by table.
type Differences = BTreeMap<TableName, Vec<Change>>;

/// Compares two mesh folders.
pub(in super::super) async fn run(arguments: &DiffArguments) -> Result<Outcome, Failure> {
    let (old, new) = (load(&arguments.old).await?, load(&arguments.new).await?);
    let mut found: Vec<(Who, Differences)> = Vec::new();
    for who in asked(arguments.user.as_deref(), &old, &new)? {
        let differences = differences(&who, &old, &new);
        if !differences.is_empty() {
            found.push((who, differences));
        }
    }
    say(&match arguments.format {
        DiffFormat::Text => text(&found),
        DiffFormat::Json => format!("{:#}", in_json(&found)),
    });
    Ok(if arguments.exit_code && !found.is_empty() { Outcome::Failed } else { Outcome::Good })
}

async fn load(folder: &Path) -> Result<Mesh, Failure> {
    // Nothing is hashed here, so any key will do.
    let mesh = Mesh::load(folder, &HashKey::new([0; 32]), 1).await;
    mesh.map_err(|problems| format!("the mesh in {} does not load:\n{problems}", folder.display()).into())
}

/// Everybody whom one of the two knows.
fn asked(user: Option<&str>, old: &Mesh, new: &Mesh) -> Result<BTreeSet<Who>, Failure> {
    let mut everybody = BTreeSet::new();
    for mesh in [old, new] {
        let users = mesh.users.names().chain(mesh.policies.named_users());
        everybody.extend(users.map(|name| Who::User(name.to_owned())));
        everybody.extend(mesh.policies.named_roles().into_iter().map(|name| Who::Role(name.to_owned())));
    }
    let Some(user) = user else { return Ok(everybody) };
    let user = Who::User(user.to_owned());
    if everybody.contains(&user) { Ok([user].into()) } else { Err(format!("nobody knows {user}").into()) }
}

fn differences(who: &Who, old: &Mesh, new: &Mesh) -> Differences {
    let (was, is) = (Side::new(who, old, new), Side::new(who, new, old));
    let tables: BTreeSet<&TableName> = was.tables().chain(is.tables()).collect();
    let changed = tables.into_iter().map(|table| (table.clone(), changes(&was.access(table), &is.access(table))));
    changed.filter(|(_, changes)| !changes.is_empty()).collect()
}

/// A principal under the rules of one mesh.
struct Side<'a> {
    mesh: &'a Mesh,
    principal: Principal,
    /// Whether name and attributes are known, so that predicates can be told with their values.
    known: bool,
}

impl<'a> Side<'a> {
    /// Whoever is in one `users.toml` only is asked about with the same attributes on both sides: this command
    /// compares what the rules say.
    fn new(who: &Who, mesh: &'a Mesh, other: &Mesh) -> Self {
        let (principal, known) = match who {
            Who::User(name) => match mesh.users.principal(name).or_else(|| other.users.principal(name)) {
                Some(principal) => ((*principal).clone(), true),
                None => (Principal::named(name), false),
            },
            // No user can be called `*`.
            Who::Role(name) => (Principal { roles: [name.clone()].into(), ..Principal::named("*") }, false),
        };
        Self { mesh, principal, known }
    }

    fn tables(&self) -> impl Iterator<Item = &'a TableName> + use<'a> {
        self.mesh.policies.tables_of(&self.principal).into_iter().map(|table| &table.name)
    }

    fn access(&self, table: &TableName) -> Access {
        let policies = &self.mesh.policies;
        match self.mesh.registry.table(table) {
            None => Access::default(),
            Some(table) if self.known => policies.access(&self.principal, table),
            Some(table) => policies.access_as_written(&self.principal, table),
        }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Role(name) => write!(f, "role {name}"),
        }
    }
}

fn text(found: &[(Who, Differences)]) -> String {
    if found.is_empty() {
        return "no difference: nobody gains or loses anything".to_owned();
    }
    let mut text = String::new();
    for (who, differences) in found {
        let _ = writeln!(text, "{who}");
        for (table, changes) in differences {
            let _ = writeln!(text, "  {table}");
            for line in changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").lines() {
                let _ = writeln!(text, "    {line}");
            }
        }
    }
    let tables: BTreeSet<&TableName> = found.iter().flat_map(|(_, differences)| differences.keys()).collect();
    let users = found.iter().filter(|(who, _)| matches!(who, Who::User(_))).count();
    let _ = write!(text, "changed: users {users}, roles {}, tables {}", found.len() - users, tables.len());
    text
}

fn in_json(found: &[(Who, Differences)]) -> Value {
    let all = found.iter().flat_map(|(who, differences)| {
        let (kind, name) = match who {
            Who::User(name) => ("user", name),
            Who::Role(name) => ("role", name),
        };
        differences.iter().map(move |(table, changes)| {
            let changes: Vec<Value> = changes.iter().map(change).collect();
            json!({ kind: name, "table": table.to_string(), "changes": changes })
        })
    });
    all.collect()
}

fn change(change: &Change) -> Value {
    match change {
        Change::TableGained => json!({ "change": "table gained" }),
        Change::TableLost => json!({ "change": "table lost" }),
        Change::ActionGained(action) => json!({ "change": "action gained", "action": action.as_str() }),
        Change::ActionLost(action) => json!({ "change": "action lost", "action": action.as_str() }),
        Change::ColumnGained(column) => {
            json!({ "change": "column gained", "column": column.name, "mask": column.mask })
        }
        Change::ColumnLost(column) => json!({ "change": "column lost", "column": column }),
        Change::MaskChanged { column, was, is } => {
            json!({ "change": "mask changed", "column": column, "was": was, "is": is })
        }
        Change::GroupsChanged { was, is } => json!({ "change": "groups changed", "was": was, "is": is }),
        Change::RowsChanged { was, is } => {
            json!({ "change": "rows changed", "was": was.to_string(), "is": is.to_string() })
        }
    }
}

#[cfg(test)]
mod tests;
