//! Finds out where the relationships of all contracts lead.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use super::contract::ContractFile;
use super::reference::{Notation, Reference};
use super::relationship::{Origin, Relationship};
use super::report::{Fault, Report};
use super::shape::Shape;
use crate::foreign_key::ForeignKey;
use crate::name::{Name, TableName};
use crate::problem::Problems;

/// The foreign keys of every table that has any, of all contracts of the mesh.
///
/// What leads out of the mesh is no key, and no mistake: the other side need not be published here.
pub(super) fn resolve(
    contracts: &[(PathBuf, ContractFile)],
    problems: &mut Problems,
) -> BTreeMap<TableName, Vec<ForeignKey>> {
    let tables = Tables::of(contracts);
    let mut found: BTreeMap<TableName, Vec<ForeignKey>> = BTreeMap::new();
    for (path, file) in contracts {
        let mut report = Report::of(path);
        for table in &file.shapes {
            let home = Home { path, file, table };
            let mut keys = Vec::new();
            for relationship in &table.relationships {
                // The same key may be written in both notations.
                keys.extend(tables.key(relationship, home, &mut report).filter(|key| !keys.contains(key)));
            }
            if !keys.is_empty() {
                found.insert(table.name.clone(), keys);
            }
        }
        problems.extend(report.into_problems());
    }
    found
}

/// Where a relationship is written.
#[derive(Debug, Clone, Copy)]
struct Home<'a> {
    path: &'a Path,
    file: &'a ContractFile,
    table: &'a Shape,
}

/// Where a reference leads: a table and its column; no column where it is a part of one, which no key can hold
/// because it has no name in SQL.
type Target<'a> = (&'a Shape, Option<&'a str>);

/// All contracts and tables by what references call them.
#[derive(Debug)]
struct Tables<'a> {
    by_path: HashMap<&'a Path, &'a ContractFile>,
    by_id: HashMap<&'a str, &'a ContractFile>,
    by_name: HashMap<(&'a Name, &'a str), &'a Shape>,
    /// By name without the domain; nothing where several domains have the name.
    alone: HashMap<&'a str, Option<&'a Shape>>,
}

impl<'a> Tables<'a> {
    fn of(contracts: &'a [(PathBuf, ContractFile)]) -> Self {
        let by_path = contracts.iter().map(|(path, file)| (path.as_path(), file)).collect();
        let by_id = contracts.iter().filter_map(|(_, file)| Some((file.id.as_ref()?.0.as_str(), file))).collect();
        let mut tables = Self { by_path, by_id, by_name: HashMap::new(), alone: HashMap::new() };
        for table in contracts.iter().flat_map(|(_, file)| &file.shapes) {
            let name = table.name.table.as_str();
            tables.by_name.insert((&table.name.domain, name), table);
            tables.alone.entry(name).and_modify(|other| *other = None).or_insert(Some(table));
        }
        tables
    }

    /// The key that a relationship promises, if it is one between columns of the mesh.
    fn key(&self, relationship: &Relationship, home: Home<'a>, report: &mut Report<'_>) -> Option<ForeignKey> {
        let columns = match &relationship.from {
            Origin::Column(column) => Some(vec![column.clone()]),
            Origin::Columns(references) => self.own_columns(references, home, report),
        };
        let (other, other_columns) = self.other_columns(&relationship.to, home, report)?;
        Some(ForeignKey { name: relationship.id.clone(), columns: columns?, other: other.name.clone(), other_columns })
    }

    /// The columns that `from` names, which must be of the table itself.
    fn own_columns(&self, from: &[Reference], home: Home<'a>, report: &mut Report<'_>) -> Option<Vec<String>> {
        let own = |reference: &Reference| match self.target(reference, home)? {
            Some((table, column)) if table.name == home.table.name => Ok(column.map(str::to_owned)),
            Some(_) | None => Err(Fault::new(
                format!("is {:?}, which is not of table \"{}\"", reference.text, home.table.name),
                "begin at columns of the table that the relationship is written at",
            )),
        };
        let columns = from.iter().map(|reference| report.take(reference.line, &reference.what, own(reference)));
        // Every one is looked at, so that every mistake is noted.
        let columns: Vec<Option<Option<String>>> = columns.collect();
        columns.into_iter().map(Option::flatten).collect()
    }

    /// The table and the columns that `to` names.
    fn other_columns(
        &self,
        to: &[Reference],
        home: Home<'a>,
        report: &mut Report<'_>,
    ) -> Option<(&'a Shape, Vec<String>)> {
        let target =
            |reference: &Reference| report.take(reference.line, &reference.what, self.target(reference, home))?;
        let targets: Vec<Option<Target<'a>>> = to.iter().map(target).collect();
        let (table, _) = targets.iter().flatten().next().copied()?;
        for (reference, (other, _)) in to.iter().zip(&targets).filter_map(|(to, target)| Some((to, target.as_ref()?))) {
            if other.name != table.name {
                report.at(
                    reference.line,
                    format!("{} leads to table \"{}\" and to table \"{}\"", reference.what, table.name, other.name),
                    "write one relationship for each table",
                );
                return None;
            }
        }
        let columns = targets.into_iter().map(|target| Some(target?.1?.to_owned()));
        Some((table, columns.collect::<Option<Vec<String>>>()?))
    }

    fn target(&self, reference: &Reference, home: Home<'a>) -> Result<Option<Target<'a>>, Fault> {
        let Some(table) = self.table(reference, home)? else { return Ok(None) };
        Ok(Some((table, reference.column_of(table)?)))
    }

    /// The table that a reference leads to, if it is one of this mesh.
    fn table(&self, reference: &Reference, home: Home<'a>) -> Result<Option<&'a Shape>, Fault> {
        let file = match &reference.contract {
            None => home.file,
            Some(contract) => match self.contract(contract, home.path) {
                Some(file) => file,
                None => return Ok(None),
            },
        };
        if let Some(table) = reference.table_of(&file.shapes) {
            return Ok(Some(table));
        }
        if reference.contract.is_none() && reference.notation == Notation::Shorthand {
            let near = self.by_name.get(&(&home.table.name.domain, reference.table.as_str())).copied();
            return Ok(near.or_else(|| self.alone.get(reference.table.as_str()).copied().flatten()));
        }
        if file.shapes.is_empty() {
            // It could not be read, which is noted already.
            return Ok(None);
        }
        Err(Fault::new(
            format!("is {:?}, but the contract has no table {:?}", reference.text, reference.table),
            "write the `id` or the `name` of a table of the contract",
        ))
    }

    /// The contract of this id, or at this path as seen from the file `home`.
    fn contract(&self, text: &str, home: &Path) -> Option<&'a ContractFile> {
        let by_path = || self.by_path.get(beside(home, text)?.as_path()).copied();
        self.by_id.get(text).copied().or_else(by_path)
    }
}

/// The path of a link in `file`, relative to the mesh folder as `file` is; nothing if it leads out of it.
fn beside(file: &Path, link: &str) -> Option<PathBuf> {
    let mut path = file.parent()?.to_owned();
    for component in Path::new(link).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            Component::Normal(name) => path.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}
