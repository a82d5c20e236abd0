//! An explanation as people read it.

use std::fmt;

use super::{Explanation, HeldRole};

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "user    {}", self.subject)?;
        writeln!(f, "table   {}", self.table)?;
        let roles = self.roles.iter().map(role);
        lines(f, "roles", if self.roles.is_empty() { vec!["-".to_owned()] } else { roles.collect() })?;
        let actions: Vec<&str> = self.access.actions.iter().map(|action| action.as_str()).collect();
        writeln!(f, "may     {}", or_none(actions.join(", ")))?;
        let lists = [
            ("grants", &self.grants),
            ("denials", &self.denials),
            ("filters", &self.filters),
            ("masks", &self.masks),
            ("groups", &self.groups),
        ];
        for (title, rules) in lists {
            let idle = |counts: bool| if counts { "" } else { "  (without effect)" };
            lines(f, title, rules.iter().map(|rule| format!("{}  [{}]{}", rule.text, rule.id, idle(rule.counts))))?;
        }
        writeln!(f, "hidden  {}", or_none(self.hidden.join(", ")))?;
        if let Some(note) = &self.note {
            writeln!(f, "note    {note}")?;
        }
        write!(f, "sees    {}", self.sql.as_deref().unwrap_or("nothing"))
    }
}

/// One line for each text, the first one with the title.
fn lines(f: &mut fmt::Formatter<'_>, title: &str, texts: impl IntoIterator<Item = String>) -> fmt::Result {
    for (index, text) in texts.into_iter().enumerate() {
        writeln!(f, "{:<8}{text}", if index == 0 { title } else { "" })?;
    }
    Ok(())
}

fn role(role: &HeldRole) -> String {
    let rows: Vec<String> = role.rows.iter().map(ToString::to_string).collect();
    match (role.path.as_slice(), rows.is_empty()) {
        ([_], _) => format!("{}  vouched for by the identity provider", role.name),
        (path, true) => format!("{}  {}", role.name, path.join(" > ")),
        (path, false) => format!("{}  {}  [{}]", role.name, path.join(" > "), rows.join(", ")),
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}
