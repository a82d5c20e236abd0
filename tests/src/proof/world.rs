//! Two meshes that differ only in what their principals may not see, and a copy that is secured by hand.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::execution::context::SessionContext;

use super::layout::Layout;
use super::principals::Principal;
use super::rows::{self, Row, Side};
use crate::contract::Contract;
use crate::mesh::{Gateway, Mesh};
use crate::remote::Remote;
use crate::{Client, delta, engine};

/// The body of each domain's view, over the table that it names.
const VIEW: &str = "SELECT id, tenant, ssn, salary, note, city FROM TABLE WHERE id <> 2 AND (city <> 'Bonn' OR id > 3)";

const COLUMNS: [(&str, &str); 13] = [
    ("id", "bigint"),
    ("tenant", "text"),
    ("ssn", "text"),
    ("salary", "bigint"),
    ("note", "text"),
    ("city", "text"),
    ("code", "text"),
    ("badge", "text"),
    ("amount", "numeric(12,2)"),
    ("score", "double precision"),
    ("born", "date"),
    ("active", "boolean"),
    ("tags", "text[]"),
];

/// Both meshes and the copy.
#[derive(Debug)]
pub(super) struct Pair {
    worlds: [World; 2],
    clients: Vec<[Client; 2]>,
    copy: Copy,
}

/// One served mesh.
#[derive(Debug)]
struct World {
    gateway: Gateway,
    _mesh: Mesh,
    _remote: Remote,
}

/// A plain engine over what each principal may see.
struct Copy(SessionContext);

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Copy")
    }
}

impl Pair {
    /// Serves the meshes of this pair of layouts.
    pub(super) async fn serve(layouts: usize) -> Self {
        let worlds = [World::serve(Side::Explosive, layouts).await, World::serve(Side::Harmless, layouts).await];
        let mut clients = Vec::new();
        for principal in Principal::ALL {
            let [one, other] = &worlds;
            let user = principal.user();
            clients.push([one.gateway.connect(user).await, other.gateway.connect(user).await]);
        }
        Self { worlds, clients, copy: Copy(secured_copy().await) }
    }

    /// A principal's connections to both meshes.
    pub(super) fn clients(&self, principal: Principal) -> [Client; 2] {
        let place = Principal::ALL.iter().position(|each| *each == principal).unwrap();
        self.clients[place].clone()
    }

    /// The engine over what each principal may see.
    pub(super) fn copy(&self) -> &SessionContext {
        &self.copy.0
    }

    /// Stops both gateways.
    pub(super) async fn stop(self) {
        let [one, other] = self.worlds;
        one.gateway.stop().await;
        other.gateway.stop().await;
    }
}

impl World {
    async fn serve(side: Side, layouts: usize) -> Self {
        let layout = Layout::of(layouts, side);
        let mesh = Mesh::new("proof");
        mesh.write("hash.key", rows::HASH_SECRET);
        let key = mesh.path("hash.key");
        let settings = format!("[cache]\nsnapshot_max_age = \"0s\"\n[policy]\nhash_key = \"file:{}\"\n", key.display());
        mesh.configure("proof", &settings);
        let data = Principal::ALL.map(|principal| {
            let (visible, hidden) = principal.raw(side);
            (principal.domain(), layout.order(visible, hidden))
        });
        let names: Vec<String> = data.iter().map(|(domain, _)| remote_name(domain)).collect();
        let tables = data.iter().map(|(_, rows)| batches(rows, layout.batch));
        let remote = Remote::start(names.iter().map(String::as_str).zip(tables).collect());
        let mut rules: String = Principal::ALL.iter().map(|principal| principal.rules()).collect();
        for (domain, rows) in &data {
            let folder = mesh.path(&format!("data/{domain}"));
            for rows in rows.chunks(layout.commit) {
                let batch = rows::batch(rows, true);
                delta::append_in_groups(&folder, layout.partitions, batch, Some(layout.row_group)).await;
            }
            contracts(&mesh, domain, &remote.location());
            rules.push_str(&format!("p, user:olga, {domain}, *, select, allow\n"));
        }
        if side == Side::Harmless {
            // What nobody of the proof may see is also a whole domain, and a table of his own.
            mesh.contract(&Contract::delta("unseen.p", "data/two").columns(&COLUMNS[..2]));
            rules.push_str("p, user:olga, unseen, *, select, allow\n");
        }
        mesh.rules(&rules);
        let mut users: Vec<(&str, &[(&str, &str)])> = vec![("olga", &[])];
        users.extend(Principal::ALL.map(|principal| (principal.user(), [("tenant", "a")].as_slice())));
        mesh.users(&users);
        Self { gateway: mesh.serve().await, _mesh: mesh, _remote: remote }
    }
}

/// Name of a domain's table at the remote.
fn remote_name(domain: &str) -> String {
    format!("q_{domain}")
}

fn contracts(mesh: &Mesh, domain: &str, remote: &str) {
    let spot = [("x", "bigint"), ("label", "text")];
    let path = format!("data/{domain}");
    mesh.contract(&Contract::delta(&format!("{domain}.p"), &path).columns(&COLUMNS).object("spot", &spot));
    let table = Contract::flight_sql(&format!("{domain}.q"), remote, &[]).columns(&COLUMNS).object("spot", &spot);
    mesh.contract(&table.physical_name(&remote_name(domain)));
    let body = VIEW.replace("TABLE", &format!("{domain}.p"));
    mesh.contract(&Contract::view(&format!("{domain}.v"), &body).columns(&COLUMNS[..6]));
}

/// The rows in batches of this size.
fn batches(rows: &[Row], size: usize) -> Vec<RecordBatch> {
    rows.chunks(size).map(|rows| rows::batch(rows, true)).collect()
}

async fn secured_copy() -> SessionContext {
    let context = engine::engine(&[]);
    for principal in Principal::ALL {
        let domain = principal.domain();
        let batch = rows::batch(&principal.secured(), !principal.is_masked());
        let table = engine::memory(vec![batch]);
        engine::add_schema(&context, domain, &[("p", Arc::clone(&table)), ("q", table)]);
        let body = VIEW.replace("TABLE", &format!("{domain}.p"));
        engine::answer(&context, &format!("CREATE VIEW {domain}.v AS {body}")).await.unwrap();
    }
    context
}
