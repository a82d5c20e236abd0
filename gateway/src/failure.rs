//! What a caller is told of an error of the engine, a source or a policy.
//!
//! Rule: text that comes from below a governed scan never reaches the caller; the log gets the cause.

use arrow::error::ArrowError;
use catalog::drift::ContractViolated;
use datafusion::common::{DataFusionError, SchemaError};
use datafusion::parquet::errors::ParquetError;
use datafusion::sql::sqlparser::parser::ParserError;
use policies::{ScanError, TooFine};

use crate::error::{Error, ErrorKind};
use crate::session;

/// Deepest nesting of wrapped errors that is looked through.
const MAX_DEPTH: usize = 32;

/// The caller's view of an error of the engine.
pub(crate) fn told(error: &DataFusionError) -> Error {
    told_at(error, 0)
}

fn told_at(error: &DataFusionError, depth: usize) -> Error {
    if depth > MAX_DEPTH {
        return internal("deeply nested error");
    }
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => told_at(inner, depth + 1),
        DataFusionError::Shared(inner) => told_at(inner, depth + 1),
        DataFusionError::Collection(all) => all.first().map_or_else(|| internal("empty"), |e| told_at(e, depth + 1)),
        DataFusionError::External(inner) => told_external(inner.as_ref(), depth),
        DataFusionError::ArrowError(inner, _) => told_arrow(inner, depth),
        DataFusionError::SQL(inner, _) => syntax(inner),
        DataFusionError::SchemaError(inner, _) => undefined(inner),
        DataFusionError::Plan(message) => plan(message),
        DataFusionError::NotImplemented(message) => Error::new(ErrorKind::UnsupportedSql, first_line(message)),
        DataFusionError::Configuration(message) => Error::new(ErrorKind::InvalidStatement, first_line(message)),
        DataFusionError::Execution(message) => Error::new(ErrorKind::DataError, first_line(message)),
        DataFusionError::ResourcesExhausted(_) => {
            let message =
                "the query needs more memory than it may have (limits.query_memory); select less, or group earlier";
            Error::new(ErrorKind::LimitExceeded, message).with_sqlstate("53200")
        }
        DataFusionError::Substrait(message) => Error::new(ErrorKind::UnsupportedSql, first_line(message)),
        // A predicate that runs inside of a Parquet scan fails in its name.
        DataFusionError::ParquetError(inner) => {
            if let ParquetError::External(cause) = inner.as_ref() {
                told_external(cause.as_ref(), depth)
            } else {
                internal(&inner.to_string())
            }
        }
        // Above a governed scan nothing reads files: these are faults of the gateway.
        DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        | DataFusionError::ExecutionJoin(_)
        | DataFusionError::Internal(_)
        | DataFusionError::Ffi(_) => internal(&error.to_string()),
    }
}

type Cause = dyn std::error::Error + Send + Sync + 'static;

fn told_external(cause: &Cause, depth: usize) -> Error {
    if let Some(error) = cause.downcast_ref::<Error>() {
        return error.clone();
    }
    if let Some(error) = cause.downcast_ref::<ScanError>() {
        return told_scan(error);
    }
    if let Some(error) = cause.downcast_ref::<TooFine>() {
        return Error::new(ErrorKind::UnsupportedSql, error.to_string());
    }
    if let Some(error) = cause.downcast_ref::<connectors::Error>() {
        return told_source(error);
    }
    if let Some(error) = cause.downcast_ref::<DataFusionError>() {
        return told_at(error, depth + 1);
    }
    if let Some(error) = cause.downcast_ref::<ArrowError>() {
        return told_arrow(error, depth + 1);
    }
    if let Some(error) = cause.downcast_ref::<policies::Error>() {
        tracing::error!(%error, "policy error");
        return Error::new(ErrorKind::AccessDenied, "the statement is not allowed");
    }
    internal(&cause.to_string())
}

