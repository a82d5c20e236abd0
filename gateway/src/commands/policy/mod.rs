//! `meshgate policy …`: what the rules mean, and whether they do what their owners expect.

pub(super) mod expectation;
pub(super) mod explain;
pub(super) mod test;

use std::sync::Arc;

use policies::{AttributeValue, Principal};

use crate::mesh::Mesh;

/// A user of the mesh, or anybody by that name, with some attributes replaced.
fn principal(mesh: &Mesh, name: &str, attributes: &[(String, AttributeValue)]) -> Arc<Principal> {
    let known = mesh.users.principal(name);
    let mut principal = known.map_or_else(|| Principal::named(name), |known| (*known).clone());
    principal.attributes.extend(attributes.iter().cloned());
    Arc::new(principal)
}
