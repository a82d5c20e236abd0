//! `meshgate user add`.

use std::io::Write;
use std::path::Path;

use super::{Failure, Outcome, say};
use crate::auth::{self, Passwords, Users};
use crate::config::Config;

/// Appends a user to the mesh's file of users, or makes the file.
pub(super) fn add(
    mesh: &Path,
    name: &str,
    attributes: &[(String, String)],
    password: Option<String>,
) -> Result<Outcome, Failure> {
    let config = Config::load(mesh)?;
    let path = mesh.join(&config.auth.users);
    let before = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("cannot read {}: {error}", path.display()).into()),
    };
    if Users::parse(&config.auth.users, &before, Passwords::Optional)?.principal(name).is_some() {
        return Err(format!("user {name:?} is there already: remove the section [users.{name}] first").into());
    }
    let password = match password {
        Some(password) => password,
        None => ask(name)?,
    };
    if password.is_empty() {
        return Err("an empty password is no password".into());
    }
    let section = auth::section(name, &auth::hash(&password)?, attributes)?;
    let gap = if before.is_empty() || before.ends_with("\n\n") { "" } else { "\n" };
    let after = format!("{before}{gap}{section}");
    // What is written must be readable, or the running gateway would refuse its next reload.
    Users::parse(&config.auth.users, &after, Passwords::Optional)?;
    replace(&path, &after)?;
    say(&format!("added user {name} to {}", path.display()));
    Ok(Outcome::Good)
}

fn ask(name: &str) -> Result<String, Failure> {
    let password = rpassword::prompt_password(format!("Password of {name}: "))?;
    if rpassword::prompt_password("Once more: ")? != password {
        return Err("the two passwords differ".into());
    }
    Ok(password)
}

/// Writes the file whole or not at all, readable by its owner only.
fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let fresh = path.with_extension("toml.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    Ok(())
}
