//! The program under a second name: hosts of Singer call a tap by a name alone, without arguments of its own.

use std::ffi::OsString;
use std::path::Path;

/// The name under which the program is a Singer tap.
const TAP: &str = "tap-activeprospect";

/// What that name stands for.
const STANDS_FOR: [&str; 5] = ["ap", "events", "export", "--format", "singer"];

/// Returns the arguments that a program of this name means, the program's name included.
pub(crate) fn expand(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_tap = arguments
        .first()
        .and_then(|name| Path::new(name).file_stem())
        .is_some_and(|name| name == TAP);
    if !is_tap {
        return arguments;
    }
    let given = arguments.into_iter().skip(1);
    STANDS_FOR.iter().map(OsString::from).chain(given).collect()
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn the_name_of_the_tap_stands_for_a_command() {
        let expand = |arguments: &[&str]| {
            let expanded = expand(arguments.iter().map(Into::into).collect());
            let expanded = expanded.iter().map(|argument| argument.to_str().unwrap());
            expanded.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(expand(&["/usr/bin/ap", "events"]), "/usr/bin/ap events");
        for name in ["tap-activeprospect", "/opt/bin/tap-activeprospect"] {
            assert_eq!(
                expand(&[name, "--config", "c.json"]),
                "ap events export --format singer --config c.json"
            );
        }
        assert_eq!(expand(&[]), "");
    }
}