fn told_arrow(error: &ArrowError, depth: usize) -> Error {
    match error {
        ArrowError::ExternalError(inner) if depth <= MAX_DEPTH => told_external(inner.as_ref(), depth + 1),
        ArrowError::DivideByZero => Error::new(ErrorKind::DataError, "division by zero").with_sqlstate("22012"),
        ArrowError::ArithmeticOverflow(_) => {
            Error::new(ErrorKind::DataError, "a number is out of range").with_sqlstate("22003")
        }
        ArrowError::CastError(message) | ArrowError::ParseError(message) => {
            Error::new(ErrorKind::DataError, first_line(message)).with_sqlstate("22P02")
        }
        ArrowError::ComputeError(message) | ArrowError::InvalidArgumentError(message) => {
            Error::new(ErrorKind::DataError, first_line(message))
        }
        ArrowError::NotYetImplemented(message) => Error::new(ErrorKind::UnsupportedSql, first_line(message)),
        ArrowError::MemoryError(_) | ArrowError::OffsetOverflowError(_) => {
            Error::new(ErrorKind::LimitExceeded, "a value or a batch is too large").with_sqlstate("53200")
        }
        ArrowError::ExternalError(_)
        | ArrowError::SchemaError(_)
        | ArrowError::CsvError(_)
        | ArrowError::JsonError(_)
        | ArrowError::AvroError(_)
        | ArrowError::IoError(..)
        | ArrowError::IpcError(_)
        | ArrowError::ParquetError(_)
        | ArrowError::CDataInterface(_)
        | ArrowError::DictionaryKeyOverflowError
        | ArrowError::RunEndIndexOverflowError => internal(&error.to_string()),
    }
}

/// An error from below a governed scan: its text is for the log only.
fn told_scan(error: &ScanError) -> Error {
    tracing::warn!(table = %error.table, cause = %error.cause(), "scan failed");
    let told = match ScanError::find(error.cause()) {
        // A view: which tables it is made of is its owner's business.
        Some(inner) => told_of_view(&error.table, &told_scan(inner)),
        None => told(error.cause()),
    };
    match told.kind {
        // A source says which table it is; the pools of the gateway say which limit it was.
        ErrorKind::SourceUnavailable
        | ErrorKind::SnapshotGone
        | ErrorKind::ContractViolated
        | ErrorKind::LimitExceeded
        | ErrorKind::Timeout
        | ErrorKind::Cancelled => told,
        // Only a predicate of a caller who sees the whole table can fail below; the class is all that is told of it.
        ErrorKind::DataError => data_error_class(told.sqlstate).unwrap_or_else(|| source_failed(&error.table)),
        ErrorKind::Unauthenticated
        | ErrorKind::AccessDenied
        | ErrorKind::InvalidStatement
        | ErrorKind::UndefinedTable
        | ErrorKind::UndefinedColumn
        | ErrorKind::UnsupportedSql
        | ErrorKind::UnsupportedCommand
        | ErrorKind::InvalidTicket
        | ErrorKind::SourceFailed
        | ErrorKind::AuditUnavailable
        | ErrorKind::Internal => source_failed(&error.table),
    }
}

/// The caller's view of an error inside of a view: its kind, and the name of the view alone.
pub(crate) fn told_of_view(view: &catalog::TableName, error: &Error) -> Error {
    let message = match error.kind {
        ErrorKind::SourceUnavailable => format!("a source of view \"{view}\" is not available"),
        ErrorKind::SnapshotGone => format!("a version that view \"{view}\" reads is gone"),
        ErrorKind::ContractViolated => format!("a source of view \"{view}\" does not keep its contract"),
        ErrorKind::SourceFailed => format!("a source of view \"{view}\" failed"),
        ErrorKind::UnsupportedSql => {
            format!("view \"{view}\" cannot be read like this: a source of it cannot (as_of needs one with a history)")
        }
        ErrorKind::Unauthenticated
        | ErrorKind::AccessDenied
        | ErrorKind::InvalidStatement
        | ErrorKind::UndefinedTable
        | ErrorKind::UndefinedColumn
        | ErrorKind::UnsupportedCommand
        | ErrorKind::DataError
        | ErrorKind::InvalidTicket
        | ErrorKind::LimitExceeded
        | ErrorKind::Timeout
        | ErrorKind::Cancelled
        | ErrorKind::AuditUnavailable
        | ErrorKind::Internal => return error.clone(),
    };
    Error::new(error.kind, message)
}

