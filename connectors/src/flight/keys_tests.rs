//! What is said of keys holds for every row that the join wants.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use arrow::array::{ArrayRef, Int64Array, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::physical_expr::expressions::{col as physical, lit as value};

use super::*;

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("weight", DataType::Float64, true),
    ])
}

fn dynamic(inner: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    let children = ["id", "name", "weight"].iter().map(|name| physical(name, &schema()).unwrap()).collect();
    let filter = DynamicFilterPhysicalExpr::new(children, value(true));
    filter.update(inner).unwrap();
    Arc::new(filter)
}

fn list(column: &str, values: ArrayRef) -> Arc<dyn PhysicalExpr> {
    let schema = schema();
    let key = physical(column, &schema).unwrap();
    Arc::new(InListExpr::try_new_from_array(key, values, false, &schema).unwrap())
}

fn ids(values: Vec<Option<i64>>) -> Arc<dyn PhysicalExpr> {
    list("id", Arc::new(Int64Array::from(values)))
}

fn binary(left: Arc<dyn PhysicalExpr>, op: Operator, right: Arc<dyn PhysicalExpr>) -> Arc<dyn PhysicalExpr> {
    Arc::new(BinaryExpr::new(left, op, right))
}

fn id_at_least(number: i64) -> Arc<dyn PhysicalExpr> {
    binary(physical("id", &schema()).unwrap(), Operator::GtEq, value(number))
}

fn check(filter: Arc<dyn PhysicalExpr>, dialect: Dialect, expected: &Keys) {
    let filters = [dynamic(filter)];
    assert_eq!(known(&filters, &schema(), dialect).unwrap(), *expected, "{}", filters[0]);
}

fn own(filter: Arc<dyn PhysicalExpr>, expected: &Keys) {
    check(filter, Dialect::DataFusion, expected);
}

fn some(conditions: &[&str]) -> Keys {
    Keys::Some(conditions.iter().map(|text| (*text).to_owned()).collect())
}

#[test]
fn bounds_and_lists_can_be_said() {
    let list = ids(vec![Some(1), Some(5), Some(1), None]);
    let bounded = binary(id_at_least(1), Operator::And, list);
    own(bounded, &some(&[r#"("id" >= 1)"#, r#"("id" IN (1, 5))"#]));
    own(value(true), &Keys::Unknown);
    own(value(false), &Keys::None);
    own(ids(vec![None, None]), &Keys::None);
    own(binary(value(false), Operator::And, id_at_least(1)), &Keys::None);
}

#[test]
fn what_cannot_be_said_is_left_out_of_a_conjunction_and_spoils_a_disjunction() {
    let sum = binary(physical("id", &schema()).unwrap(), Operator::Plus, value(1_i64));
    let strange = || binary(Arc::clone(&sum), Operator::Gt, value(3_i64));
    own(binary(strange(), Operator::And, id_at_least(1)), &some(&[r#"("id" >= 1)"#]));
    own(binary(strange(), Operator::Or, id_at_least(1)), &Keys::Unknown);
}

#[test]
fn the_lists_of_partitions_become_one_whatever_hash_they_go_by() {
    let case = |otherwise: bool, second: Arc<dyn PhysicalExpr>| -> Arc<dyn PhysicalExpr> {
        let first = binary(id_at_least(1), Operator::And, ids(vec![Some(1), Some(2)]));
        let branches = vec![(value(0_u64), first), (value(1_u64), second)];
        Arc::new(CaseExpr::try_new(Some(value(0_u64)), branches, Some(value(otherwise))).unwrap())
    };
    let second = || ids(vec![Some(7), Some(2)]);
    own(case(false, second()), &some(&[r#"("id" IN (1, 2, 7))"#]));
    own(case(true, second()), &Keys::Unknown);
    own(case(false, value(true)), &Keys::Unknown);
    own(case(false, value(false)), &some(&[r#"("id" >= 1)"#, r#"("id" IN (1, 2))"#]));
}

#[test]
fn a_null_that_may_match_is_not_left_out() {
    let null = Arc::new(IsNullExpr::new(physical("id", &schema()).unwrap()));
    let filter = binary(null, Operator::Or, ids(vec![Some(1), None]));
    own(filter, &some(&[r#"(("id" IS NULL) OR ("id" IN (1)))"#]));
}

#[test]
fn a_foreign_dialect_gets_lists_of_text_and_no_order() {
    let names = list("name", Arc::new(StringArray::from(vec!["b", "a'"])));
    let least = binary(physical("name", &schema()).unwrap(), Operator::GtEq, value("a'"));
    let both = binary(least, Operator::And, names);
    check(Arc::clone(&both), Dialect::PostgreSql, &some(&[r#"("name" IN ('b', 'a'''))"#]));
    own(both, &some(&[r#"("name" >= 'a''')"#, r#"("name" IN ('b', 'a'''))"#]));
}

#[test]
fn several_keys_are_said_one_by_one() {
    let schema = schema();
    let fields = Fields::from(vec![Field::new("c0", DataType::Int64, true), Field::new("c1", DataType::Utf8, true)]);
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "a"]));
    let pairs = StructArray::new(fields.clone(), vec![numbers, names], None);
    let keys = vec![physical("id", &schema).unwrap(), physical("name", &schema).unwrap()];
    let of_struct = Arc::new(Field::new("struct", DataType::Struct(fields), true));
    let function = datafusion::functions::core::r#struct();
    let key = Arc::new(ScalarFunctionExpr::new("struct", function, keys, of_struct, Arc::default()));
    let list = InListExpr::try_new_from_array(key, Arc::new(pairs), false, &schema).unwrap();
    own(Arc::new(list), &some(&[r#"("id" IN (1, 2))"#, r#"("name" IN ('a'))"#]));
}

#[test]
fn too_many_keys_are_not_sent() {
    let many = |count: i64| ids((0..count).map(Some).collect());
    let filters = [dynamic(many(10_000))];
    assert!(matches!(known(&filters, &schema(), Dialect::DataFusion).unwrap(), Keys::Some(_)));
    own(binary(id_at_least(0), Operator::And, many(10_001)), &some(&[r#"("id" >= 0)"#]));
}
