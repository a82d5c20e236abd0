//! Compiles the messages without a system `protoc`.

use std::error::Error;

const FILES: [&str; 3] = [
    "proto/meshgate/v1/ticket.proto",
    "proto/arrow/flight/protocol/session.proto",
    "proto/arrow/flight/protocol/prepared.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    prost_build::Config::new().bytes(["."]).btree_map(["."]).compile_fds(descriptors)?;
    Ok(())
}
