//! The binary `meshgate`.

use std::process::ExitCode;

/// Planning allocates much in small pieces, on many threads; the system's allocator takes twice as long for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gateway::commands::main()
}
