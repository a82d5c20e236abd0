//! Casbin: the language that `p` and `g` rows are written in, and the judge of the compiled form.
//!
//! The compiled form answers every question; Casbin is asked at load, whether the two agree. It is always a
//! new enforcer over rows that are already checked: `load_policy` on a live one would empty it first.

use casbin::function_map::{OperatorFunction, dynamic_to_str};
use casbin::rhai::Dynamic;
use casbin::{Adapter, CoreApi, DefaultModel, Enforcer, MemoryAdapter};
use catalog::Name;

use crate::action::Action;
use crate::rules::{Effect, Grant, Object, Rules, Subject, model};

/// Casbin over the rules of a mesh.
pub(crate) struct Engine {
    enforcer: Enforcer,
}

impl Engine {
    /// Casbin over these rules.
    pub(crate) async fn new(rules: &Rules) -> casbin::Result<Self> {
        let mut adapter = MemoryAdapter::default();
        adapter.add_policies("p", "p", grants(rules)).await?;
        adapter.add_policies("g", "g", memberships(rules)).await?;
        let mut enforcer = Enforcer::new(DefaultModel::from_str(model::MODEL).await?, adapter).await?;
        enforcer.add_function("objMatch", OperatorFunction::Arg2(object_matches));
        // Without this a `g` row of domain `*` would hold in a domain that is called `*`, and in no other.
        enforcer.get_role_manager().write().matching_fn(None, Some(domain_matches));
        enforcer.build_role_links()?;
        Ok(Self { enforcer })
    }

    /// Casbin's answer about one object of a domain: `table` or `table.column`.
    pub(crate) fn allows(
        &self,
        subject: &Subject,
        domain: &Name,
        object: &str,
        action: Action,
    ) -> casbin::Result<bool> {
        self.enforcer.enforce((subject.as_str(), domain.as_str(), object, action.as_str()))
    }

    /// Whether Casbin's role graph leads from `subject` to `role`.
    #[cfg(test)]
    pub(crate) fn holds(&self, subject: &Subject, role: &Subject, domain: &Name) -> bool {
        self.enforcer.get_role_manager().read().has_link(subject.as_str(), role.as_str(), Some(domain.as_str()))
    }
}

/// The `p` rows for Casbin. Who may not discover a thing may not select it: such a row stands for both.
fn grants(rules: &Rules) -> Vec<Vec<String>> {
    let row = |grant: &Grant, action: Action| {
        let effect = match grant.effect {
            Effect::Allow => "allow",
            Effect::Deny => "deny",
        };
        let fields = [grant.subject.as_str(), grant.domain.as_str(), &object(&grant.object), action.as_str(), effect];
        fields.map(str::to_owned).to_vec()
    };
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(rules.grants.len());
    for grant in &rules.grants {
        rows.push(row(grant, grant.action));
        if grant.action == Action::Discover && grant.effect == Effect::Deny {
            rows.push(row(grant, Action::Select));
        }
    }
    distinct(rows)
}

fn memberships(rules: &Rules) -> Vec<Vec<String>> {
    let rows = rules.memberships.iter().map(|row| {
        let domain = row.domain.as_ref().map_or("*", Name::as_str);
        [row.member.as_str(), row.role.as_str(), domain].map(str::to_owned).to_vec()
    });
    distinct(rows.collect())
}

/// Casbin takes none of the rows when one of them is there already.
fn distinct(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn object(object: &Object) -> String {
    object.to_string()
}

/// Casbin's `objMatch(r.obj, p.obj)`: `*` covers everything of a domain, a table its columns.
#[expect(clippy::needless_pass_by_value, reason = "Casbin gives owned values")]
fn object_matches(asked: Dynamic, written: Dynamic) -> Dynamic {
    let (asked, written) = (dynamic_to_str(&asked), dynamic_to_str(&written));
    covers(&written, &asked).into()
}

fn covers(written: &str, asked: &str) -> bool {
    if asked.is_empty() || written.is_empty() {
        return false;
    }
    written == "*"
        || written == asked
        || (!written.contains('.') && asked.split_once('.').is_some_and(|(table, _)| table == written))
}

/// Whether a `g` row of the domain `written` holds in the domain `asked`.
fn domain_matches(asked: &str, written: &str) -> bool {
    written == "*" || written == asked
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod traps;
