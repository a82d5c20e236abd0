//! Rules of the contract check, each in words.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::DataType::{
    Binary, BinaryView, Boolean, Date32, Date64, Decimal64, Decimal128, Decimal256, FixedSizeBinary, Float16, Float32,
    Float64, Int8, Int16, Int32, Int64, LargeBinary, LargeUtf8, Null, Struct, Time32, Time64, UInt8, UInt16, UInt32,
    UInt64, Utf8, Utf8View,
};
use arrow::datatypes::TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};

use super::bind;
use crate::contract::{Contract, Status};
use crate::source::{MeshSqlSource, Source};
use crate::table::{Column, Table};

fn column(name: &str, physical_name: &str, data_type: DataType, required: bool) -> Column {
    Column {
        name: name.to_owned(),
        physical_name: physical_name.to_owned(),
        data_type,
        required,
        unique: false,
        primary_key_position: None,
        classification: None,
        description: None,
    }
}

fn table(columns: Vec<Column>) -> Table {
    let contract = Contract {
        id: "c".to_owned(),
        name: "c".to_owned(),
        version: "1".to_owned(),
        status: Status::Active,
        domain: "sales".parse().unwrap(),
        description: None,
        owner: Some("sam".to_owned()),
        tags: Vec::new(),
        file: PathBuf::new(),
    };
    Table {
        name: "sales.orders".parse().unwrap(),
        physical_name: "orders".to_owned(),
        description: None,
        columns,
        source: Source::MeshSql(MeshSqlSource { query: String::new() }),
        foreign_keys: Vec::new(),
        share_join_keys: false,
        contract: Arc::new(contract),
        product: "Orders".into(),
    }
}

/// What becomes of one column.
#[derive(Debug, PartialEq)]
enum Outcome {
    /// The gateway sees the source's own type.
    Own,
    /// The gateway casts to the promised type.
    Cast,
    /// The contract is violated.
    Violated,
}

fn outcome(found: &DataType, promised: &DataType) -> Outcome {
    let table = table(vec![column("a", "a", promised.clone(), false)]);
    let Ok(binding) = bind(&table, &Schema::new(vec![Field::new("a", found.clone(), true)])) else {
        return Outcome::Violated;
    };
    let bound = &binding.columns[0];
    let expected = if bound.cast { promised } else { found };
    assert_eq!(bound.field.data_type(), expected);
    if bound.cast { Outcome::Cast } else { Outcome::Own }
}

fn check(promised: &DataType, expected: &Outcome, found: &[DataType]) {
    for found in found {
        assert_eq!(outcome(found, promised), *expected, "promised {promised}, found {found}");
    }
}

fn dictionary(value: DataType) -> DataType {
    DataType::Dictionary(Box::new(Int32), Box::new(value))
}

fn timestamp(unit: TimeUnit, zone: Option<&str>) -> DataType {
    DataType::Timestamp(unit, zone.map(Into::into))
}

fn list(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, false)))
}

fn object(columns: &[(&str, DataType)]) -> DataType {
    Struct(columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect())
}

#[test]
fn another_encoding_of_the_promised_type_stays_as_it_is() {
    check(&Utf8, &Outcome::Own, &[Utf8, LargeUtf8, Utf8View, dictionary(Utf8), dictionary(LargeUtf8)]);
    check(&Binary, &Outcome::Own, &[Binary, LargeBinary, BinaryView, dictionary(Binary)]);
    check(&Int64, &Outcome::Own, &[Int64, dictionary(Int64)]);
    check(&Utf8, &Outcome::Violated, &[Binary, Int64, Null, Date32, list(Utf8)]);
    check(&Binary, &Outcome::Violated, &[Utf8]);
    check(&Binary, &Outcome::Cast, &[FixedSizeBinary(16)]);
}

