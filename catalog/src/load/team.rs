//! Reads who owns a contract or a product.

use super::fields::Fields;
use super::node::{Node, Value};
use super::report::Report;

/// User name of the team member with the role `owner`, letter case ignored.
///
/// Somebody with a `dateOut` has left the team and owns nothing, whatever the date: the loader has no clock.
pub(super) fn owner(document: &Fields<'_>, report: &mut Report<'_>) -> Option<String> {
    let mut owners = Vec::new();
    for member in members(document, report) {
        let Some(member) = Fields::of(member, "a team member", report) else { continue };
        let role = member.text("role", report);
        let owns = role.is_some_and(|role| role.text.trim().eq_ignore_ascii_case("owner"));
        if owns && member.get("dateOut").is_none() {
            let remedy = "write `username: …`, the owner's user name";
            owners.extend(member.required("username", remedy, report));
        }
    }
    if let Some(second) = owners.get(1) {
        report.at(
            second.line,
            format!("{} has more than one owner", document.what),
            "keep one team member with `role: owner`; give the others another role, or a `dateOut`",
        );
    }
    owners.first().map(|owner| owner.text.trim().to_owned())
}

/// The team is a list of members up to ODCS v3.0 and ODPS v1.0, and has one from then on.
fn members<'a>(document: &Fields<'a>, report: &mut Report<'_>) -> &'a [Node] {
    match document.get("team") {
        None => &[],
        Some(Node { value: Value::List(members), .. }) => members,
        Some(team) => Fields::of(team, "the team", report).map_or(&[], |team| team.list("members", report)),
    }
}
