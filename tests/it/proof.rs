//! Some generated questions on every run, of seeds that were not there before. Many: `tests/proof`.

use std::time::{SystemTime, UNIX_EPOCH};

use tests::proof::{Question, run};

/// How many questions are put.
const STATEMENTS: u64 = 120;

#[tokio::test(flavor = "multi_thread")]
async fn generated_questions_find_nothing_hidden() {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * 1_000;
    let tally = run(seed, STATEMENTS).await;
    assert!(tally.is_good(), "put again with: cargo run -p tests --bin proof 1 SEED\n{tally}\n{:#?}", tally.wrong);
    assert!(tally.answered * 10 > tally.statements * 7, "too few statements are valid:\n{tally}");
}

#[test]
fn a_seed_is_a_question() {
    for seed in 0..2_000 {
        assert_eq!(Question::new(seed).to_string(), Question::new(seed).to_string());
    }
}
