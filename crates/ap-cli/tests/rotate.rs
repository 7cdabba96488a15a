//! `ap auth rotate`, against the emulator: one reset, from the new key to the forgotten old one.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};

use ap_emulator::{Emulator, Product};
use common::{Fake, Home, Ran, VARIABLE, assert_absent};
use serde_json::{Value, json};

const NEXT: &str = "ACTIVEPROSPECT_NEXT_API_KEY";
const COMMAND: &str = "ACTIVEPROSPECT_KEY_COMMAND";

/// Short, so that a look comes soon after whatever the test did.
const EVERY: &str = "0.02";

struct World {
    emulator: Emulator,
    home: Home,
    old: String,
}

impl World {
    /// An account whose key is in the keys file.
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
        let origins = [
            ("lcx", Product::LeadConduit),
            ("trustedform", Product::TrustedForm),
            ("suppressionlist", Product::SuppressionList),
        ]
        .map(|(name, product)| format!("--origin={name}={}", self.emulator.url(product)));
        let origins = origins.iter().map(String::as_str);
        let all: Vec<_> = origins.chain(arguments.iter().copied()).collect();
        self.home.ap(&all)
    }

    /// Runs to the end with something on standard input.
    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let output = common::with_input(self.ap(arguments), input);
        let ran = Ran::of(output, &self.old);
        assert_absent(&ran.stdout, &self.old);
        ran
    }

    fn stored(&self) -> Vec<String> {
        let path = self.home.keys_file();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn log_in_everywhere(&self) {
        for product in Product::ALL {
            self.emulator.login(product);
        }
    }
}

/// A rotation that is under way.
struct Rotation {
    child: Child,
    lines: BufReader<ChildStdout>,
    shown: String,
}

impl Rotation {
    fn start(world: &World, arguments: &[&str], input: Option<&str>) -> Self {
        let all = [&["auth", "rotate", "--every", EVERY], arguments].concat();
        Self::of(world.ap(&all), input)
    }

    fn of(mut command: Command, input: Option<&str>) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
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
        let id = self.child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(killed.success());
    }

    /// The exit code, and what was said on standard error.
    fn end(mut self, keys: &[&str]) -> (i32, String) {
        let mut said = String::new();
        self.lines.read_to_string(&mut self.shown).unwrap();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        for key in keys {
            assert_absent(&said, key);
            assert_absent(&self.shown, key);
        }
        (self.child.wait().unwrap().code().unwrap(), said)
    }
}

#[test]
fn a_reset_is_gone_through_with_an_interrupt_half_way() {
    let world = World::new();
    let old = world.old.clone();
    let new = world.emulator.reset();
    let keys = [old.as_str(), new.as_str()];

    let mut rotation = Rotation::start(&world, &[], Some(&format!("{new}\n")));
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
        let url = world.emulator.url(product);
        assert_eq!(
            line,
            &format!("{name:<16} still takes the old key: log in at {url}\n")
        );
    }
    assert_eq!(world.stored(), keys);
    world.emulator.login(Product::TrustedForm);
    assert_eq!(rotation.line(), "TrustedForm      takes the new key\n");
    #[cfg(target_os = "linux")]
    for file in ["cmdline", "environ"] {
        let path = format!("/proc/{}/{file}", rotation.child.id());
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        keys.iter().for_each(|key| assert_absent(&text, key));
    }
    rotation.interrupt();
    let (code, said) = rotation.end(&keys);
    assert_eq!(code, 130);
    assert!(
        said.ends_with("ap: interrupted\n     both keys are stored: `ap auth rotate` goes on\n"),
        "{said}"
    );
    assert_eq!(world.stored(), keys);

    // Meanwhile, other commands work with both.
    let ran = world.run(&["api", "--product", "trustedform", "/account"], "");
    assert_absent(&ran.stderr, &new);
    ran.succeeds();

    // It goes on, and asks for no key.
    let mut rotation = Rotation::start(&world, &[], None);
    let lines = rotation.lines(3).concat();
    assert_eq!(
        lines.matches("still takes the old key").count(),
        2,
        "{lines}"
    );
    assert!(
        lines.contains("TrustedForm      takes the new key\n"),
        "{lines}"
    );
    world.emulator.login(Product::SuppressionList);
    assert_eq!(rotation.line(), "SuppressionList  takes the new key\n");
    world.emulator.login(Product::LeadConduit);
    assert_eq!(rotation.line(), "LeadConduit      takes the new key\n");
    assert_eq!(
        rotation.line(),
        "every product takes the new key: the old one is forgotten\n"
    );
    let (code, said) = rotation.end(&keys);
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("ap: ").count(), 1, "{said}");
    assert_eq!(world.stored(), [new]);
}

