//! `--proxy`, `ACTIVEPROSPECT_PROXY`, and the proxy's password.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

use crate::common::{Fake, Home, KEY, Ran, VARIABLE};

const PROXY_VARIABLE: &str = "ACTIVEPROSPECT_PROXY";

/// A target that is on another machine by its name. The proxy refuses the tunnel, so nothing is sent to it.
const TARGET: &str = "lcx=https://leads.example";

fn refusing_proxy() -> Fake {
    Fake::status(407, "", "")
}

fn run(mut command: Command) -> Ran {
    Ran::of(command.env(VARIABLE, KEY).output().unwrap(), KEY)
}

/// Writes a file of the proxy's user name and password.
fn password_file(home: &Home, text: &str, mode: u32) -> String {
    let path = home.path().join("proxy-password");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_proxy_comes_from_the_option_or_from_the_variable() {
    let home = Home::new();
    let by_option = refusing_proxy();
    let by_variable = refusing_proxy();
    let arguments = ["--origin", TARGET, "--proxy", &by_option.url, "api", "/x"];
    let mut command = home.ap(&arguments);
    command.env(PROXY_VARIABLE, &by_variable.url);
    let ran = run(command);
    ran.fails(6, "the proxy refused the connection or failed");
    ran.says("--proxy or ACTIVEPROSPECT_PROXY");
    assert_eq!((by_option.connections(), by_variable.connections()), (1, 0));
    let received = by_option.received().remove(0);
    assert!(
        received.starts_with("CONNECT leads.example:443 HTTP/1.1\r\n"),
        "{received}"
    );
    assert!(
        !received.to_lowercase().contains("authorization"),
        "{received}"
    );

    let mut command = home.ap(&["--origin", TARGET, "api", "/x"]);
    let url = by_variable
        .url
        .replace("http://", "http://user:pass%40word@");
    command.env(PROXY_VARIABLE, url);
    run(command).fails(6, "proxy");
    let received = by_variable.received().remove(0).to_lowercase();
    assert!(
        received.contains("proxy-authorization: basic dxnlcjpwyxnzqhdvcmq=\r\n"),
        "{received}"
    );
}

#[test]
fn the_proxys_password_comes_from_a_file() {
    let home = Home::new();
    for text in ["user:pass:word\n", "user:pass:word\r\n", "user:pass:word"] {
        let proxy = refusing_proxy();
        let file = password_file(&home, text, 0o600);
        let ran = home.run(&[
            "--origin",
            TARGET,
            "--proxy",
            &proxy.url,
            "--proxy-auth-file",
            &file,
            "-v",
            "api",
            "/x",
        ]);
        assert_eq!(ran.code, Some(6), "{}", ran.stderr);
        let received = proxy.received().remove(0);
        assert!(
            received.contains("Basic dXNlcjpwYXNzOndvcmQ=\r\n"),
            "{received}"
        );
        assert!(!ran.stderr.contains("pass:word"), "{}", ran.stderr);
    }
}

#[test]
fn a_password_that_others_can_read_or_that_is_not_one_line_is_refused() {
    let home = Home::new();
    let proxy = refusing_proxy();
    let refuses = |text: &str, mode: u32, says: &str| {
        let file = password_file(&home, text, mode);
        let ran = home.run(&[
            "--origin",
            TARGET,
            "--proxy",
            &proxy.url,
            "--proxy-auth-file",
            &file,
            "api",
            "/x",
        ]);
        ran.fails(2, says);
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    };
    #[cfg(unix)]
    for mode in [0o644, 0o640, 0o620, 0o606] {
        refuses("user:secret-word\n", mode, "other users can read or write");
    }
    refuses("secret-word\n", 0o600, "is not user:password");
    refuses(":secret-word\n", 0o600, "is not user:password");
    refuses("", 0o600, "is not user:password");
    refuses("user:secret-word\nmore\n", 0o600, "has several lines");
    refuses("\u{feff}user:secret-word\n", 0o600, "byte-order mark");
    assert_eq!(proxy.connections(), 0);
}

#[cfg(unix)]
#[test]
fn a_password_may_come_from_a_pipe_that_only_this_user_has() {
    let home = Home::new();
    let proxy = refusing_proxy();
    // What a shell makes of `<(command)` is such a path too.
    let run = |file: &str, text: &str| {
        let options = ["--proxy", &proxy.url, "--proxy-auth-file", file];
        home.run_with(
            &[&["--origin", TARGET], &options[..], &["api", "/x"]].concat(),
            text,
        )
    };
    run("/dev/fd/0", "user:password\n").fails(6, "the proxy refused");
    let request = proxy.received().remove(0);
    assert!(request.contains("Basic dXNlcjpwYXNzd29yZA=="), "{request}");
    run("/dev/fd/0", "").fails(2, "is not user:password");
    // This is no pipe.
    run("/dev/null", "").fails(2, "is not a regular file");
}

#[cfg(unix)]
#[test]
fn a_private_file_that_is_none_is_refused_and_never_waited_for() {
    let home = Home::new();
    let config = home.path().join("config/ap/config.toml");
    std::fs::create_dir_all(config.parent().unwrap()).unwrap();
    let password = home.path().join("proxy-password");
    let text = password.to_str().unwrap();
    let with_password = ["--proxy", "http://127.0.0.1:1", "--proxy-auth-file", text];
    for (file, options, content, pipe) in [
        (
            &password,
            &with_password[..],
            "user:secret-word\n",
            ("640", "other users can read or write"),
        ),
        (
            &config,
            &[],
            "timeout = 1\n",
            ("600", "is not a regular file"),
        ),
    ] {
        let refuses = |says: &str| {
            let ran = home.run(&[options, &["--origin", TARGET, "api", "/x"]].concat());
            ran.fails(2, says);
            assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
            std::fs::remove_file(file).unwrap();
        };
        // Nobody ever writes to it.
        let mut mkfifo = Command::new("mkfifo");
        assert!(
            mkfifo
                .args(["-m", pipe.0])
                .arg(file)
                .status()
                .unwrap()
                .success()
        );
        refuses(pipe.1);
        std::fs::write(file, content).unwrap();
        let mut chmod = Command::new("chmod");
        assert!(chmod.arg("600").arg(file).status().unwrap().success());
        // Only root can give a file away.
        if std::os::unix::fs::chown(file, Some(54_321), None).is_ok() {
            refuses("belongs to another user");
        }
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_before_anything_is_sent() {
    let home = Home::new();
    let file = password_file(&home, "user:password\n", 0o600);
    for (arguments, says) in [
        (
            vec!["--proxy", "http://user:secret-word@proxy.example"],
            "--proxy-auth-file",
        ),
        (
            vec!["--proxy", "socks5://proxy.example"],
            "http:// or https://",
        ),
        (
            vec!["--proxy", "http://proxy.example/path"],
            "after the host",
        ),
        (vec!["--proxy-auth-file", &file], "no proxy"),
        (
            vec![
                "--proxy",
                "http://proxy.example",
                "--proxy-auth-file",
                "no/such/file",
            ],
            "no/such/file",
        ),
    ] {
        let ran = home.run(&[&arguments[..], &["api", "/x"]].concat());
        ran.fails(2, says);
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    }
    let mut command = home.ap(&["api", "/x"]);
    command.env(PROXY_VARIABLE, "ftp://user:secret-word@proxy.example");
    let ran = run(command);
    ran.fails(
        2,
        "ACTIVEPROSPECT_PROXY cannot be used: it does not begin with http:// or https://",
    );
    assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    let mut command = home.ap(&["--proxy-auth-file", &file, "api", "/x"]);
    command.env(PROXY_VARIABLE, "http://user:secret-word@proxy.example");
    run(command).fails(2, "remove one of them");
}

#[test]
fn a_host_that_cannot_be_reached_names_the_proxy_variables_that_are_not_read() {
    let home = Home::new();
    // Another machine by its address; the system takes it for this one, where nothing listens on port 1.
    let remote = "lcx=https://0.0.0.0:1";
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "http_proxy"] {
        let mut command = home.ap(&["--origin", remote, "api", "/x"]);
        command.env(variable, "http://user:secret-word@proxy.example:3128");
        let ran = run(command);
        ran.fails(6, "does not accept the connection");
        ran.says(&format!("{variable} is set, but `ap` does not read it"));
        ran.says("--proxy URL or ACTIVEPROSPECT_PROXY");
        assert!(!ran.stderr.contains("secret-word"), "{}", ran.stderr);
    }
    let mut status = home.ap(&["--origin", remote, "auth", "status"]);
    status.args(["--origin", "trustedform-app=https://0.0.0.0:2"]);
    status.args(["--origin", "suppressionlist=https://0.0.0.0:3"]);
    status.env("HTTPS_PROXY", "http://proxy.example:3128");
    run(status).prints("HTTPS_PROXY is set, but `ap` does not read it");

    // Nothing is said if it would not help: without such a variable, or on loopback, which is never proxied.
    for (origin, variable) in [
        (remote, "UNRELATED"),
        ("lcx=http://127.0.0.1:1", "HTTPS_PROXY"),
    ] {
        let mut command = home.ap(&["--origin", origin, "api", "/x"]);
        command.env(variable, "http://proxy.example:3128");
        let ran = run(command);
        ran.fails(6, "check the network");
        assert!(!ran.stderr.contains("PROXY"), "{}", ran.stderr);
    }
}
