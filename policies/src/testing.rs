//! A small mesh for the tests of this crate.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};
use catalog::source::{DeltaSource, Location, MeshSqlSource};
use catalog::{Column, Contract, Problems, Registry, Source, Status, Table, TableName};

use crate::action::Action;
use crate::decision::{Decision, Restrictions};
use crate::masks::HashKey;
use crate::policies::Policies;
use crate::principal::{AttributeValue, Principal};
use crate::rules::RuleFile;

/// Columns of `sales.orders`, the table of most tests. `ssn` is classified as restricted.
pub(crate) fn order_columns() -> Vec<(&'static str, DataType)> {
    vec![
        ("id", DataType::Int64),
        ("region", DataType::Utf8),
        ("status", DataType::Utf8),
        ("email", DataType::Utf8),
        ("margin", DataType::Decimal128(18, 2)),
        ("created", DataType::Date32),
        ("at", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("paid", DataType::Boolean),
        ("ssn", DataType::Utf8),
    ]
}

pub(crate) fn table(name: &str, columns: &[(&str, DataType)], status: Status) -> Table {
    let name: TableName = name.parse().unwrap();
    let contract = Contract {
        id: name.to_string(),
        name: name.to_string(),
        version: "1.0.0".to_owned(),
        status,
        domain: name.domain.clone(),
        description: None,
        owner: Some("olga".to_owned()),
        tags: Vec::new(),
        file: "catalog/x.odcs.yaml".into(),
    };
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).to_owned(),
        physical_name: (*name).to_owned(),
        data_type: data_type.clone(),
        required: false,
        unique: false,
        primary_key_position: None,
        classification: (*name == "ssn").then(|| "restricted".to_owned()),
        description: None,
    };
    Table {
        physical_name: name.table.to_string(),
        name,
        description: None,
        columns: columns.iter().map(column).collect(),
        source: Source::MeshSql(MeshSqlSource { query: "SELECT 1".to_owned() }),
        foreign_keys: Vec::new(),
        share_join_keys: false,
        contract: Arc::new(contract),
        product: "p".into(),
    }
}

/// The table in which the entitlement tests look keys up.
fn entitlements() -> Table {
    let columns = [
        ("person", DataType::Utf8),
        ("order_id", DataType::Int32),
        ("region", DataType::Utf8),
        ("level", DataType::Int64),
        ("tags", DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))),
    ];
    let folder = std::path::PathBuf::from("data/entitlements");
    let source = Source::Delta(DeltaSource { location: Location::Local(folder), credential: None });
    Table { source, ..table("governance.entitlements", &columns, Status::Active) }
}

/// `sales`: orders, customers, plans (a draft), ledger (retired). `hr`: staff. `governance`: entitlements, the
/// only one that is no view.
pub(crate) fn registry() -> Arc<Registry> {
    let people = [("id", DataType::Int64), ("name", DataType::Utf8), ("a.b", DataType::Utf8)];
    let tables = vec![
        table("sales.orders", &order_columns(), Status::Active),
        table("sales.customers", &people, Status::Deprecated),
        table("sales.plans", &people, Status::Draft),
        table("sales.ledger", &people, Status::Retired),
        table("hr.staff", &people, Status::Active),
        entitlements(),
    ];
    Arc::new(Registry::new("retail".parse().unwrap(), tables, Vec::new()))
}

/// Loads rules from one file.
pub(crate) fn load(rules: &str) -> Result<Policies, Problems> {
    let file = RuleFile { path: "policies/sales.csv".into(), text: rules.to_owned() };
    futures::executor::block_on(Policies::load(vec![file], None, registry(), HashKey::new([7; 32])))
}

/// Rules that must load.
pub(crate) fn policies(rules: &str) -> Policies {
    load(rules).unwrap_or_else(|problems| unreachable!("{problems}"))
}

/// `ann`, or `ann region=EU level:3`: a name, then attributes of text (`=`) and whole numbers (`:`), roles (`@`).
pub(crate) fn principal(text: &str) -> Principal {
    let mut words = text.split(' ');
    let mut principal = Principal::named(words.next().unwrap());
    for word in words {
        if let Some(role) = word.strip_prefix('@') {
            principal.roles.insert(role.to_owned());
        } else if let Some((name, value)) = word.split_once('=') {
            principal.attributes.insert(name.to_owned(), AttributeValue::Text(value.to_owned()));
        } else if let Some((name, value)) = word.split_once(':') {
            principal.attributes.insert(name.to_owned(), AttributeValue::Integer(value.parse().unwrap()));
        }
    }
    principal
}

pub(crate) fn decide(policies: &Policies, who: &str, table: &str, action: Action) -> Option<Arc<Restrictions>> {
    let registry = registry();
    let table = registry.table(&table.parse().unwrap()).unwrap();
    restrictions(policies.decide(&principal(who), table, action))
}

pub(crate) fn restrictions(decision: Decision) -> Option<Arc<Restrictions>> {
    match decision {
        Decision::Deny => None,
        Decision::Allow(restrictions) => Some(restrictions),
    }
}

/// Names of the visible columns of `sales.orders`, masked ones as `name:mask`.
pub(crate) fn names(restrictions: &Restrictions) -> String {
    let columns = order_columns();
    let names = restrictions.columns.iter().map(|column| match &column.mask {
        None => columns[column.index].0.to_owned(),
        Some(mask) => format!("{}:{}", columns[column.index].0, mask.name),
    });
    names.collect::<Vec<_>>().join(" ")
}

/// The row filter as text; `-` for every row.
pub(crate) fn filter(restrictions: &Restrictions) -> String {
    restrictions.row_filter.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
}
