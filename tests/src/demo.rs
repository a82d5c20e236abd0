//! The demo's mesh as `meshgate demo` writes it, with the CRM team's endpoint beside the gateway.

use std::net::TcpListener;
use std::path::Path;

use gateway::demo::mesh::{self, Addresses};
use gateway::{ServeOptions, Server};
use tempfile::TempDir;

use crate::client::Client;
use crate::deadline::{STEP, within};

/// The demo, served on free ports.
#[derive(Debug)]
pub struct Demo {
    folder: TempDir,
    gateway: Server,
    crm: Server,
}

impl Demo {
    /// Writes and serves it.
    pub async fn serve() -> Self {
        let folder = TempDir::new().unwrap();
        let any = || "127.0.0.1:0".to_owned();
        let addresses = Addresses { flight: any(), http: any(), crm: free_address() };
        within(STEP, "writing the demo", mesh::write(folder.path(), &addresses)).await.unwrap();
        let crm = start(&mesh::crm(folder.path())).await;
        let gateway = start(folder.path()).await;
        Self { folder, gateway, crm }
    }

    /// The mesh folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection as one of the demo's people, whose passwords are their names.
    pub async fn connect(&self, user: &str) -> Client {
        Client::login(self.gateway.flight_address(), user, user).await.unwrap()
    }

    /// Stops the CRM team's endpoint, then the gateway.
    pub async fn stop(self) {
        self.crm.stop().await;
        self.gateway.stop().await;
    }
}

/// Serves the mesh in `folder` where its own files say, with any port for health.
async fn start(folder: &Path) -> Server {
    let http = Some("127.0.0.1:0".to_owned());
    let options = ServeOptions { mesh: folder.to_owned(), flight: None, postgres: None, http };
    within(STEP, "starting the demo", gateway::serve(options)).await.unwrap()
}

/// An address that was free a moment ago: the contract must name it before the endpoint is there.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
