//! The certificates that the account retained. What a certificate shows is example data.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::budget::{Budget, Full};

/// The limit for all retained certificates together.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// What a certificate takes besides its id: its place in the index, and allocations.
const BYTES_BESIDES: usize = 128;
/// How long before the emulator's start the forms of the certificates were loaded.
const AGE_AT_START: SignedDuration = SignedDuration::from_mins(10);
/// How long a certificate is there whose form was submitted.
const UNRETAINED: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long a retained certificate is kept by default.
const RETAINED: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

#[derive(Debug)]
pub(crate) struct Certificates {
    created_at: Timestamp,
    /// When each was retained, by its id.
    retained: HashMap<Box<str>, Timestamp>,
    budget: Budget,
}

/// The result of retaining.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    pub(crate) was_retained_before: bool,
    pub(crate) expires_at: Timestamp,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MAX_BYTES)
    }

    fn with_room_for(bytes: usize) -> Self {
        Self {
            created_at: Timestamp::now() - AGE_AT_START,
            retained: HashMap::new(),
            budget: Budget::new(bytes),
        }
    }

    /// Returns when the forms of all certificates were loaded.
    pub(crate) const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns when a certificate expires, which is later once it is retained.
    pub(crate) fn expires_at(&self, id: &str) -> Timestamp {
        match self.retained.get(id) {
            Some(at) => *at + RETAINED,
            None => self.created_at + UNRETAINED,
        }
    }

    pub(crate) fn retain(&mut self, id: &str) -> Result<Retention, Full> {
        let was_retained_before = self.retained.contains_key(id);
        if !was_retained_before {
            self.budget.take(id.len() + BYTES_BESIDES)?;
            self.retained.insert(id.into(), Timestamp::now());
        }
        Ok(Retention {
            was_retained_before,
            expires_at: self.expires_at(id),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES_BESIDES, Certificates, Full};

    #[test]
    fn what_is_retained_stays_known_when_there_is_no_room_for_more() {
        let fitting = 10;
        let mut certificates = Certificates::with_room_for(fitting * (40 + BYTES_BESIDES));
        let id = |number: usize| format!("{number:0>40}");
        for number in 0..fitting {
            assert!(
                !certificates
                    .retain(&id(number))
                    .unwrap()
                    .was_retained_before
            );
        }
        assert_eq!(certificates.retain(&id(fitting)).unwrap_err(), Full);
        assert!(certificates.retain(&id(7)).unwrap().was_retained_before);
        assert!(certificates.expires_at(&id(7)) > certificates.expires_at(&id(fitting)));
    }
}
