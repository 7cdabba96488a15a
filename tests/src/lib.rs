//! Tests that span several crates; they live in `tests/`.
