//! Plans of Substrait: another way to ask, and the same rules.

use arrow_flight::FlightInfo;
use arrow_flight::sql::{CommandStatementSubstraitPlan, SubstraitPlan};
use tests::retail::Retail;
use tests::{Client, Failure};

async fn ask(client: &mut Client, plan: Vec<u8>) -> Result<FlightInfo, Failure> {
    let plan = SubstraitPlan { plan: plan.into(), version: "0.85.0".into() };
    client.command(&CommandStatementSubstraitPlan { plan: Some(plan), transaction_id: None }).await
}

#[cfg(not(feature = "substrait"))]
#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_does_not_read_plans_says_so() {
    let retail = Retail::serve().await;
    let failure = ask(&mut retail.gateway.connect("sam").await, vec![]).await.unwrap_err();
    assert_eq!((failure.code, failure.kind.as_str()), (tonic::Code::Unimplemented, "UnsupportedCommand"));
    assert!(failure.message.contains("SQL"), "{failure:?}");
}

#[cfg(feature = "substrait")]
mod reading {
    use std::sync::Arc;

    use arrow_flight::Action;
    use arrow_flight::sql::{
        ActionCreatePreparedStatementResult, ActionCreatePreparedSubstraitPlanRequest, Any, ProstMessageExt,
    };
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::catalog::TableProvider;
    use datafusion::datasource::empty::EmptyTable;
    use datafusion_substrait::logical_plan::producer::to_substrait_plan;
    use prost::Message;
    use tests::engine;

    use super::*;

    /// The plan of `sql` as a client makes it who believes that the table has these columns.
    async fn plan(domain: &str, table: &str, columns: &[(&str, DataType)], sql: &str) -> Vec<u8> {
        let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
        let empty = EmptyTable::new(Arc::new(Schema::new(fields.collect::<Vec<_>>())));
        let context = engine::with_schema(domain, &[(table, Arc::new(empty) as Arc<dyn TableProvider>)]);
        let plan = context.state().create_logical_plan(sql).await.unwrap();
        to_substrait_plan(&plan, &context.state()).unwrap().encode_to_vec()
    }

    const ORDERS: &[(&str, DataType)] = &[
        ("id", DataType::Int64),
        ("region", DataType::Utf8View),
        ("customer_id", DataType::Int64),
        ("status", DataType::Utf8View),
        ("amount", DataType::Float64),
        ("margin", DataType::Float64),
        ("email", DataType::Utf8View),
        ("ordered", DataType::Date32),
    ];

    /// The orders as ann sees them.
    fn without_margin() -> Vec<(&'static str, DataType)> {
        ORDERS.iter().filter(|(name, _)| *name != "margin").cloned().collect()
    }

    async fn lines(client: &mut Client, plan: Vec<u8>) -> Vec<String> {
        let info = ask(client, plan).await.unwrap();
        client.fetch_all(&info).await.unwrap().sorted()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_plan_gives_the_same_rows_as_the_same_sql() {
        let retail = Retail::serve().await;
        for sql in [
            "SELECT id, upper(region) FROM sales.orders WHERE amount > 20",
            "SELECT region, count(*), sum(amount) FROM sales.orders GROUP BY region",
            "SELECT email FROM sales.orders WHERE status = 'shipped' ORDER BY id LIMIT 2",
        ] {
            let (whole, part) = (ORDERS.to_vec(), without_margin());
            for (user, columns) in [("sam", whole), ("ann", part)] {
                let mut client = retail.gateway.connect(user).await;
                let plan = plan("sales", "orders", &columns, sql).await;
                assert_eq!(lines(&mut client, plan).await, client.sorted(sql).await, "{user}: {sql}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_plan_sees_no_more_than_sql_does() {
        let retail = Retail::serve().await;
        let mut ann = retail.gateway.connect("ann").await;
        let margin = plan("sales", "orders", ORDERS, "SELECT margin FROM sales.orders").await;
        let invented: Vec<_> = ORDERS.iter().cloned().chain([("invented", DataType::Float64)]).collect();
        let invented = plan("sales", "orders", &invented, "SELECT invented FROM sales.orders").await;
        let refused = |failure: Failure| (failure.kind.clone(), failure.message.replace("invented", "margin"));
        let hidden = refused(ask(&mut ann, margin).await.unwrap_err());
        assert_eq!(hidden, refused(ask(&mut ann, invented).await.unwrap_err()));
        // A mask is applied below whatever the plan compares.
        let mail = "SELECT id FROM sales.orders WHERE email = 'ada@example.com'";
        let clear = plan("sales", "orders", &without_margin(), mail).await;
        assert_eq!(lines(&mut ann, clear).await, [""; 0]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_forbidden_table_is_missing_for_a_plan_as_well() {
        let retail = Retail::serve().await;
        let mut eve = retail.gateway.connect("eve").await;
        let forbidden = plan("sales", "orders", ORDERS, "SELECT id FROM sales.orders").await;
        let missing = plan("sales", "nothing", ORDERS, "SELECT id FROM sales.nothing").await;
        let forbidden = ask(&mut eve, forbidden).await.unwrap_err();
        let missing = ask(&mut eve, missing).await.unwrap_err();
        assert_eq!((&forbidden.kind, forbidden.code), (&missing.kind, missing.code));
        assert_eq!(forbidden.message.replace("orders", "nothing"), missing.message);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn plans_can_be_prepared() {
        let retail = Retail::serve().await;
        let mut sam = retail.gateway.connect("sam").await;
        let bytes = plan("sales", "orders", ORDERS, "SELECT id FROM sales.orders WHERE region = 'EU'").await;
        let plan = SubstraitPlan { plan: bytes.clone().into(), version: "0.85.0".into() };
        let request = ActionCreatePreparedSubstraitPlanRequest { plan: Some(plan.clone()), transaction_id: None };
        let action = Action::new("CreatePreparedSubstraitPlan", request.as_any().encode_to_vec());
        let answer = sam.flight().do_action(action).await.unwrap().message().await.unwrap().unwrap();
        let created: ActionCreatePreparedStatementResult =
            Any::decode(&*answer.body).unwrap().unpack().unwrap().unwrap();
        assert_eq!(sam.execute(&created.prepared_statement_handle).await.unwrap().sorted(), ["1", "2", "5"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_no_plan_is_refused_and_harms_nobody() {
        let retail = Retail::serve().await;
        let mut sam = retail.gateway.connect("sam").await;
        let good = plan("sales", "orders", ORDERS, "SELECT id FROM sales.orders").await;
        for bad in [vec![], vec![0xff; 100], good[..good.len() / 2].to_vec(), b"SELECT 1".to_vec()] {
            let failure = ask(&mut sam, bad).await.unwrap_err();
            assert_ne!(failure.code, tonic::Code::Internal, "{failure:?}");
        }
        // No changed byte makes the gateway fall over, or read anything else than a table.
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0x15;
            let _answer = ask(&mut sam, bad).await;
        }
        assert_eq!(lines(&mut sam, good).await.len(), 6);
    }
}
