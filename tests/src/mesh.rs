//! A mesh folder in a temporary place, and the gateway that serves it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use gateway::{ServeOptions, Server};
use tempfile::TempDir;

use crate::client::Client;
use crate::contract::Contract;
use crate::deadline::{STEP, eventually, within};

/// The password of every user of the tests.
pub const PASSWORD: &str = "correct horse battery staple";

/// A mesh folder that is removed in the end.
#[derive(Debug)]
pub struct Mesh {
    folder: TempDir,
}

impl Mesh {
    /// A mesh of this name without tables, rules and users.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mesh = Self { folder: TempDir::new().unwrap() };
        mesh.write("mesh.toml", &format!("name = \"{name}\"\n\n[cache]\nsnapshot_max_age = \"0s\"\n"));
        mesh.write("policies/rules.csv", "");
        mesh.users(&[]);
        mesh
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Absolute path of a file or folder in it.
    #[must_use]
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file whole: readers see the old text or the new one.
    pub fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let part = file.with_extension("part");
        std::fs::write(&part, text).unwrap();
        std::fs::rename(part, file).unwrap();
    }

    /// Writes `mesh.toml` with further sections.
    pub fn configure(&self, name: &str, sections: &str) {
        self.write("mesh.toml", &format!("name = \"{name}\"\n\n{sections}"));
    }

    /// Writes a contract.
    pub fn contract(&self, contract: &Contract) {
        self.write(&contract.file(), &contract.text());
    }

    /// Writes all rules.
    pub fn rules(&self, csv: &str) {
        self.write("policies/rules.csv", csv);
    }

    /// Writes all users with their attributes; every one has the same password.
    pub fn users(&self, users: &[(&str, &[(&str, &str)])]) {
        let mut text = String::new();
        for (name, attributes) in users {
            write!(text, "[users.{name}]\npassword = \"{}\"\n", password_hash()).unwrap();
            if !attributes.is_empty() {
                writeln!(text, "\n[users.{name}.attributes]").unwrap();
            }
            for (attribute, value) in *attributes {
                writeln!(text, "{attribute} = {value:?}").unwrap();
            }
            text.push('\n');
        }
        self.write("users.toml", &text);
    }

    /// Serves the mesh on free ports.
    ///
    /// # Panics
    /// If it does not load.
    pub async fn serve(&self) -> Gateway {
        let any = || Some("127.0.0.1:0".to_owned());
        let options = ServeOptions { mesh: self.folder().to_owned(), flight: any(), postgres: None, http: any() };
        match within(STEP, "starting the gateway", gateway::serve(options)).await {
            Ok(server) => Gateway { server },
            Err(error) => panic!("the gateway does not start: {error}"),
        }
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
}

impl Gateway {
    /// Where Flight SQL is.
    #[must_use]
    pub fn flight(&self) -> SocketAddr {
        self.server.flight_address()
    }

    /// Where health, readiness and metrics are.
    #[must_use]
    pub fn http(&self) -> SocketAddr {
        self.server.http_address()
    }

    /// How many queries run.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.server.gateway().queries()
    }

    /// Loads the mesh anew.
    ///
    /// # Panics
    /// If it does not load.
    pub async fn reload(&self) {
        within(STEP, "loading the mesh anew", self.server.gateway().reload()).await.unwrap();
    }

    /// How many more queries may run at this moment.
    #[must_use]
    pub fn free_permits(&self) -> usize {
        self.server.gateway().free_permits()
    }

    /// Waits until no query runs, every permit is back, and no memory is held.
    ///
    /// # Panics
    /// If that does not come.
    pub async fn is_at_rest(&self) {
        let gateway = self.server.gateway();
        let permits = gateway.current().config.limits.queries;
        eventually(STEP, "the gateway is at rest", || {
            let held = (gateway.queries(), permits - gateway.free_permits(), gateway.memory_held());
            async move { (held == (0, 0, 0)).then_some(()) }
        })
        .await;
    }

    /// A connection as `user`.
    ///
    /// # Panics
    /// If the login fails.
    pub async fn connect(&self, user: &str) -> Client {
        match Client::login(self.flight(), user, PASSWORD).await {
            Ok(client) => client,
            Err(failure) => panic!("{user} cannot log in: {failure:?}"),
        }
    }

    /// Stops it and waits for it.
    pub async fn stop(self) {
        within(STEP, "stopping the gateway", self.server.stop()).await;
    }
}

/// Hash of [`PASSWORD`] with parameters that cost little; computed once.
fn password_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let salt = SaltString::encode_b64(b"sixteen bytes ok").unwrap();
        let cheap = Params::new(64, 1, 1, None).unwrap();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, cheap);
        hasher.hash_password(PASSWORD.as_bytes(), &salt).unwrap().to_string()
    })
}
