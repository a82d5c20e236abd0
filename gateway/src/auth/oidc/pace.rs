//! How often an issuer is asked for its keys: a few times at once, then rarely. Anybody can name unknown keys.

use std::time::{Duration, Instant};

/// Most questions in a row.
const BURST: u32 = 5;

/// How long until one more is allowed.
const REFILL: Duration = Duration::from_secs(30);

/// Counts the questions.
#[derive(Debug)]
pub(super) struct Pace {
    /// Questions that are left.
    left: u32,
    /// Since when a further one grows.
    growing_since: Instant,
    /// When the last answer, or its failure, came.
    answered: Option<Instant>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { left: BURST, growing_since: now, answered: None }
    }

    /// Whether the issuer may be asked now; then it counts as asked.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        let waited = now.saturating_duration_since(self.growing_since);
        let grown = u32::try_from(waited.as_secs() / REFILL.as_secs()).unwrap_or(BURST).min(BURST);
        if grown > 0 {
            self.left = self.left.saturating_add(grown).min(BURST);
            self.growing_since = now;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }

    /// Notes that the issuer has answered, or has not.
    pub(super) fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
    }

    /// Whether the last answer is so long ago that keys may be asked for that are only better to have: who asks waits
    /// for the answer, and an issuer that is down lets him wait long.
    pub(super) fn is_rested(&self, now: Instant) -> bool {
        self.answered.is_none_or(|answered| now.saturating_duration_since(answered) >= REFILL)
    }

    /// Whether an answer came after `moment`.
    pub(super) fn asked_since(&self, moment: Instant) -> bool {
        self.answered.is_some_and(|answered| answered > moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_unknown_keys_is_a_few_questions() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let in_an_hour = |pace: &mut Pace| {
            (0_u64..36_000).filter(|tick| pace.ask(start + Duration::from_millis(tick * 100))).count()
        };
        assert_eq!(in_an_hour(&mut pace), 5 + 119);
    }

    #[test]
    fn after_a_rest_there_is_a_burst_again_and_no_more() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let asked = |pace: &mut Pace, now| (0..100).filter(|_| pace.ask(now)).count();
        assert_eq!(asked(&mut pace, start), 5);
        assert_eq!(asked(&mut pace, start + REFILL), 1);
        assert_eq!(asked(&mut pace, start + REFILL * 1_000), 5);
    }

    #[test]
    fn who_waited_for_an_answer_does_not_ask_again() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert!(!pace.asked_since(start));
        pace.answered(start + REFILL);
        assert!(pace.asked_since(start) && !pace.asked_since(start + REFILL));
        assert!(!pace.is_rested(start + REFILL) && pace.is_rested(start + REFILL * 2));
    }
}
