//! Keys files of all kinds, and while they change.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{TryRecvError, sync_channel};
use std::time::{Duration, SystemTime};

use ap_client::KeySource;
use ap_keys::{Chain, Environment, File, KeepLast, Store};

use common::{folder, read, texts, write};

const OLD: &str = "placeholder-key-old";
const NEW: &str = "placeholder-key-new";

#[test]
fn the_file_is_read_each_time() {
    let (_folder, path) = folder();
    let source = File::new(&path).settle_time(Duration::ZERO);
    assert!(read(&source).unwrap_err().contains("does not exist"));
    write(&path, &format!("{OLD}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD]);
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    let debug = format!("{source:?}");
    assert!(!debug.contains("placeholder-key"), "{debug}");
    fs::remove_file(&path).unwrap();
    assert!(read(&source).unwrap_err().contains("does not exist"));
}

#[test]
fn a_private_file_is_for_its_owner_only_and_others_may_read_a_mounted_secret() {
    let (_folder, path) = folder();
    for (mode, private, mounted) in [
        (0o600, true, true),
        (0o400, true, true),
        (0o440, false, true),
        (0o444, false, true),
        (0o644, false, true),
        (0o604, false, true),
        (0o620, false, false),
        (0o602, false, false),
        (0o666, false, false),
    ] {
        write(&path, &format!("{OLD}\n"), mode);
        let outcomes = [read(&File::new(&path)), read(&File::mounted(&path))];
        for (outcome, good) in outcomes.iter().zip([private, mounted]) {
            assert_eq!(outcome.is_ok(), good, "{mode:o}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(error.contains("other users can"), "{error}");
            }
        }
    }
}

#[test]
fn a_file_of_root_that_others_can_read_is_perhaps_a_mounted_secret() {
    let (_folder, path) = folder();
    write(&path, OLD, 0o444);
    let error = read(&File::new(&path)).unwrap_err();
    let is_owned_by_root = fs::metadata(&path).unwrap().uid() == 0;
    assert_eq!(
        error.contains("`File::mounted`"),
        is_owned_by_root,
        "{error}"
    );
    assert!(error.contains("chmod 600"), "{error}");
}

#[test]
fn a_folder_that_everyone_can_write_to_is_an_error_unless_it_is_sticky() {
    let (folder, path) = folder();
    write(&path, &format!("{OLD}\n"), 0o600);
    for (mode, good) in [(0o700, true), (0o777, false), (0o1777, true), (0o775, true)] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let outcome = read(&File::new(&path));
        assert_eq!(outcome.is_ok(), good, "{mode:o}: {outcome:?}");
        assert_eq!(Store::new(&path).lock().is_ok(), good, "{mode:o}");
    }
    // A link in a safe folder does not help.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (_safe, link) = self::folder();
    symlink(&path, &link).unwrap();
    assert!(
        read(&File::new(&link))
            .unwrap_err()
            .contains("everyone can write")
    );
}

#[test]
fn anything_but_a_small_regular_file_is_an_error_and_is_never_waited_for() {
    for (make, expected) in [
        (&["mkdir"][..], "not a regular file"),
        (&["mkfifo", "-m", "600"], "not a regular file"),
        (&["ln", "-s", "/dev/zero"], "not a regular file"),
        (&["ln", "-s", "/nowhere/at/all"], "does not exist"),
        (&["ln", "-s", "keys"], "cannot be read"),
    ] {
        let (_folder, path) = folder();
        let made = Command::new(make[0]).args(&make[1..]).arg(&path).status();
        assert!(made.unwrap().success());
        for source in [File::new(&path), File::mounted(&path)] {
            let error = read(&source).unwrap_err();
            assert!(error.contains(expected), "{make:?}: {error}");
        }
    }
    let (_folder, path) = folder();
    write(&path, &"x".repeat(10_000_000), 0o600);
    let error = read(&File::new(&path)).unwrap_err();
    assert!(error.contains("is larger than 4096 bytes"), "{error}");
}

#[test]
fn only_a_mounted_secret_may_lack_the_last_line_feed() {
    let (_folder, path) = folder();
    write(&path, &format!("{OLD}\n{NEW}"), 0o600);
    assert!(
        read(&File::new(&path))
            .unwrap_err()
            .contains("half-written")
    );
    assert_eq!(read(&File::mounted(&path)).unwrap(), [OLD, NEW]);
}

#[test]
fn a_new_list_is_used_after_it_has_stayed_the_same_for_a_while() {
    let (_folder, path) = folder();
    write(&path, &format!("{OLD}\n"), 0o600);
    let source = File::new(&path).settle_time(Duration::from_secs(3600));
    let now = || texts(source.keys(Some(Duration::from_millis(1))));
    assert!(now().unwrap_err().contains("is still changing"));
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(
        now().unwrap(),
        [OLD],
        "a list that was written long ago is used at once"
    );
    // The first of two lines, while a program writes in place.
    write(&path, &format!("{NEW}\n"), 0o600);
    for _ in 0..3 {
        assert!(now().unwrap_err().contains("is still changing"));
    }
    write(&path, &format!("{OLD}\n"), 0o600);
    assert_eq!(
        now().unwrap(),
        [OLD],
        "the list that was returned last is used at once"
    );

    let source = File::new(&path).settle_time(Duration::from_millis(1));
    assert_eq!(read(&source).unwrap(), [OLD]);
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW], "it waits until then");
}

