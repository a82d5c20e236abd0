//! Reads what contracts and products have in common at their head.

use super::fields::{Fields, Text};
use super::report::Report;
use crate::contract::Status;
use crate::name::Name;

/// `apiVersion` and `kind`: the version of the standard that the document is written in.
pub(super) fn standard<'a>(
    document: &Fields<'a>,
    kind: &str,
    versions: &[&str],
    report: &mut Report<'_>,
) -> Option<Text<'a>> {
    let remedy = format!("write `kind: {kind}`");
    let written = document.required("kind", &remedy, report);
    if let Some(wrong) = written.filter(|written| written.text != kind) {
        report.at(wrong.line, format!("`kind` is {:?} where {kind} belongs", wrong.text), remedy);
    }
    let remedy = format!("write one of: {}", versions.join(", "));
    let version = document.required("apiVersion", &remedy, report)?;
    if !versions.contains(&version.text) {
        let message = format!("`apiVersion` {:?} of {} cannot be read", version.text, document.what);
        report.at(version.line, message, remedy);
        return None;
    }
    Some(version)
}

/// `status`.
pub(super) fn status(document: &Fields<'_>, report: &mut Report<'_>) -> Option<Status> {
    let remedy = "write `status:` proposed, draft, active, deprecated or retired";
    let status = document.required("status", remedy, report)?;
    match status.text {
        "proposed" => Some(Status::Proposed),
        "draft" => Some(Status::Draft),
        "active" => Some(Status::Active),
        "deprecated" => Some(Status::Deprecated),
        "retired" => Some(Status::Retired),
        _ => {
            let message = format!("`status` of {} is {:?}, which is not a status", document.what, status.text);
            report.at(status.line, message, remedy);
            None
        }
    }
}

/// `domain`, which is the name of the folder that the file is in.
pub(super) fn domain(document: &Fields<'_>, folder: &Name, report: &mut Report<'_>) -> Option<Name> {
    let remedy = format!("write `domain: {folder}`, or move the file into the folder of its domain");
    let domain = document.required("domain", &remedy, report)?;
    if domain.text != folder.as_str() {
        report.at(
            domain.line,
            format!("`domain` of {} is {:?}, but the file is in the folder \"{folder}\"", document.what, domain.text),
            remedy,
        );
        return None;
    }
    Some(folder.clone())
}

/// `purpose` of the description, or else its `usage`.
pub(super) fn description(document: &Fields<'_>, report: &mut Report<'_>) -> Option<String> {
    let what = format!("`description` of {}", document.what);
    let description = Fields::of(document.get("description")?, what, report)?;
    description.words("purpose", report).or_else(|| description.words("usage", report))
}
