//! TrustedForm: certificates.

pub mod certificates;
