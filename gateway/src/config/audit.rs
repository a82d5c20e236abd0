//! The section `[audit]`: where the audit log is, what it holds, and what happens when it cannot be written.

use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use catalog::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{FILE, line_of};

/// Smallest and largest size of one file of the log.
const SIZES: [ByteSize; 2] = [ByteSize::kib(4), ByteSize::gib(16)];

/// Longest time that records are kept, in days.
const MAX_DAYS: u32 = 36_500;

/// Folders of the mesh whose changes load it anew.
const WATCHED: [&str; 2] = ["catalog", "policies"];

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Folder of the log, made absolute.
    pub folder: PathBuf,
    /// What a record holds of the statement.
    pub statements: Statements,
    /// What happens to statements while the log cannot be written.
    pub on_failure: OnFailure,
    /// When a file ends and when it goes.
    pub rotation: Rotation,
}

/// What a record holds of a statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statements {
    /// Its digest: literals may be personal data.
    Digest,
    /// Its digest and its text.
    Text,
}

/// What happens to statements while the log cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// They are refused.
    Stop,
    /// They go on; what is lost is counted.
    Continue,
}

/// When a file of the log ends, and how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most files; `None`: all are kept.
    pub files: Option<usize>,
    /// Days that a file is kept after its last record; `None`: it is kept for good.
    pub days: Option<u32>,
}

/// The section as it is written. Every value knows its place, so that all mistakes can be told at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAudit {
    path: Option<Spanned<PathBuf>>,
    statements: Option<Spanned<String>>,
    rotate: Option<Spanned<String>>,
    keep_files: Option<Spanned<i64>>,
    keep_days: Option<Spanned<i64>>,
    on_failure: Option<Spanned<String>>,
}

impl RawAudit {
    /// The checked section of the mesh in `folder`, whose `mesh.toml` is `text`; `None` where there is a mistake.
    pub(super) fn check(self, folder: &Path, text: &str, problems: &mut Vec<Problem>) -> Option<Audit> {
        let Self { path, statements, rotate, keep_files, keep_days, on_failure } = self;
        let mut checker = Checker { text, problems };
        let path = checker.value(path, PathBuf::from("audit/"), own_folder, OWN_FOLDER);
        let statements =
            checker.value(statements, Statements::Digest, |text| Statements::of(&text), "write `digest` or `text`");
        let rotate =
            checker.value(rotate, ByteSize::mib(64).as_u64(), |text| size(&text), "write a size such as \"64MiB\"");
        let files = checker.value(keep_files, None, files, "write how many files are kept; 0 keeps all");
        let days = checker.value(keep_days, None, days, "write how many days files are kept; 0 keeps them for good");
        let on_failure =
            checker.value(on_failure, OnFailure::Stop, |text| OnFailure::of(&text), "write `stop` or `continue`");
        Some(Audit {
            folder: folder.join(path?),
            statements: statements?,
            on_failure: on_failure?,
            rotation: Rotation { file_bytes: rotate?, files: files?, days: days? },
        })
    }
}

/// Collects what is wrong with the values, each with its line.
struct Checker<'a> {
    text: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    /// The checked value of a key, or `default` where it is not written; `None` after a mistake.
    fn value<R, T>(
        &mut self,
        raw: Option<Spanned<R>>,
        default: T,
        check: impl FnOnce(R) -> Result<T, String>,
        remedy: &str,
    ) -> Option<T> {
        let Some(raw) = raw else { return Some(default) };
        let line = line_of(self.text, raw.span().start);
        let checked = check(raw.into_inner());
        checked.map_err(|message| self.problems.push(Problem::at(Path::new(FILE), line, message, remedy))).ok()
    }
}

impl Statements {
    fn of(text: &str) -> Result<Self, String> {
        match text {
            "digest" => Ok(Self::Digest),
            "text" => Ok(Self::Text),
            _ => Err(format!("audit.statements is {text:?}")),
        }
    }
}

impl OnFailure {
    fn of(text: &str) -> Result<Self, String> {
        match text {
            "stop" => Ok(Self::Stop),
            "continue" => Ok(Self::Continue),
            _ => Err(format!("audit.on_failure is {text:?}")),
        }
    }
}

const OWN_FOLDER: &str = "name a folder that holds nothing else, such as \"audit/\"";

