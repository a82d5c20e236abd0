//! Chance that falls the same way every time, on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// The seed of all demo records.
const SEED: u64 = 2024;

/// Draws of one kind of record. Kinds have streams of their own, so that a change to one leaves the others alone.
///
/// Whole numbers only: floating-point functions differ between platforms, and the ranges of the `rand` crate
/// between its releases.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// The draws of stream `number`.
    pub(super) fn stream(number: u64) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(SEED);
        source.set_stream(number);
        Self(source)
    }

    /// A number from 0 up to, without, `limit`.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        // The high half of a 64-bit product is below `limit`; its bias is far too small for a demo to show.
        ((u64::from(self.0.next_u32()) * u64::from(limit)) >> 32) as u32
    }

    /// True in `percent` of 100 draws.
    pub(super) fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which are not empty, all alike.
    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u32) as usize]
    }

    /// One of `choices`, which are not empty, each as often as its weight says.
    pub(super) fn weighted<'a, T>(&mut self, choices: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total = choices.iter().map(&weight).sum();
        let mut drawn = self.below(total);
        for choice in choices {
            let own = weight(choice);
            if drawn < own {
                return choice;
            }
            drawn -= own;
        }
        &choices[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_every_time_and_differ_between_streams() {
        let draw = |number| {
            let mut chance = Chance::stream(number);
            (0..8).map(|_| chance.below(1000)).collect::<Vec<u32>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn weights_are_kept() {
        let mut chance = Chance::stream(1);
        let choices = [("often", 3), ("seldom", 1), ("never", 0)];
        let drawn: Vec<&str> = (0..4000).map(|_| chance.weighted(&choices, |choice| choice.1).0).collect();
        let seldom = drawn.iter().filter(|name| **name == "seldom").count();
        assert!((900..1100).contains(&seldom), "{seldom}");
        assert!(!drawn.contains(&"never"));
    }
}
