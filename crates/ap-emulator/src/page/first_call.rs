//! The first call: a command to copy into a shell.

use crate::Product;
use crate::state::plan::Plan;
use crate::state::snapshot::State;

/// Returns a command that lists the flows.
///
/// curl reads the key from standard input. As an argument, every user of the machine could read it, and a real
/// key is not to be used in that way. The text has no quotes around the key and double quotes elsewhere, so
/// that the shells of Unix and Windows read it alike.
pub(super) fn command(lead_conduit: &str, key: &str) -> String {
    format!(r#"echo user=X:{key} | curl -K - -H "Accept: application/json" "{lead_conduit}/flows""#)
}

/// Says what the command does now.
pub(super) fn note(state: &State) -> &'static str {
    if state.product(Product::LeadConduit).generation != state.generation {
        "LeadConduit refuses this call until you log in to it below, because it still accepts an older key."
    } else if state.plan == Plan::Free {
        "LeadConduit refuses this call, because the free plan does not include the flows."
    } else {
        "It lists the flows. curl reads the key from standard input, because every user of a machine can \
         read the arguments of a program."
    }
}
