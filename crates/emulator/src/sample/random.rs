//! Numbers that look random and are not: the same seed gives the same numbers on every machine.

/// SplitMix64, which is good from the first number on, so each row can have a generator of its own.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The generator of one row of one table: rows do not depend on each other.
    pub(super) fn of(table: &str, row: u64) -> Self {
        let seed = table.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { state: seed ^ row.wrapping_mul(0xd1b5_4a32_d192_ed03) }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `times`.
    pub(super) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        let last = choices.len() as u64;
        choices[usize::try_from(self.below(last)).expect("smaller than a slice's length")]
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_row_always_draws_the_same_numbers() {
        let draw = |row| {
            let mut random = Random::of("ACCOUNTS", row);
            [random.next(), random.next()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
