//! [`ProductState`]: how far a product is in a rotation. [`WatchedProduct`]: its last check.

use serde::Serialize;

use crate::commands::auth::product_check::{ProductCheck, Verdict};
use crate::exit_code::ExitCode;

/// A product that accepts neither key, or does not say, is not waited for after this many equal answers in a
/// row. Its servers may switch one after another, so one answer is not enough.
const STEADY_CHECKS: u32 = 3;

/// How far a product is. The names in JSON do not change, because programs read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ProductState {
    #[serde(rename = "takes_new")]
    AcceptsNew,
    #[serde(rename = "takes_old")]
    AcceptsOld,
    #[serde(rename = "takes_neither")]
    AcceptsNeither,
    Unclear,
    Unreachable,
    NotSubscribed,
}

impl ProductState {
    fn new(check: &ProductCheck, key_count: usize) -> Self {
        match (check.verdict(), check.accepted_key()) {
            (Verdict::Accepts, Some(key)) if key + 1 == key_count => Self::AcceptsNew,
            (Verdict::Accepts, _) => Self::AcceptsOld,
            (Verdict::Rejects, _) => Self::AcceptsNeither,
            (Verdict::Unclear, _) => Self::Unclear,
            (Verdict::Unreachable, _) => Self::Unreachable,
            (Verdict::NotSubscribed, _) => Self::NotSubscribed,
        }
    }
}

/// A product's last check.
pub(super) struct WatchedProduct {
    pub(super) check: ProductCheck,
    pub(super) state: ProductState,
    /// How many checks in a row had this state.
    checks: u32,
}

impl WatchedProduct {
    pub(super) fn new(check: ProductCheck, key_count: usize, before: Option<&Self>) -> Self {
        let state = ProductState::new(&check, key_count);
        let checks = match before {
            Some(before) if before.state == state => before.checks + 1,
            _ => 1,
        };
        Self {
            check,
            state,
            checks,
        }
    }

    /// Returns `true` if the state is another one than at the check before.
    pub(super) fn has_changed(&self) -> bool {
        self.checks == 1
    }

    /// Returns `true` if the product must be checked again before the rotation can end.
    pub(super) fn is_pending(&self) -> bool {
        match self.state {
            ProductState::AcceptsNew | ProductState::NotSubscribed => false,
            ProductState::AcceptsNeither => self.checks < STEADY_CHECKS,
            ProductState::Unclear if !self.check.is_transient() => self.checks < STEADY_CHECKS,
            ProductState::AcceptsOld | ProductState::Unclear | ProductState::Unreachable => true,
        }
    }

    /// Returns why the old key cannot be removed, as an exit code; `None` if it can, as far as this product is
    /// concerned.
    pub(super) fn obstacle(&self) -> Option<ExitCode> {
        match self.state {
            ProductState::AcceptsNew | ProductState::NotSubscribed => None,
            ProductState::AcceptsOld => Some(ExitCode::Behind),
            // The answer to `GET /user` did not mention the product. The vendor's own code reads a rejection
            // here as "there is no such account", and the old key is of no use either.
            ProductState::AcceptsNeither if self.check.is_subscribed.is_none() => None,
            ProductState::AcceptsNeither | ProductState::Unclear | ProductState::Unreachable => {
                let failure = self.check.failure();
                Some(failure.map_or(ExitCode::Other, |failure| failure.code))
            }
        }
    }

    /// Says how far the product is.
    pub(super) fn describe(&self) -> String {
        match self.state {
            ProductState::AcceptsNew => "accepts the new key".to_owned(),
            ProductState::AcceptsOld => {
                let url = &self.check.login_url;
                format!("still accepts the old key; log in at {url}")
            }
            ProductState::AcceptsNeither if self.check.is_subscribed.is_none() => {
                "accepts neither key; is the account subscribed to it?".to_owned()
            }
            ProductState::AcceptsNeither => "accepts neither key".to_owned(),
            ProductState::Unclear | ProductState::Unreachable | ProductState::NotSubscribed => {
                self.check.describe_without_key()
            }
        }
    }
}
