//! Finds and reads the catalog files of a mesh folder, within limits.

use std::fs::{self, DirEntry};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::report::Report;
use crate::name::Name;
use crate::problem::Problems;

/// Largest file in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Most entries of the catalog folder, and of one domain's folder.
const MAX_ENTRIES: usize = 10_000;
/// Most catalog files of a mesh.
const MAX_FILES: usize = 10_000;

/// Folder of the catalog in the mesh folder.
const CATALOG: &str = "catalog";

/// What a file describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A data contract, `*.odcs.yaml`.
    Contract,
    /// A data product, `*.odps.yaml`.
    Product,
}

/// One file of the catalog.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Relative to the mesh folder.
    pub(super) path: PathBuf,
    /// The domain whose folder it is in.
    pub(super) domain: Name,
    /// What it describes.
    pub(super) kind: Kind,
}

impl Kind {
    fn of(file_name: &str) -> Option<Self> {
        if file_name.ends_with(".odcs.yaml") {
            return Some(Self::Contract);
        }
        file_name.ends_with(".odps.yaml").then_some(Self::Product)
    }
}

/// The catalog files below `mesh_folder`, sorted by path.
pub(super) fn find(mesh_folder: &Path, problems: &mut Problems) -> Vec<File> {
    let mut files = Vec::new();
    let catalog = Path::new(CATALOG);
    let mut report = Report::of(catalog);
    for (name, is_folder) in entries(mesh_folder, catalog, &mut report) {
        let path = catalog.join(&name);
        let mut report = Report::of(&path);
        if !is_folder {
            note_stray(&name, &mut report);
        } else {
            match name.parse::<Name>() {
                Ok(domain) => find_in_domain(mesh_folder, &path, &domain, &mut files, &mut report),
                Err(error) => report.whole(
                    format!("the name of a domain is wrong: {error}"),
                    "rename the folder, and `domain` in its files",
                ),
            }
        }
        problems.extend(report.into_problems());
        if files.len() > MAX_FILES {
            break;
        }
    }
    if files.len() > MAX_FILES {
        report.whole(format!("the catalog has more than {MAX_FILES} files"), "split the mesh");
        files.truncate(MAX_FILES);
    }
    problems.extend(report.into_problems());
    files
}

fn find_in_domain(mesh_folder: &Path, path: &Path, domain: &Name, files: &mut Vec<File>, report: &mut Report<'_>) {
    for (name, is_folder) in entries(mesh_folder, path, report) {
        if is_folder {
            continue;
        }
        if let Some(kind) = Kind::of(&name) {
            files.push(File { path: path.join(&name), domain: domain.clone(), kind });
        } else if name.ends_with(".odcs.yml") || name.ends_with(".odps.yml") {
            report.whole(format!("{name:?} is not read"), "rename it to end in `.yaml`");
        }
    }
}

fn note_stray(name: &str, report: &mut Report<'_>) {
    if Kind::of(name).is_some() {
        report.whole("the file is in no domain", "move it into `catalog/<domain>/`");
    }
}

/// Names in a folder and whether each is a folder itself, sorted, without hidden ones.
fn entries(mesh_folder: &Path, folder: &Path, report: &mut Report<'_>) -> Vec<(String, bool)> {
    let Some(real) = inside(mesh_folder, folder, report) else { return Vec::new() };
    let listed =
        fs::read_dir(real).and_then(|entries| entries.take(MAX_ENTRIES + 1).collect::<Result<Vec<DirEntry>, _>>());
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => {
            report.whole(format!("the folder cannot be read: {error}"), "make it a folder that meshgate may read");
            return Vec::new();
        }
    };
    if listed.len() > MAX_ENTRIES {
        report.whole(format!("the folder has more than {MAX_ENTRIES} entries"), "split it");
    }
    let mut names: Vec<(String, bool)> = listed
        .into_iter()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path().is_dir()))
        .filter(|(name, _)| !name.starts_with('.'))
        .collect();
    names.sort_unstable();
    names
}

/// The text of a catalog file; nothing once it is noted why it cannot be read.
pub(super) fn read(mesh_folder: &Path, file: &File, report: &mut Report<'_>) -> Option<String> {
    let real = inside(mesh_folder, &file.path, report)?;
    if !real.is_file() {
        // Reading a pipe or a device might never end.
        report.whole("the file is not a regular file", "replace it with one");
        return None;
    }
    let mut bytes = Vec::new();
    let read = fs::File::open(&real).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        report.whole(format!("the file cannot be read: {error}"), "make it a file that meshgate may read");
        return None;
    }
    if bytes.len() as u64 > MAX_FILE_BYTES {
        report.whole(format!("the file is larger than {MAX_FILE_BYTES} bytes"), "split it");
        return None;
    }
    let text = String::from_utf8(bytes);
    if text.is_err() {
        report.whole("the file is not UTF-8 text", "save it as UTF-8");
    }
    text.ok()
}

/// A path of the mesh folder with its links followed, if that is still in the mesh folder. A mesh is one
/// folder: whoever may change it must not be able to have other files of the machine read.
fn inside(mesh_folder: &Path, path: &Path, report: &mut Report<'_>) -> Option<PathBuf> {
    let real = mesh_folder.canonicalize().and_then(|folder| Ok((mesh_folder.join(path).canonicalize()?, folder)));
    match real {
        Ok((real, folder)) if real.starts_with(&folder) => Some(real),
        Ok(_) => {
            report.whole("the link leads out of the mesh folder", "copy the files into the mesh folder");
            None
        }
        Err(error) => {
            report.whole(format!("it cannot be read: {error}"), "create it, or let meshgate read it");
            None
        }
    }
}
