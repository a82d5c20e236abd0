//! Writes expressions: values of each kind, and conditions.

use super::scope::{Kind, Scope};
use crate::proof::chance::Chance;
use crate::proof::principals::Principal;

/// Numbers that visible or hidden rows hold, or nearly.
const NUMBERS: [&str; 16] =
    ["0", "1", "2", "3", "5", "12", "23", "24", "100", "101", "105", "200", "250", "300", "905", "1012"];
const DECIMALS: [&str; 5] = ["0.00", "1.25", "2.00", "8.75", "999.99"];
const FLOATS: [&str; 4] = ["0.5", "3.0", "6.0", "3888.5"];
const DATES: [&str; 5] = ["1980-01-01", "1980-02-10", "1981-01-01", "1887-11-12", "2024-10-04"];
const TEXTS: [&str; 24] = [
    "Ulm",
    "Bonn",
    "Köln",
    "Hiddenville",
    "Elsewhere",
    "a",
    "b",
    "z",
    "masked",
    "1003",
    "5005",
    "****1003",
    "****1010",
    "SECRET-471",
    "SECRET-1003",
    "771003",
    "2024-01-11",
    "2023-05-05",
    "0000-00-00",
    "red",
    "hush",
    "c1",
    "n1",
    "",
];
const PATTERNS: [&str; 9] = ["U%", "%n", "S%", "%VILLE", "10__", "%10%", "*%", "_", "%-0%"];
const EXPRESSIONS: [&str; 5] = ["^U", "n$", "SECRET", "[0-9]{4}", "o|u"];

/// What a column holds on either side of the barrier.
const GUESSES: [(&str, &[&str]); 7] = [
    ("ssn", &["'1003'", "'****1003'", "'SECRET-1003'", "'771003'", "'SECRET-471'", "'5005'"]),
    ("salary", &["100", "200", "250", "905"]),
    ("tenant", &["'a'", "'b'", "'masked'", "'z'", "'c'"]),
    ("born", &["DATE '1980-01-01'", "DATE '1980-02-10'", "DATE '1980-08-28'"]),
    ("note", &["'2024-01-11'", "'9094-01-11'", "'0000-00-00'", "'2023-05-05'"]),
    ("badge", &["'b1'", "'SECRET-b1'", "'SECRET-badge'", "encode(sha256('SECRET-b1'), 'hex')"]),
    ("amount", &["1.25", "999.99", "2.00"]),
];

/// Writes one statement.
pub(super) struct Writer<'a> {
    pub(super) chance: &'a mut Chance,
    pub(super) principal: Principal,
    /// Whether an expression that may fail is still to be put somewhere.
    pub(super) provoke: bool,
    /// Whether one has been put somewhere.
    pub(super) fallible: bool,
}

