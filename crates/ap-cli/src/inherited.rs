//! What the process that started this one decided: signals that are ignored, and streams that are closed.

/// The streams that were closed when this process began.
#[cfg(unix)]
mod closed {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::fd::BorrowedFd;
    use rustix::io::{Errno, fcntl_getfd};

    static STDIN: AtomicBool = AtomicBool::new(false);
    static STDOUT: AtomicBool = AtomicBool::new(false);

    /// Looks at the streams before `main`: the standard library opens `/dev/null` in place of closed ones, which
    /// cannot be distinguished from a `/dev/null` that was given.
    #[ctor::ctor(unsafe)]
    fn record() {
        let is_closed = |stream: BorrowedFd<'_>| fcntl_getfd(stream) == Err(Errno::BADF);
        STDIN.store(is_closed(rustix::stdio::stdin()), Ordering::Relaxed);
        STDOUT.store(is_closed(rustix::stdio::stdout()), Ordering::Relaxed);
    }

    pub(crate) fn is_stdin_closed() -> bool {
        STDIN.load(Ordering::Relaxed)
    }

    pub(crate) fn is_stdout_closed() -> bool {
        STDOUT.load(Ordering::Relaxed)
    }
}

#[cfg(not(unix))]
mod closed {
    pub(crate) fn is_stdin_closed() -> bool {
        false
    }

    pub(crate) fn is_stdout_closed() -> bool {
        false
    }
}

pub(crate) use closed::{is_stdin_closed, is_stdout_closed};

/// Returns `true` if a signal is ignored, as `nohup` and a shell's `trap ''` make it. Elsewhere than on Linux, this
/// is not known.
#[cfg(unix)]
pub(crate) fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, signal)
}

/// Returns `true` if the line `SigIgn` of a process's status has this signal. Signal 1 is the lowest bit.
#[cfg(unix)]
fn is_in_mask(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (1..=64).contains(&signal) && mask >> (signal - 1) & 1 == 1)
}

#[cfg(all(test, unix))]
mod tests {
    use super::is_in_mask;

    #[test]
    fn ignored_signals_are_read_from_a_mask() {
        let status =
            "Name:\tap\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t02\n";
        for (signal, expected) in [
            (1, true),
            (2, false),
            (13, true),
            (15, false),
            (0, false),
            (65, false),
        ] {
            assert_eq!(is_in_mask(status, signal), expected, "{signal}");
        }
        assert!(!is_in_mask("", 1));
        assert!(!is_in_mask("SigIgn:\tx\n", 1));
    }
}
