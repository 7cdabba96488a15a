//! [`Outcome`]: what decides, instead of the status of a response.

use crate::values::open_enum::open_enum;

open_enum! {
    /// The outcome of a submitted lead, of feedback, or of operations on a certificate.
    ///
    /// The products answer 200 or 201 whatever the outcome is, so look at it. A transport error is none of these: then
    /// [`Error::may_have_been_applied`](ap_core::Error::may_have_been_applied) says if there is a doubt.
    pub enum Outcome {
        /// It was accepted.
        Success = "success",
        /// It was rejected. Sending it again does not help.
        Failure = "failure",
        /// It could not be processed.
        Error = "error",
    }
}

impl Outcome {
    /// Returns `true` for [`Success`](Self::Success) alone.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Success
    }
}
