//! A plant: many measurements at a foreign Flight SQL server, and a small Delta table of its own.

use crate::contract::Contract;
use crate::mesh::{Gateway, Mesh};
use crate::remote::{Fault, Remote};
use crate::{delta, engine};

/// Batches of the measurements, each of nearly a megabyte.
pub const BATCHES: usize = 40;

/// Rows of the measurements.
pub const ROWS: usize = BATCHES * 8_192;

/// The plant, served.
#[derive(Debug)]
pub struct Plant {
    /// The mesh folder.
    pub mesh: Mesh,
    /// The gateway.
    pub gateway: Gateway,
    /// The server of the measurements.
    pub remote: Remote,
}

impl Plant {
    /// Serves it; the remote does this wrong.
    pub async fn serve(fault: Fault) -> Self {
        Self::serve_with(fault, 1, "").await
    }

    /// The same with so many times the measurements, and with further sections in `mesh.toml`.
    pub async fn serve_with(fault: Fault, times: usize, sections: &str) -> Self {
        let mut batches = Vec::new();
        for start in 0..BATCHES {
            let columns = format!("CAST(value + {start} * 8192 AS BIGINT) AS id, repeat('x', 100) AS filler");
            batches.push(engine::batch(&format!("SELECT {columns} FROM range(8192)")).await);
        }
        // Over and over again the same memory.
        let batches = batches.iter().cycle().take(times * BATCHES).cloned().collect();
        let remote = Remote::start(vec![("measurements", batches)]);
        remote.fault(fault);
        let mesh = Mesh::new("plant");
        if !sections.is_empty() {
            mesh.configure("plant", sections);
        }
        mesh.contract(
            &Contract::flight_sql("plant.measurements", &remote.location(), &[])
                .columns(&[("id", "bigint"), ("filler", "text")]),
        );
        delta::append(&mesh.path("data/local"), &[], "SELECT * FROM (VALUES (1), (2)) AS t(id)").await;
        mesh.contract(&Contract::delta("plant.local", "data/local").columns(&[("id", "bigint")]));
        mesh.rules("p, user:sam, plant, *, select, allow\n");
        mesh.users(&[("sam", &[])]);
        let gateway = mesh.serve().await;
        Self { mesh, gateway, remote }
    }
}
