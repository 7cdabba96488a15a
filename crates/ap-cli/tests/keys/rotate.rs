//! `ap auth rotate`: a reset, from the new key to the removal of the old one.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::common::{
    BAD_KEY, Fake, Home, Ran, VARIABLE, assert_absent, emulator_origins, fake_products, first_line,
    join, label, rest_of_stderr, send_signal, shell_code, spawn, with_input,
};
use ap_emulator::{Emulator, Product};
use serde_json::{Value, json};

const NEXT: &str = "ACTIVEPROSPECT_NEXT_API_KEY";
const COMMAND: &str = "ACTIVEPROSPECT_KEY_COMMAND";

/// Short, so that a check comes soon after a change.
const EVERY: &str = "0.02";

struct Account {
    emulator: Emulator,
    home: Home,
    old: String,
}

impl Account {
    /// Creates an account whose key is in the keys file.
    fn new() -> Self {
        let emulator = Emulator::start().unwrap();
        let home = Home::new();
        let old = emulator.key();
        home.store(format!("{old}\n").as_bytes(), 0o600);
        Self {
            emulator,
            home,
            old,
        }
    }

    fn ap(&self, arguments: &[&str]) -> Command {
        self.home
            .ap(&join(&emulator_origins(&self.emulator), arguments))
    }

    /// Runs a command to its end, with an input.
    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let output = with_input(self.ap(arguments), input);
        let ran = Ran::of(output, &self.old);
        assert_absent(&ran.stdout, &self.old);
        ran
    }

    fn stored(&self) -> Vec<String> {
        let metadata = std::fs::metadata(self.home.keys_file()).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        self.home.stored().lines().map(str::to_owned).collect()
    }

    fn log_in_everywhere(&self) {
        for product in Product::ALL {
            self.emulator.login(product);
        }
    }
}

/// A running rotation.
struct Rotation {
    child: Child,
    lines: BufReader<ChildStdout>,
    shown: String,
}

impl Rotation {
    fn start(account: &Account, arguments: &[&str], input: Option<&str>) -> Self {
        let all = [&["auth", "rotate", "--every", EVERY], arguments].concat();
        Self::of(account.ap(&all), input)
    }

    fn of(mut command: Command, input: Option<&str>) -> Self {
        command.stdin(Stdio::piped());
        let mut child = spawn(command);
        let mut stdin = child.stdin.take().unwrap();
        if let Some(input) = input {
            stdin.write_all(input.as_bytes()).unwrap();
        }
        drop(stdin);
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            shown: String::new(),
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        self.shown.push_str(&line);
        assert!(line.ends_with('\n'), "it ended after: {}", self.shown);
        line
    }

    fn lines(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.line()).collect()
    }

    fn interrupt(&self) {
        send_signal(self.child.id(), "INT");
    }

    /// Waits for the end, and returns the exit code and standard error.
    fn end(mut self, keys: &[&str]) -> (i32, String) {
        self.lines.read_to_string(&mut self.shown).unwrap();
        let stderr = rest_of_stderr(&mut self.child);
        for key in keys {
            assert_absent(&stderr, key);
            assert_absent(&self.shown, key);
        }
        (shell_code(self.child.wait().unwrap()), stderr)
    }
}

