//! Reloads the mesh when its files change, or on SIGHUP.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
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
        }
    })
}

fn watcher(folder: &Path, tell: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let relevant = |event: &notify::Event| {
        matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any)
    };
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| relevant(&event)) {
            // A full channel already says that something changed.
            let _ = tell.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    for name in WATCHED {
        let path = folder.join(name);
        if path.is_dir() {
            watcher.watch(&path, RecursiveMode::Recursive)?;
        }
    }
    Ok(watcher)
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
