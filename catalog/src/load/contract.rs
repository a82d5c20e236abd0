//! Reads one data contract (Bitol ODCS) with its tables.

use std::path::Path;
use std::sync::Arc;

use super::column;
use super::fields::{Fields, Text};
use super::files::File;
use super::head;
use super::node::{Node, Value};
use super::report::Report;
use super::server::{self, Server};
use super::shape::Shape;
use super::source::{MODEL, Place};
use super::standard::{CONTRACT, CONTRACT_VERSIONS};
use super::{keys, team};
use crate::contract::Contract;
use crate::name::TableName;
use crate::source::Source;
use crate::table::{Column, Table};

/// What was read of one contract file, however wrong it is: enough to compare it with the others.
#[derive(Debug, Default)]
pub(super) struct ContractFile {
    /// `id`, with its line.
    pub(super) id: Option<(String, u64)>,
    /// Names of all tables, with their lines.
    pub(super) names: Vec<(TableName, u64)>,
    /// What references may lead to, and where they begin: every table that has a name, however wrong it is.
    pub(super) shapes: Vec<Shape>,
    /// The tables, still without foreign keys. Each is of the product that the contract is by itself, until a product
    /// takes it.
    pub(super) tables: Vec<Table>,
    /// The head, unless it is wrong.
    pub(super) contract: Option<Arc<Contract>>,
}

/// A table before it is known whether its contract's head is sound.
struct Draft {
    name: TableName,
    physical_name: String,
    description: Option<String>,
    columns: Vec<Column>,
    source: Source,
}

/// Reads a contract file.
pub(super) fn read(file: &File, root: &Node, mesh_folder: &Path, report: &mut Report<'_>) -> ContractFile {
    let Some(fields) = Fields::of(root, "the contract", report) else { return ContractFile::default() };
    keys::check(root, &CONTRACT, "ODCS", report);
    let version = head::standard(&fields, "DataContract", &CONTRACT_VERSIONS, report);
    let before_v3_1 = version.is_some_and(|version| version.text.starts_with("v3.0"));
    let id = fields.required("id", "write `id: …`, unique in the mesh", report);
    let contract = contract(&fields, id, file, report).map(Arc::new);
    let server = server::source(&fields, report);
    let share_join_keys = server.as_ref().is_some_and(|server| server.property_flag("shareJoinKeys", report));

    let schema = fields.list("schema", report);
    if schema.is_empty() {
        report.at(fields.line, "the contract has no table", "describe its tables under `schema`");
    }
    let mut names = Vec::new();
    let mut shapes = Vec::new();
    let mut drafts = Vec::new();
    for item in schema {
        let Some((table, name)) = table_name(item, file, report) else { continue };
        names.push((name.clone(), table.line));
        shapes.push(Shape::read(item, &table, name.clone(), report));
        drafts.extend(draft(&table, name, server.as_ref(), Context { before_v3_1, mesh_folder }, report));
    }
    if let Some(server) = &server {
        check_sharing(server, &drafts, schema.len(), report);
    }
    if let Some(contract) = &contract {
        check_owner(contract, &drafts, &fields, report);
    }
    let tables = contract.as_ref().map(|contract| tables(contract, drafts, share_join_keys)).unwrap_or_default();
    ContractFile { id: id.map(|id| (id.text.to_owned(), id.line)), names, shapes, tables, contract }
}

fn tables(contract: &Arc<Contract>, drafts: Vec<Draft>, share_join_keys: bool) -> Vec<Table> {
    let product: Arc<str> = contract.name.as_str().into();
    let table = |draft: Draft| Table {
        name: draft.name,
        physical_name: draft.physical_name,
        description: draft.description,
        columns: draft.columns,
        foreign_keys: Vec::new(),
        source: draft.source,
        share_join_keys,
        contract: Arc::clone(contract),
        product: Arc::clone(&product),
    };
    drafts.into_iter().map(table).collect()
}

fn contract(fields: &Fields<'_>, id: Option<Text<'_>>, file: &File, report: &mut Report<'_>) -> Option<Contract> {
    let name = fields.words("name", report);
    let version = fields.required("version", "write `version: 1.0.0`", report);
    let status = head::status(fields, report);
    let domain = head::domain(fields, &file.domain, report);
    let description = head::description(fields, report);
    let owner = team::owner(fields, report);
    let tags = fields.texts("tags", report);
    let id = id?.text.to_owned();
    Some(Contract {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        version: version?.text.to_owned(),
        status: status?,
        domain: domain?,
        description,
        owner,
        tags,
        file: file.path.clone(),
    })
}

fn table_name<'a>(item: &'a Node, file: &File, report: &mut Report<'_>) -> Option<(Fields<'a>, TableName)> {
    let fields = Fields::of(item, "an item of `schema`", report)?;
    let name = fields.required("name", "write `name: …`, the table's name in SQL", report)?;
    match name.text.parse() {
        Ok(table) => {
            let name = TableName { domain: file.domain.clone(), table };
            Some((fields.named(format!("table \"{name}\"")), name))
        }
        Err(error) => {
            report.at(
                name.line,
                format!("the name of a table is wrong: {error}"),
                "write the source's own name as `physicalName`, and a plain one as `name`",
            );
            None
        }
    }
}

/// What a table has from its surroundings.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    before_v3_1: bool,
    mesh_folder: &'a Path,
}

fn draft(
    table: &Fields<'_>,
    name: TableName,
    server: Option<&Server<'_>>,
    context: Context<'_>,
    report: &mut Report<'_>,
) -> Option<Draft> {
    let columns = column::read_all(table, context.before_v3_1, report);
    let physical_name = table.text("physicalName", report).map_or(name.table.as_str(), |name| name.text).to_owned();
    let description = table.words("description", report);
    let place = Place { mesh_folder: context.mesh_folder, table: &name.table };
    let source = place.read(server?, report)?;
    Some(Draft { physical_name, description, columns, source, name })
}

/// Notes a view without an owner: its tables are read in the owner's name.
fn check_owner(contract: &Contract, drafts: &[Draft], fields: &Fields<'_>, report: &mut Report<'_>) {
    let is_view = drafts.iter().any(|draft| matches!(draft.source, Source::MeshSql(_)));
    if is_view && contract.owner.is_none() {
        report.at(
            fields.line,
            "the contract is SQL over other tables, but has no owner in whose name they are read",
            "add a team member with `username: …` and `role: owner`",
        );
    }
}

/// Notes a server that cannot hold as many tables as the contract has.
fn check_sharing(server: &Server<'_>, drafts: &[Draft], tables: usize, report: &mut Report<'_>) {
    let Some(first) = drafts.first().filter(|_| tables > 1) else { return };
    let shares_folder = || {
        let folder = server.fields.get("path").or_else(|| server.fields.get("location"));
        !folder.is_some_and(|folder| matches!(&folder.value, Value::Text(text) if text.contains(MODEL)))
    };
    let (wrong, remedy) = match &first.source {
        Source::Delta(_) if shares_folder() => (
            "one folder for several tables",
            format!("write `{MODEL}` where the table's name stands in the location, or one contract for each table"),
        ),
        Source::MeshSql(_) => ("one query for several tables", "write one contract for each table".to_owned()),
        Source::Delta(_) | Source::FlightSql(_) | Source::Flight(_) => return,
    };
    report.at(server.fields.line, format!("{} has {wrong}", server.fields.what), remedy);
}
