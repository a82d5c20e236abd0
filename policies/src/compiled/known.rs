//! Expressions that were compiled already: the same one is often written for many roles and tables.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, FieldRef};
use catalog::TableName;
use datafusion::common::DFSchema;

use crate::predicate::Template;
use crate::rules::Refusal;

/// What makes two texts the same expression, columns aside: the text, the table where it may matter, and the type
/// that is wanted.
type Key = (Arc<str>, Option<TableName>, Option<DataType>);

/// The expressions of one load.
#[derive(Debug, Default)]
pub(super) struct Known {
    templates: HashMap<Key, Vec<(Vec<FieldRef>, Template)>>,
}

impl Known {
    /// The template of a text over a table with this schema: the known one, or what `compile` makes.
    pub(super) fn template(
        &mut self,
        (text, wanted): (&str, Option<&DataType>),
        (table, schema): (&TableName, &DFSchema),
        compile: impl FnOnce() -> Result<Template, Refusal>,
    ) -> Result<Template, Refusal> {
        let lower = text.to_lowercase();
        // What a sub-query means is not told by the columns of this table.
        let own = lower.contains("select").then(|| table.clone());
        let templates = self.templates.entry((text.into(), own, wanted.cloned())).or_default();
        let named: Vec<&FieldRef> = schema.fields().iter().filter(|field| may_name(&lower, field.name())).collect();
        if let Some((_, template)) = templates.iter().find(|(fields, _)| fields.iter().eq(named.iter().copied())) {
            return Ok(template.clone());
        }
        let template = compile()?;
        templates.push((named.into_iter().map(Arc::clone).collect(), template.clone()));
        Ok(template)
    }
}

/// Whether an expression can name a column. Errs on the side of yes: a column too many only means that the
/// expression is compiled once more.
fn may_name(lower: &str, column: &str) -> bool {
    column.contains('"') || lower.contains(&column.to_lowercase())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use arrow::datatypes::{Field, Schema};
    use datafusion::logical_expr::lit;

    use super::*;

    fn check(known: &mut Known, text: &str, table: &str, columns: &[(&str, DataType)], compiled: bool) {
        let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
        let schema = DFSchema::try_from(Schema::new(fields.collect::<Vec<_>>())).unwrap();
        let mut asked = false;
        let compile = || {
            asked = true;
            Ok(Template::fixed(lit(true)))
        };
        known.template((text, None), (&table.parse().unwrap(), &schema), compile).unwrap();
        assert_eq!(asked, compiled, "{text} over {columns:?}");
    }

    #[test]
    fn an_expression_is_compiled_once_for_tables_that_agree_in_its_columns() {
        let mut known = Known::default();
        check(&mut known, "region = 'EU'", "s.a", &[("id", DataType::Int64), ("region", DataType::Utf8)], true);
        check(&mut known, "region = 'EU'", "s.b", &[("region", DataType::Utf8), ("x", DataType::Utf8)], false);
        check(&mut known, "region = 'EU'", "s.c", &[("region", DataType::LargeUtf8)], true);
        check(&mut known, "region = 'EU'", "s.d", &[("id", DataType::Int64)], true);
        check(&mut known, "region = 'US'", "s.a", &[("region", DataType::Utf8)], true);
        check(&mut known, "REGION = 'EU'", "s.a", &[("region", DataType::Utf8)], true);
    }

    #[test]
    fn a_column_whose_name_is_written_otherwise_counts_as_named() {
        let mut known = Known::default();
        let text = "\"a\"\"b\" = 'x'";
        check(&mut known, text, "s.a", &[("a\"b", DataType::Utf8)], true);
        check(&mut known, text, "s.b", &[("a\"b", DataType::Int64)], true);
        check(&mut known, "ÄMTER = 'x'", "s.a", &[("ämter", DataType::Utf8)], true);
        check(&mut known, "ÄMTER = 'x'", "s.b", &[("ämter", DataType::Int64)], true);
    }

    #[test]
    fn an_expression_with_a_sub_query_is_of_its_table_only() {
        let mut known = Known::default();
        let text = "region IN (Select region FROM mine)";
        check(&mut known, text, "s.a", &[("region", DataType::Utf8)], true);
        check(&mut known, text, "s.b", &[("region", DataType::Utf8)], true);
        check(&mut known, text, "s.b", &[("region", DataType::Utf8)], false);
    }
}
