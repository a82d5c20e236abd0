//! What a join has learnt of its keys goes to the remote on its other side: where that is allowed, and without a
//! change of any answer.

use tests::contract::Contract;
use tests::mesh::{Gateway, Mesh};
use tests::remote::{Fault, Remote};
use tests::{Client, delta, engine};

/// People at the remote.
const PEOPLE: u64 = 5_000;

/// Orders of a shop, three of them rare: person, town, and what they cost.
const ORDERS: &str = "SELECT value AS id, CASE WHEN value % 10 = 9 THEN NULL ELSE value * 7 END AS person,
    concat('town ', value % 40) AS town, CASE WHEN value IN (1, 10, 100) THEN 'rare' ELSE 'common' END AS kind,
    CASE WHEN value % 2 = 0 THEN 'EU' ELSE 'US' END AS region FROM range(0, 200)";

const RULES: &str = "\
p,  user:olga, shop, *, select, allow
p,  user:olga, crm, *, select, allow
p,  user:olga, hr, *, select, allow
p,  user:sam, shop, *, select, allow
p,  user:sam, crm, *, select, allow
p,  user:sam, hr, *, select, allow
p,  user:ann, shop, orders, select, allow
p2, user:ann, shop, orders, permissive, \"region = 'EU'\"
p,  user:ann, crm, people, select, allow
p3, user:ann, crm, people.email, show_last_4
";

struct Shop {
    gateway: Gateway,
    crm: Remote,
    _mesh: Mesh,
}

impl Shop {
    async fn serve(share: bool) -> Self {
        let people = format!(
            "SELECT value AS id, concat('person ', value) AS name, concat('town ', value % 1000) AS town,
             concat('p', value, '@example.com') AS email, CASE WHEN value % 50 = 0 THEN NULL ELSE value % 90 END AS boss
             FROM range(0, {PEOPLE})"
        );
        let people = engine::batch(&people).await;
        let people = (0..people.num_rows()).step_by(100).map(|at| people.slice(at, 100)).collect();
        let visits = engine::batch("SELECT value * 1000 AS person, value AS day FROM range(0, 3)").await;
        let crm = Remote::start(vec![("people", people), ("visits", vec![visits])]);
        let mesh = Mesh::new("shop");
        delta::append(&mesh.path("data/orders"), &[], ORDERS).await;
        delta::append(&mesh.path("data/staff"), &[], "SELECT value AS person FROM range(0, 20)").await;
        let orders = Contract::delta("shop.orders", "data/orders").columns(&[
            ("id", "bigint"),
            ("person", "bigint"),
            ("town", "text"),
            ("kind", "text"),
            ("region", "text"),
        ]);
        mesh.contract(&if share { orders.share_join_keys() } else { orders });
        mesh.contract(&Contract::delta("hr.staff", "data/staff").columns(&[("person", "bigint")]));
        let columns = [("id", "bigint"), ("name", "text"), ("town", "text"), ("email", "text"), ("boss", "bigint")];
        mesh.contract(&Contract::flight_sql("crm.people", &crm.location(), &[]).columns(&columns));
        let columns = [("person", "bigint"), ("day", "bigint")];
        mesh.contract(&Contract::flight_sql("crm.visits", &crm.location(), &[]).columns(&columns));
        // Views of the customers' domain, over tables of others.
        let buyers = "SELECT person, kind FROM shop.orders WHERE id IN (SELECT person FROM hr.staff) OR kind = 'rare'";
        mesh.contract(&Contract::view("crm.buyers", buyers).columns(&[("person", "bigint"), ("kind", "text")]));
        let staff = "SELECT p.id, p.name FROM hr.staff s JOIN crm.people p ON p.id = s.person";
        mesh.contract(&Contract::view("crm.named_staff", staff).columns(&[("id", "bigint"), ("name", "text")]));
        mesh.rules(RULES);
        mesh.users(&[("sam", &[]), ("ann", &[])]);
        Self { gateway: mesh.serve().await, crm, _mesh: mesh }
    }

    /// The statements that the remote got for one of `user`, all in one, and how many batches it sent.
    async fn sent(&self, user: &str, sql: &str) -> (String, usize) {
        let mut client = self.gateway.connect(user).await;
        drop(self.crm.take_statements());
        let before = self.crm.batches_sent();
        client.rows(sql).await;
        (self.crm.take_statements().join("; "), self.crm.batches_sent() - before)
    }
}

