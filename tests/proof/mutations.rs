//! Takes one safeguard away after the other: the questions must find each of them missing.

use policies::unguarded::{Mutation, everywhere};
use tests::proof::until_found;

/// Most questions for one mutation.
const MOST: u64 = 1_000;

/// Whether every mutation is found with at most this many questions each.
pub(crate) async fn all_found(most: Option<u64>, seed: u64) -> bool {
    let mut all = true;
    println!("seeds from {seed} on\n\n| mutation | found after | by |\n|---|---|---|");
    for mutation in Mutation::ALL {
        everywhere(Some(mutation));
        let tally = until_found(seed, most.unwrap_or(MOST)).await;
        everywhere(None);
        let by = tally.wrong.first().map(|finding| {
            format!("{}: {}", finding.text.lines().next().unwrap_or_default(), finding.question.replace('|', "\\|"))
        });
        all &= by.is_some();
        println!("| {mutation:?} | {} | {} |", tally.statements, by.as_deref().unwrap_or("NOT FOUND"));
    }
    all
}
