//! The key variables, in processes that have them.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::process::{Command, Output};

use ap_keys::{
    FromEnvironment, KEY_COMMAND_VARIABLE, KEY_FILE_VARIABLE, KEY_VARIABLE, KEY_VARIABLES,
    NEXT_KEY_VARIABLE,
};

use common::{folder, read, write};

const EXPECTED_VARIABLE: &str = "AP_KEYS_TEST_EXPECTED";

/// Runs one test of this program again, with these variables only.
fn again(test: &str, variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for variable in KEY_VARIABLES {
        command.env_remove(variable);
    }
    let command = command.args(["--exact", test]);
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Describes what the variables of this process configure: keys with labels, or the error.
fn describe() -> String {
    let source = match FromEnvironment::new() {
        Ok(source) => source,
        Err(error) => return error.to_string(),
    };
    let keys = source.read(None).map(|keys| {
        let show = |key: &ap_core::ApiKey| format!("{}={}", key.label().unwrap(), key.expose());
        keys.iter().map(show).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(keys.is_ok(), read(&source).is_ok(), "as a key source too");
    keys.unwrap_or_else(|error| error.to_string())
}

#[test]
fn variables_with_keys_come_first_then_the_command() {
    if let Ok(expected) = std::env::var(EXPECTED_VARIABLE) {
        assert_eq!(describe(), expected);
        return;
    }
    let command = (KEY_COMMAND_VARIABLE, "printf '%s\\n' 'key-of a-' | cat");
    for (variables, expected) in [
        (
            &[][..],
            "there is no API key: ACTIVEPROSPECT_API_KEY, ACTIVEPROSPECT_NEXT_API_KEY, \
             ACTIVEPROSPECT_API_KEY_FILE, ACTIVEPROSPECT_KEY_COMMAND are not set; \
             set ACTIVEPROSPECT_API_KEY to the account's key",
        ),
        (
            &[
                (KEY_VARIABLE, "old-key"),
                (NEXT_KEY_VARIABLE, "new-key"),
                command,
            ],
            "ACTIVEPROSPECT_API_KEY=old-key ACTIVEPROSPECT_NEXT_API_KEY=new-key",
        ),
        (
            &[(KEY_VARIABLE, "a key"), command],
            "ACTIVEPROSPECT_API_KEY: the key contains a space at byte 1; remove it; \
             correct the variable",
        ),
        (
            &[(KEY_COMMAND_VARIABLE, r#"sh -c "echo key-$((1 + 1))""#)],
            "the command sh=key-2",
        ),
        (
            &[(
                KEY_COMMAND_VARIABLE,
                r#"sh -c 'echo "key-${ACTIVEPROSPECT_KEY_COMMAND-unset}"'"#,
            )],
            "the command sh=key-unset",
        ),
        (
            &[(KEY_COMMAND_VARIABLE, "false")],
            "the command false failed (exit status: 1); run it yourself to see why",
        ),
    ] {
        let mut variables = variables.to_vec();
        variables.push((EXPECTED_VARIABLE, expected));
        let output = again(
            "variables_with_keys_come_first_then_the_command",
            &variables,
        );
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("1 passed"), "{text}");
    }
}

#[test]
fn a_file_is_private_or_of_root_and_readable_for_its_group() {
    use std::os::unix::fs::MetadataExt as _;

    if let Ok(expected) = std::env::var(EXPECTED_VARIABLE) {
        let described = describe();
        assert!(described.contains(&expected), "{described}");
        return;
    }
    let (_folder, path) = folder();
    for (mode, is_private, is_for_group) in [
        (0o600, true, true),
        (0o400, true, true),
        (0o440, false, true),
        (0o640, false, true),
        (0o444, false, false),
        (0o644, false, false),
        (0o620, false, false),
        (0o660, false, false),
    ] {
        // As a mounted secret often is: without a line feed.
        write(&path, "old-key\nnew-key", mode);
        let is_of_root = std::fs::metadata(&path).unwrap().uid() == 0;
        let is_good = is_private || is_for_group && is_of_root;
        let expected = if is_good {
            "keys=new-key"
        } else {
            "other users can read or write the keys file"
        };
        let variables = [
            (KEY_FILE_VARIABLE, path.to_str().unwrap()),
            (EXPECTED_VARIABLE, expected),
        ];
        let test = "a_file_is_private_or_of_root_and_readable_for_its_group";
        let output = again(test, &variables);
        assert!(output.status.success(), "{mode:o}: {output:?}");
    }
}
