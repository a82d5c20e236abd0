//! The threads that plan and run queries, apart from those that serve the network.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Stack of a query thread in bytes: statements and plans are trees, and deep ones recurse. `gate` bounds the depth.
/// Memory is taken as it is used.
const STACK_BYTES: usize = 64 << 20;

/// A runtime of its own for CPU work; ends in the background when it is dropped.
#[derive(Debug)]
pub(crate) struct QueryRuntime(Option<Runtime>);

impl QueryRuntime {
    /// Starts a thread for each core.
    ///
    /// # Errors
    /// Where the system refuses threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("meshgate-query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs `work` on the threads of this runtime.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            // Only `drop` takes the runtime; then nobody holds `self`.
            None => tokio::spawn(work),
        }
    }
}

impl Drop for QueryRuntime {
    fn drop(&mut self) {
        // A runtime must not be waited for inside of another one.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