#[test]
fn the_last_good_keys_are_returned_and_each_failure_is_reported() {
    static FAILURES: AtomicUsize = AtomicUsize::new(0);
    let (_folder, path) = folder();
    let file = File::new(&path).settle_time(Duration::ZERO);
    let source = KeepLast::new(file).on_failure(|error| {
        assert!(!error.to_string().contains("placeholder-key"), "{error}");
        FAILURES.fetch_add(1, Ordering::SeqCst);
    });
    assert!(read(&source).is_err(), "there were no keys yet");
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    let invalid = [
        String::new(),
        format!("{OLD}\nplacehol"),
        "\n".to_owned(),
        "no key\n".to_owned(),
    ];
    for (count, text) in invalid.iter().enumerate() {
        write(&path, text, 0o600);
        assert_eq!(read(&source).unwrap(), [OLD, NEW], "{text:?}");
        assert_eq!(FAILURES.load(Ordering::SeqCst), count + 1);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    write(&path, &format!("{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [NEW]);
    assert_eq!(FAILURES.load(Ordering::SeqCst), invalid.len() + 1);
    assert!(!format!("{source:?}").contains("placeholder-key"));
}

#[test]
fn a_chain_uses_the_first_source_that_has_keys_and_stops_at_one_that_fails() {
    let (_folder, path) = folder();
    let unset = || Environment::named(["AP_KEYS_TEST_UNSET"]);
    let (_other, second) = folder();
    write(&second, &format!("{NEW}\n"), 0o600);
    let chain = Chain::new(unset())
        .or(File::new(&path).optional())
        .or(File::new(&second));
    assert_eq!(read(&chain).unwrap(), [NEW]);
    write(&path, &format!("{OLD}\n"), 0o600);
    assert_eq!(read(&chain).unwrap(), [OLD]);
    write(&path, OLD, 0o600);
    assert!(read(&chain).unwrap_err().contains("half-written"));
    fs::remove_file(&path).unwrap();
    let error = read(&chain).unwrap_err();
    assert!(
        error.contains("does not exist"),
        "it had keys once: {error}"
    );
    assert!(read(&Chain::new(unset())).unwrap().is_empty());
    assert!(!format!("{chain:?}").contains("placeholder-key"));
}

/// Replaces the folder behind a link, as Kubernetes does for mounted secrets.
fn mount(root: &Path, version: usize, text: &str) {
    let folder = root.join(format!("..version_{version}"));
    fs::create_dir(&folder).unwrap();
    write(&folder.join("keys"), text, 0o444);
    let link = root.join("..data_tmp");
    symlink(format!("..version_{version}"), &link).unwrap();
    fs::rename(&link, root.join("..data")).unwrap();
    if let Some(before) = version.checked_sub(1) {
        let _ = fs::remove_dir_all(root.join(format!("..version_{before}")));
    }
}

#[test]
fn a_mounted_secret_that_is_swapped_is_followed() {
    let (folder, path) = folder();
    symlink("..data/keys", &path).unwrap();
    mount(folder.path(), 0, OLD);
    let source = File::mounted(&path).settle_time(Duration::ZERO);
    assert_eq!(read(&source).unwrap(), [OLD]);
    mount(folder.path(), 1, &format!("{OLD}\n{NEW}"));
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
}

const TEXTS: [&str; 3] = [
    "placeholder-key-old\n",
    "placeholder-key-new\n",
    "placeholder-key-old\nplaceholder-key-new\n",
];

/// The lists that `TEXTS` contain.
const LISTS: [&[&str]; 3] = [&[OLD], &[NEW], &[OLD, NEW]];

type Outcome = Result<Vec<String>, String>;

/// Reads all the time while `change` changes the file in 1200 rounds. Every read returns a complete list or
/// fails, and none fails unless `may_fail`.
///
/// `change` gets the round, and a function that returns what is read before the next change.
fn read_during(
    source: &impl KeySource,
    may_fail: bool,
    change: impl Fn(usize, &dyn Fn() -> Outcome) + Send,
) {
    const ROUNDS: usize = 1200;
    let (request, requests) = sync_channel(0);
    let (answer, answers) = sync_channel(0);
    let check = |outcome: Outcome| {
        match &outcome {
            Ok(keys) => assert!(LISTS.iter().any(|list| keys == list), "{keys:?}"),
            Err(error) => assert!(may_fail, "{error}"),
        }
        outcome
    };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let read_now = || {
                request.send(()).unwrap();
                answers.recv().unwrap()
            };
            for round in 0..ROUNDS {
                change(round, &read_now);
            }
        });
        loop {
            match requests.try_recv() {
                Ok(()) => answer.send(check(read(source))).unwrap(),
                Err(TryRecvError::Empty) => drop(check(read(source))),
                Err(TryRecvError::Disconnected) => break,
            }
        }
        // Moved into this closure, so that the other thread ends if a check panics.
        drop((requests, answer));
    });
}

