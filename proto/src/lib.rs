//! Protobuf messages of the gateway: tickets, and the parts of Arrow Flight that its crate lacks.
//!
//! The code is generated from `proto/`; read the comments there.

/// Messages of this gateway.
pub mod meshgate {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/meshgate.v1.rs"));
    }
}

/// Messages of Arrow Flight that the `arrow-flight` crate does not have.
pub mod flight {
    include!(concat!(env!("OUT_DIR"), "/arrow.flight.protocol.rs"));

    /// Messages of Flight SQL.
    pub mod sql {
        include!(concat!(env!("OUT_DIR"), "/arrow.flight.protocol.sql.rs"));
    }
}