/// A data error of a known class, without any value in its text.
fn data_error_class(sqlstate: Option<&'static str>) -> Option<Error> {
    let class = |message| sqlstate.map(|state| Error::new(ErrorKind::DataError, message).with_sqlstate(state));
    match sqlstate? {
        "22012" => class("division by zero"),
        "22003" => class("a number is out of range"),
        "22P02" => class("a value cannot be converted"),
        _ => None,
    }
}

/// The caller's view of an error of a source.
pub(crate) fn told_source(error: &connectors::Error) -> Error {
    tracing::warn!(error = %Chain(error), "source failed");
    match error {
        connectors::Error::Unavailable { .. } => Error::new(ErrorKind::SourceUnavailable, error.to_string()),
        connectors::Error::SnapshotGone { .. } | connectors::Error::BeforeHistory { .. } => {
            Error::new(ErrorKind::SnapshotGone, error.to_string())
        }
        connectors::Error::Unsupported { .. } | connectors::Error::NoHistory { .. } => {
            Error::new(ErrorKind::UnsupportedSql, error.to_string())
        }
        connectors::Error::Failed { table, .. } | connectors::Error::Credential { table, .. } => source_failed(table),
    }
}

/// The caller's view of a source that does not keep its contract.
pub(crate) fn told_violation(error: &ContractViolated) -> Error {
    Error::new(ErrorKind::ContractViolated, error.to_string())
}

fn source_failed(table: &catalog::TableName) -> Error {
    Error::new(ErrorKind::SourceFailed, format!("the source of table \"{table}\" failed"))
}

fn internal(cause: &str) -> Error {
    tracing::error!(cause, "internal error");
    Error::new(ErrorKind::Internal, "internal error")
}

fn syntax(error: &ParserError) -> Error {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => first_line(message),
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
    };
    Error::new(ErrorKind::InvalidStatement, message)
}

/// Names only what the statement wrote and columns that the planner could see: these are visible ones.
fn undefined(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let mut message = format!("column \"{}\" does not exist", field.flat_name());
            if let Some(near) = nearest(&field.name, valid_fields.iter().map(|field| field.name.as_str())) {
                message.push_str(&format!("; did you mean \"{near}\"?"));
            }
            Error::new(ErrorKind::UndefinedColumn, message)
        }
        SchemaError::AmbiguousReference { field } => {
            let message = format!("column \"{}\" is ambiguous", field.flat_name());
            Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("42702")
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            Error::new(ErrorKind::InvalidStatement, format!("column \"{name}\" occurs twice")).with_sqlstate("42701")
        }
    }
}

fn plan(message: &str) -> Error {
    let message = first_line(message);
    if let Some(table) = message.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        return undefined_table(table);
    }
    if message.starts_with("Invalid function") {
        return Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("42883");
    }
    Error::new(ErrorKind::InvalidStatement, message)
}

/// Missing and forbidden tables both end here: with the same text, whatever the reason.
fn undefined_table(name: &str) -> Error {
    let parts: Vec<&str> = name.splitn(3, '.').collect();
    let message = match parts.as_slice() {
        [_, domain, table] if *domain == session::NO_DOMAIN => {
            format!("table \"{table}\" does not exist; write it as domain.table")
        }
        [_, domain, table] => format!("table \"{domain}.{table}\" does not exist"),
        _ => format!("table \"{name}\" does not exist"),
    };
    Error::new(ErrorKind::UndefinedTable, message)
}