#[test]
fn a_rotation_resumes_after_an_interrupt() {
    let account = Account::new();
    let old = account.old.clone();
    let new = account.emulator.reset();
    let keys = [old.as_str(), new.as_str()];

    let mut rotation = Rotation::start(&account, &[], Some(&format!("{new}\n")));
    let line = rotation.line();
    assert!(
        line.starts_with("the new key is stored beside the old one in /"),
        "{line}"
    );
    for (line, (name, product)) in rotation.lines(3).iter().zip([
        ("LeadConduit", Product::LeadConduit),
        ("TrustedForm", Product::TrustedForm),
        ("SuppressionList", Product::SuppressionList),
    ]) {
        let url = account.emulator.url(product);
        assert_eq!(
            line,
            &format!("{name:<16} still accepts the old key; log in at {url}/_emulator/\n")
        );
    }
    assert_eq!(account.stored(), keys);
    account.emulator.login(Product::TrustedForm);
    assert_eq!(rotation.line(), "TrustedForm      accepts the new key\n");
    #[cfg(target_os = "linux")]
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", rotation.child.id());
        // Only root can read the environment of a process that leaves no core dump.
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        keys.iter().for_each(|key| assert_absent(&text, key));
    }
    rotation.interrupt();
    let (code, stderr) = rotation.end(&keys);
    assert_eq!(code, 130);
    assert!(
        stderr.ends_with(
            "ap: interrupted\n     both keys are stored; run `ap auth rotate` again to resume\n"
        ),
        "{stderr}"
    );
    assert_eq!(account.stored(), keys);

    // Meanwhile, other commands work with both.
    let ran = account.run(&["api", "--product", "trustedform", "/account"], "");
    assert_absent(&ran.stderr, &new);
    ran.succeeds();

    // It resumes, and asks for no key.
    let mut rotation = Rotation::start(&account, &[], None);
    let lines = rotation.lines(3).concat();
    assert_eq!(
        lines.matches("still accepts the old key").count(),
        2,
        "{lines}"
    );
    assert!(
        lines.contains("TrustedForm      accepts the new key\n"),
        "{lines}"
    );
    account.emulator.login(Product::SuppressionList);
    assert_eq!(rotation.line(), "SuppressionList  accepts the new key\n");
    account.emulator.login(Product::LeadConduit);
    assert_eq!(rotation.line(), "LeadConduit      accepts the new key\n");
    assert_eq!(
        rotation.line(),
        "every product accepts the new key; the old one is removed\n"
    );
    let (code, stderr) = rotation.end(&keys);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stderr.matches("ap: ").count(), 1, "{stderr}");
    assert_eq!(account.stored(), [new]);
}

/// A running `ap emulate`.
struct Emulate {
    child: Child,
    origins: Vec<String>,
}

impl Emulate {
    fn start(home: &Home) -> (Self, String) {
        let mut child = spawn(home.ap(&["emulate"]));
        let started: Value = serde_json::from_str(&first_line(&mut child)).unwrap();
        let origins = Product::ALL.map(|product| {
            let url = started[product.id()].as_str().unwrap();
            format!("--origin={}={url}", product.id())
        });
        let origins = origins.to_vec();
        let key = started["key"].as_str().unwrap().to_owned();
        (Self { child, origins }, key)
    }

    fn ap(&self, home: &Home, arguments: &[&str]) -> Command {
        home.ap(&join(&self.origins, arguments))
    }

