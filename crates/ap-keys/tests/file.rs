//! Files of keys as they are found in the world, and while they change.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use ap_core::{ApiKey, KeySource, SourceError};
use ap_keys::{Chain, Environment, File, KeepLast, Store};
use tempfile::TempDir;

const OLD: &str = "placeholder-key-old";
const NEW: &str = "placeholder-key-new";

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    (folder, path)
}

/// Writes in place, as an editor or a shell does.
fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn texts(keys: Result<Vec<ApiKey>, SourceError>) -> Result<Vec<String>, String> {
    keys.map(|keys| keys.iter().map(|key| key.expose().to_owned()).collect())
        .map_err(|error| {
            let said = format!("{error} {error:?}");
            assert!(!said.contains("placeholder-key"), "{said}");
            said
        })
}

fn read(source: &impl KeySource) -> Result<Vec<String>, String> {
    texts(source.keys(None))
}

#[test]
fn keys_are_read_anew_each_time() {
    let (_folder, path) = folder();
    let source = File::new(&path).settle(Duration::ZERO);
    assert!(read(&source).unwrap_err().contains("no such file"));
    write(&path, &format!("{OLD}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD]);
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    let debug = format!("{source:?}");
    assert!(!debug.contains("placeholder-key"), "{debug}");
    fs::remove_file(&path).unwrap();
    assert!(read(&source).unwrap_err().contains("no such file"));
}

#[test]
fn what_others_could_read_or_write_is_refused_and_a_mounted_secret_may_be_read() {
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
            if let Err(said) = outcome {
                assert!(said.contains("others than"), "{said}");
            }
        }
    }
}

#[test]
fn a_folder_that_everybody_can_write_in_is_refused_unless_it_is_sticky() {
    let (folder, path) = folder();
    write(&path, &format!("{OLD}\n"), 0o600);
    for (mode, good) in [(0o700, true), (0o777, false), (0o1777, true), (0o775, true)] {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        let outcome = read(&File::new(&path));
        assert_eq!(outcome.is_ok(), good, "{mode:o}: {outcome:?}");
        assert_eq!(Store::new(&path).lock().is_ok(), good, "{mode:o}");
    }
    // A link from a good folder into one that is not is no way round.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let (_good, link) = self::folder();
    symlink(&path, &link).unwrap();
    assert!(read(&File::new(&link)).unwrap_err().contains("everybody"));
}

#[test]
fn what_is_no_file_of_keys_is_told_and_never_waited_for() {
    for (make, says) in [
        (&["mkdir"][..], "not a regular file"),
        (&["mkfifo", "-m", "600"], "not a regular file"),
        (&["ln", "-s", "/dev/zero"], "not a regular file"),
        (&["ln", "-s", "/nowhere/at/all"], "no such file"),
        (&["ln", "-s", "keys"], "cannot be read"),
    ] {
        let (_folder, path) = folder();
        let made = Command::new(make[0]).args(&make[1..]).arg(&path).status();
        assert!(made.unwrap().success());
        for source in [File::new(&path), File::mounted(&path)] {
            let said = read(&source).unwrap_err();
            assert!(said.contains(says), "{make:?}: {said}");
        }
    }
    let (_folder, path) = folder();
    write(&path, &"x".repeat(10_000_000), 0o600);
    assert!(read(&File::new(&path)).unwrap_err().contains("too large"));
}

#[test]
fn a_last_line_without_an_end_counts_only_where_files_come_whole() {
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
fn a_list_that_changed_counts_once_it_stays_the_same() {
    let (_folder, path) = folder();
    write(&path, &format!("{OLD}\n"), 0o600);
    let source = File::new(&path).settle(Duration::from_secs(3600));
    let now = || texts(source.keys(Some(Duration::from_millis(1))));
    assert!(now().unwrap_err().contains("changed just now"));
    let long_ago = SystemTime::now() - Duration::from_secs(7200);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(now().unwrap(), [OLD], "the first list, which is not new");
    // The first half of two lines, as a writer in place leaves it for a while.
    write(&path, &format!("{NEW}\n"), 0o600);
    for _ in 0..3 {
        assert!(now().unwrap_err().contains("changed just now"));
    }
    write(&path, &format!("{OLD}\n"), 0o600);
    assert_eq!(now().unwrap(), [OLD], "back to what is known");

    let source = File::new(&path).settle(Duration::from_millis(1));
    assert_eq!(read(&source).unwrap(), [OLD]);
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW], "it waits for that");
}

