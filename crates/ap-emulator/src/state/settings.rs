//! [`Settings`]: what clients changed of the account and of the user.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What clients changed. A member that is `None` is as it was at the start.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// When the user saw the notice for free accounts.
    pub(crate) saw_modal_at: Option<Timestamp>,
    pub(crate) data_retention_in_days: Option<i64>,
    pub(crate) data_truncated_at: Option<Timestamp>,
    /// The features that were switched on or off. Their names are those of the account.
    pub(crate) features: BTreeMap<String, bool>,
}
