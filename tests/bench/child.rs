//! A server in a process of its own, so that its memory and its processor time are told apart from the client's.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::Mesh;

/// First argument of the child that is the gateway: what follows is its own command line.
pub(crate) const GATEWAY: &str = "serve";

/// First argument of the child that is the bare Flight server.
pub(crate) const BARE: &str = "bare";

/// What the child's first line begins with, as `meshgate serve` has it.
const LISTENS: &str = "flight grpc://";

/// Ticks of the system's count of processor time in a second; Linux has no other.
const TICKS: f64 = 100.0;

/// A server in a process of its own; killed in the end.
pub(crate) struct Child {
    process: std::process::Child,
    pub(crate) address: SocketAddr,
}

impl Child {
    /// `meshgate serve` of a mesh.
    pub(crate) fn gateway(mesh: &Mesh) -> Self {
        let any = "127.0.0.1:0";
        Self::start(&[GATEWAY, "--mesh", mesh.folder().to_str().unwrap(), "--flight", any, "--http", any])
    }

    /// The bare Flight server.
    pub(crate) fn bare() -> Self {
        Self::start(&[BARE])
    }

    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // The log is written, as it would be, and read by nobody.
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix(LISTENS).unwrap().parse().unwrap();
        Self { process, address }
    }

    /// What a child that serves at `address` says first.
    pub(crate) fn greeting(address: SocketAddr) -> String {
        format!("{LISTENS}{address}")
    }

    /// Processor time so far; zero where the system does not tell.
    pub(crate) fn busy(&self) -> Duration {
        let stat = self.proc("stat");
        // The name, in parentheses, may hold anything; user and system time are the 12th and 13th word after it.
        let words: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |place: usize| words.get(place).and_then(|word| word.parse::<f64>().ok()).unwrap_or(0.0);
        Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS)
    }

    /// The most memory that it has held so far; empty where the system does not tell.
    pub(crate) fn peak_memory(&self) -> String {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes: Option<u64> = line.split_whitespace().next().and_then(|word| word.parse().ok());
        kilobytes.map(|kilobytes| format!("{} MiB", kilobytes >> 10)).unwrap_or_default()
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap_or_default()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