/// The program's own emulator, in a process of its own.
struct Emulate {
    child: Child,
    origins: Vec<String>,
}

impl Emulate {
    fn start(home: &Home) -> (Self, String) {
        let mut child = home
            .ap(&["emulate"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        let origins = ["lcx", "trustedform", "suppressionlist"]
            .map(|name| format!("--origin={name}={}", started[name].as_str().unwrap()));
        let origins = origins.to_vec();
        let key = started["key"].as_str().unwrap().to_owned();
        (Self { child, origins }, key)
    }

    fn ap(&self, home: &Home, arguments: &[&str]) -> Command {
        let origins = self.origins.iter().map(String::as_str);
        let all: Vec<_> = origins.chain(arguments.iter().copied()).collect();
        home.ap(&all)
    }

    /// What the account page of the emulator does.
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
fn with_nothing_but_the_program_a_reset_is_gone_through() {
    let home = Home::new();
    let (emulate, old) = Emulate::start(&home);
    let login = common::with_input(emulate.ap(&home, &["auth", "login"]), old.as_str());
    Ran::of(login, &old).succeeds();
    let new = emulate.control(&home, "reset")["key"]
        .as_str()
        .unwrap()
        .to_owned();
    let rotate = ["auth", "rotate", "--every", EVERY];

    let mut rotation = Rotation::of(emulate.ap(&home, &rotate), Some(&new));
    let lines = rotation.lines(4).concat();
    assert_eq!(
        lines.matches("still takes the old key").count(),
        3,
        "{lines}"
    );
    rotation.interrupt();
    assert_eq!(rotation.end(&[&old, &new]).0, 130);
    for product in ["lcx", "trustedform", "suppressionlist"] {
        emulate.control(&home, &format!("login/{product}"));
    }
    let mut rotation = Rotation::of(emulate.ap(&home, &rotate), None);
    let lines = rotation.lines(4).concat();
    assert_eq!(lines.matches("takes the new key").count(), 4, "{lines}");
    assert_eq!(rotation.end(&[&old, &new]).0, 0);
    let stored = std::fs::read_to_string(home.keys_file()).unwrap();
    assert_eq!(stored, format!("{new}\n"));
}

#[test]
fn machines_get_one_object_for_each_change() {
    let world = World::new();
    let new = world.emulator.reset();
    let mut rotation = Rotation::start(&world, &["--json"], Some(&new));
    let event =
        |rotation: &mut Rotation| -> Value { serde_json::from_str(&rotation.line()).unwrap() };
    let file = world.home.keys_file().to_str().unwrap().to_owned();
    assert_eq!(
        event(&mut rotation),
        json!({"event": "stored", "keys": 2, "file": file})
    );
    let product = |id, status, key, log_in_at| {
        json!({"event": "product", "product": id, "status": status, "subscribed": true,
               "key": format!("line {key} of {file}").chars().take(64).collect::<String>(),
               "http_status": 200, "log_in_at": log_in_at})
    };
    for one in Product::ALL {
        let url = world.emulator.url(one);
        let expected = product(one.id(), "takes_old", 1, json!(url));
        assert_eq!(event(&mut rotation), expected);
    }
    for one in Product::ALL {
        world.emulator.login(one);
        let expected = product(one.id(), "takes_new", 2, json!(null));
        assert_eq!(event(&mut rotation), expected);
    }
    assert_eq!(
        event(&mut rotation),
        json!({"event": "done", "forgotten": 1})
    );
    let (code, said) = rotation.end(&[&world.old, &new]);
    assert_eq!((code, said.as_str()), (0, ""));
}

#[test]
fn once_and_wait_end_with_9_while_a_product_is_behind_and_status_says_so() {
    let world = World::new();
    let new = world.emulator.reset();
    world.emulator.login(Product::LeadConduit);
    let ran = world.run(&["auth", "rotate", "--once"], &new);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("still taken by TrustedForm, SuppressionList"),
        "{}",
        ran.stderr
    );
    let ran = world.run(
        &[
            "auth", "rotate", "--wait", "0.05", "--every", EVERY, "--json",
        ],
        "",
    );
    ran.fails(9, "still taken by TrustedForm, SuppressionList");
    let last = ran.stdout.lines().last().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(last).unwrap(),
        json!({"event": "stopped", "exit_code": 9, "behind": ["trustedform", "suppressionlist"]})
    );
    let ran = world.run(&["auth", "status"], "");
    ran.fails(9, "an older key is taken by TrustedForm, SuppressionList");
    assert!(
        ran.stdout.contains("LeadConduit      takes key 2\n"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        ran.stdout
            .matches("takes key 1, and not yet the newest\n")
            .count(),
        2
    );
    let url = world.emulator.url(Product::TrustedForm);
    assert!(
        ran.stdout
            .contains(&format!("log in to TrustedForm at {url}"))
    );

    world.log_in_everywhere();
    let ran = world.run(&["auth", "rotate", "--once"], "");
    ran.succeeds();
    assert_eq!(ran.stderr, "");
    assert_eq!(world.stored(), [new]);

    // Two keys in the wrong order right after a reset would look the same.
    let newest = world.emulator.reset();
    world.log_in_everywhere();
    let ran = world.run(&["auth", "rotate"], &newest);
    ran.succeeds();
    assert!(
        ran.stderr.contains("if it was the newer one"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.stored(), [newest]);
}

#[test]
fn a_key_that_is_not_new_is_told_and_nothing_is_changed() {
    let world = World::new();
    for (input, says) in [
        (world.old.as_str(), "not a new one"),
        ("", "the key is empty"),
        ("two words", "blank"),
        ("API:placeholder", "a user name and a key"),
    ] {
        let ran = world.run(&["auth", "rotate", "--once"], input);
        ran.fails(2, says);
        assert_eq!(ran.stdout, "");
        assert_eq!(world.stored(), [world.old.as_str()]);
    }
    let requests = Product::ALL.map(|product| world.emulator.state().product(product).requests);
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
fn a_second_reset_on_the_way_is_gone_through_with_three_keys() {
    let world = World::new();
    let second = world.emulator.reset();
    world.emulator.login(Product::TrustedForm);
    assert_eq!(
        world.run(&["auth", "rotate", "--once"], &second).code,
        Some(9)
    );
    let third = world.emulator.reset();
    world.emulator.login(Product::SuppressionList);
    let ran = world.run(&["auth", "rotate", "--once", "--new"], &third);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    assert_eq!(world.stored(), [world.old.as_str(), &second, &third]);
    let report = world.run(&["auth", "status", "--json"], "");
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

    let ran = world.run(
        &["auth", "rotate", "--once", "--new"],
        "placeholder-fourth-key",
    );
    ran.fails(2, "3 keys are stored already");
    world.log_in_everywhere();
    world.run(&["auth", "rotate", "--once"], "").succeeds();
    assert_eq!(world.stored(), [third]);
}

#[test]
fn keys_in_the_wrong_order_are_turned_round_when_a_product_shows_it() {
    let world = World::new();
    let new = world.emulator.reset();
    world.emulator.login(Product::LeadConduit);
    // The new key was stored first, and the old one is given as the new one.
    world.home.store(format!("{new}\n").as_bytes(), 0o600);
    let mut rotation = Rotation::start(&world, &[], Some(&world.old));
    let lines = rotation.lines(4).concat();
    assert!(
        lines.contains("LeadConduit      still takes the old key"),
        "{lines}"
    );
    assert_eq!(world.stored(), [new.as_str(), &world.old]);
    world.emulator.login(Product::TrustedForm);
    assert_eq!(
        rotation.line(),
        "the keys stood in the wrong order, and are turned round\n"
    );
    assert_eq!(world.stored(), [world.old.as_str(), &new]);
    let lines = rotation.lines(3).concat();
    assert_eq!(lines.matches("takes the new key").count(), 2, "{lines}");
    world.emulator.login(Product::SuppressionList);
    assert_eq!(rotation.line(), "SuppressionList  takes the new key\n");
    rotation.line();
    let (code, said) = rotation.end(&[&world.old, &new]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(world.stored(), [new]);
}

#[test]
fn keys_that_come_from_elsewhere_are_watched_and_not_stored() {
    let world = World::new();
    std::fs::remove_file(world.home.keys_file()).unwrap();
    let new = world.emulator.reset();
    let rotate = ["auth", "rotate", "--once"];
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = world.ap(arguments);
        command.envs(variables.iter().copied());
        let ran = Ran::of(command.output().unwrap(), &new);
        assert_absent(&ran.stderr, &world.old);
        assert!(!world.home.keys_file().exists());
        ran
    };
    let both = [(VARIABLE, world.old.as_str()), (NEXT, new.as_str())];
    run(&rotate, &both[..1]).fails(2, "does not come from the keys file");
    run(&["auth", "rotate", "--new"], &both).fails(2, "does not come from the keys file");
    assert_eq!(run(&rotate, &both).code, Some(9));

    let path = world.home.path().join("two keys");
    std::fs::write(&path, format!("{}\n{new}", world.old)).unwrap();
    let command = format!("cat '{}'", path.display());
    let by_command = [(COMMAND, command.as_str()), (VARIABLE, "")];
    assert_eq!(run(&rotate, &by_command).code, Some(9));
    let ran = run(&["auth", "status"], &by_command);
    assert!(
        ran.stdout.starts_with("key 1: line 1 of the command cat\n"),
        "{}",
        ran.stdout
    );

    world.log_in_everywhere();
    for variables in [both, by_command] {
        let ran = run(&rotate, &variables);
        assert!(
            ran.succeeds()
                .ends_with("every product takes the new key\n"),
            "{}",
            ran.stdout
        );
    }
}

const BAD_KEY: &str = r#"{"error":"authentication failed"}"#;

/// Servers that answer the same to every key, in the place of the products'.
fn rotate_against(answers: [(u16, &str); 3], more: &[&str]) -> (Ran, Vec<String>, [Fake; 3]) {
    let (old, new) = ("placeholder-old-key", "placeholder-new-key");
    let home = Home::new();
    home.store(format!("{old}\n{new}\n").as_bytes(), 0o600);
    let fakes = answers.map(|(status, body)| Fake::status(status, "", body));
    let origins: Vec<_> = ["lcx", "trustedform-app", "suppressionlist"]
        .iter()
        .zip(&fakes)
        .map(|(name, fake)| format!("--origin={name}={}", fake.url))
        .collect();
    let mut arguments: Vec<&str> = origins.iter().map(String::as_str).collect();
    arguments.extend(["auth", "rotate", "--every", EVERY]);
    arguments.extend(more);
    let ran = Ran::of(home.ap(&arguments).output().unwrap(), new);
    assert_absent(&ran.stdout, old);
    let left = std::fs::read_to_string(home.keys_file()).unwrap();
    (ran, left.lines().map(str::to_owned).collect(), fakes)
}

const TRUSTEDFORM: [&str; 2] = [
    r#"{"products":[{"id":"trustedform","subscribed":false}]}"#,
    r#"{"products":[{"id":"trustedform","subscribed":true}]}"#,
];

#[test]
fn a_product_that_takes_neither_key_is_not_waited_for_for_ever() {
    // Not subscribed to: not asked at all.
    let answers = [(200, TRUSTEDFORM[0]), (401, BAD_KEY), (200, "[]")];
    let (ran, left, fakes) = rotate_against(answers, &[]);
    ran.succeeds();
    assert_eq!((left.len(), fakes[1].connections()), (1, 0));

    // Nobody says whether it is: given up after three looks, with both keys each.
    let (ran, left, fakes) = rotate_against([(200, "{}"), (401, BAD_KEY), (200, "[]")], &[]);
    let shown = ran.succeeds();
    assert!(
        shown.contains("is the account subscribed to it?"),
        "{shown}"
    );
    assert_eq!((left.len(), fakes[1].connections()), (1, 6));

    // It is: then something is wrong, and nothing is forgotten.
    let answers = [(200, TRUSTEDFORM[1]), (401, BAD_KEY), (200, "[]")];
    let (ran, left, fakes) = rotate_against(answers, &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("neither key is taken by TrustedForm"),
        "{}",
        ran.stderr
    );
    assert_eq!((left.len(), fakes[1].connections()), (2, 6));

    let (ran, left, _) = rotate_against([(401, BAD_KEY); 3], &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no product takes any of the keys"),
        "{}",
        ran.stderr
    );
    assert_eq!(left.len(), 2);
}

#[test]
fn while_a_product_says_nothing_of_the_key_nothing_is_forgotten() {
    for (answer, code, more) in [
        ((402, "{}"), 4, &[][..]),
        ((403, "{}"), 4, &[]),
        ((401, r#"{"error":"not authorized"}"#), 4, &[]),
        ((404, "{}"), 5, &[]),
        ((200, "<html>"), 1, &[]),
        // What may pass by itself is waited for.
        ((503, "{}"), 7, &["--wait", "0.2"]),
        ((429, "{}"), 7, &["--wait", "0.2"]),
    ] {
        let (ran, left, _) = rotate_against([(200, "{}"), answer, (200, "[]")], more);
        assert_eq!(ran.code, Some(code), "{answer:?}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("no clear answer from TrustedForm"),
            "{}",
            ran.stderr
        );
        assert_eq!(left.len(), 2, "{answer:?}");
    }
}

#[test]
fn two_processes_that_rotate_one_file_lose_nothing() {
    for _ in 0..10 {
        let world = World::new();
        let news = ["placeholder-key-one", "placeholder-key-two"];
        let both = news.map(|new| Rotation::start(&world, &["--once", "--new"], Some(new)));
        for rotation in both {
            let (code, said) = rotation.end(&news);
            assert_eq!(code, 9, "{said}");
        }
        let mut stored = world.stored();
        assert_eq!(stored.remove(0), world.old);
        stored.sort();
        assert_eq!(stored, news);
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_a_good_file() {
    let world = World::new();
    let new = "placeholder-key-of-a-killed-process";
    for moment in 0..40_u32 {
        world
            .home
            .store(format!("{}\n", world.old).as_bytes(), 0o600);
        let mut rotation = Rotation::start(&world, &["--once"], Some(new));
        // Some way into its work, each time a bit further.
        for _ in 0..moment * 10_000 {
            std::hint::spin_loop();
        }
        rotation.child.kill().unwrap();
        rotation.child.wait().unwrap();
        let stored = world.stored();
        let good = stored == [world.old.as_str()] || stored == [world.old.as_str(), new];
        assert!(good, "{moment}: {} lines", stored.len());
    }
    // Nobody holds a lock that died, and what was left is cleared away.
    let ran = world.run(&["auth", "rotate", "--once"], new);
    assert_eq!(ran.code, Some(9), "{}", ran.stderr);
    let folder = world.home.keys_file();
    let mut names: Vec<_> = std::fs::read_dir(folder.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["keys", "keys.lock"]);
}