/// A folder for the log alone. In the mesh folder itself, or in one that is watched, each record would load the mesh.
fn own_folder(path: PathBuf) -> Result<PathBuf, String> {
    let mut parts = path.components().filter(|part| *part != Component::CurDir);
    let first = parts.next();
    let watched = first.is_some_and(|part| WATCHED.iter().any(|name| part.as_os_str() == *name));
    let upwards = path.components().any(|part| part == Component::ParentDir);
    if first.is_none() || watched || upwards {
        return Err(format!("audit.path is {:?}", path.display().to_string()));
    }
    Ok(path)
}

fn size(text: &str) -> Result<u64, String> {
    let [least, most] = SIZES;
    let size: ByteSize = text.parse().map_err(|_| format!("audit.rotate is {text:?}"))?;
    if size < least || size > most {
        return Err(format!("audit.rotate is not between {least} and {most}"));
    }
    Ok(size.as_u64())
}

fn files(count: i64) -> Result<Option<usize>, String> {
    let count = usize::try_from(count).map_err(|_| format!("audit.keep_files is {count}"))?;
    Ok((count > 0).then_some(count))
}

fn days(count: i64) -> Result<Option<u32>, String> {
    let days = u32::try_from(count).ok().filter(|days| *days <= MAX_DAYS);
    let days = days.ok_or_else(|| format!("audit.keep_days is {count}: it must be between 0 and {MAX_DAYS}"))?;
    Ok((days > 0).then_some(days))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::super::Config;
    use super::*;

    fn parse(section: &str) -> Result<Option<Audit>, String> {
        let text = format!("name = \"r\"\n{section}");
        Config::parse(Path::new("/mesh"), &text).map(|config| config.audit).map_err(|problems| problems.to_string())
    }

    #[test]
    fn without_the_section_there_is_no_log_and_every_key_has_a_default() {
        assert_eq!(parse(""), Ok(None));
        let audit = parse("[audit]").unwrap().unwrap();
        let rotation = Rotation { file_bytes: 64 << 20, files: None, days: None };
        let folder = PathBuf::from("/mesh/audit/");
        assert_eq!(audit, Audit { folder, statements: Statements::Digest, on_failure: OnFailure::Stop, rotation });
    }

    #[test]
    fn every_key_can_be_set() {
        let audit = parse(
            "[audit]\npath = \"/var/log/mesh\"\nstatements = \"text\"\nrotate = \"1MiB\"\nkeep_files = 7\n\
             keep_days = 90\non_failure = \"continue\"",
        );
        let rotation = Rotation { file_bytes: 1 << 20, files: Some(7), days: Some(90) };
        let expected = Audit {
            folder: "/var/log/mesh".into(),
            statements: Statements::Text,
            on_failure: OnFailure::Continue,
            rotation,
        };
        assert_eq!(audit.unwrap().unwrap(), expected);
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_lines() {
        let told = parse(
            "[audit]\npath = \".\"\nstatements = \"all\"\nrotate = \"1KiB\"\nkeep_files = -1\nkeep_days = 40000\n\
             on_failure = \"ignore\"",
        );
        let told = told.unwrap_err();
        for expected in [
            "mesh.toml:3: audit.path is \".\"",
            "mesh.toml:4: audit.statements is \"all\"\n    write `digest` or `text`",
            "mesh.toml:5: audit.rotate is not between",
            "mesh.toml:6: audit.keep_files is -1",
            "mesh.toml:7: audit.keep_days is 40000",
            "mesh.toml:8: audit.on_failure is \"ignore\"\n    write `stop` or `continue`",
        ] {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }

    #[test]
    fn a_folder_of_the_mesh_that_is_watched_is_refused() {
        for path in ["", "./", "policies", "./catalog/audit", "a/../.."] {
            assert!(parse(&format!("[audit]\npath = {path:?}")).unwrap_err().contains("audit.path"), "{path}");
        }
        for path in ["audit", "./logs/audit/", "/policies"] {
            assert!(parse(&format!("[audit]\npath = {path:?}")).is_ok(), "{path}");
        }
        assert!(parse("[audit]\nkeep = 3").unwrap_err().contains("mesh.toml:3: unknown field `keep`"));
        assert!(parse("[audit]\nrotate = \"much\"").unwrap_err().contains("mesh.toml:3: audit.rotate is \"much\""));
    }
}
