//! Faults with limits on size and time.

use std::time::Duration;

use ap_client::transport::{Deadline, Transport as _, TransportError, TransportErrorKind};

use super::failing_cases::{FailingCases, ends_in};
use super::mutant::{Mutant, NO_FAULT};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "has no size limits",
        config: |config| {
            config.max_body_size = usize::MAX;
            config.max_header_size = 1 << 30;
            config.max_headers = 30_000;
        },
        fails: FailingCases::listed(&[
            "connections/error-then-next",
            "diagnostics/key-reflected-large-body",
            "diagnostics/no-url-too-large",
            "limits/endless-chunks",
            "limits/announced",
            "limits/body-one-more",
            "limits/chunked-body-one-more",
            "limits/header-lines-101",
            "limits/header-lines-129",
            "limits/header-lines-300",
            "limits/header-lines-set-11",
            "limits/head-2001",
            "limits/head-20000",
            "limits/head-default-70-kb",
            "limits/endless-header",
            "limits/endless-reason",
            "limits/empty-lines-flood",
            "limits/interim-size",
            "limits/one-byte-chunks",
            "limits/empty-body-limit-one-byte",
            "proxy/head-flood",
        ])
        // Room for 30,000 header lines in each of 40 calls at the same time takes longer than the deadline
        // on a busy machine, and how much of a flood is read depends on the machine.
        .uncertain(&[
            "limits/endless-headers",
            "rotation/in-flight*",
            "rotation/before-the-login",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "allows one more than its limits",
        config: |config| {
            config.max_body_size += 1;
            config.max_header_size += 1;
            config.max_headers += 1;
        },
        fails: FailingCases::listed(&[
            "limits/body-one-more",
            "limits/chunked-body-one-more",
            "limits/empty-body-limit-one-byte",
            "limits/header-lines-101",
            "limits/header-lines-set-11",
            "limits/head-2001",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "allows one less than its limits",
        config: |config| {
            config.max_body_size = config.max_body_size.saturating_sub(1);
            config.max_header_size -= 1;
            config.max_headers -= 1;
        },
        fails: FailingCases::listed(&[
            "limits/body-at-the-limit",
            "limits/chunked-body-at-the-limit",
            "limits/header-lines-100",
            "limits/header-lines-set-10",
            "limits/head-2000",
        ]),
        ..NO_FAULT
    },
    Mutant {
        name: "refuses every response if the limit is 0 bytes",
        response: |call, _, answer| {
            if call.config().max_body_size == 0 {
                return Err(TransportError::new(TransportErrorKind::TooLarge));
            }
            answer
        },
        fails: FailingCases::listed(&["limits/empty-body-limit-empty"]),
        ..NO_FAULT
    },
    Mutant {
        name: "has no deadline",
        send: |call, request| call.send_until(request, Deadline::NEVER),
        fails: FailingCases::matching(|case| ends_in(case, &["timeout"])),
        ..NO_FAULT
    },
    Mutant {
        name: "has a deadline for each attempt",
        send: |call, request| {
            let timeout = call.state().first_timeout.unwrap_or(Duration::MAX);
            call.send_until(request, Deadline::after(call.mutant.now(), timeout))
        },
        fails: FailingCases::listed(&["time/one-deadline-for-all-attempts"]),
        ..NO_FAULT
    },
    Mutant {
        name: "treats a distant deadline as one that has passed",
        send: |call, request| {
            let remaining = call.deadline.remaining(call.mutant.now());
            if remaining.is_none_or(|time| time.as_millis() > u128::from(u32::MAX)) {
                return Err(TransportError::new(TransportErrorKind::Timeout));
            }
            call.send(request)
        },
        fails: FailingCases::listed(&["time/long-deadline"]),
        ..NO_FAULT
    },
    Mutant {
        name: "has no limit on the time to connect",
        config: |config| config.connect_timeout = Duration::from_secs(60),
        fails: FailingCases::matching(|case| ends_in(case, &["connect_timeout"])),
        ..NO_FAULT
    },
];
