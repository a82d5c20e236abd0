//! What the gateway can do, as `SqlInfo` tells it. Clients cast blindly: each id has exactly one type.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow_flight::sql::CommandGetSqlInfo;
use arrow_flight::sql::metadata::SqlInfoDataBuilder;

use super::metadata::unbuilt;
use crate::error::Error;
use crate::query::substrait_version;

/// Ids with a text.
const TEXTS: [(u32, &str); 9] = [
    (0, "meshgate"),
    (1, env!("CARGO_PKG_VERSION")),
    (2, arrow::ARROW_VERSION),
    (504, "\""),
    (513, "\\"), // escapes `%` and `_` in patterns of metadata calls
    (514, ""),   // more characters of names without quotes
    (529, "schema"),
    (530, "procedure"),
    (531, "catalog"),
];

/// Ids with a truth value. Most are about what a read-only gateway does not do.
const FLAGS: [(u32, bool); 31] = [
    (3, true),    // read only
    (4, true),    // SQL
    (9, false),   // CancelQuery, which is deprecated; CancelFlightInfo is there
    (10, false),  // ingest
    (11, false),  // ingest in transactions
    (500, false), // CREATE and DROP of catalogs
    (501, false), // of schemas
    (502, false), // of tables
    (506, true),  // every listed table can be selected from
    (515, true),  // column aliases
    (516, true),  // NULL || text is NULL
    (518, true),  // table aliases
    (519, false), // that must differ from table names
    (520, true),  // expressions in ORDER BY
    (521, true),  // ORDER BY columns that are not selected
    (523, true),  // LIKE with ESCAPE
    (524, true),  // columns without NULL
    (527, false), // integrity enhancement facility
    (532, true),  // the catalog comes first in a name
    (536, false), // SELECT FOR UPDATE
    (537, false), // stored procedures
    (539, true),  // correlated sub-queries
    (556, false), // row size includes blobs
    (563, false), // transactions
    (565, false), // DDL commits
    (566, false), // DDL in transactions is ignored
    (572, false), // batch updates
    (573, false), // savepoints
    (574, false), // named parameters
    (575, false), // updates of locators make copies
    (576, false), // stored functions by call syntax
];

/// Ids with a 64-bit number. The specification says 32 bits for some; Java, C++ and ODBC read 64. 0: no limit, or
/// none that is known.
const NUMBERS: [(u32, i64); 24] = [
    (503, 3),   // names without quotes become lower case
    (505, 0),   // names in quotes are as they are, for which there is no number
    (507, 0),   // NULL sorts as if it were the largest value
    (541, 0),   // binary literal
    (542, 0),   // text literal
    (543, 0),   // column name
    (544, 0),   // columns in GROUP BY
    (545, 0),   // columns in an index
    (546, 0),   // columns in ORDER BY
    (547, 0),   // columns in SELECT
    (548, 0),   // columns of a table
    (549, 0),   // connections
    (550, 0),   // cursor name
    (551, 0),   // index
    (552, 63),  // schema name
    (553, 0),   // procedure name
    (554, 63),  // catalog name
    (555, 0),   // row
    (557, 0),   // statement
    (558, 0),   // statements at a time
    (559, 63),  // table name
    (560, 0),   // tables in a statement
    (561, 128), // user name
    (562, 0),   // transaction isolation: none
];

/// Ids with a 32-bit number or set of bits.
const BITS: [(u32, i32); 18] = [
    (8, 0), // transactions: none
    (100, PREPARED_IDLE_MS),
    (101, 0),     // timeout of transactions
    (522, 0b11),  // GROUP BY: unrelated to SELECT, beyond SELECT
    (525, 0b11),  // grammar: minimum, core
    (526, 0b1),   // SQL-92: entry level
    (528, 0b110), // outer joins: limited, full; clients read bits
    (533, 0),     // schemas in procedure calls, index definitions, privilege definitions
    (534, 0),     // catalogs in these
    (535, 0),     // positioned updates and deletes
    (538, 0b111), // sub-queries: comparison, EXISTS, IN
    (540, 0b11),  // UNION, UNION ALL
    (564, 0b1),   // isolation levels: none
    (567, 0b11),  // result sets: unspecified, forward only
    (568, 0b10),  // their concurrency: read only
    (569, 0b10),
    (570, 0),
    (571, 0),
];

/// Ids with a list of texts.
const LISTS: [(u32, &[&str]); 5] = [
    (
        508,
        &[
            "EXCEPT",
            "EXPLAIN",
            "FILTER",
            "ILIKE",
            "INTERSECT",
            "LATERAL",
            "LIMIT",
            "OFFSET",
            "OVER",
            "QUALIFY",
            "UNNEST",
        ],
    ),
    (
        509,
        &[
            "abs",
            "acos",
            "asin",
            "atan",
            "atan2",
            "cbrt",
            "ceil",
            "cos",
            "degrees",
            "exp",
            "factorial",
            "floor",
            "gcd",
            "lcm",
            "ln",
            "log",
            "log10",
            "log2",
            "pi",
            "power",
            "radians",
            "random",
            "round",
            "signum",
            "sin",
            "sqrt",
            "tan",
            "trunc",
        ],
    ),
    (
        510,
        &[
            "ascii",
            "bit_length",
            "btrim",
            "character_length",
            "chr",
            "concat",
            "concat_ws",
            "initcap",
            "left",
            "length",
            "lower",
            "lpad",
            "ltrim",
            "octet_length",
            "repeat",
            "replace",
            "reverse",
            "right",
            "rpad",
            "rtrim",
            "split_part",
            "starts_with",
            "strpos",
            "substr",
            "to_hex",
            "translate",
            "trim",
            "upper",
        ],
    ),
    (511, &["coalesce", "nullif"]),
    (
        512,
        &[
            "current_date",
            "current_time",
            "date_bin",
            "date_part",
            "date_trunc",
            "from_unixtime",
            "make_date",
            "now",
            "to_char",
            "to_date",
            "to_timestamp",
        ],
    ),
];

