//! What a check of the Rust version found.

/// Problems, and facts that are no problems.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) problems: Vec<String>,
    pub(super) notes: Vec<String>,
}
