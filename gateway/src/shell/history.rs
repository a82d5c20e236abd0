//! The file that remembers what was typed. Statements may name people: nobody else may read it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use reedline::FileBackedHistory;

const LINES: usize = 5_000;

/// The history, in memory only when there is no home or the file cannot be used.
pub(super) fn open() -> FileBackedHistory {
    let file = path().filter(|path| make_private(path).is_ok());
    let with_file = file.and_then(|file| FileBackedHistory::with_file(LINES, file).ok());
    with_file.unwrap_or_default()
}

/// `$XDG_STATE_HOME/meshgate/history` when that is set, else `~/.meshgate_history`.
#[expect(clippy::disallowed_methods, reason = "where a user's state lies is a matter of his environment")]
fn path() -> Option<PathBuf> {
    let xdg = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    xdg.map(|state| state.join("meshgate/history"))
        .or_else(|| std::env::home_dir().map(|home| home.join(".meshgate_history")))
}

fn make_private(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // A file of former times may be open to others.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

#[cfg(all(test, unix))]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn nobody_else_may_read_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meshgate/history");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "select 1\n").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        make_private(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "select 1\n");
    }
}
