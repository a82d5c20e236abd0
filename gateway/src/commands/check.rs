//! `meshgate check`.

use std::path::Path;
use std::sync::Arc;

use catalog::{Source, Table};
use policies::{HashKey, Principal};

use super::{Failure, Outcome, say};
use crate::mesh::Mesh;
use crate::query::{Pins, Query, Statement};
use crate::{Gateway, config};

/// Validates every file of a mesh; with `online`, opens every source as well.
pub(super) async fn run(folder: &Path, online: bool) -> Result<Outcome, Failure> {
    if !folder.join(config::FILE).is_file() {
        return Err(format!("{} is not a mesh folder: it has no {}", folder.display(), config::FILE).into());
    }
    let mesh = match Mesh::load(folder, &HashKey::new([0; 32]), 1).await {
        Ok(mesh) => mesh,
        Err(problems) => {
            say(&problems.to_string());
            say(&format!("{} problems", problems.len()));
            return Ok(Outcome::Failed);
        }
    };
    say(&format!(
        "mesh {}: {} domains, {} products, {} tables, {} users: good",
        mesh.config.name,
        mesh.registry.domains().count(),
        mesh.registry.products().count(),
        mesh.registry.tables().count(),
        mesh.users.names().count(),
    ));
    if online { sources(folder).await } else { Ok(Outcome::Good) }
}

async fn sources(folder: &Path) -> Result<Outcome, Failure> {
    let gateway = Gateway::start(folder).await?;
    let mut failed = 0;
    let mesh = gateway.current();
    if let Some(oidc) = &mesh.oidc {
        match oidc.count_keys().await {
            Ok(count) => say(&format!("auth.oidc: {count} keys, good")),
            Err(why) => {
                failed += 1;
                say(&format!("auth.oidc: FAILED: {why}"));
            }
        }
    }
    for table in mesh.registry.tables() {
        match source(&gateway, table).await {
            Ok(found) => say(&format!("{}: {found}", table.name)),
            Err(why) => {
                failed += 1;
                say(&format!("{}: FAILED: {why}", table.name));
            }
        }
    }
    Ok(if failed == 0 { Outcome::Good } else { Outcome::Failed })
}

/// Opens the source of a table and compares it with the contract.
async fn source(gateway: &Arc<Gateway>, table: &Arc<Table>) -> Result<String, Failure> {
    if let Source::MeshSql(_) = table.source {
        // A view is read with its owner's grants, so it is its owner who must be able to read it.
        let owner = table.contract.owner.as_deref().unwrap_or_default();
        let known = gateway.users().principal(owner);
        let owner = known.unwrap_or_else(|| Arc::new(Principal::named(owner)));
        let sql = format!("SELECT * FROM {}", table.name);
        let statement = Statement { text: sql.into(), ..Statement::default() };
        Query::receive(gateway, owner, statement)?.plan(Pins::default()).await?.finish().await?;
        return Ok("view, good".to_owned());
    }
    let context = connectors::CallContext {
        query_id: "check".into(),
        deadline: std::time::Instant::now() + gateway.current().config.limits.query_timeout,
        identity: None,
    };
    let latest = connectors::At::Latest { max_age: std::time::Duration::ZERO };
    let opened = gateway.connectors.open(table, latest, &context).await?;
    catalog::drift::bind(table, &opened.provider.schema())?;
    Ok(format!("version {}, good", opened.version))
}
