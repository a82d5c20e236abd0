//! A Flight SQL server that is not ours: it records what it is asked, and fails on demand.

mod service;
mod stream;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow_flight::flight_service_server::FlightServiceServer;
use tokio::runtime::Runtime;
use tonic::transport::Server;

use crate::engine;

/// What the server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Sends this many batches, then nothing more, and does not end.
    Stall(usize),
    /// Sends this many batches, then an error with a secret in its text.
    Break(usize),
    /// Refuses every statement with an error that has a secret in its text.
    Refuse,
    /// Refuses every statement with a list of values.
    RefuseLists,
    /// Adds a column that nobody asked for.
    ExtraColumn,
    /// Leaves the last column out.
    MissingColumn,
    /// Ignores every `WHERE`.
    IgnoreFilters,
}

/// What the server's error texts contain, and nobody may see.
pub const SECRET: &str = "S3cr3t-of-the-remote";

/// One statement as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    /// The SQL text.
    pub sql: String,
    /// Whether it was only to be prepared: its schema is wanted, not its rows.
    pub prepared: bool,
    /// The request's headers.
    pub headers: BTreeMap<String, String>,
}

/// What the server and its owner share.
#[derive(Debug, Default)]
struct Shared {
    calls: Mutex<Vec<Call>>,
    fault: Mutex<Fault>,
    streams: AtomicUsize,
    batches: AtomicUsize,
}

/// The server. Dropping it kills it.
#[derive(Debug)]
pub struct Remote {
    address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Remote {
    /// A server with these tables, on a free port and on threads of its own.
    #[must_use]
    pub fn start(tables: Vec<(&str, Vec<RecordBatch>)>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), tables)
    }

    /// A server at this address, such as one that was killed.
    #[must_use]
    pub fn start_at(address: SocketAddr, tables: Vec<(&str, Vec<RecordBatch>)>) -> Self {
        let shared = Arc::new(Shared::default());
        let providers: Vec<_> = tables.into_iter().map(|(name, batches)| (name, engine::memory(batches))).collect();
        let service = service::Service::new(&providers, Arc::clone(&shared));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
            Server::builder().add_service(FlightServiceServer::new(service)).serve_with_incoming(incoming).await
        });
        Self { address, shared, runtime: Some(runtime) }
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its location for a contract.
    #[must_use]
    pub fn location(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// Lets it do something wrong from now on.
    pub fn fault(&self, fault: Fault) {
        *self.shared.fault.lock().unwrap() = fault;
    }

    /// The statements that it got, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// The texts of the statements that it was to run since the last time this was asked.
    #[must_use]
    pub fn take_statements(&self) -> Vec<String> {
        let calls = std::mem::take(&mut *self.shared.calls.lock().unwrap());
        calls.into_iter().filter(|call| !call.prepared).map(|call| call.sql).collect()
    }

    /// How many result streams it is sending.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.shared.streams.load(Ordering::SeqCst)
    }

    /// How many batches it has sent.
    #[must_use]
    pub fn batches_sent(&self) -> usize {
        self.shared.batches.load(Ordering::SeqCst)
    }

    /// Ends it as a power cut would: every connection breaks.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.end();
    }
}
