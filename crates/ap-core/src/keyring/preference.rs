//! [`Preference`]: which key of a ring to try first with one product. Pure functions.

/// Which key to try first with one product, and how often that has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Preference(pub(super) u32);

impl Preference {
    const KEY_BITS: u32 = 2;

    pub(crate) const fn new(generation: u32, index: usize) -> Self {
        Self(generation << Self::KEY_BITS | index as u32 & 0b11)
    }

    pub(crate) const fn index(self) -> usize {
        (self.0 & 0b11) as usize
    }

    pub(super) const fn generation(self) -> u32 {
        self.0 >> Self::KEY_BITS
    }

    /// Returns the next key that a call has not tried (`tried` has one bit for each), beginning with the
    /// preferred one.
    pub(crate) fn untried(self, tried: u8, keys: usize) -> Option<usize> {
        let first = self.index().min(keys);
        if tried == 0 {
            // The first attempt of a call.
            return (first < keys).then_some(first);
        }
        let mut in_order = (first..keys).chain(0..first);
        in_order.find(|key| tried & 1 << key == 0)
    }

    /// Returns the preference after this key was accepted; `None` if that changes nothing.
    pub(super) fn accepted(self, key: usize) -> Option<Self> {
        (key != self.index()).then(|| Self::new(self.generation().wrapping_add(1), key))
    }

    /// Returns the preference after this key was rejected in a call that cannot be sent again; `None` if that
    /// changes nothing.
    pub(super) fn rejected_without_resend(self, rejected: usize, keys: usize) -> Option<Self> {
        let next = self.untried(1 << rejected, keys)?;
        (rejected == self.index()).then(|| Self::new(self.generation().wrapping_add(1), next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_key_is_the_next_untried_one_after_the_preferred() {
        let cases: [(usize, u8, usize, Option<usize>); 7] = [
            (0, 0b000, 1, Some(0)),
            (0, 0b001, 1, None),
            (0, 0b001, 2, Some(1)),
            (1, 0b010, 3, Some(2)),
            (1, 0b110, 3, Some(0)),
            (2, 0b111, 3, None),
            (0, 0b000, 0, None),
        ];
        for (first, tried, keys, next) in cases {
            assert_eq!(
                Preference::new(7, first).untried(tried, keys),
                next,
                "{first} {tried:b} {keys}"
            );
        }
    }
}
