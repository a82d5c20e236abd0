//! How fast the gateway is, beside something that does the same without it: ratios of one run on one machine.
//!
//! - `cargo run --release -p tests --bin bench [overhead [ROUNDS [LINES]]]`: what governance adds to a statement
//! - `… bench throughput [ROUNDS [MIB]]`: a large result, against a bare Flight server
//! - `… bench statements [ROUNDS [SECONDS]]`: point lookups, against the same ones in this process
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program whose result is what it prints")]

mod bare;
mod child;
mod data;
mod lookup;
mod overhead;
mod plain;
mod spread;
mod statements;
mod throughput;

use std::process::ExitCode;

/// That of the gateway, also for what it is compared with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (part, numbers) = match arguments.split_first() {
        // A child of this program: the gateway's own command line.
        Some((first, _)) if first == child::GATEWAY => return gateway::commands::main(),
        Some((first, rest)) if first.parse::<u64>().is_err() => (first.as_str(), rest),
        Some(_) | None => ("overhead", arguments.as_slice()),
    };
    let number = |place: usize, default: u64| numbers.get(place).map_or(default, |text| text.parse().unwrap());
    let rounds = |default: u64| usize::try_from(number(0, default)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match part {
            "overhead" => overhead::run(rounds(15), number(1, 4_000_000)).await,
            "throughput" => throughput::run(rounds(9), number(1, 1_024)).await,
            "statements" => statements::run(rounds(5), number(1, 4)).await,
            child::BARE => bare::serve().await,
            _ => {
                println!("usage: bench [overhead | throughput | statements] [ROUNDS [SIZE]]");
                return ExitCode::from(2);
            }
        }
        ExitCode::SUCCESS
    })
}
