//! Reloads the mesh when its files change, or on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Gateway;

/// Quiet time after a change: editors and `git` write several files.
const SETTLE: Duration = Duration::from_millis(200);

/// The files and folders that make a mesh; `data/` and the like may change as they please.
const WATCHED: [&str; 2] = ["catalog", "policies"];

/// Reloads `gateway` until `stop`.
///
/// # Errors
/// Where the system refuses to watch the folder.
pub(crate) fn watch(
    gateway: Arc<Gateway>,
    stop: CancellationToken,
) -> notify::Result<impl Future<Output = ()> + Send + 'static> {
    let (tell, mut changes) = mpsc::channel::<()>(1);
    let watcher = watcher(gateway.folder(), tell.clone())?;
    let mut keys = KeysWatcher::default();
    keys.follow(&gateway, &tell);
    Ok(async move {
        let _watching = watcher;
        let mut hangup = Hangup::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = hangup.received() => {}
                changed = changes.recv() => if changed.is_none() { return },
            }
            settle(&mut changes, &stop).await;
            // Both outcomes are in the log and in the gateway's health.
            let _ = gateway.reload().await;
            keys.follow(&gateway, &tell);
        }
    })
}

fn watcher(folder: &Path, tell: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = telling(tell, |_event| true)?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    for name in WATCHED {
        let path = folder.join(name);
        if path.is_dir() {
            watcher.watch(&path, RecursiveMode::Recursive)?;
        }
    }
    Ok(watcher)
}

/// A watcher of nothing yet, which tells of changes that are `relevant`.
fn telling(
    tell: mpsc::Sender<()>,
    relevant: impl Fn(&Event) -> bool + Send + 'static,
) -> notify::Result<RecommendedWatcher> {
    let changes = |event: &Event| {
        matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any)
    };
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| changes(&event) && relevant(&event)) {
            // A full channel already says that something changed.
            let _ = tell.try_send(());
        }
    })
}

/// Watches the file of the identity provider's keys, where the running mesh has one. It may lie anywhere, also in a
/// folder that changes for other reasons.
#[derive(Default)]
struct KeysWatcher(Option<(PathBuf, Option<RecommendedWatcher>)>);

impl KeysWatcher {
    /// Watches the file that the mesh of this moment names.
    fn follow(&mut self, gateway: &Gateway, tell: &mpsc::Sender<()>) {
        let mesh = gateway.current();
        let file =
            mesh.config.auth.oidc.as_ref().and_then(|oidc| oidc.keys_file()).map(|file| gateway.folder().join(file));
        if self.0.as_ref().map(|(watched, _)| watched) == file.as_ref() {
            return;
        }
        self.0 = file.map(|file| {
            let watcher = Self::watch(&file, tell.clone()).inspect_err(|error| {
                tracing::warn!(file = %file.display(), %error, "the file of keys cannot be watched: send SIGHUP after a change");
            });
            (file, watcher.ok())
        });
    }

    fn watch(file: &Path, tell: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
        let name = file.file_name().map(ToOwned::to_owned);
        // Kubernetes replaces the link `..data` and never touches the file itself.
        let is_it = move |path: &PathBuf| path.file_name() == name.as_deref() || path.ends_with("..data");
        let mut watcher = telling(tell, move |event| event.paths.iter().any(&is_it))?;
        watcher.watch(file.parent().unwrap_or(file), RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}

/// Waits until nothing has changed for a while.
async fn settle(changes: &mut mpsc::Receiver<()>, stop: &CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SETTLE) => return,
            changed = changes.recv() => if changed.is_none() { return },
        }
    }
}

/// The signal that asks for a reload, where the system has it.
struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    #[cfg(unix)]
    fn new() -> Self {
        Self { signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok() }
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self {}
    }

    #[cfg(unix)]
    async fn received(&mut self) {
        let heard = match &mut self.signal {
            Some(signal) => signal.recv().await,
            None => None,
        };
        if heard.is_none() {
            std::future::pending::<()>().await;
        }
    }

    #[cfg(not(unix))]
    async fn received(&mut self) {
        std::future::pending().await
    }
}
