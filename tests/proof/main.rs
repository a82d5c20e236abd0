//! Puts generated questions to two meshes that differ only in what may not be seen: `proof [STATEMENTS] [SEED]`.
//!
//! With a seed and one statement, it puts one question again. `proof --mutations [STATEMENTS] [SEED]`, in a build
//! with the feature `unguarded`, takes one safeguard away after the other and looks whether the questions find it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the terminal, in the tests")]

#[cfg(feature = "unguarded")]
mod mutations;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use tests::proof::{Finding, Question, run};

/// Questions that are put where the command line does not say how many.
const STATEMENTS: u64 = 2_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mutations, numbers) = match arguments.first().map(String::as_str) {
        Some("--mutations") => (true, &arguments[1..]),
        _ => (false, &arguments[..]),
    };
    let numbers: Option<Vec<u64>> = numbers.iter().map(|number| number.parse().ok()).collect();
    let Some(numbers) = numbers.filter(|numbers| numbers.len() <= 2) else {
        println!("usage: proof [--mutations] [STATEMENTS] [SEED]");
        return ExitCode::from(2);
    };
    let seed = numbers.get(1).copied().unwrap_or_else(fresh_seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let good = runtime.block_on(async {
        if mutations {
            all_found(numbers.first().copied(), seed).await
        } else {
            proof(numbers.first().copied(), seed).await
        }
    });
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A seed that was not there before, small enough to be typed.
fn fresh_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * 1_000
}

async fn proof(statements: Option<u64>, seed: u64) -> bool {
    let statements = statements.unwrap_or(STATEMENTS);
    println!("seeds {seed} to {}\n", seed + statements - 1);
    if statements == 1 {
        println!("{}\n", Question::new(seed));
    }
    let tally = run(seed, statements).await;
    for Finding { question, text } in &tally.noted {
        println!("noted: {question}\n{text}\n");
    }
    for Finding { question, text } in &tally.wrong {
        println!("WRONG: {question}\n{text}\n");
    }
    println!("{tally}");
    tally.is_good()
}

#[cfg(feature = "unguarded")]
async fn all_found(most: Option<u64>, seed: u64) -> bool {
    mutations::all_found(most, seed).await
}

#[cfg(not(feature = "unguarded"))]
async fn all_found(_most: Option<u64>, _seed: u64) -> bool {
    println!("this build has every safeguard: build it with --features tests/unguarded");
    false
}
