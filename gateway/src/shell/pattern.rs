//! The patterns of `\dt` and `\d`: `TABLE`, `DOMAIN.TABLE` or `CATALOG.DOMAIN.TABLE`, with `*` and `?`.

/// What a table's name must look like; a part that is missing may be anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pattern {
    pub(super) catalog: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) table: Option<String>,
}

impl Pattern {
    /// Reads a pattern; dots part the names.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.rsplitn(3, '.').map(str::to_owned);
        let (table, domain, catalog) = (parts.next(), parts.next(), parts.next());
        Self { catalog, domain, table }
    }

    /// A pattern of SQL's `LIKE` that matches at least what this one does. Never escaped: servers differ in that.
    pub(super) fn like(part: Option<&str>) -> Option<String> {
        let like = part?.chars().map(|c| match c {
            '*' => '%',
            '?' | '%' | '\\' => '_',
            c => c,
        });
        Some(like.collect())
    }

    /// Whether a name has the looks.
    pub(super) fn matches(&self, catalog: &str, domain: &str, table: &str) -> bool {
        let fits = |part: &Option<String>, name| part.as_ref().is_none_or(|part| glob(part, name));
        fits(&self.catalog, catalog) && fits(&self.domain, domain) && fits(&self.table, table)
    }
}

/// Whether `name` matches `pattern`, in time proportional to the product of their lengths.
fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<_>, Vec<_>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and what it has swallowed: the point to go back to.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p).is_some_and(|c| *c == '?' || Some(c) == name.get(n)) {
            p += 1;
            n += 1;
        } else if let Some((at, swallowed)) = star {
            star = Some((at, swallowed + 1));
            p = at + 1;
            n = swallowed + 1;
        } else {
            return false;
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: (&str, &str, &str), expected: bool) {
        assert_eq!(Pattern::parse(pattern).matches(name.0, name.1, name.2), expected, "{pattern} {name:?}");
    }

    #[test]
    fn a_pattern_matches_from_the_last_name_back() {
        let orders = ("retail", "sales", "order_items");
        check("order_items", orders, true);
        check("order?items", orders, true);
        check("orderxitems", orders, false);
        check("ord*", orders, true);
        check("*it*s", orders, true);
        check("*it*x", orders, false);
        check("sales.*", orders, true);
        check("s?les.order*", orders, true);
        check("retail.sales.*", orders, true);
        check("other.sales.*", orders, false);
        check("customers.*", orders, false);
        check("", orders, false);
    }

    #[test]
    fn what_the_server_is_asked_for_holds_all_that_matches() {
        assert_eq!(Pattern::like(Some("ord*_?")).as_deref(), Some("ord%__"));
        assert_eq!(Pattern::like(Some("100%\\")).as_deref(), Some("100__"));
        assert_eq!(Pattern::like(None), None);
    }
}