/// An hour, as long as the prepared statements are really kept.
const PREPARED_IDLE_MS: i32 = 3_600_000;

/// What is asked for; everything where nothing is. Ids that we do not know are left out, and no id beyond the
/// specification is ever sent: the Java driver fails on one.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where Arrow cannot build it.
pub(super) fn answer(command: &CommandGetSqlInfo) -> Result<RecordBatch, Error> {
    let mut builder = SqlInfoDataBuilder::new();
    let is_asked = |id: &u32| command.info.is_empty() || command.info.contains(id);
    TEXTS.iter().filter(|(id, _)| is_asked(id)).for_each(|(id, text)| builder.append(*id, *text));
    FLAGS.iter().filter(|(id, _)| is_asked(id)).for_each(|(id, flag)| builder.append(*id, *flag));
    NUMBERS.iter().filter(|(id, _)| is_asked(id)).for_each(|(id, number)| builder.append(*id, *number));
    BITS.iter().filter(|(id, _)| is_asked(id)).for_each(|(id, bits)| builder.append(*id, *bits));
    LISTS.iter().filter(|(id, _)| is_asked(id)).for_each(|(id, list)| builder.append(*id, *list));
    substrait(|id| is_asked(&id), &mut builder);
    if is_asked(&CONVERSIONS) {
        builder.append(CONVERSIONS, BTreeMap::<i32, Vec<i32>>::new());
    }
    builder.build().and_then(|all| all.record_batch(None)).map_err(unbuilt)
}

/// Whether Substrait plans are read (5), and of which versions (6 to 7): an oldest one is not known.
fn substrait(is_asked: impl Fn(u32) -> bool, builder: &mut SqlInfoDataBuilder) {
    let version = substrait_version();
    if is_asked(5) {
        builder.append(5, version.is_some());
    }
    for (id, version) in [(6, None), (7, version.as_deref())].into_iter().filter(|(id, _)| is_asked(*id)) {
        builder.append(id, version.unwrap_or_default());
    }
}

/// The id of the conversions by `CONVERT`, a map: there are none, but the id must be there.
const CONVERSIONS: u32 = 517;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use std::ops::RangeInclusive;

    use arrow::array::{Array, AsArray};
    use arrow::datatypes::UInt32Type;

    use super::super::prepared;
    use super::*;

    /// Ids and the place of the child in the union, from clients.md by hand.
    fn child(id: u32) -> Option<i8> {
        let among = |ids: &[RangeInclusive<u32>]| ids.iter().any(|range| range.contains(&id));
        let texts = [0..=2, 6..=7, 504..=504, 513..=514, 529..=531];
        let flags = [
            3..=5,
            9..=11,
            500..=502,
            506..=506,
            515..=516,
            518..=521,
            523..=524,
            527..=527,
            532..=532,
            536..=537,
            539..=539,
            556..=556,
            563..=563,
            565..=566,
            572..=576,
        ];
        let numbers = [541..=555, 557..=562, 503..=503, 505..=505, 507..=507];
        let bits =
            [8..=8, 100..=101, 522..=522, 525..=526, 528..=528, 533..=535, 538..=538, 540..=540, 564..=564, 567..=571];
        let all: [(i8, &[RangeInclusive<u32>]); 6] =
            [(0, &texts), (1, &flags), (2, &numbers), (3, &bits), (4, &[508..=512]), (5, &[517..=517])];
        all.iter().find(|(_, ids)| among(ids)).map(|(child, _)| *child)
    }

    fn check(asked: &[u32], expected: &[u32]) {
        let batch = answer(&CommandGetSqlInfo { info: asked.to_vec() }).unwrap();
        assert_eq!(batch.schema().as_ref(), SqlInfoDataBuilder::schema());
        let (ids, values) = (batch.column(0).as_primitive::<UInt32Type>(), batch.column(1).as_union());
        assert_eq!(ids.values(), expected);
        for row in 0..batch.num_rows() {
            assert_eq!(Some(values.type_id(row)), child(ids.value(row)), "id {}", ids.value(row));
            assert!(values.value(row).is_valid(0), "id {}", ids.value(row));
        }
    }

    #[test]
    fn every_id_has_the_type_that_clients_cast_to() {
        let all: Vec<u32> = (0..10_000).filter(|id| child(*id).is_some()).collect();
        check(&[], &all);
        for id in all {
            check(&[id], &[id]);
        }
    }

    #[test]
    fn unknown_and_repeated_ids_do_no_harm() {
        check(&[8, 8, 10_000, 577, u32::MAX], &[8]);
        check(&[4711], &[]);
        check(&[504, 3, 2, 0], &[0, 2, 3, 504]);
    }

    #[test]
    fn what_is_told_of_prepared_statements_is_true() {
        assert_eq!(prepared::IDLE.as_millis(), 3_600_000);
    }
}
