//! Text of a data contract (ODCS) for one table.

use std::fmt::Write as _;

/// A contract with one table, written as an owner would.
#[derive(Debug, Clone)]
pub struct Contract {
    domain: String,
    table: String,
    /// What the source calls the table.
    physical_name: String,
    status: String,
    server: String,
    columns: Vec<(String, String)>,
    /// Columns of columns: name, and name and type of each within.
    objects: Vec<(String, Vec<(String, String)>)>,
    /// Foreign keys: column, and what it refers to.
    references: Vec<(String, String)>,
}

impl Contract {
    /// A Delta table in a local folder.
    #[must_use]
    pub fn delta(table: &str, path: &str) -> Self {
        Self::new(table, &format!("type: local\n    path: {path}\n    format: delta"), &[])
    }

    /// A table of a Flight SQL endpoint, with further properties of the server.
    #[must_use]
    pub fn flight_sql(table: &str, location: &str, properties: &[(&str, &str)]) -> Self {
        let mut all = vec![("protocol", "arrow-flight-sql")];
        all.extend(properties);
        Self::new(table, &format!("type: custom\n    location: {location}"), &all)
    }

    /// SQL over other tables of the mesh.
    #[must_use]
    pub fn view(table: &str, query: &str) -> Self {
        Self::new(table, "type: custom", &[("protocol", "mesh-sql"), ("query", query)])
    }

    fn new(table: &str, server: &str, properties: &[(&str, &str)]) -> Self {
        let (domain, table) = table.split_once('.').unwrap();
        let mut server = format!("{server}\n    customProperties:\n      - property: meshRole\n        value: source");
        for (property, value) in properties {
            write!(server, "\n      - property: {property}\n        value: {}", quoted(value)).unwrap();
        }
        Self {
            domain: domain.into(),
            table: table.into(),
            physical_name: table.into(),
            status: "active".into(),
            server,
            columns: Vec::new(),
            objects: Vec::new(),
            references: Vec::new(),
        }
    }

    /// Adds columns: name and type in PostgreSQL's spelling; ` not null` after the type makes it required.
    #[must_use]
    pub fn columns(mut self, columns: &[(&str, &str)]) -> Self {
        self.columns.extend(columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())));
        self
    }

    /// The same, called otherwise by its source.
    #[must_use]
    pub fn physical_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.physical_name);
        self
    }

    /// Adds, after all other columns, one that holds columns.
    #[must_use]
    pub fn object(mut self, name: &str, columns: &[(&str, &str)]) -> Self {
        let within = columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect();
        self.objects.push((name.to_owned(), within));
        self
    }

    /// Makes a column a foreign key to another table's column, written as in a contract.
    #[must_use]
    pub fn reference(mut self, column: &str, to: &str) -> Self {
        self.references.push((column.to_owned(), to.to_owned()));
        self
    }

    /// The same, with keys that other domains' endpoints may learn.
    #[must_use]
    pub fn share_join_keys(mut self) -> Self {
        self.server.push_str("\n      - property: shareJoinKeys\n        value: true");
        self
    }

    /// The same with another `status`.
    #[must_use]
    pub fn status(mut self, status: &str) -> Self {
        status.clone_into(&mut self.status);
        self
    }

    /// File of the contract in the mesh folder.
    #[must_use]
    pub fn file(&self) -> String {
        format!("catalog/{}/{}.odcs.yaml", self.domain, self.table)
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { domain, table, physical_name, status, server, columns, objects, references } = self;
        let mut text = format!(
            "apiVersion: v3.1.0\nkind: DataContract\nid: {domain}-{table}\nname: {table}\nversion: 1.0.0\n\
             status: {status}\ndomain: {domain}\nteam:\n  members:\n    - username: olga\n      role: owner\n\
             servers:\n  - server: source\n    {server}\nschema:\n  - name: {table}\n    physicalName: {physical_name}\n    \
             physicalType: table\n    \
             properties:\n"
        );
        for (name, kind) in columns {
            let (kind, required) = kind.strip_suffix(" not null").map_or((kind.as_str(), false), |kind| (kind, true));
            let logical = logical(kind);
            write!(text, "      - name: {name}\n        logicalType: {logical}\n        physicalType: \"{kind}\"\n")
                .unwrap();
            if required {
                text.push_str("        required: true\n");
            }
            for (_, to) in references.iter().filter(|(column, _)| column == name) {
                writeln!(text, "        relationships: [{{type: foreignKey, to: {to}}}]").unwrap();
            }
        }
        for (name, columns) in objects {
            write!(text, "      - name: {name}\n        logicalType: object\n        properties:\n").unwrap();
            for (name, kind) in columns {
                let logical = logical(kind);
                writeln!(text, "          - {{name: {name}, logicalType: {logical}, physicalType: \"{kind}\"}}")
                    .unwrap();
            }
        }
        text
    }
}

/// ODCS' own word for a type in PostgreSQL's spelling.
fn logical(kind: &str) -> &'static str {
    match kind.split('(').next().unwrap() {
        array if array.ends_with("[]") => "array",
        "bigint" | "integer" | "smallint" => "integer",
        "numeric" | "double precision" | "real" => "number",
        "boolean" => "boolean",
        "date" => "date",
        "timestamptz" | "timestamp" => "timestamp",
        "text" => "string",
        other => panic!("no logical type is known for {other}"),
    }
}

/// A YAML string.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