#[test]
fn a_file_replaced_by_renames_is_always_read_completely() {
    let (folder, path) = folder();
    write(&path, TEXTS[0], 0o600);
    let source = File::new(&path).settle_time(Duration::ZERO);
    let next = folder.path().join("next");
    read_during(&source, false, |round, read_now| {
        write(&next, TEXTS[round % 3], 0o600);
        fs::rename(&next, &path).unwrap();
        if round % 10 == 0 {
            assert_eq!(read_now().unwrap(), LISTS[round % 3]);
        }
    });
}

#[test]
fn a_mounted_secret_swapped_during_reads_is_read_completely_or_not_at_all() {
    let (folder, path) = folder();
    symlink("..data/keys", &path).unwrap();
    mount(folder.path(), 0, TEXTS[0]);
    let source = File::mounted(&path).settle_time(Duration::ZERO);
    read_during(&source, true, |round, read_now| {
        mount(folder.path(), round + 1, TEXTS[round % 3]);
        if round % 10 == 0 {
            assert_eq!(read_now().unwrap(), LISTS[round % 3]);
        }
    });
}

#[test]
fn a_file_written_in_place_during_reads_never_yields_a_part_of_a_key() {
    let (_folder, path) = folder();
    write(&path, TEXTS[2], 0o600);
    let source = File::new(&path).settle_time(Duration::ZERO);
    read_during(&source, true, |round, read_now| {
        let text = TEXTS[round % 3];
        // Empty, then a part that ends anywhere, then complete.
        fs::write(&path, "").unwrap();
        if round % 20 == 0 {
            read_now().unwrap_err();
        }
        let part = &text[..round % text.len()];
        fs::write(&path, part).unwrap();
        if round % 20 == 5 {
            match read_now() {
                Ok(keys) => assert_eq!((part, &keys[..]), (TEXTS[0], &[OLD.to_owned()][..])),
                Err(_) => assert_ne!(part, TEXTS[0]),
            }
        }
        fs::write(&path, text).unwrap();
        if round % 20 == 10 {
            assert_eq!(read_now().unwrap(), LISTS[round % 3]);
        }
    });
}

#[test]
fn with_the_last_good_keys_kept_there_is_always_a_complete_list() {
    let (_folder, path) = folder();
    write(&path, TEXTS[0], 0o600);
    let source = KeepLast::new(File::new(&path).settle_time(Duration::ZERO));
    assert_eq!(read(&source).unwrap(), [OLD]);
    read_during(&source, false, |round, read_now| {
        let text = TEXTS[round % 3];
        fs::write(&path, &text[..round % text.len()]).unwrap();
        if round % 10 == 0 {
            read_now().unwrap();
        }
        fs::write(&path, text).unwrap();
        if round % 10 == 5 {
            assert_eq!(read_now().unwrap(), LISTS[round % 3]);
        }
    });
}
