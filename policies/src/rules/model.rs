//! The one Casbin model that there is.

use catalog::Problem;

use super::RuleFile;

/// The built-in model.
pub(crate) const MODEL: &str = include_str!("../model.conf");

/// What is wrong with a mesh's own `model.conf`: it must say what the built-in one says, comments and white
/// space aside. Another matcher or effect would be another policy than the one that runs.
pub(crate) fn problem(own: &RuleFile) -> Option<Problem> {
    let (own_lines, built_in) = (normal(&own.text), normal(MODEL));
    if own_lines.iter().map(|(_, text)| text).eq(built_in.iter().map(|(_, text)| text)) {
        return None;
    }
    let line = own_lines
        .iter()
        .enumerate()
        .find(|(index, (_, text))| built_in.get(*index).is_none_or(|(_, expected)| expected != text))
        .map_or_else(|| own.text.lines().count().max(1) as u64, |(_, (line, _))| *line);
    let remedy = "remove the file: the built-in model is used, and no other is understood";
    Some(Problem::at(&own.path, line, "the model differs from the built-in one", remedy))
}

/// The lines that say something, without any white space, with their numbers.
fn normal(text: &str) -> Vec<(u64, String)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            let said = if line.trim_start().starts_with(';') { "" } else { line.split('#').next().unwrap_or_default() };
            (index as u64 + 1, said.chars().filter(|character| !character.is_whitespace()).collect())
        })
        .filter(|(_, line): &(u64, String)| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, line: Option<u64>) {
        let own = RuleFile { path: "policies/model.conf".into(), text: text.to_owned() };
        assert_eq!(problem(&own).map(|problem| problem.line), line.map(Some), "{text}");
    }

    #[test]
    fn a_copy_may_differ_in_comments_and_white_space_only() {
        check(MODEL, None);
        check(&MODEL.replace('#', "; "), None);
        check(&MODEL.replace(", ", "  ,").replace('\n', "\r\n\r\n"), None);
    }

    #[test]
    fn another_effect_matcher_or_definition_is_a_problem() {
        check("", Some(1));
        check(&MODEL.replace(" && !some(where (p.eft == deny))", ""), Some(19));
        check(&MODEL.replace("r.dom == p.dom", "true"), Some(22));
        check(&MODEL.replace("g = _, _, _", "g = _, _"), Some(16));
        check(&format!("{MODEL}\nm2 = true"), Some(24));
    }
}
