//! `meshgate demo`.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use super::{Failure, Outcome, interrupted, say, tour};
use crate::demo::mesh::{self, Addresses};
use crate::server::{ServeOptions, Server, serve};

/// Folder of the demo where none is given.
const FOLDER: &str = "demo-mesh";

/// The ports of the demo, where they are free.
const FLIGHT_PORT: u16 = 31337;
const CRM_PORT: u16 = 31338;
const HTTP_PORT: u16 = 8080;

/// The two gateways of the demo: the CRM team's endpoint, and the mesh that uses it.
pub(super) struct Demo {
    pub(super) folder: PathBuf,
    pub(super) crm: Server,
    pub(super) retail: Server,
}

/// Writes the mesh, starts its gateways, and either runs the tour or waits to be stopped.
pub(super) async fn run(folder: Option<PathBuf>, once: bool) -> Result<Outcome, Failure> {
    if !once {
        let demo = start(folder.unwrap_or_else(|| FOLDER.into()), [FLIGHT_PORT, HTTP_PORT, CRM_PORT]).await?;
        say(&welcome(&demo));
        interrupted().await;
        demo.stop().await;
        return Ok(Outcome::Good);
    }
    let temporary = match folder {
        Some(folder) => Place::Kept(folder),
        None => Place::Temporary(std::env::temp_dir().join(format!("meshgate-demo-{}", std::process::id()))),
    };
    let demo = start(temporary.path().to_owned(), [0; 3]).await?;
    let outcome = tour::run(&demo).await;
    demo.stop().await;
    outcome
}

async fn start(folder: PathBuf, ports: [u16; 3]) -> Result<Demo, Failure> {
    let [flight, http, crm] = ports.map(free_address);
    let addresses = Addresses { flight: flight?, http: http?, crm: crm? };
    mesh::write(&folder, &addresses).await?;
    let crm_folder = mesh::crm(&folder);
    let crm = ServeOptions { mesh: crm_folder, http: Some("127.0.0.1:0".into()), ..ServeOptions::default() };
    let crm = serve(crm).await?;
    let retail = serve(ServeOptions { mesh: folder.clone(), ..ServeOptions::default() }).await?;
    Ok(Demo { folder, crm, retail })
}

impl Demo {
    async fn stop(self) {
        self.retail.stop().await;
        self.crm.stop().await;
    }
}

/// `127.0.0.1` with the wished port where it is free, else with any free one.
fn free_address(wished: u16) -> std::io::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", wished)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)))?;
    Ok(listener.local_addr()?.to_string())
}

fn welcome(demo: &Demo) -> String {
    let flight = demo.retail.flight_address();
    let http = demo.retail.http_address();
    let url = if flight.port() == FLIGHT_PORT { String::new() } else { format!(" --url grpc://{flight}") };
    let people: String = mesh::USERS.iter().map(|(name, role)| format!("  {name:<4} {role}\n")).collect();
    format!(
        "\nThe retail mesh is in {folder} and is served at grpc://{flight}\n\
         (health and metrics: http://{http}/healthz, /metrics; CRM endpoint: grpc://{crm}).\n\n\
         People (each one's password is the name):\n{people}\n\
         In another terminal:\n\n  \
         MESHGATE_PASSWORD=ann meshgate sql{url} --user ann\n  \
         ann> \\dt\n  \
         ann> {question};\n\n\
         Then ask the same as sam and as eve. Change a rule in {folder}/policies and ask again.\n\
         Ctrl-C stops the demo.",
        folder = demo.folder.display(),
        crm = demo.crm.flight_address(),
        question = tour::QUESTION,
    )
}

/// Where a tour keeps its mesh.
enum Place {
    Kept(PathBuf),
    /// Removed at the end.
    Temporary(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Temporary(path) => path,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Temporary(path) = self {
            // A folder that cannot be removed is left to the system's own cleaning.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}
