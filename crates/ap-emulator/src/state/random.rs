//! Random texts: keys, and tokens of shared reports.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Returns `N` random bytes, in hexadecimal digits.
pub(crate) fn hex<const N: usize>() -> String {
    let mut random = [0_u8; N];
    if getrandom::fill(&mut random).is_err() {
        // The keys of two emulators must differ, no more: they protect nothing. The standard
        // library's hasher seeds are good enough for that, so a reset need not fail.
        for chunk in random.chunks_mut(8) {
            let bytes = RandomState::new().build_hasher().finish().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
