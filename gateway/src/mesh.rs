//! A mesh as it was loaded at one moment: configuration, registry, policies, users. Replaced whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{Problem, Problems, Registry};
use policies::{HashKey, Policies, RuleFile};
use sha2::{Digest, Sha256};

use crate::audit;
use crate::auth::{Identities, Oidc, Passwords, Users};
use crate::config::{self, Config};

/// Largest policy file that is read, in bytes.
const MAX_POLICY_BYTES: u64 = 64 << 20;

/// Most policy files of a mesh.
const MAX_POLICY_FILES: usize = 1_000;

/// Everything that the files of a mesh folder say. Immutable; a reload makes a new one.
#[derive(Debug)]
pub struct Mesh {
    /// `mesh.toml`.
    pub config: Config,
    /// What exists.
    pub registry: Arc<Registry>,
    /// Who may see what.
    pub policies: Policies,
    /// Who there is.
    pub users: Arc<Users>,
    /// The identity provider, where there is one.
    pub(crate) oidc: Option<Arc<Oidc>>,
    /// Counts the loads since the start; the policy version of tickets and records.
    pub version: u64,
    /// SHA-256 of all rule files, in hexadecimal: the same for the same rules, whoever loads them.
    pub policy_digest: String,
}

impl Mesh {
    /// Loads the mesh in `folder`, whole or not at all.
    ///
    /// `hash_key` keys the `hash` mask; it must outlive a reload, or hashes would change under running clients.
    ///
    /// # Errors
    /// Every mistake of every file.
    pub async fn load(folder: &Path, hash_key: &HashKey, version: u64) -> Result<Self, Problems> {
        let config = Config::load(folder)?;
        let mut problems = Problems::default();
        let certificates = config.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let passwords = if certificates { Passwords::Optional } else { Passwords::Required };
        let users = Users::load(folder, &config.auth.users, passwords).map_err(|found| problems.extend(found)).ok();
        let oidc = config.auth.oidc.clone().map(|settings| Oidc::load(folder, settings)).transpose();
        let oidc = oidc.map_err(|found| problems.push(found)).ok().flatten().map(Arc::new);
        let rules = rule_files(folder).map_err(|found| problems.push(found)).ok();
        let registry = catalog::load(&config.name, folder).map_err(|found| problems.extend(found)).ok();
        let (Some(users), Some((rules, model)), Some(registry)) = (users, rules, registry) else {
            return problems.or(()).and(Err(Problems::default()));
        };
        let registry = Arc::new(registry);
        let policy_digest = digest(&rules);
        let policies = Policies::load(rules, model, Arc::clone(&registry), hash_key.clone()).await;
        let policies = match policies {
            Ok(policies) => problems.or(policies)?,
            Err(found) => {
                problems.extend(found);
                return problems.or(()).and(Err(Problems::default()));
            }
        };
        Ok(Self { config, registry, policies, users: Arc::new(users), oidc, version, policy_digest })
    }

    /// Who may come in.
    #[must_use]
    pub fn identities(&self) -> Identities {
        let (users, oidc) = (Arc::clone(&self.users), self.oidc.clone());
        Identities { users, certificate: self.config.auth.certificate, oidc }
    }
}

/// Digest of names and texts; their lengths keep them apart.
fn digest(rules: &[RuleFile]) -> String {
    let mut digest = Sha256::new();
    for RuleFile { path, text } in rules {
        for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    audit::hex(&digest.finalize())
}

/// The `policies/*.csv` files in the order of their names, and `policies/model.conf` where there is one.
fn rule_files(folder: &Path) -> Result<(Vec<RuleFile>, Option<RuleFile>), Problem> {
    let policies = Path::new("policies");
    let mut rules: Vec<PathBuf> = Vec::new();
    let mut model = None;
    let entries = match std::fs::read_dir(folder.join(policies)) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("cannot be read: {error}");
            return Err(Problem::in_file(policies, message, "create the folder with a CSV file of rules in it"));
        }
    };
    for entry in entries {
        let entry =
            entry.map_err(|error| Problem::in_file(policies, format!("cannot be read: {error}"), "try again"))?;
        let file = policies.join(entry.file_name());
        if file.extension().is_some_and(|extension| extension == "csv") {
            rules.push(file);
        } else if file.file_name().is_some_and(|name| name == "model.conf") {
            model = Some(read_rules(folder, file)?);
        }
    }
    if rules.len() > MAX_POLICY_FILES {
        let message = format!("holds more than {MAX_POLICY_FILES} rule files");
        return Err(Problem::in_file(policies, message, "put the rules of a domain into one file"));
    }
    rules.sort_unstable();
    let rules = rules.into_iter().map(|file| read_rules(folder, file)).collect::<Result<Vec<_>, _>>()?;
    Ok((rules, model))
}

fn read_rules(folder: &Path, file: PathBuf) -> Result<RuleFile, Problem> {
    let text = config::read(folder, &file, MAX_POLICY_BYTES)?;
    Ok(RuleFile { path: file, text })
}
