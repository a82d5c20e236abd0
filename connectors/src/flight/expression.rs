//! Says a filter in SQL, where the remote is sure to keep at least the rows that we would keep.
//!
//! Every filter is checked here again, so a remote that keeps too much does no harm, and one that drops a row
//! too many gives a wrong answer. What a remote might see otherwise therefore stays here: arithmetic, functions
//! and casts always; floating point and the order of strings, where the dialect is not our own.

use arrow::datatypes::{DataType, Schema};
use catalog::source::Dialect;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Like, Operator};

use super::literal;
use super::sql::identifier;

/// Most values of one list that somebody wrote.
const MAX_LIST: usize = 1000;

/// Deepest nesting of AND, OR and NOT.
const MAX_DEPTH: usize = 64;

/// `expr` in SQL; none where it stays here.
pub(super) fn filter(expr: &Expr, schema: &Schema, dialect: Dialect) -> Option<String> {
    filter_of_keys(expr, schema, dialect, MAX_LIST)
}

/// The same with lists of up to `longest` values.
pub(super) fn filter_of_keys(expr: &Expr, schema: &Schema, dialect: Dialect, longest: usize) -> Option<String> {
    Printer { schema, dialect, longest }.print(expr, Need::AtLeast, 0)
}

/// How exactly the remote must agree with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// It may keep more.
    AtLeast,
    /// It must keep the same: the expression is below a NOT.
    Same,
}

/// How far a remote agrees with us on the values of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    /// On every comparison.
    Full,
    /// Equal here is equal there; unequal and smaller may differ.
    Equality,
    /// Not at all.
    None,
}

struct Printer<'a> {
    schema: &'a Schema,
    dialect: Dialect,
    /// Most values of one list.
    longest: usize,
}