/// Of a rare order the person.
const RARE: &str =
    "SELECT p.name FROM shop.orders o JOIN crm.people p ON p.id = o.person WHERE o.kind = 'rare' ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_sends_only_the_rows_whose_keys_the_other_side_has() {
    let shop = Shop::serve(true).await;
    let (sent, batches) = shop.sent("sam", RARE).await;
    assert!(["IN (", "7", "70", "700"].iter().all(|part| sent.contains(part)), "{sent}");
    assert_eq!(batches, 1, "{sent}");
    let mut sam = shop.gateway.connect("sam").await;
    assert_eq!(sam.sorted(RARE).await, ["person 7", "person 70", "person 700"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_owners_leave_no_key_leaves_the_gateway() {
    let shop = Shop::serve(false).await;
    let (sent, batches) = shop.sent("sam", RARE).await;
    assert!(!sent.contains("WHERE") && !sent.contains("700"), "{sent}");
    assert!(batches >= 50, "{batches}");
    // A domain learns the keys of its own tables.
    let own = "SELECT p.name FROM crm.visits v JOIN crm.people p ON p.id = v.person";
    let (sent, _) = shop.sent("sam", own).await;
    assert!(sent.contains(" IN (") && sent.contains("1000"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_that_is_not_shared_keeps_the_keys_of_the_whole_statement_back() {
    let shop = Shop::serve(true).await;
    for sql in [
        "SELECT p.name FROM shop.orders o JOIN crm.people p ON p.id = o.person JOIN hr.staff s ON s.person = o.id
         WHERE o.kind = 'rare'",
        "SELECT p.name FROM (SELECT person FROM shop.orders WHERE kind = 'rare' AND id IN (SELECT person FROM hr.staff)) o
         JOIN crm.people p ON p.id = o.person",
        "SELECT p.name FROM crm.buyers b JOIN crm.people p ON p.id = b.person WHERE b.kind = 'rare'",
        "SELECT v.day FROM crm.named_staff s JOIN crm.visits v ON v.person = s.id",
        "SELECT p.name FROM information_schema.tables t JOIN crm.people p ON p.name = t.table_name",
    ] {
        let (sent, _) = shop.sent("sam", sql).await;
        assert!(!sent.contains("WHERE"), "{sql}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_hidden_rows_and_keys_for_masked_columns_are_never_sent() {
    let shop = Shop::serve(true).await;
    let (sent, _) = shop.sent("ann", RARE).await;
    let keys = sent.rsplit(" IN (").next().unwrap().trim_end_matches([')', ' ']);
    let mut keys: Vec<&str> = keys.split(", ").collect();
    keys.sort_unstable();
    assert_eq!(keys, ["70", "700"], "the first of the rare orders is hidden: {sent}");
    let sql = "SELECT p.name FROM shop.orders o JOIN crm.people p ON p.email = concat('p', o.person, '@example.com')
               WHERE o.kind = 'rare'";
    let (sent, _) = shop.sent("ann", sql).await;
    assert!(!sent.contains("WHERE"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_match_nothing_is_fetched() {
    let shop = Shop::serve(true).await;
    let sql = "SELECT p.name FROM shop.orders o JOIN crm.people p ON p.id = o.person WHERE o.kind = 'none'";
    let (_, batches) = shop.sent("sam", sql).await;
    assert_eq!(batches, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_does_not_take_the_keys_is_asked_without_them() {
    let shop = Shop::serve(true).await;
    shop.crm.fault(Fault::RefuseLists);
    let mut sam = shop.gateway.connect("sam").await;
    assert_eq!(sam.sorted(RARE).await, ["person 7", "person 70", "person 700"]);
}

/// Joins of every kind, sub-queries and keys of every kind, over tables `o`, `p` and `v`.
const SHAPES: [&str; 24] = [
    "SELECT o.id, p.name FROM O o JOIN P p ON p.id = o.person",
    "SELECT o.id, p.name FROM P p JOIN O o ON p.id = o.person WHERE p.id < 900",
    "SELECT o.id, p.name FROM O o LEFT JOIN P p ON p.id = o.person",
    "SELECT o.id, p.name FROM O o RIGHT JOIN P p ON p.id = o.person WHERE p.id < 50",
    "SELECT o.id, p.name FROM O o FULL JOIN P p ON p.id = o.person AND o.kind = 'rare' WHERE coalesce(p.id, 0) < 50",
    "SELECT o.id, p.name FROM O o LEFT JOIN P p ON p.id = o.person AND p.town > o.town WHERE o.kind = 'rare'",
    "SELECT p.id FROM P p WHERE p.id IN (SELECT person FROM O WHERE kind = 'rare')",
    "SELECT p.id FROM P p WHERE p.id < 60 AND p.id NOT IN (SELECT person FROM O WHERE kind = 'rare')",
    "SELECT p.id FROM P p WHERE p.id < 60 AND p.id NOT IN (SELECT person FROM O)",
    "SELECT p.id FROM P p WHERE p.id < 300 AND p.boss NOT IN (SELECT person FROM O WHERE kind = 'rare')",
    "SELECT p.id FROM P p WHERE EXISTS (SELECT 1 FROM O o WHERE o.person = p.id AND o.kind = 'rare')",
    "SELECT p.id FROM P p WHERE p.id < 60 AND NOT EXISTS (SELECT 1 FROM O o WHERE o.person = p.id)",
    "SELECT o.id FROM O o WHERE NOT EXISTS (SELECT 1 FROM P p WHERE o.person = p.id)",
    "SELECT o.id, p.id FROM O o JOIN P p ON p.boss IS NOT DISTINCT FROM o.person WHERE p.id < 200",
    "SELECT o.id, p.id FROM O o JOIN P p ON p.id = o.person AND p.town = o.town",
    "SELECT o.id, p.id FROM O o JOIN P p ON p.town = o.town WHERE o.kind = 'rare'",
    "SELECT o.id, p.id, v.day FROM O o JOIN P p ON p.id = o.person JOIN V v ON v.person + 70 = p.id",
    "SELECT v.day, p.name, o.id FROM V v JOIN P p ON p.id = v.person LEFT JOIN O o ON o.person = p.id",
    "SELECT a.id, b.id FROM P a JOIN P b ON b.id = a.boss WHERE a.id < 30",
    "SELECT kind, count(*), min(p.name) FROM O o JOIN P p ON p.id = o.person GROUP BY kind",
    "SELECT p.name FROM O o JOIN P p ON p.id = o.person WHERE o.kind = 'rare' UNION SELECT name FROM P WHERE id = 3",
    "SELECT o.id, q.n FROM O o JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM P) q ON q.id = o.person",
    "SELECT o.id, q.id FROM O o JOIN (SELECT id FROM P ORDER BY id LIMIT 100) q ON q.id = o.person",
    "SELECT o.id, (SELECT max(p.name) FROM P p WHERE p.id = o.person) FROM O o WHERE o.kind = 'rare'",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_depends_on_whether_keys_are_sent() {
    let (shared, kept) = (Shop::serve(true).await, Shop::serve(false).await);
    let mut narrowed = 0;
    for user in ["sam", "ann"] {
        let (mut here, mut there): (Client, Client) =
            (shared.gateway.connect(user).await, kept.gateway.connect(user).await);
        for shape in SHAPES {
            // The visits are nothing that ann may see.
            if user == "ann" && shape.contains('V') && shape.contains("V v") {
                continue;
            }
            let sql = ["O", "P", "V"].iter().zip(["shop.orders", "crm.people", "crm.visits"]).fold(
                shape.to_owned(),
                |sql, (short, table)| {
                    [" ", ")"]
                        .iter()
                        .fold(sql, |sql, end| sql.replace(&format!(" {short}{end}"), &format!(" {table}{end}")))
                },
            );
            drop(shared.crm.take_statements());
            let answer = here.sorted(&sql).await;
            narrowed += u32::from(shared.crm.take_statements().iter().any(|text| text.contains(" IN (")));
            assert_eq!(answer, there.sorted(&sql).await, "{user}: {sql}");
            // A NULL among the persons makes NOT IN unknown; every person of ann's orders is there.
            let may_be_empty = shape.contains("NOT IN (SELECT person FROM O)") || shape.contains("WHERE NOT EXISTS");
            assert!(!answer.is_empty() || may_be_empty, "{user}: {sql}");
        }
    }
    assert!(narrowed > 10, "keys were sent {narrowed} times only");
}