#[test]
fn a_number_is_widened_only_where_nothing_is_lost() {
    check(&Int16, &Outcome::Cast, &[Int8, UInt8, dictionary(Int8)]);
    check(&Int16, &Outcome::Violated, &[UInt16, Int32, Int64, Float32]);
    check(&Int32, &Outcome::Cast, &[Int8, Int16, UInt16]);
    check(&Int32, &Outcome::Violated, &[UInt32, Int64]);
    check(&Int64, &Outcome::Cast, &[Int8, Int16, Int32, UInt8, UInt16, UInt32]);
    check(&Int64, &Outcome::Violated, &[UInt64, Float64, Utf8, Boolean, Decimal128(18, 0)]);
    check(&Float32, &Outcome::Cast, &[Float16, Int8, Int16]);
    check(&Float32, &Outcome::Violated, &[Int32, Float64]);
    check(&Float64, &Outcome::Cast, &[Float16, Float32, Int8, Int16, Int32, UInt32]);
    check(&Float64, &Outcome::Violated, &[Int64, UInt64, Decimal128(5, 2)]);
    check(&Boolean, &Outcome::Violated, &[Int8, Utf8]);
}

#[test]
fn a_decimal_keeps_its_digits_on_both_sides_of_the_point() {
    let promised = Decimal128(18, 2);
    check(&promised, &Outcome::Own, &[Decimal128(18, 2)]);
    check(&promised, &Outcome::Cast, &[Decimal128(10, 2), Decimal128(16, 0), Decimal64(10, 2), Decimal256(18, 2)]);
    check(&promised, &Outcome::Violated, &[Decimal128(19, 2), Decimal128(10, 3), Decimal128(18, 0), Decimal256(40, 2)]);
    check(&Decimal128(38, 9), &Outcome::Cast, &[Decimal128(18, 2), Decimal128(29, 0)]);
}

#[test]
fn a_moment_is_made_finer_but_never_coarser_and_keeps_its_zone() {
    let zoned = timestamp(Microsecond, Some("UTC"));
    check(&zoned, &Outcome::Own, std::slice::from_ref(&zoned));
    let utc = ["+00:00", "Etc/UTC", "Z", "GMT", "utc"].map(|zone| timestamp(Microsecond, Some(zone)));
    check(&zoned, &Outcome::Cast, &utc);
    check(&zoned, &Outcome::Cast, &[timestamp(Second, Some("UTC")), timestamp(Millisecond, Some("+00:00"))]);
    check(
        &zoned,
        &Outcome::Violated,
        &[
            timestamp(Nanosecond, Some("UTC")),
            timestamp(Microsecond, None),
            timestamp(Microsecond, Some("Europe/Berlin")),
            timestamp(Microsecond, Some("+01:00")),
            Date32,
            Int64,
            Utf8,
        ],
    );
    let local = timestamp(Microsecond, None);
    check(&local, &Outcome::Own, std::slice::from_ref(&local));
    check(&local, &Outcome::Cast, &[timestamp(Second, None), timestamp(Millisecond, None)]);
    check(&local, &Outcome::Violated, &[timestamp(Nanosecond, None), zoned]);
    check(&Date32, &Outcome::Violated, &[Date64, local]);
    check(&Time64(Microsecond), &Outcome::Cast, &[Time32(Second), Time32(Millisecond)]);
    check(&Time64(Microsecond), &Outcome::Violated, &[Time64(Nanosecond)]);
}

#[test]
fn a_nested_column_has_exactly_the_promised_columns_within() {
    let promised = object(&[("a", Utf8), ("b", list(Int64))]);
    check(&promised, &Outcome::Own, &[promised.clone(), object(&[("a", Utf8View), ("b", list(dictionary(Int64)))])]);
    check(
        &promised,
        &Outcome::Violated,
        &[
            object(&[("b", list(Int64)), ("a", Utf8)]),
            object(&[("a", Utf8)]),
            object(&[("a", Utf8), ("b", list(Int64)), ("hidden", Utf8)]),
            object(&[("a", Utf8), ("b", list(Int32))]),
            object(&[("A", Utf8), ("b", list(Int64))]),
            Utf8,
        ],
    );
    let large = DataType::LargeList(Arc::new(Field::new("item", Utf8, true)));
    check(&list(Utf8), &Outcome::Own, &[large, list(LargeUtf8)]);
    check(&list(Utf8), &Outcome::Violated, &[Utf8, list(list(Utf8)), list(Int64)]);
}

