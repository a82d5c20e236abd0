//! What many rules cost: loading them, deciding by them, and replacing them under a stream of decisions.
//!
//! `cargo run --release -p tests --bin policy_bench [TABLES [ROLES [RULES]]]`
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program whose result is what it prints")]

mod large;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use catalog::Registry;
use policies::{Action, Decision, HashKey, Policies, Principal, RuleFile};
use tests::Mesh;

use large::Size;

/// Different questions.
const QUESTIONS: usize = 5_000;

/// How long the stream of decisions is watched without a reload.
const QUIET: Duration = Duration::from_secs(2);

/// A question that is asked: who, and the table's name.
type Question = (Principal, catalog::TableName);

fn main() {
    let number = |place: usize, default: usize| std::env::args().nth(place).map_or(default, |n| n.parse().unwrap());
    let size = Size { tables: number(1, 10_000), roles: number(2, 1_000), rules: number(3, 100_000) };
    println!("{} tables, {} roles, {} users, {} rules\n", size.tables, size.roles, size.users(), size.rules);
    let mesh = Mesh::new("large");
    large::contracts(&mesh, size);
    let rules = large::rules(size);

    println!("| what | measured | aim |\n|---|---|---|");
    let (registry, took) = timed(|| catalog::load(&"large".parse().unwrap(), mesh.folder()).unwrap());
    println!("| load of the contracts, a file for each table | {took} | |");
    let registry = Arc::new(registry);
    let (loaded, took) = timed(|| load(&rules, &registry));
    println!("| load of the rules | {took} | 5 s |");

    let policies = ArcSwap::from_pointee(loaded);
    let questions: Vec<Question> = (0..QUESTIONS).map(|number| question(size, number)).collect();
    println!("| first decision about a user and table | {} | 20 ms |", ask(&policies, &registry, &questions));
    println!("| the same decision again | {} | 50 µs |", ask(&policies, &registry, &questions));
    let quiet = stream(&policies, &registry, &questions, || std::thread::park_timeout(QUIET));
    println!("| a stream of decisions, nothing else running | {quiet} | |");
    let reload = || policies.store(Arc::new(load(&rules, &registry)));
    let under_reload = stream(&policies, &registry, &questions, reload);
    println!("| a stream of decisions while the rules are loaded anew and swapped | {under_reload} | no stall |");
}

/// What `work` gives, and how long it took; where the system tells, also how long it had a processor, which says more
/// on a busy machine.
fn timed<T>(work: impl FnOnce() -> T) -> (T, String) {
    let on_processor = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(Duration::from_nanos(text.split(' ').next()?.parse().ok()?))
    };
    let (start, before) = (Instant::now(), on_processor());
    let result = work();
    let took = start.elapsed();
    let busy = on_processor().zip(before).map(|(after, before)| format!(", {:.2?} on a processor", after - before));
    (result, format!("{took:.2?}{}", busy.unwrap_or_default()))
}

fn load(rules: &str, registry: &Arc<Registry>) -> Policies {
    let file = RuleFile { path: "policies/rules.csv".into(), text: rules.to_owned() };
    let key = HashKey::new([7; 32]);
    futures::executor::block_on(Policies::load(vec![file], None, Arc::clone(registry), key)).unwrap()
}

fn question(size: Size, number: usize) -> Question {
    let (principal, table) = size.question(number);
    (principal, table.parse().unwrap())
}

/// How long one decision takes.
fn decide(policies: &Policies, registry: &Registry, (principal, table): &Question) -> (Duration, bool) {
    let table = registry.table(table).unwrap();
    let start = Instant::now();
    let decision = policies.decide(principal, table, Action::Select);
    (start.elapsed(), decision != Decision::Deny)
}

/// How long each question takes, once.
fn ask(policies: &ArcSwap<Policies>, registry: &Registry, questions: &[Question]) -> String {
    let policies = policies.load_full();
    let answers: Vec<(Duration, bool)> =
        questions.iter().map(|question| decide(&policies, registry, question)).collect();
    let allowed = answers.iter().filter(|(_, allowed)| *allowed).count();
    assert!(allowed * 4 > answers.len(), "{allowed} of {} are a yes: the questions are worth asking", answers.len());
    spread(answers.into_iter().map(|(time, _)| time).collect())
}

/// How long decisions take, one after the other on a thread of their own, while `meanwhile` runs.
fn stream(
    policies: &ArcSwap<Policies>,
    registry: &Registry,
    questions: &[Question],
    meanwhile: impl FnOnce(),
) -> String {
    let done = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut times = Vec::new();
            for question in questions.iter().cycle() {
                times.push(decide(&policies.load(), registry, question).0);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
            times
        });
        meanwhile();
        done.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    spread(times)
}

/// Median, 99.9th of 100, and longest.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    format!("median {:.1?}, 99.9 % {:.1?}, longest {:.1?}", at(0.5), at(0.999), at(1.0))
}
