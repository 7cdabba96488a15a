//! [`ProductState`]: how far a product is in a rotation. [`WatchedProduct`]: its last check.

use serde::Serialize;

use super::evidence::Answer;
use crate::commands::auth::product_check::{ProductCheck, Verdict};
use crate::exit_code::ExitCode;

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
}

impl WatchedProduct {
    pub(super) fn new(check: ProductCheck, key_count: usize) -> Self {
        let state = ProductState::new(&check, key_count);
        Self { check, state }
    }

    /// Returns what the check showed.
    pub(super) fn answer(&self) -> Answer {
        match (self.check.verdict(), self.check.accepted_key()) {
            (_, Some(key)) => Answer::Accepts(key),
            (Verdict::NotSubscribed, None) => Answer::NotSubscribed,
            (Verdict::Rejects, None) => Answer::AcceptsNone {
                may_be_unsubscribed: self.check.may_be_unsubscribed(),
            },
            (Verdict::Accepts | Verdict::Unclear | Verdict::Unreachable, None) => Answer::Unclear {
                is_transient: self.check.is_transient(),
            },
        }
    }

    /// Returns why the old key cannot be removed, as an exit code; `None` if it can after more checks, as far as
    /// this product is concerned.
    pub(super) fn obstacle(&self) -> Option<ExitCode> {
        match self.state {
            ProductState::AcceptsNew | ProductState::NotSubscribed => None,
            ProductState::AcceptsOld => Some(ExitCode::Behind),
            // The answer to `GET /user` did not mention the product, so the account may not have it.
            ProductState::AcceptsNeither if self.check.may_be_unsubscribed() => None,
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
            ProductState::AcceptsNeither if self.check.may_be_unsubscribed() => {
                "accepts neither key; is the account subscribed to it?".to_owned()
            }
            ProductState::AcceptsNeither => "accepts neither key".to_owned(),
            ProductState::Unclear | ProductState::Unreachable | ProductState::NotSubscribed => {
                self.check.describe_without_key()
            }
        }
    }
}
