//! Whether the endpoint of one domain may learn, by the keys of a join, what the tables of other domains hold.

use std::collections::BTreeSet;

use catalog::{Name, Source, Table};

/// The domains whose endpoints may learn the keys of one statement. An extension of the session that plans it; without
/// it no keys leave the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySharing {
    domains: BTreeSet<Name>,
}

impl KeySharing {
    /// What is allowed to a statement over these tables and no others; `None` where nothing is. A domain may learn the
    /// keys of its own tables, and those of tables whose contracts say `shareJoinKeys: true`.
    #[must_use]
    pub fn among(tables: &[&Table]) -> Option<Self> {
        let may_learn =
            |domain: &Name| tables.iter().all(|other| other.share_join_keys || other.name.domain == *domain);
        let remote = tables.iter().filter(|table| matches!(table.source, Source::FlightSql(_)));
        let domains: BTreeSet<Name> =
            remote.map(|table| &table.name.domain).filter(|domain| may_learn(domain)).cloned().collect();
        (!domains.is_empty()).then_some(Self { domains })
    }

    /// Whether the endpoints of `domain` may learn the keys.
    #[must_use]
    pub fn allows(&self, domain: &Name) -> bool {
        self.domains.contains(domain)
    }
}
