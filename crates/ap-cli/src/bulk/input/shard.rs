//! [`Shard`]: a part of the rows, so that several machines go through one input.

/// Every `count`-th row, beginning with row `index + 1`. Every row is in exactly one of `count` shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// All rows.
    pub(crate) const ALL: Self = Self { index: 0, count: 1 };

    /// Parses `I/N`, for example `0/8`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        // The standard library also parses a sign.
        let number = |text: &str| {
            let is_plain = text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| is_plain)
        };
        let numbers = text.split_once('/');
        let numbers = numbers.and_then(|(index, count)| Some((number(index)?, number(count)?)));
        match numbers {
            Some((index, count)) if index < count => Ok(Self {
                index: index.into(),
                count: count.into(),
            }),
            Some((_, count @ 1..)) => Err(format!(
                "the {count} shards are 0/{count} to {}/{count}",
                count - 1
            )),
            _ => Err("write it as I/N, such as 0/8 for the first of 8 shards".to_owned()),
        }
    }

    /// Returns `true` if it has this row, by its number in the input.
    pub(crate) const fn contains(self, row: u64) -> bool {
        (row - 1) % self.count == self.index
    }

    /// Returns the number in the input of its `nth` row, both from 1.
    pub(crate) const fn number_of(self, nth: u64) -> u64 {
        (nth - 1) * self.count + self.index + 1
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;

    #[test]
    fn every_row_is_in_exactly_one_shard() {
        for count in 1..=12 {
            let shards = (0..count).map(|index| Shard::parse(&format!("{index}/{count}")).unwrap());
            let shards: Vec<_> = shards.collect();
            for row in 1..=100 {
                let those = shards.iter().filter(|shard| shard.contains(row));
                assert_eq!(those.count(), 1, "row {row} of {count} shards");
            }
            for shard in shards {
                let rows = (1..=100).filter(|row| shard.contains(*row));
                assert!(rows.zip(1..).all(|(row, nth)| shard.number_of(nth) == row));
            }
        }
    }

    #[test]
    fn a_shard_that_does_not_exist_is_refused() {
        for (text, error) in [
            ("8/8", "the 8 shards are 0/8 to 7/8"),
            ("1/1", "the 1 shards are 0/1 to 0/1"),
            (
                "0/0",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
            (
                "-1/8",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
            (
                "+1/8",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
            (
                "/8",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
            (
                "3",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
            (
                "0/4294967296",
                "write it as I/N, such as 0/8 for the first of 8 shards",
            ),
        ] {
            assert_eq!(Shard::parse(text).unwrap_err(), error, "{text}");
        }
        assert_eq!(Shard::parse("7/8").unwrap().to_string(), "7/8");
    }
}