impl Printer<'_> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "what is not on the list stays here")]
    fn print(&self, expr: &Expr, need: Need, depth: usize) -> Option<String> {
        if depth > MAX_DEPTH {
            return None;
        }
        match expr {
            Expr::Column(_) => {
                let (name, data_type) = self.column(expr)?;
                (*data_type == DataType::Boolean).then_some(name)
            }
            Expr::Not(inner) => Some(format!("(NOT {})", self.print(inner, Need::Same, depth + 1)?)),
            Expr::IsNull(inner) => Some(format!("({} IS NULL)", self.column(inner)?.0)),
            Expr::IsNotNull(inner) => Some(format!("({} IS NOT NULL)", self.column(inner)?.0)),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And | Operator::Or => {
                    let (left, right) = (self.print(left, need, depth + 1)?, self.print(right, need, depth + 1)?);
                    Some(format!("({left} {op} {right})"))
                }
                _ => self.comparison(left, *op, right, need),
            },
            Expr::Between(between) => self.between(between),
            Expr::InList(list) => self.list(list, need),
            Expr::Like(like) => self.like(like),
            _ => None,
        }
    }

    /// A column of the table, quoted, with its type.
    fn column(&self, expr: &Expr) -> Option<(String, &DataType)> {
        let Expr::Column(column) = expr else { return None };
        let (_, field) = self.schema.column_with_name(&column.name)?;
        Some((identifier(field.name()), field.data_type()))
    }

    /// A literal of the type that the column has, whatever the encoding of either.
    fn literal(&self, expr: &Expr, column: &DataType) -> Option<String> {
        let Expr::Literal(value, _) = expr else { return None };
        literal::print(value, column, self.dialect)
    }

    fn comparison(&self, left: &Expr, operator: Operator, right: &Expr, need: Need) -> Option<String> {
        let (column, operator, value) = match (left, right) {
            (Expr::Column(_), Expr::Literal(..)) => (left, operator, right),
            (Expr::Literal(..), Expr::Column(_)) => (right, operator.swap()?, left),
            _ => return None,
        };
        let (name, data_type) = self.column(column)?;
        let possible = match self.agreement(data_type) {
            Agreement::Full => is_comparison(operator),
            Agreement::Equality => operator == Operator::Eq && need == Need::AtLeast,
            Agreement::None => false,
        };
        if !possible {
            return None;
        }
        Some(format!("({name} {operator} {})", self.literal(value, data_type)?))
    }

    fn between(&self, between: &Between) -> Option<String> {
        let (name, data_type) = self.column(&between.expr)?;
        if self.agreement(data_type) != Agreement::Full {
            return None;
        }
        let (low, high) = (self.literal(&between.low, data_type)?, self.literal(&between.high, data_type)?);
        let not = if between.negated { "NOT " } else { "" };
        Some(format!("({name} {not}BETWEEN {low} AND {high})"))
    }

    fn list(&self, list: &InList, need: Need) -> Option<String> {
        let (name, data_type) = self.column(&list.expr)?;
        let possible = match self.agreement(data_type) {
            Agreement::Full => true,
            Agreement::Equality => !list.negated && need == Need::AtLeast,
            Agreement::None => false,
        };
        if !possible || list.list.is_empty() || list.list.len() > self.longest {
            return None;
        }
        let values: Option<Vec<String>> = list.list.iter().map(|value| self.literal(value, data_type)).collect();
        let not = if list.negated { "NOT " } else { "" };
        Some(format!("({name} {not}IN ({}))", values?.join(", ")))
    }

    fn like(&self, like: &Like) -> Option<String> {
        let (name, data_type) = self.column(&like.expr)?;
        // Patterns with an escape character are refused with the literal: it would be a backslash.
        let plain = like.escape_char.is_none() && !like.case_insensitive;
        if !plain || !literal::is_text(data_type) || self.agreement(data_type) != Agreement::Full {
            return None;
        }
        let not = if like.negated { "NOT " } else { "" };
        Some(format!("({name} {not}LIKE {})", self.literal(&like.pattern, data_type)?))
    }

    fn agreement(&self, data_type: &DataType) -> Agreement {
        let own = match self.dialect {
            Dialect::DataFusion => true,
            Dialect::PostgreSql | Dialect::DuckDb => false,
        };
        if literal::is_exact(data_type) || own {
            Agreement::Full
        } else if literal::is_text(data_type) {
            // Collations order as they please, and trailing blanks may not count; equal bytes are equal in all.
            Agreement::Equality
        } else {
            // Floating point: NaN and negative zero are seen differently.
            Agreement::None
        }
    }
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// The value inside a dictionary literal, or the literal itself.
pub(super) fn undictionaried(value: &ScalarValue) -> &ScalarValue {
    if let ScalarValue::Dictionary(_, inner) = value { undictionaried(inner) } else { value }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Field, TimeUnit};
    use datafusion::logical_expr::{Cast, cast, col, lit, not};

    use super::*;

    fn check(dialect: Dialect, expr: &Expr, wanted: Option<&str>) {
        let schema = Schema::new(vec![
            Field::new("id", DataType::Int64, true),
            Field::new("we\"ird", DataType::Int32, true),
            Field::new("name", DataType::Utf8View, true),
            Field::new("price", DataType::Decimal128(10, 2), true),
            Field::new("weight", DataType::Float64, true),
            Field::new("ok", DataType::Boolean, true),
            Field::new("day", DataType::Date32, true),
            Field::new("at", DataType::Timestamp(TimeUnit::Microsecond, None), true),
        ]);
        assert_eq!(filter(expr, &schema, dialect).as_deref(), wanted, "{dialect:?} {expr}");
    }

    #[test]
    fn comparisons_of_a_column_with_a_literal_can_be_said() {
        let check = |expr: Expr, wanted: &str| check(Dialect::DataFusion, &expr, Some(wanted));
        check(col("id").eq(lit(5_i64)), "(\"id\" = 5)");
        check(lit(5_i64).lt(col("id")), "(\"id\" > 5)");
        check(col("\"we\"\"ird\"").eq(lit(1_i32)), "(\"we\"\"ird\" = 1)");
        check(col("name").eq(lit("O'Neil")), "(\"name\" = 'O''Neil')");
        check(col("name").like(lit("a%")), "(\"name\" LIKE 'a%')");
        check(col("ok"), "\"ok\"");
        check(not(col("ok")).or(col("id").is_null()), "((NOT \"ok\") OR (\"id\" IS NULL))");
        check(col("id").between(lit(1_i64), lit(2_i64)), "(\"id\" BETWEEN 1 AND 2)");
        check(col("id").in_list(vec![lit(1_i64), lit(-2_i64)], true), "(\"id\" NOT IN (1, -2))");
        check(col("weight").gt(lit(0.5_f64)), "(\"weight\" > CAST('0.5' AS DOUBLE))");
        let price = Expr::Literal(ScalarValue::Decimal128(Some(-1234), 10, 2), None);
        check(col("price").lt_eq(price), "(\"price\" <= CAST('-12.34' AS DECIMAL(10, 2)))");
        check(
            col("day").gt_eq(Expr::Literal(ScalarValue::Date32(Some(0)), None)),
            "(\"day\" >= CAST('1970-01-01' AS DATE))",
        );
        let at = Expr::Literal(ScalarValue::TimestampMicrosecond(Some(1_500_000), None), None);
        check(col("at").lt(at), "(\"at\" < CAST('1970-01-01 00:00:01.500000' AS TIMESTAMP(6)))");
    }

    #[test]
    fn what_the_remote_could_see_otherwise_stays_here() {
        for expr in [
            (col("id") + lit(1_i64)).gt(lit(0_i64)),
            (lit(1_i64) / col("id")).gt(lit(0_i64)),
            col("id").eq(col("we\"ird")),
            col("id").eq(lit(5_i32)),
            Expr::Cast(Cast::new(Box::new(col("name")), DataType::Int64)).gt_eq(lit(0_i64)),
            cast(col("id"), DataType::Int32).eq(lit(5_i32)),
            col("id").eq(Expr::Literal(ScalarValue::Int64(None), None)),
            col("weight").eq(lit(f64::NAN)),
            col("weight").eq(lit(f64::INFINITY)),
            col("name").eq(lit("back\\slash")),
            col("name").eq(lit("nul\0")),
            col("missing").eq(lit(1_i64)),
            col("name").ilike(lit("a%")),
            lit(true),
        ] {
            check(Dialect::DataFusion, &expr, None);
        }
    }

    #[test]
    fn a_foreign_dialect_is_trusted_with_equal_strings_only() {
        for dialect in [Dialect::PostgreSql, Dialect::DuckDb] {
            check(dialect, &col("name").eq(lit("a")), Some("(\"name\" = 'a')"));
            for expr in [
                col("name").not_eq(lit("a")),
                not(col("name").eq(lit("a"))),
                col("name").lt(lit("a")),
                col("name").like(lit("a%")),
                col("name").in_list(vec![lit("a")], true),
                col("weight").lt(lit(1.0_f64)),
            ] {
                check(dialect, &expr, None);
            }
        }
    }

    #[test]
    fn nesting_has_a_limit() {
        let mut expr = col("ok");
        for _ in 0..2 * MAX_DEPTH {
            expr = not(expr);
        }
        check(Dialect::DataFusion, &expr, None);
    }
}
