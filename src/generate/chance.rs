//! Chance that is none: a small generator of numbers, the same in every run and on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): one multiplication chain per number, any seed is a good one.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    /// A stream of numbers of its own for each pair of seed and subject.
    pub fn of(seed: u64, subject: u64) -> Self {
        let mut mixed = Self(seed);
        let start = mixed.next() ^ subject.wrapping_mul(0xd134_2543_de82_ef95);
        Self(start)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A number from 0 up to, and without, `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.next()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or_default()
    }
    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first) + 1)
    }
    /// True in so many cases of a thousand.
    pub fn per_mille(&mut self, share: u64) -> bool {
        self.below(1_000) < share
    }
    /// True in so many cases of a hundred.
    pub fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
    /// One of them; `None` when there is none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.below(from.len() as u64)).ok()?;
        from.get(index)
    }
    /// One of them, each as often as its share says; `None` when there is none.
    pub fn by_share<'a, T>(&mut self, from: &'a [T], share: impl Fn(&T) -> u64) -> Option<&'a T> {
        let mut left = self.below(from.iter().map(&share).sum());
        from.iter().find(|one| match left.checked_sub(share(one)) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut chance = Chance(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| chance.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn shares_are_kept() {
        let mut chance = Chance::of(1, 2);
        let mut counts = [0_u64; 3];
        for _ in 0..30_000 {
            if let Some(index) = chance.by_share(&[0_usize, 1, 2], |i| [1, 2, 3][*i]) {
                counts[*index] += 1;
            }
        }
        assert!(counts.iter().zip([5_000_u64, 10_000, 15_000]).all(|(have, want)| have.abs_diff(want) < 400));
        assert_eq!(chance.by_share(&[] as &[u64], |n| *n), None);
        assert!((0..1_000).all(|_| (3..=5).contains(&chance.between(3, 5))));
    }
}
