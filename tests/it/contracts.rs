//! The files that the tests and the demo write are a good mesh.

use tests::remote::Remote;
use tests::retail::{PROFILES, Retail};
use tests::{contract, engine, retail};

#[tokio::test(flavor = "multi_thread")]
async fn the_tests_own_meshes_load() {
    let crm = Remote::start(vec![("profiles", vec![engine::batch(PROFILES).await])]);
    let mesh = Retail::write(&crm).await;
    mesh.serve().await.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_for_its_owner_and_a_retired_product_for_nobody() {
    let retail = Retail::serve().await;
    let status = |status: &str| retail::orders().status(status);
    for (word, ann, olga) in
        [("deprecated", true, true), ("draft", false, true), ("proposed", false, true), ("retired", false, false)]
    {
        retail.mesh.contract(&status(word));
        let sql = "SELECT count(*) FROM sales.orders";
        for (user, may) in [("ann", ann), ("olga", olga)] {
            let client = retail.gateway.connect(user).await;
            tests::deadline::eventually(tests::deadline::STEP, &format!("{user} and a {word} product"), || {
                let mut client = client.clone();
                async move { (client.query(sql).await.is_ok() == may).then_some(()) }
            })
            .await;
        }
    }
}

#[test]
fn a_contract_of_the_tests_reads_like_an_owners() {
    let text = contract::Contract::delta("sales.orders", "data/orders").columns(&[("id", "bigint not null")]).text();
    for line in ["domain: sales", "type: local", "value: source", "physicalType: \"bigint\"", "required: true"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}
