//! How much memory a case may use, and a meter for it.

use crate::case::{Case, Listener, Step};

/// What any case may use: for the suite's own listeners, and a library's buffers and pools.
const BASE: u64 = 32 * 1024 * 1024;

/// How many copies of a body may exist at the same time: at the caller, in the library, at the
/// listener and in its record.
const COPIES: u64 = 6;

/// Returns the most memory, in bytes, that this process has had so far.
///
/// A meter for [`Suite::memory_meter`](crate::Suite::memory_meter). It reads `VmHWM` of
/// `/proc/self/status`, so it measures on Linux only; elsewhere it returns `None`.
///
/// ```
/// use ap_conformance::{Suite, peak_memory};
///
/// let suite = Suite::builtin().memory_meter(peak_memory);
/// ```
#[must_use]
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Returns by how many bytes a process may grow over a case.
fn limit(case: &Case) -> u64 {
    let attempts = case.keys.len().max(1) as u64;
    let bodies = case.calls.iter().map(|call| {
        let sent = call.body_bytes.unwrap_or(0) as u64;
        let received = call.expect.body_bytes.unwrap_or(0) as u64;
        sent * attempts + received
    });
    BASE + COPIES * bodies.sum::<u64>()
}

/// Returns `true` if a case moves so many bytes that its memory is measured in a process of its own.
pub(crate) fn is_large(case: &Case) -> bool {
    let floods = |listener: &Listener| {
        let scripts = listener
            .script
            .iter()
            .chain(listener.scripts.iter().flatten());
        let steps = scripts.chain(listener.answers.iter().flatten()).flatten();
        steps
            .into_iter()
            .any(|step| matches!(step, Step::Repeat { .. }))
    };
    case.calls
        .iter()
        .any(|call| call.body_bytes > Some(1_000_000))
        || case.listeners.values().any(floods)
}

/// Fails if the process grew by more than the case allows.
pub(crate) fn judge(case: &Case, grown: Option<u64>) -> Result<(), String> {
    let most = limit(case);
    match grown {
        Some(grown) if grown > most => Err(format!(
            "memory grew by {} MiB; at most {} MiB is allowed",
            grown >> 20,
            most >> 20
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn the_meter_sees_memory_that_is_used() {
        let before = peak_memory().unwrap();
        let used = std::hint::black_box(vec![1_u8; 256 * 1024 * 1024]);
        assert!(peak_memory().unwrap() > before.max(used.len() as u64));
    }
}
