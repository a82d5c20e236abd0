//! `meshgate policy explain`.

use policies::{AttributeValue, HashKey};

use super::super::arguments::ExplainArguments;
use super::super::{Failure, Outcome, say};
use crate::mesh::Mesh;

/// Prints which rules make up a user's view of a table.
pub(in super::super) async fn run(arguments: &ExplainArguments) -> Result<Outcome, Failure> {
    // Nothing is hashed here, so any key will do.
    let mesh = Mesh::load(&arguments.mesh, &HashKey::new([0; 32]), 1).await?;
    let name: catalog::TableName = arguments.table.parse()?;
    let table = mesh.registry.table(&name).ok_or_else(|| format!("table \"{name}\" is not in the catalog"))?;
    let mut principal = super::principal(&mesh, &arguments.user);
    for (name, value) in &arguments.attribute {
        principal.attributes.insert(name.clone(), AttributeValue::Text(value.clone()));
    }
    principal.roles.extend(arguments.role.iter().cloned());
    say(&mesh.policies.explain(&principal, table).to_string());
    Ok(Outcome::Good)
}
