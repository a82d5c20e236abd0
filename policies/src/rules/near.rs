//! Finds the name that was probably meant.

use datafusion::common::utils::datafusion_strsim::levenshtein;

/// Longest word that is compared, in bytes: longer ones are no slips, and take long.
const LONGEST: usize = 64;

/// The candidate closest to `word`, if one is close enough to be a slip of the keyboard.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_lowercase();
    let length = word.chars().count();
    // Two changes are also one pair of letters in the wrong order.
    let limit = if length < 4 { 1 } else { (length / 3).max(2) };
    candidates
        .map(|candidate| (levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// A remedy that suggests the nearest candidate, or says `otherwise`.
pub(crate) fn suggestion<'a>(word: &str, candidates: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    nearest(word, candidates)
        .map_or_else(|| otherwise.to_owned(), |candidate| format!("did you mean `{candidate}`? {otherwise}"))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_found_and_a_stranger_is_not() {
        let names = ["orders", "customers", "margin"];
        assert_eq!(nearest("ordres", names.into_iter()), Some("orders"));
        assert_eq!(nearest("Orders", names.into_iter()), Some("orders"));
        assert_eq!(nearest("invoices", names.into_iter()), None);
    }
}