/// Plans and backtraces follow on later lines.
fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

/// The one of `names` that a typing mistake could have meant.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|name| (datafusion::common::utils::datafusion_strsim::levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// An error with all its causes on one line, for the log.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use datafusion::common::Column;

    fn check(error: impl Into<DataFusionError>, kind: ErrorKind, sqlstate: &str, message: &str) {
        let error = error.into();
        let told = told(&error);
        assert_eq!((told.kind, told.sqlstate(), told.message.as_str()), (kind, sqlstate, message), "{error}");
    }

    #[test]
    fn each_error_of_the_engine_has_its_kind() {
        let divide = || Box::new(ArrowError::DivideByZero);
        check(DataFusionError::ArrowError(divide(), None), ErrorKind::DataError, "22012", "division by zero");
        let wrapped = DataFusionError::Context("while".into(), Box::new(DataFusionError::ArrowError(divide(), None)));
        check(wrapped, ErrorKind::DataError, "22012", "division by zero");
        let own = Error::new(ErrorKind::Timeout, "late");
        check(DataFusionError::External(Box::new(own)), ErrorKind::Timeout, "57014", "late");
        check(DataFusionError::Internal("path /secret".into()), ErrorKind::Internal, "XX000", "internal error");
        let io = std::io::Error::other("/data/secret");
        check(DataFusionError::IoError(io), ErrorKind::Internal, "XX000", "internal error");
    }

    #[test]
    fn a_missing_table_is_named_without_the_mesh() {
        let missing = |name: &str| DataFusionError::Plan(format!("table '{name}' not found"));
        let text = "table \"sales.orders\" does not exist";
        check(missing("retail.sales.orders"), ErrorKind::UndefinedTable, "42P01", text);
        let text = "table \"orders\" does not exist; write it as domain.table";
        check(missing("retail.~.orders"), ErrorKind::UndefinedTable, "42P01", text);
    }

    #[test]
    fn a_failing_predicate_inside_of_a_scan_tells_its_class_only() {
        let cast = ArrowError::CastError("Cannot cast string 's3cret'".into());
        let cause = DataFusionError::ParquetError(Box::new(ParquetError::External(Box::new(cast))));
        let scan = ScanError::new("sales.orders".parse().unwrap(), cause);
        check(scan, ErrorKind::DataError, "22P02", "a value cannot be converted");
        let path = DataFusionError::Execution("cannot open /secret".into());
        let scan = ScanError::new("sales.orders".parse().unwrap(), path);
        check(scan, ErrorKind::SourceFailed, "HV000", "the source of table \"sales.orders\" failed");
    }

    #[test]
    fn an_error_inside_of_a_view_names_the_view_only() {
        let source = std::io::Error::other("refused");
        let unavailable = connectors::Error::Unavailable {
            table: "sales.orders".parse().unwrap(),
            product: "Orders".into(),
            source: source.into(),
        };
        let inner = ScanError::new("sales.orders".parse().unwrap(), DataFusionError::External(Box::new(unavailable)));
        let outer = ScanError::new("insights.totals".parse().unwrap(), inner.into());
        let text = "a source of view \"insights.totals\" is not available";
        check(outer, ErrorKind::SourceUnavailable, "HV00N", text);
    }

    #[test]
    fn a_misspelt_column_is_named_with_the_nearest_visible_one() {
        let error = SchemaError::FieldNotFound {
            field: Box::new(Column::from_name("regoin")),
            valid_fields: vec![Column::from_name("total"), Column::from_name("region")],
        };
        let error = DataFusionError::SchemaError(Box::new(error), Box::new(None));
        check(error, ErrorKind::UndefinedColumn, "42703", "column \"regoin\" does not exist; did you mean \"region\"?");
    }
}
