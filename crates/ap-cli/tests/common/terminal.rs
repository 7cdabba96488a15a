//! A terminal that `script` makes.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::termios::LocalModes;

use super::{Home, with_default_signals};

pub(crate) struct Terminal {
    pub(crate) child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    /// Runs `ap`, then prints its exit code and the terminal's modes.
    pub(crate) fn run(home: &Home, arguments: &str) -> Self {
        Self::run_after(":", home, arguments)
    }

    /// The same, after a command of the shell.
    pub(crate) fn run_after(before: &str, home: &Home, arguments: &str) -> Self {
        let ap = env!("CARGO_BIN_EXE_ap");
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--flush", "--command"])
            // The shell gets these signals as well, and must outlive it to print them.
            .arg(format!(
                "tty; trap : INT QUIT HUP; {before}; '{ap}' {arguments}; echo code=$?; stty -a"
            ))
            .arg("/dev/null")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("SHELL", "/bin/sh")
            .env("HOME", home.path())
            .env("XDG_CONFIG_HOME", home.path().join("config"));
        let mut child = with_default_signals(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            keyboard: child.stdin.take().unwrap(),
            screen: child.stdout.take().unwrap(),
            child,
            shown: String::new(),
        }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        let mut byte = [0];
        while !self.shown.contains(text) {
            assert_eq!(self.screen.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
    }

    /// Returns the rest of the line that was waited for.
    pub(crate) fn wait_for_line(&mut self) -> String {
        self.wait_for_text("\n")
    }

    /// Returns what comes after what was waited for, to the end of a text.
    pub(crate) fn wait_for_text(&mut self, text: &str) -> String {
        let start = self.shown.len();
        while !self.shown[start..].contains(text) {
            let mut byte = [0];
            assert_eq!(self.screen.read(&mut byte).unwrap(), 1, "{}", self.shown);
            self.shown.push(char::from(byte[0]));
        }
        self.shown[start..].to_owned()
    }

    /// Waits until there is a prompt, at which the terminal already hides what is typed.
    pub(crate) fn wait_for_prompt(&mut self) {
        self.wait_for("API key (hidden): ");
        assert!(!does_echo(&self.device()), "{}", self.shown);
    }

    /// Returns the terminal. Its name was printed first.
    pub(crate) fn device(&self) -> File {
        File::open(self.shown.lines().next().unwrap()).unwrap()
    }

    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for the end, and returns everything that was on the screen.
    pub(crate) fn end(mut self) -> String {
        self.screen.read_to_string(&mut self.shown).unwrap();
        self.child.wait().unwrap();
        self.shown
    }
}

/// Returns `true` if a terminal shows what is typed.
pub(crate) fn does_echo(terminal: &File) -> bool {
    let modes = rustix::termios::tcgetattr(terminal).unwrap();
    modes.local_modes.contains(LocalModes::ECHO)
}
