//! Writes the retailer's mesh and the CRM team's into a folder: files, users, secrets and data.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::delta::{self, Layout};
use super::facts::facts;
use super::files::{self, Values};
use super::retail::Retail;
use super::tables;
use crate::auth;

/// The people of the demo and what they are. Everybody's password is the user name.
pub const USERS: [(&str, &str); 5] = [
    ("ann", "sales analyst for the EU"),
    ("sam", "sales steward"),
    ("mia", "marketing analyst"),
    ("leo", "owner of the insights"),
    ("eve", "no grants at all"),
];

/// The file that says: this folder is ours to write anew.
const MARKER: &str = ".meshgate-demo";

/// The folder, inside the mesh folder, in which everything is made before it takes its place.
const STAGE: &str = ".meshgate-demo-new";

/// The service account of the retailer's gateway at the CRM team's endpoint.
const SERVICE_ACCOUNT: &str = "meshgate";

/// Where the gateways of the demo listen, each as `host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Flight SQL of the retailer's gateway.
    pub flight: String,
    /// Health and metrics of the retailer's gateway.
    pub http: String,
    /// Flight SQL of the CRM team's gateway.
    pub crm: String,
}

/// Why the mesh could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has something else in it.
    #[error("folder {} is neither empty nor written by an earlier demo: choose another one", .folder.display())]
    NotOurs {
        /// The folder.
        folder: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A Delta table could not be written.
    #[error("cannot write the Delta table {table:?}")]
    Table {
        /// Domain and name.
        table: &'static str,
        /// Why.
        #[source]
        source: Box<deltalake::DeltaTableError>,
    },
    /// The system gave no random bytes for a secret or a password's salt.
    #[error("cannot make a secret")]
    Secret(#[source] crate::Error),
    /// A thread of the demo died.
    #[error("writing the demo was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

/// The folder of the CRM team's mesh, in the folder of the retailer's.
#[must_use]
pub fn crm(folder: &Path) -> PathBuf {
    folder.join("crm")
}

/// Writes the retailer's mesh into `folder` and the CRM team's into its sub-folder [`crm`], a second or two of work.
///
/// The folder may be missing, empty, or hold an earlier demo, which is replaced at the end: until everything new is
/// there, the old one stays as it was. Files beside those of the demo are left alone. The records are the same every
/// time; the secrets are not.
///
/// # Errors
/// When the folder holds something else, or cannot be written.
pub async fn write(folder: &Path, addresses: &Addresses) -> Result<(), Error> {
    let folder = std::path::absolute(folder).map_err(failed(folder))?;
    let stage = folder.join(STAGE);
    let (retail, values) = {
        let (folder, stage, addresses) = (folder.clone(), stage.clone(), addresses.clone());
        tokio::task::spawn_blocking(move || prepare(&folder, &stage, &addresses)).await??
    };
    write_tables(&stage, &retail).await?;
    tokio::task::spawn_blocking(move || {
        write_files(&stage, &values)?;
        replace(&folder, &stage)
    })
    .await?
}

/// Claims the folder, and makes everything that has to be thought of.
fn prepare(folder: &Path, stage: &Path, addresses: &Addresses) -> Result<(Retail, Values), Error> {
    claim(folder)?;
    remove(stage)?;
    let retail = Retail::invent();
    let mut values = facts(&retail);
    for (user, _) in USERS {
        values.insert(user, auth::hash(user).map_err(Error::Secret)?);
    }
    let password = random_text()?;
    values.insert(SERVICE_ACCOUNT, auth::hash(&password).map_err(Error::Secret)?);
    values.insert("flight", addresses.flight.clone());
    values.insert("http", addresses.http.clone());
    values.insert("crm", addresses.crm.clone());
    write_secret(stage, "crm", &format!("{SERVICE_ACCOUNT}:{password}"))?;
    write_secret(stage, "hash_key", &random_text()?)?;
    Ok((retail, values))
}

/// 192 random bits as 32 characters that need no quoting anywhere.
fn random_text() -> Result<String, Error> {
    let bytes = auth::random_bytes::<24>().map_err(Error::Secret)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Makes sure that `folder` is there and ours.
fn claim(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let marker = folder.join(MARKER);
    if marker.is_file() {
        return Ok(());
    }
    let mut entries = folder.read_dir().map_err(failed(folder))?;
    if entries.next().is_some() {
        return Err(Error::NotOurs { folder: folder.to_owned() });
    }
    fs::write(&marker, "`meshgate demo` wrote this folder and may write it anew.\n").map_err(failed(&marker))
}

async fn write_tables(stage: &Path, retail: &Retail) -> Result<(), Error> {
    let orders = Layout { name: "sales.orders", description: "One row is one order", partition_columns: &["region"] };
    let order_items = Layout {
        name: "sales.order_items",
        description: "One row is one line of an order",
        partition_columns: &["region"],
    };
    let profiles =
        Layout { name: "customers.profiles", description: "One row is one customer", partition_columns: &[] };
    let quarters = || tables::quarters(&retail.orders);
    delta::write(&stage.join("data/sales/orders"), orders, quarters().map(tables::orders)).await?;
    delta::write(&stage.join("data/sales/order_items"), order_items, quarters().map(tables::order_items)).await?;
    let customers = retail.customers.chunks(5_000).map(tables::profiles);
    delta::write(&crm(stage).join("data/profiles"), profiles, customers).await
}

pub(super) fn write_files(stage: &Path, values: &Values) -> Result<(), Error> {
    for (path, text) in files::filled(values) {
        let path = stage.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}

/// Writes a file that nobody but its owner may read.
pub(super) fn write_secret(stage: &Path, name: &str, secret: &str) -> Result<(), Error> {
    use std::io::Write;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    let folder = stage.join("secrets");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed(&folder))?;
    let path = folder.join(name);
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed(&path))?;
    file.write_all(secret.as_bytes()).map_err(failed(&path))
}

/// Puts everything in `stage` in its place in `folder`.
fn replace(folder: &Path, stage: &Path) -> Result<(), Error> {
    for entry in stage.read_dir().map_err(failed(stage))? {
        let entry = entry.map_err(failed(stage))?;
        let place = folder.join(entry.file_name());
        remove(&place)?;
        fs::rename(entry.path(), &place).map_err(failed(&place))?;
    }
    remove(stage)
}

/// Removes a file or a folder, if it is there.
fn remove(path: &Path) -> Result<(), Error> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path)(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path: path.clone(), source }
}