#[test]
fn columns_are_found_by_physical_name_and_come_in_the_order_of_the_contract() {
    let table = table(vec![column("mail", "E-Mail", Utf8, true), column("id", "id", Int64, true)]);
    let source = Schema::new(vec![
        Field::new("id", Int32, false),
        Field::new("salary", Int64, true),
        Field::new("E-Mail", Utf8View, true),
    ]);
    let binding = bind(&table, &source).unwrap();
    let found: Vec<(usize, &str, bool, bool)> = binding
        .columns
        .iter()
        .map(|bound| (bound.source_index, bound.field.name().as_str(), bound.field.is_nullable(), bound.cast))
        .collect();
    assert_eq!(found, [(2, "mail", true, false), (0, "id", false, true)]);
}

#[test]
fn a_column_is_nullable_unless_both_sides_say_not() {
    for (required, nullable) in [(true, true), (true, false), (false, true), (false, false)] {
        let table = table(vec![column("a", "a", Int64, required)]);
        let binding = bind(&table, &Schema::new(vec![Field::new("a", Int64, nullable)])).unwrap();
        assert_eq!(binding.columns[0].field.is_nullable(), !required || nullable);
    }
}

fn differences(columns: &[(&str, &str)], source: &[&str]) -> Vec<String> {
    let columns = columns.iter().map(|(name, physical)| column(name, physical, Utf8, false)).collect();
    let source: Vec<Field> = source.iter().map(|name| Field::new(*name, Utf8, true)).collect();
    bind(&table(columns), &Schema::new(source)).map_or_else(|violated| violated.differences, |_| Vec::new())
}

#[test]
fn a_column_that_is_missing_or_ambiguous_violates_the_contract() {
    assert_eq!(differences(&[("a", "a"), ("b", "b")], &["a", "c"]), ["column \"b\" is missing"]);
    assert_eq!(differences(&[("a", "A")], &["a"]), ["column \"a\" (\"A\" in the source) is missing"]);
    assert_eq!(differences(&[("a", "a")], &["a", "A"]), ["column \"a\" is there more than once, letter case ignored"]);
    assert_eq!(differences(&[("a", "a")], &["a", "a"]), ["column \"a\" is there more than once, letter case ignored"]);
    assert!(
        differences(&[("a", "a")], &["a", "b", "B"]).is_empty(),
        "ambiguity among columns that nobody sees is no matter"
    );
}

#[test]
fn the_error_names_table_product_owner_and_every_difference() {
    let table = table(vec![column("a", "a", Int32, false), column("b", "b", Utf8, false)]);
    let violated = bind(&table, &Schema::new(vec![Field::new("a", Int64, true)])).unwrap_err();
    assert_eq!(
        violated.to_string(),
        "table \"sales.orders\" of product \"Orders\" (owner \"sam\") is not as its contract promises: \
         column \"a\" is promised as Int32 but is Int64; column \"b\" is missing"
    );
}

#[test]
fn the_error_fits_into_a_status_message_however_much_differs() {
    let names: Vec<String> = (0..1000).map(|number| format!("{}{number}", "ü".repeat(120))).collect();
    let table = table(names.iter().map(|name| column(name, name, Utf8, false)).collect());
    let text = bind(&table, &Schema::empty()).unwrap_err().to_string();
    assert!(text.len() < 1500 && text.ends_with(" more"), "{} bytes: {text}", text.len());
}