    /// Calls the control API, as the account page does.
    fn control(&self, home: &Home, what: &str) -> Value {
        let path = format!("/_emulator/{what}");
        let mut command = self.ap(home, &["api", "-X", "POST", "--no-auth", &path]);
        let output = command.output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Emulate {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_reset_can_be_tried_with_only_the_program() {
    let home = Home::new();
    let (emulate, old) = Emulate::start(&home);
    let login = with_input(emulate.ap(&home, &["auth", "login"]), old.as_str());
    Ran::of(login, &old).succeeds();
    let new = emulate.control(&home, "reset")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let rotate = ["auth", "rotate", "--every", EVERY];

    let mut rotation = Rotation::of(emulate.ap(&home, &rotate), Some(&new));
    let lines = rotation.lines(4).concat();
    assert_eq!(
        lines.matches("still accepts the old key").count(),
        3,
        "{lines}"
    );
    rotation.interrupt();
    assert_eq!(rotation.end(&[&old, &new]).0, 130);
    for product in Product::ALL {
        emulate.control(&home, &format!("login/{}", product.id()));
    }
    let mut rotation = Rotation::of(emulate.ap(&home, &rotate), None);
    let lines = rotation.lines(4).concat();
    assert_eq!(lines.matches("accepts the new key").count(), 4, "{lines}");
    assert_eq!(rotation.end(&[&old, &new]).0, 0);
    assert_eq!(home.stored(), format!("{new}\n"));
}

#[test]
fn json_has_one_object_for_each_change() {
    let account = Account::new();
    let new = account.emulator.reset();
    let mut rotation = Rotation::start(&account, &["--json"], Some(&new));
    let event =
        |rotation: &mut Rotation| -> Value { serde_json::from_str(&rotation.line()).unwrap() };
    let file = account.home.keys_file().to_str().unwrap().to_owned();
    assert_eq!(
        event(&mut rotation),
        json!({"event": "stored", "keys": 2, "file": file})
    );
    let product = |id, status, line, key, log_in_at| {
        json!({"event": "product", "product": id, "status": status, "subscribed": true,
               "key": label(&format!("line {line} of {file}"), key),
               "http_status": 200, "log_in_at": log_in_at})
    };
    for one in Product::ALL {
        let page = format!("{}/_emulator/", account.emulator.url(one));
        let expected = product(one.id(), "takes_old", 1, &account.old, json!(page));
        assert_eq!(event(&mut rotation), expected);
    }
    for one in Product::ALL {
        account.emulator.login(one);
        let expected = product(one.id(), "takes_new", 2, &new, json!(null));
        assert_eq!(event(&mut rotation), expected);
    }
    assert_eq!(
        event(&mut rotation),
        json!({"event": "done", "forgotten": 1})
    );
    let (code, stderr) = rotation.end(&[&account.old, &new]);
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn once_and_wait_exit_9_while_a_product_is_behind_and_so_does_status() {
    let account = Account::new();
    let new = account.emulator.reset();
    account.emulator.login(Product::LeadConduit);
    let ran = account.run(&["auth", "rotate", "--every", EVERY, "--once"], &new);
    ran.fails(9, "still accepted by TrustedForm, SuppressionList");
    let ran = account.run(
        &[
            "auth", "rotate", "--wait", "0.05", "--every", EVERY, "--json",
        ],
        "",
    );
    assert_eq!(ran.code, Some(9));
    ran.says("still accepted by TrustedForm, SuppressionList");
    let last = ran.stdout.lines().last().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(last).unwrap(),
        json!({"event": "stopped", "exit_code": 9, "behind": ["trustedform", "suppressionlist"]})
    );
    let ran = account.run(&["auth", "status"], "");
    ran.fails(
        9,
        "an older key is accepted by TrustedForm, SuppressionList",
    );
    ran.prints("LeadConduit      accepts key 2\n");
    ran.prints("TrustedForm      accepts key 1, and not yet the newest\n");
    ran.prints("SuppressionList  accepts key 1, and not yet the newest\n");
    let url = account.emulator.url(Product::TrustedForm);
    ran.prints(&format!("log in to TrustedForm at {url}/_emulator/"));

    account.log_in_everywhere();
    let ran = account.run(&["auth", "rotate", "--every", EVERY, "--once"], "");
    ran.succeeds();
    assert_eq!(ran.stderr, "");
    assert_eq!(account.stored(), [new]);

    // Two keys in the wrong order right after a reset look the same.
    let newest = account.emulator.reset();
    account.log_in_everywhere();
    let ran = account.run(&["auth", "rotate", "--every", EVERY], &newest);
    ran.succeeds();
    ran.says("if it is the newer one");
    assert_eq!(account.stored(), [newest]);
}

#[test]
fn a_key_that_is_not_new_exits_2_and_changes_nothing() {
    let account = Account::new();
    for (input, says) in [
        (account.old.as_str(), "not the new one"),
        ("", "the key is empty"),
        ("two words", "space"),
        ("API:placeholder", "a user name and a key"),
    ] {
        let ran = account.run(&["auth", "rotate", "--every", EVERY, "--once"], input);
        ran.fails(2, says);
        assert_eq!(ran.stdout, "");
        assert_eq!(account.stored(), [account.old.as_str()]);
    }
    let requests = Product::ALL.map(|product| account.emulator.state().product(product).requests);
    assert_eq!(requests, [0; 3]);
    let nobody = Home::new();
    nobody
        .run_bare(&["auth", "rotate"])
        .fails(3, "no API key to rotate");
    nobody
        .run_bare(&["--emulator", "auth", "rotate"])
        .fails(2, "ap emulate");
}

#[test]
fn a_second_reset_during_a_rotation_needs_three_keys() {
    let account = Account::new();
    let second = account.emulator.reset();
    account.emulator.login(Product::TrustedForm);
    assert_eq!(
        account
            .run(&["auth", "rotate", "--every", EVERY, "--once"], &second)
            .code,
        Some(9)
    );
    let third = account.emulator.reset();
    account.emulator.login(Product::SuppressionList);
    let ran = account.run(
        &["auth", "rotate", "--every", EVERY, "--once", "--new"],
        &third,
    );
    ran.fails(9, "still accepted by LeadConduit, TrustedForm");
    assert_eq!(account.stored(), [account.old.as_str(), &second, &third]);
    let report = account.run(&["auth", "status", "--json"], "");
    assert_eq!(report.code, Some(9));
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    let taken: Vec<_> = report["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["key"])
        .collect();
    let labels: Vec<_> = report["keys"].as_array().unwrap().iter().collect();
    assert_eq!(taken, labels);
    assert_eq!(report["products"][1]["keys"][0]["status"], json!(null));
    assert_eq!(report["products"][1]["keys"][1]["status"], "takes");
    assert_eq!(report["products"][1]["keys"][2]["status"], "refuses");

    let ran = account.run(
        &["auth", "rotate", "--every", EVERY, "--once", "--new"],
        "placeholder-fourth-key",
    );
    ran.fails(2, "3 keys are stored already");
    account.log_in_everywhere();
    account
        .run(&["auth", "rotate", "--every", EVERY, "--once"], "")
        .succeeds();
    assert_eq!(account.stored(), [third]);
}

#[test]
fn keys_of_variables_or_a_command_are_watched_and_not_stored() {
    let account = Account::new();
    std::fs::remove_file(account.home.keys_file()).unwrap();
    let new = account.emulator.reset();
    let rotate = ["auth", "rotate", "--every", EVERY, "--once"];
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = account.ap(arguments);
        command.envs(variables.iter().copied());
        let ran = Ran::of(command.output().unwrap(), &new);
        assert_absent(&ran.stderr, &account.old);
        assert!(!account.home.keys_file().exists());
        ran
    };
    let both = [(VARIABLE, account.old.as_str()), (NEXT, new.as_str())];
    run(&rotate, &both[..1]).fails(2, "does not come from the keys file");
    run(&["auth", "rotate", "--new"], &both).fails(2, "does not come from the keys file");
    assert_eq!(run(&rotate, &both).code, Some(9));

    let path = account.home.path().join("two keys");
    std::fs::write(&path, format!("{}\n{new}", account.old)).unwrap();
    let command = format!("cat '{}'", path.display());
    let by_command = [(COMMAND, command.as_str()), (VARIABLE, "")];
    assert_eq!(run(&rotate, &by_command).code, Some(9));
    let ran = run(&["auth", "status"], &by_command);
    assert!(
        ran.stdout.starts_with("key 1: line 1 of the command cat\n"),
        "{}",
        ran.stdout
    );

    account.log_in_everywhere();
    for variables in [both, by_command] {
        let ran = run(&rotate, &variables);
        assert!(
            ran.succeeds()
                .ends_with("every product accepts the new key\n"),
            "{}",
            ran.stdout
        );
    }
}

/// Rotates against servers that give every key the same answer. Returns the stored keys too.
fn rotate_against(answers: [(u16, &str); 3], more: &[&str]) -> (Ran, Vec<String>, [Fake; 3]) {
    let (old, new) = ("placeholder-old-key", "placeholder-new-key");
    let home = Home::new();
    home.store(format!("{old}\n{new}\n").as_bytes(), 0o600);
    let (fakes, origins) = fake_products(answers);
    let arguments = [&["auth", "rotate", "--every", EVERY], more].concat();
    let output = home.ap(&join(&origins, &arguments)).output();
    let ran = Ran::of(output.unwrap(), new);
    assert_absent(&ran.stdout, old);
    let stored = home.stored().lines().map(str::to_owned).collect();
    (ran, stored, fakes)
}

const WITHOUT_TRUSTEDFORM: &str = r#"{"products":[{"id":"trustedform","subscribed":false}]}"#;
const WITH_TRUSTEDFORM: &str = r#"{"products":[{"id":"trustedform","subscribed":true}]}"#;

#[test]
fn a_product_that_accepts_neither_key_is_asked_three_times() {
    // It is not subscribed to, so it is not asked. The others are asked three times.
    let answers = [(200, WITHOUT_TRUSTEDFORM), (401, BAD_KEY), (200, "[]")];
    let (ran, stored, fakes) = rotate_against(answers, &[]);
    ran.succeeds();
    assert_eq!((stored.len(), fakes[1].connections()), (1, 0));

    // It is not known if it is subscribed to. It is asked three times with both keys.
    let (ran, stored, fakes) = rotate_against([(200, "{}"), (401, BAD_KEY), (200, "[]")], &[]);
    let shown = ran.succeeds();
    assert!(
        shown.contains("is the account subscribed to it?"),
        "{shown}"
    );
    assert_eq!((stored.len(), fakes[1].connections()), (1, 6));

    // It is subscribed to. Then something is wrong, and no key is removed.
    let answers = [(200, WITH_TRUSTEDFORM), (401, BAD_KEY), (200, "[]")];
    let (ran, stored, fakes) = rotate_against(answers, &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.says("neither key is accepted by TrustedForm");
    assert_eq!((stored.len(), fakes[1].connections()), (2, 6));

    // Every account has an answer of LeadConduit, so it may still need the old key.
    let answers = [(401, BAD_KEY), (200, "{}"), (200, "[]")];
    let (ran, stored, fakes) = rotate_against(answers, &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.says("neither key is accepted by LeadConduit");
    assert_eq!((stored.len(), fakes[0].connections()), (2, 6));

    let (ran, stored, _) = rotate_against([(401, BAD_KEY); 3], &[]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    ran.says("no product accepts any of the keys");
    assert_eq!(stored.len(), 2);
}

#[test]
fn no_key_is_removed_while_an_answer_says_nothing_about_it() {
    for (answer, code, more) in [
        ((402, "{}"), 4, &[][..]),
        ((403, "{}"), 4, &[]),
        ((401, r#"{"error":"not authorized"}"#), 4, &[]),
        ((404, "{}"), 5, &[]),
        ((200, "<html>"), 1, &[]),
        // These may pass without anybody doing anything, so they are waited for.
        ((503, "{}"), 7, &["--wait", "0.2"]),
        ((429, "{}"), 7, &["--wait", "0.2"]),
    ] {
        let (ran, stored, _) = rotate_against([(200, "{}"), answer, (200, "[]")], more);
        assert_eq!(ran.code, Some(code), "{answer:?}: {ran:?}");
        ran.says("no clear answer from TrustedForm");
        assert_eq!(stored.len(), 2, "{answer:?}");
    }
}

#[test]
fn two_processes_that_rotate_one_file_lose_no_key() {
    for _ in 0..10 {
        let account = Account::new();
        let news = ["placeholder-key-one", "placeholder-key-two"];
        let both = news.map(|new| Rotation::start(&account, &["--once", "--new"], Some(new)));
        for rotation in both {
            let (code, stderr) = rotation.end(&news);
            assert_eq!(code, 9, "{stderr}");
        }
        let mut stored = account.stored();
        assert_eq!(stored.remove(0), account.old);
        stored.sort();
        assert_eq!(stored, news);
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_a_complete_file() {
    let account = Account::new();
    let new = "placeholder-key-of-a-killed-process";
    for moment in 0..40_u32 {
        account
            .home
            .store(format!("{}\n", account.old).as_bytes(), 0o600);
        let mut rotation = Rotation::start(&account, &["--once"], Some(new));
        // Each time it gets a little further.
        for _ in 0..moment * 10_000 {
            std::hint::spin_loop();
        }
        rotation.child.kill().unwrap();
        rotation.child.wait().unwrap();
        let stored = account.stored();
        let good = stored == [account.old.as_str()] || stored == [account.old.as_str(), new];
        assert!(good, "{moment}: {} lines", stored.len());
    }
    // A lock ends with its process, and the next process removes what was left.
    let ran = account.run(&["auth", "rotate", "--every", EVERY, "--once"], new);
    assert_eq!(ran.code, Some(9), "{ran:?}");
    assert_eq!(account.home.files_beside_keys(), ["keys", "keys.lock"]);
}
