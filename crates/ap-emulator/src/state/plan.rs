//! [`Plan`]: what the account pays for.

/// The account's plan. It decides which calls are available.
///
/// ```
/// use ap_emulator::{Emulator, Plan};
///
/// let emulator = Emulator::start()?;
/// assert_eq!(emulator.state().plan, Plan::Paid);
/// emulator.set_plan(Plan::Free);
/// assert_eq!(emulator.state().plan, Plan::Free);
/// # Ok::<(), ap_emulator::StartError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Plan {
    /// LeadConduit's `/flows`, `/fields`, `/leads` and `/search/leads` are refused, even with the accepted key. So are
    /// TrustedForm's operations, apart from match lead.
    Free,
    /// Everything is available. An emulator starts with this plan.
    Paid,
    /// The account has not paid: TrustedForm's certificates and SuppressionList refuse every call with 402.
    Unpaid,
}

impl Plan {
    pub(crate) const ALL: [Self; 3] = [Self::Free, Self::Paid, Self::Unpaid];

    /// The name in the control API.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Paid => "paid",
            Self::Unpaid => "unpaid",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.name() == name)
    }
}
