//! Who asks in the proof. Each principal has a domain of his own, with the same tables under his own rules.

use super::rows::{self, Row, Side};

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A row filter.
    Filter,
    /// Masks and a hidden column.
    Masks,
    /// A row filter, masks and a hidden column; the filter's own column is masked as well.
    Both,
    /// Two roles with a row filter each, of which one has masks and the other a hidden column.
    Two,
}

impl Principal {
    /// Everybody.
    pub const ALL: [Self; 4] = [Self::Filter, Self::Masks, Self::Both, Self::Two];

    /// Name of the user.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Filter => "flo",
            Self::Masks => "mia",
            Self::Both => "bob",
            Self::Two => "tom",
        }
    }

    /// The domain whose tables are his.
    #[must_use]
    pub fn domain(self) -> &'static str {
        match self {
            Self::Filter => "filtered",
            Self::Masks => "masked",
            Self::Both => "both",
            Self::Two => "two",
        }
    }

    /// Whether values of his are masked, and the column `code` is hidden.
    #[must_use]
    pub fn is_masked(self) -> bool {
        self != Self::Filter
    }

    /// The tenants of the rows that he sees.
    fn tenants(self) -> &'static [Option<&'static str>] {
        match self {
            Self::Filter | Self::Both => &[Some("a")],
            Self::Masks => &[Some("a"), None, Some("b")],
            Self::Two => &[Some("a"), Some("b")],
        }
    }

    /// The visible and the hidden rows of his tables on one side, with their raw values.
    pub(super) fn raw(self, side: Side) -> (Vec<Row>, Vec<Row>) {
        let shown = rows::shown(self.tenants());
        let mask = |row: Row| if self.is_masked() { rows::under_masks(row, side) } else { row };
        let hidden = if self == Self::Masks { Vec::new() } else { rows::hidden(side) };
        (shown.into_iter().map(mask).collect(), hidden)
    }

    /// What he sees, secured by hand.
    pub(super) fn secured(self) -> Vec<Row> {
        let shown = rows::shown(self.tenants()).into_iter();
        let mask = |row: Row| if self.is_masked() { rows::masked(row) } else { row };
        let tenant = |mut row: Row| {
            if self == Self::Both {
                row.tenant = Some("masked".to_owned());
            }
            row
        };
        shown.map(mask).map(tenant).collect()
    }

    /// His rules.
    pub(super) fn rules(self) -> String {
        let domain = self.domain();
        match self {
            Self::Filter => format!(
                "p,  user:flo, {domain}, *, select, allow\n\
                 p2, user:flo, {domain}, p, permissive, \"tenant = attribute('tenant')\"\n\
                 p2, user:flo, {domain}, q, permissive, \"upper(tenant) = 'A'\"\n"
            ),
            Self::Masks => {
                format!("p, user:mia, {domain}, *, select, allow\n{}", masks("user:mia", domain))
            }
            Self::Both => format!(
                "p,  user:bob, {domain}, *, select, allow\n\
                 p2, user:bob, {domain}, p, permissive, \"tenant IN ('a', 'aa')\"\n\
                 p2, user:bob, {domain}, q, permissive, \"tenant = attribute('tenant')\"\n\
                 p3, user:bob, {domain}, p.tenant, \"constant:'masked'\"\n\
                 p3, user:bob, {domain}, q.tenant, \"constant:'masked'\"\n{}",
                masks("user:bob", domain)
            ),
            Self::Two => {
                let mut rules = format!(
                    "g, user:tom, role:one, {domain}\ng, user:tom, role:other, {domain}\n\
                     p, role:one, {domain}, v, select, allow\n{}",
                    masks("role:other", domain)
                );
                for table in ["p", "q"] {
                    rules.push_str(&format!(
                        "p,  role:one, {domain}, {table}, select, allow\n\
                         p2, role:one, {domain}, {table}, permissive, \"tenant = 'a'\"\n\
                         p,  role:other, {domain}, {table}, select, allow\n\
                         p2, role:other, {domain}, {table}, permissive, \"tenant = 'b'\"\n"
                    ));
                }
                rules
            }
        }
    }
}

/// The masks and the hidden column, for both tables.
fn masks(subject: &str, domain: &str) -> String {
    let mut rules = String::new();
    for table in ["p", "q"] {
        rules.push_str(&format!(
            "p3, {subject}, {domain}, {table}.ssn, show_last_4\n\
             p3, {subject}, {domain}, {table}.salary, null\n\
             p3, {subject}, {domain}, {table}.note, mask_alphanum\n\
             p3, {subject}, {domain}, {table}.amount, \"sql:CASE WHEN active THEN amount ELSE NULL END\"\n\
             p3, {subject}, {domain}, {table}.badge, hash\n\
             p3, {subject}, {domain}, {table}.born, truncate_to_year\n\
             p3, {subject}, {domain}, {table}.spot, null\n\
             p,  {subject}, {domain}, {table}.code, select, deny\n"
        ));
    }
    rules
}
