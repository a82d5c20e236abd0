//! The binary `meshgate`.

fn main() {}
