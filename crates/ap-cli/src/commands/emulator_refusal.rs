//! [`EmulatorRefusal`]: why a command does not accept `--emulator`.

/// A command that does not accept `--emulator`, because it is about stored keys or is an emulator itself.
#[derive(Debug)]
pub(crate) struct EmulatorRefusal {
    /// The command, as it is typed.
    pub(crate) command: &'static str,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

/// All of them.
pub(crate) const ALL: [&EmulatorRefusal; 4] = [&LOGIN, &LOGOUT, &ROTATE, &EMULATE];

const NOT_STORED: &str =
    "--emulator starts an emulator only for this command, so its key is not stored";

pub(super) const LOGIN: EmulatorRefusal = EmulatorRefusal {
    command: "ap auth login",
    message: NOT_STORED,
    hint: "leave --emulator out",
};

pub(super) const LOGOUT: EmulatorRefusal = EmulatorRefusal {
    command: "ap auth logout",
    message: NOT_STORED,
    hint: "leave --emulator out",
};

pub(super) const ROTATE: EmulatorRefusal = EmulatorRefusal {
    command: "ap auth rotate",
    message: "--emulator starts an emulator only for this command, which has no reset to go through",
    hint: "run `ap emulate`, and call it with --origin PRODUCT=URL",
};

pub(super) const EMULATE: EmulatorRefusal = EmulatorRefusal {
    command: "ap emulate",
    message: "--emulator starts an emulator for a command that calls it; `ap emulate` needs no other",
    hint: "leave --emulator out",
};