#[test]
fn the_last_good_keys_stand_in_with_a_warning() {
    static WARNINGS: AtomicUsize = AtomicUsize::new(0);
    let (_folder, path) = folder();
    let file = File::new(&path).settle(Duration::ZERO);
    let source = KeepLast::new(file).on_failure(|why| {
        assert!(!why.to_string().contains("placeholder-key"), "{why}");
        WARNINGS.fetch_add(1, Ordering::SeqCst);
    });
    assert!(read(&source).is_err(), "there was never a good one");
    write(&path, &format!("{OLD}\n{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    let spoilt = [
        String::new(),
        format!("{OLD}\nplacehol"),
        "\n".to_owned(),
        "no key\n".to_owned(),
    ];
    for (count, text) in spoilt.iter().enumerate() {
        write(&path, text, 0o600);
        assert_eq!(read(&source).unwrap(), [OLD, NEW], "{text:?}");
        assert_eq!(WARNINGS.load(Ordering::SeqCst), count + 1);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
    write(&path, &format!("{NEW}\n"), 0o600);
    assert_eq!(read(&source).unwrap(), [NEW]);
    assert_eq!(WARNINGS.load(Ordering::SeqCst), spoilt.len() + 1);
    assert!(!format!("{source:?}").contains("placeholder-key"));
}

#[test]
fn a_chain_takes_the_first_that_has_keys_and_stops_at_one_that_fails() {
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
    let said = read(&chain).unwrap_err();
    assert!(
        said.contains("no such file"),
        "it may be back in a moment: {said}"
    );
    assert!(read(&Chain::new(unset())).unwrap().is_empty());
    assert!(!format!("{chain:?}").contains("placeholder-key"));
}

fn folder_of_a_mount(root: &Path, version: usize, text: &str) {
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
fn a_secret_that_an_orchestrator_swaps_is_followed() {
    let (folder, path) = folder();
    symlink("..data/keys", &path).unwrap();
    folder_of_a_mount(folder.path(), 0, OLD);
    let source = File::mounted(&path).settle(Duration::ZERO);
    assert_eq!(read(&source).unwrap(), [OLD]);
    folder_of_a_mount(folder.path(), 1, &format!("{OLD}\n{NEW}"));
    assert_eq!(read(&source).unwrap(), [OLD, NEW]);
}

/// Changes the file in one way after the other, with a reader's look between any two steps, and sees to
/// it that no list is returned but whole ones. How many looks found keys, and how many did not.
fn storm(source: &impl KeySource, steps: impl Fn(usize, &dyn Fn()) + Sync) -> [usize; 2] {
    const ROUNDS: usize = 1200;
    let (looks, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    let wait_for_a_look = || {
        let before = looks.load(Ordering::SeqCst);
        // The second one began after the step.
        while looks.load(Ordering::SeqCst) < before + 2 {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                steps(round, &wait_for_a_look);
            }
            done.store(true, Ordering::SeqCst);
        });
        let mut counts = [0, 0];
        while !done.load(Ordering::SeqCst) {
            match read(source) {
                Ok(keys) => {
                    counts[0] += 1;
                    let whole = [&[OLD][..], &[NEW], &[OLD, NEW]];
                    assert!(whole.iter().any(|list| keys == *list), "{keys:?}");
                }
                Err(_) => counts[1] += 1,
            }
            looks.fetch_add(1, Ordering::SeqCst);
        }
        counts
    })
}

const WHOLE: [&str; 3] = [
    "placeholder-key-old\n",
    "placeholder-key-new\n",
    "placeholder-key-old\nplaceholder-key-new\n",
];

#[test]
fn renames_during_reads_are_never_seen_half_way() {
    let (folder, path) = folder();
    write(&path, WHOLE[0], 0o600);
    let source = File::new(&path).settle(Duration::ZERO);
    let next = folder.path().join("next");
    let [found, failed] = storm(&source, |round, look| {
        write(&next, WHOLE[round % 3], 0o600);
        fs::rename(&next, &path).unwrap();
        if round % 10 == 0 {
            look();
        }
    });
    assert!(found >= 240 && failed == 0, "{found} {failed}");
}

#[test]
fn links_swapped_during_reads_are_never_seen_half_way() {
    let (folder, path) = folder();
    symlink("..data/keys", &path).unwrap();
    folder_of_a_mount(folder.path(), 0, WHOLE[0]);
    let source = File::mounted(&path).settle(Duration::ZERO);
    let [found, _] = storm(&source, |round, look| {
        folder_of_a_mount(folder.path(), round + 1, WHOLE[round % 3]);
        if round % 10 == 0 {
            look();
        }
    });
    assert!(found >= 240, "{found}");
}

#[test]
fn writing_in_place_during_reads_never_yields_a_part_of_a_key() {
    let (_folder, path) = folder();
    write(&path, WHOLE[2], 0o600);
    let source = File::new(&path).settle(Duration::ZERO);
    let [found, failed] = storm(&source, |round, look| {
        let text = WHOLE[round % 3];
        // Emptied, then a part that may end anywhere, then all.
        fs::write(&path, "").unwrap();
        if round % 20 == 0 {
            look();
        }
        fs::write(&path, &text[..round % text.len()]).unwrap();
        if round % 20 == 5 {
            look();
        }
        fs::write(&path, text).unwrap();
        if round % 20 == 10 {
            look();
        }
    });
    assert!(found >= 60 && failed >= 60, "{found} {failed}");
}

#[test]
fn with_the_last_good_keys_kept_there_is_always_a_whole_list() {
    let (_folder, path) = folder();
    write(&path, WHOLE[0], 0o600);
    let source = KeepLast::new(File::new(&path).settle(Duration::ZERO));
    assert_eq!(read(&source).unwrap(), [OLD]);
    let [found, failed] = storm(&source, |round, look| {
        let text = WHOLE[round % 3];
        fs::write(&path, &text[..round % text.len()]).unwrap();
        if round % 10 == 0 {
            look();
        }
        fs::write(&path, text).unwrap();
    });
    assert!(found >= 240 && failed == 0, "{found} {failed}");
}