impl Writer<'_> {
    /// One of these texts.
    pub(super) fn pick<'t>(&mut self, all: &[&'t str]) -> &'t str {
        self.chance.one(all)
    }

    /// A table of the principal under an alias, with its columns.
    pub(super) fn table(&mut self, alias: &str) -> (String, Scope) {
        let table = self.pick(&["p", "p", "p", "q", "q", "v"]);
        let domain = self.principal.domain();
        (format!("{domain}.{table} AS {alias}"), Scope::table(table, alias, self.principal))
    }

    pub(super) fn literal(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Number => self.pick(&NUMBERS).to_owned(),
            Kind::Decimal => format!("CAST({} AS DECIMAL(12,2))", self.pick(&DECIMALS)),
            Kind::Float => self.pick(&FLOATS).to_owned(),
            Kind::Date => format!("DATE '{}'", self.pick(&DATES)),
            Kind::Truth => self.pick(&["true", "false"]).to_owned(),
            Kind::List => "make_array('red', 'hush')".to_owned(),
            Kind::Text | Kind::Struct => format!("'{}'", self.pick(&TEXTS)),
        }
    }

    /// A column of the kind where there is one.
    pub(super) fn column(&mut self, scope: &Scope, kind: Kind) -> String {
        scope.one(kind, self.chance).unwrap_or_else(|| self.literal(kind))
    }

    /// A value of a kind that can be compared, grouped and sorted.
    pub(super) fn value(&mut self, scope: &Scope, depth: usize) -> String {
        match self.chance.below(10) {
            0..4 => self.text(scope, depth),
            4..7 => self.number(scope, depth),
            7 => self.column(scope, Kind::Date),
            8 => self.column(scope, Kind::Decimal),
            _ => self.column(scope, Kind::Float),
        }
    }

    pub(super) fn number(&mut self, scope: &Scope, depth: usize) -> String {
        if self.provoke && self.chance.percent(40) {
            return self.provocation(scope);
        }
        if depth == 0 || self.chance.percent(40) {
            return self.column(scope, Kind::Number);
        }
        let inner = self.number(scope, depth - 1);
        match self.chance.below(9) {
            0 => format!("({inner} + {})", self.literal(Kind::Number)),
            1 => format!("({inner} * 2 - {})", self.column(scope, Kind::Number)),
            2 => format!("({inner} % 7)"),
            3 => format!("character_length({})", self.text(scope, depth - 1)),
            4 => format!("coalesce({inner}, {})", self.literal(Kind::Number)),
            5 => {
                let condition = self.condition(scope, depth - 1);
                format!("CASE WHEN {condition} THEN {inner} ELSE {} END", self.literal(Kind::Number))
            }
            6 if scope.named("spot").is_some() => format!("{}['x']", scope.named("spot").unwrap()),
            7 if scope.named("tags").is_some() => {
                format!("CAST(array_length({}) AS BIGINT)", scope.named("tags").unwrap())
            }
            _ => format!("nullif({inner}, {})", self.literal(Kind::Number)),
        }
    }

    pub(super) fn text(&mut self, scope: &Scope, depth: usize) -> String {
        if depth == 0 || self.chance.percent(40) {
            return self.column(scope, Kind::Text);
        }
        let inner = self.text(scope, depth - 1);
        match self.chance.below(9) {
            0 => format!("upper({inner})"),
            1 => format!("substr({inner}, 1, 3)"),
            2 => format!("right({inner}, 2)"),
            3 => format!("({inner} || {})", self.literal(Kind::Text)),
            4 => format!("coalesce({inner}, {})", self.literal(Kind::Text)),
            5 => {
                let condition = self.condition(scope, depth - 1);
                format!("CASE WHEN {condition} THEN {inner} ELSE {} END", self.literal(Kind::Text))
            }
            6 if scope.named("spot").is_some() => format!("{}['label']", scope.named("spot").unwrap()),
            7 if scope.named("tags").is_some() => format!("{}[1]", scope.named("tags").unwrap()),
            _ => format!("CAST({} AS VARCHAR)", self.column(scope, Kind::Number)),
        }
    }

    /// Something that is true, false or NULL.
    pub(super) fn condition(&mut self, scope: &Scope, depth: usize) -> String {
        if self.provoke && self.chance.percent(15) {
            return self.guarded(scope);
        }
        if self.provoke && self.chance.percent(60) {
            let number = self.provocation(scope);
            return format!("{number} >= {}", self.pick(&["0", "-5", "1"]));
        }
        if depth > 0 && self.chance.percent(45) {
            let left = self.condition(scope, depth - 1);
            return match self.chance.below(5) {
                0 => format!("NOT ({left})"),
                1 | 2 => format!("({left} OR {})", self.condition(scope, depth - 1)),
                _ => format!("({left} AND {})", self.condition(scope, depth - 1)),
            };
        }
        let comparison = self.pick(&["=", "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
        match self.chance.below(19) {
            16.. => self.guess(scope),
            0..3 => {
                let number = self.number(scope, depth);
                format!("{number} {comparison} {}", self.literal(Kind::Number))
            }
            3..6 => {
                let text = self.text(scope, depth);
                format!("{text} {comparison} {}", self.literal(Kind::Text))
            }
            6 => format!("{} {comparison} {}", self.column(scope, Kind::Number), self.column(scope, Kind::Number)),
            7 => format!("{} LIKE '{}'", self.text(scope, 0), self.pick(&PATTERNS)),
            8 => format!("{} NOT ILIKE '{}'", self.text(scope, 0), self.pick(&PATTERNS)),
            9 => format!("{} ~ '{}'", self.text(scope, 0), self.pick(&EXPRESSIONS)),
            10 => {
                let (one, two) = (self.literal(Kind::Text), self.literal(Kind::Text));
                format!("{} IN ({one}, {two}, {})", self.text(scope, 0), self.literal(Kind::Text))
            }
            11 => {
                let (low, high) = (self.literal(Kind::Number), self.literal(Kind::Number));
                format!("{} NOT BETWEEN {low} AND {high}", self.column(scope, Kind::Number))
            }
            12 => {
                let kind = self.chance.one(&[Kind::Number, Kind::Text, Kind::Date, Kind::List, Kind::Struct]);
                format!("{} IS {}NULL", self.column(scope, kind), self.pick(&["", "NOT "]))
            }
            13 => {
                let kind = self.chance.one(&[Kind::Date, Kind::Decimal, Kind::Float]);
                format!("{} {comparison} {}", self.column(scope, kind), self.literal(kind))
            }
            14 => self.column(scope, Kind::Truth),
            _ => format!("array_has({}, {})", self.column(scope, Kind::List), self.literal(Kind::Text)),
        }
    }

    /// A division by zero on a visible row, which a condition beside it rules out.
    fn guarded(&mut self, scope: &Scope) -> String {
        let Some(id) = scope.named("id").or_else(|| scope.named("i")) else { return "true".to_owned() };
        self.provoke = false;
        self.fallible = true;
        let connective = self.pick(&["<> 7 AND", "= 7 OR"]);
        format!("({id} {connective} 10/({id}-7) < 3)")
    }

    /// A column compared with a value that it holds: a visible one, a hidden one, or one under its mask.
    fn guess(&mut self, scope: &Scope) -> String {
        let (column, values) = self.chance.one(&GUESSES);
        let Some(name) = scope.named(column) else { return "true".to_owned() };
        let value = self.pick(values);
        format!("{name} {} {value}", self.pick(&["=", "=", "=", "<>", "IS NOT DISTINCT FROM"]))
    }

    /// A number whose making fails on hidden rows, or on raw values of masked columns.
    fn provocation(&mut self, scope: &Scope) -> String {
        let mut forms: Vec<(&str, &str)> = vec![
            ("salary", "1/(?-200)"),
            ("salary", "100 % (?-200)"),
            ("salary", "CASE WHEN ? > 150 THEN 1/(?-200) ELSE 1 END"),
            ("id", "CAST(CAST(? * 10000000 AS INT) AS BIGINT)"),
            ("id", "5/(?-101)"),
            ("spot", "10/?['x']"),
            ("amount", "CAST(1/(?-2.00) AS BIGINT)"),
            ("ssn", "CAST(right(?, 4) AS BIGINT)"),
        ];
        if self.principal.is_masked() {
            forms.push(("note", "CAST(replace(?, '-', '') AS BIGINT)"));
            forms.push(("born", "1/(CAST(date_part('day', ?) AS BIGINT) - 28)"));
        } else {
            forms.push(("ssn", "CAST(? AS BIGINT)"));
            forms.push(("ssn", "CAST(substr(?, 1, 1) AS SMALLINT)"));
            forms.push(("note", "CAST(date_part('year', CAST(? AS DATE)) AS BIGINT)"));
            forms.push(("note", "CAST(date_part('month', to_timestamp(?)) AS BIGINT)"));
        }
        // Rarely one that fails on visible rows.
        if self.chance.percent(6) {
            forms.push(("city", "CAST(? AS BIGINT)"));
            forms.push(("salary", "1/(?-250)"));
        }
        let filled = |(column, form): &(&str, &str)| scope.named(column).map(|name| form.replace('?', name));
        let mut all: Vec<String> = forms.iter().filter_map(filled).collect();
        if all.is_empty() {
            all.push("1/0".to_owned());
        }
        self.provoke = false;
        self.fallible = true;
        all[self.chance.below(all.len())].clone()
    }
}
