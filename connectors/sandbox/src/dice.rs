//! Numbers that look random and are a pure function of what they are asked for (SplitMix64).

/// Scrambles a number; no two numbers become the same one.
pub(crate) const fn mix(number: u64) -> u64 {
    let z = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A row of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The row for these numbers and no others.
    pub(crate) fn of(numbers: &[u64]) -> Self {
        Self(numbers.iter().fold(0x9e37_79b9_7f4a_7c15, |state, number| mix(state.rotate_left(17) ^ mix(number.wrapping_add(0x9e37)))))
    }

    /// The next number.
    pub(crate) const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// The next number below `limit`; 0 if there is none.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        let number = self.roll();
        if limit == 0 { 0 } else { number % limit }
    }

    /// True in so many of a hundred cases.
    pub(crate) const fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of them.
    pub(crate) fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.below(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or_default()
    }
}
