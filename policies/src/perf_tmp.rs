//! temporary
#![allow(clippy::all, clippy::print_stderr, clippy::unwrap_used, clippy::allow_attributes, clippy::allow_attributes_without_reason)]
use crate::testing::*;
use crate::*;
use std::sync::Arc;
use std::time::Instant;
#[test]
fn perf() {
    let mut tables = vec![];
    let mut rules = String::new();
    for d in 0..100 { for t in 0..100 {
        let name = format!("d{d}.t{t}");
        tables.push(table(&name, &order_columns(), catalog::Status::Active));
        for r in 0..7 { rules += &format!("p, role:r{r}_{}, d{d}, t{t}, select, allow\n", (d*7+t)%50); }
        rules += &format!("p, role:x, d{d}, t{t}.margin, select, deny\n");
        rules += &format!("p2, role:r1_{}, d{d}, t{t}, permissive, \"region = attribute('region') and status <> 'x{}'\"\n", (d*7+t)%50, t%5);
        rules += &format!("p3, role:r1_{}, d{d}, t{t}.email, hash\n", (d*7+t)%50);
    }}
    for u in 0..5000 { rules += &format!("g, user:u{u}, role:r{}_{}, d{}\n", u%7, u%50, u%100); rules += &format!("g, user:u{u}, role:r{}_{}, *\n", (u+1)%7, u%50); }
    let registry = Arc::new(catalog::Registry::new("retail".parse().unwrap(), tables, vec![]));
    let start = Instant::now();
    let file = RuleFile { path: "x.csv".into(), text: rules };
    let policies = futures::executor::block_on(Policies::load(vec![file], None, Arc::clone(&registry), HashKey::new([7; 32]))).unwrap();
    eprintln!("load {:?}", start.elapsed());
    let mut worst = std::time::Duration::ZERO; let mut n=0; let mut ok=0; let all = Instant::now();
    for t in registry.tables() { for who in ["u1 region=EU", "u2 region=EU @r1_3 @r2_3 @r1_4"] {
        let p = principal(who); let s = Instant::now();
        if !matches!(policies.decide(&p, t, Action::Select), Decision::Deny) { ok+=1 } n+=1;
        worst = worst.max(s.elapsed());
    }}
    eprintln!("{n} decisions {ok} allowed, mean {:?} worst {worst:?}", all.elapsed()/n);
}
