//! What a remote endpoint learns, and what its answers may do.

use tests::remote::Fault;
use tests::vault::{FILTERS, HIDDEN, Vault};

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_ignores_the_row_filter_shows_nothing_more() {
    let vault = Vault::serve(HIDDEN).await;
    vault.remote.fault(Fault::IgnoreFilters);
    for (user, _) in FILTERS {
        let mut client = vault.gateway.connect(user).await;
        for (sql, expected) in [
            ("SELECT count(*) FROM hr.q", "3"),
            ("SELECT count(*) FROM hr.q WHERE city = 'Ulm'", "2"),
            ("SELECT count(*) FROM hr.q WHERE salary = 200", "0"),
        ] {
            assert_eq!(client.sorted(sql).await, [expected], "{user}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_remote_does_not_learn_the_callers_credentials() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await.with_header("x-secret", "of-the-caller");
    let token = ann.flight().token().unwrap().clone();
    ann.rows("SELECT * FROM hr.q WHERE city = 'Ulm'").await;
    for call in vault.remote.calls() {
        let text = format!("{call:?}");
        assert!(!text.contains(&token), "{text}");
        assert!(!text.contains("of-the-caller"), "{text}");
        assert!(!text.contains("ann"), "the subject goes along only when the contract asks for it: {text}");
    }
}
