//! Reads rule files into checked rows and collects every problem on the way.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use catalog::{Problem, Problems, Registry};

use super::cells::{Cells, Refusal};
use super::csv::fields;
use super::{FilterRule, Grant, GroupRule, MaskRule, Membership, Object, Place, RuleFile, Rules};

/// Largest rule file.
const MAX_FILE_BYTES: usize = 64 * 1024 * 1024;
/// Most rows of all files together.
const MAX_ROWS: usize = 500_000;
/// Most problems that are listed; nobody reads more.
const MAX_PROBLEMS: usize = 1_000;

/// Every good row of `files`; what is wrong with the others goes to `problems`.
pub(crate) fn read(files: &[RuleFile], registry: &Registry, problems: &mut Problems) -> Rules {
    let mut reader =
        Reader { cells: Cells::new(registry), rules: Rules::default(), seen: HashMap::new(), rows: 0, problems };
    let mut names: BTreeSet<&Path> = BTreeSet::new();
    for file in files {
        if !names.insert(&file.path) {
            reader.problems.push(Problem::in_file(&file.path, "the file is given twice", "give every file once"));
            continue;
        }
        reader.file(file);
    }
    reader.rules
}

/// Reads one file after the other.
struct Reader<'a> {
    cells: Cells<'a>,
    rules: Rules,
    seen: HashMap<Vec<String>, Place>,
    rows: usize,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn file(&mut self, file: &RuleFile) {
        if file.text.len() > MAX_FILE_BYTES {
            let problem =
                Problem::in_file(&file.path, "the file is larger than 64 MiB", "split it, or use fewer rules");
            self.problems.push(problem);
            return;
        }
        let path: Arc<Path> = file.path.as_path().into();
        for (index, line) in file.text.strip_prefix('\u{FEFF}').unwrap_or(&file.text).split('\n').enumerate() {
            if self.problems.len() >= MAX_PROBLEMS {
                self.problems.push(Problem::in_file(&file.path, "too many problems to list", "mend these first"));
                return;
            }
            let place = Place { file: Arc::clone(&path), line: index as u64 + 1 };
            if let Err(refusal) = self.line(line, &place) {
                self.problems.push(Problem::at(&path, place.line, refusal.message, refusal.remedy));
            }
        }
    }

    fn line(&mut self, line: &str, place: &Place) -> Result<(), Refusal> {
        let fields = fields(line).map_err(|fault| Refusal::new(fault.to_string(), fault.remedy()))?;
        if fields.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        if self.rows == MAX_ROWS + 1 {
            return Err(Refusal::new("more than 500,000 rules", "use roles and `*` instead of single rows"));
        }
        if self.rows > MAX_ROWS {
            return Ok(());
        }
        self.row(&fields, place)?;
        if let Some(first) = self.seen.insert(fields, place.clone()) {
            return Err(Refusal::new(format!("the same row stands at {first}"), "remove one of the two"));
        }
        Ok(())
    }

    fn row(&mut self, fields: &[String], place: &Place) -> Result<(), Refusal> {
        let cells: Vec<&str> = fields.iter().map(String::as_str).collect();
        match cells.as_slice() {
            ["p", subject, domain, object, action, effect] => {
                self.grant(place, [subject, domain, object, action, effect])
            }
            ["p2", subject, domain, table, kind, predicate] => {
                self.filter(place, [subject, domain, table, kind, predicate])
            }
            ["p3", subject, domain, column, mask] => self.mask(place, [subject, domain, column, mask]),
            ["p4", subject, domain, table, rows] => self.group(place, [subject, domain, table, rows]),
            ["g", member, role, domain] => self.membership(place, [member, role, domain]),
            ["p", ..] => Err(counted("p", &cells, "subject, domain, object, action, effect")),
            ["p2", ..] => Err(counted("p2", &cells, "subject, domain, table, kind, \"predicate\"")),
            ["p3", ..] => Err(counted("p3", &cells, "subject, domain, table.column, mask")),
            ["p4", ..] => Err(counted("p4", &cells, "subject, domain, table, rows")),
            ["g", ..] => Err(counted("g", &cells, "user:… or role:…, role:…, domain")),
            _ => Err(Refusal::new(
                format!("`{}` is not a type of row", cells.first().copied().unwrap_or_default()),
                "start the row with p, p2, p3, p4 or g",
            )),
        }
    }

    fn grant(&mut self, place: &Place, [subject, domain, object, action, effect]: [&str; 5]) -> Result<(), Refusal> {
        let subject = Cells::subject(subject)?;
        let domain = self.cells.domain(domain)?;
        let object = self.cells.object(&domain, object)?;
        let action = Cells::action(action)?;
        let effect = Cells::effect(effect)?;
        if matches!(object, Object::Column(..)) && !matches!(action, crate::Action::Select | crate::Action::Discover) {
            return Err(Refusal::new(
                format!("`{action}` is about whole tables, not about the column `{object}`"),
                "name the table only, or use select or discover",
            ));
        }
        self.rules.grants.push(Grant { place: place.clone(), subject, domain, object, action, effect });
        Ok(())
    }

    fn filter(&mut self, place: &Place, [subject, domain, table, kind, predicate]: [&str; 5]) -> Result<(), Refusal> {
        let subject = Cells::subject(subject)?;
        let domain = self.cells.domain(domain)?;
        let table = self.cells.table(&domain, table)?;
        let kind = Cells::kind(kind)?;
        let predicate = Cells::predicate(predicate)?;
        self.rules.filters.push(FilterRule { place: place.clone(), subject, table, kind, predicate });
        Ok(())
    }

    fn mask(&mut self, place: &Place, [subject, domain, column, mask]: [&str; 4]) -> Result<(), Refusal> {
        let subject = Cells::subject(subject)?;
        let domain = self.cells.domain(domain)?;
        let (table, column) = self.cells.column(&domain, column)?;
        let mask = Cells::mask(mask)?;
        let promised = &table.columns[column];
        if let Some(wanted) = mask.misfit(&promised.data_type) {
            return Err(Refusal::new(
                format!(
                    "mask `{}` does not fit column `{}` of type {}",
                    mask.word(),
                    promised.name,
                    promised.data_type
                ),
                format!("it needs {wanted}: use `null`, `constant:'…'` or `sql:…`"),
            ));
        }
        self.rules.masks.push(MaskRule { place: place.clone(), subject, table, column, mask });
        Ok(())
    }

    fn group(&mut self, place: &Place, [subject, domain, table, rows]: [&str; 4]) -> Result<(), Refusal> {
        let subject = Cells::subject(subject)?;
        let domain = self.cells.domain(domain)?;
        let table = self.cells.table(&domain, table)?;
        let rows = Cells::group(rows)?;
        self.rules.groups.push(GroupRule { place: place.clone(), subject, table, rows });
        Ok(())
    }

    fn membership(&mut self, place: &Place, [member, role, domain]: [&str; 3]) -> Result<(), Refusal> {
        let member = Cells::subject(member)?;
        let role = Cells::role(role)?;
        let domain = if domain == "*" { None } else { Some(self.cells.domain(domain)?) };
        if member == role {
            return Err(Refusal::new(format!("`{}` is its own member", role.as_str()), "remove the row"));
        }
        self.rules.memberships.push(Membership { place: place.clone(), member, role, domain });
        Ok(())
    }
}

fn counted(word: &str, cells: &[&str], wanted: &str) -> Refusal {
    let message = format!("a `{word}` row with {} fields after the first", cells.len() - 1);
    Refusal::new(message, format!("write: {word}, {wanted}; put a field with a comma in double quotes"))
}

#[cfg(test)]
mod tests;
