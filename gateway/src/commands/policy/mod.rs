//! `meshgate policy …`: what the rules mean, and whether they do what their owners expect.

pub(super) mod diff;
pub(super) mod expectation;
pub(super) mod explain;
pub(super) mod test;

use policies::Principal;

use crate::mesh::Mesh;

/// A user of the mesh, or somebody of that name without attributes.
fn principal(mesh: &Mesh, name: &str) -> Principal {
    mesh.users.principal(name).map_or_else(|| Principal::named(name), |known| (*known).clone())
}
