//! Keys files that programs write.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use ap_keys::{File, Store};
use tempfile::TempDir;

use common::{key, read, write};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn only_the_owner_can_read_what_is_written_and_a_file_source_reads_the_same() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/keys");
    let store = Store::new(&path);
    assert!(store.read().unwrap().is_none());
    assert!(!store.remove().unwrap());
    assert!(
        !folder.path().join("a").exists(),
        "nothing is created for that"
    );

    let locked = store.lock().unwrap();
    locked.write(&[key("one-key"), key("two-key")]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one-key\ntwo-key\n");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(names(path.parent().unwrap()), ["keys", "keys.lock"]);
    assert_eq!(read(&File::new(&path)).unwrap(), ["one-key", "two-key"]);

    for (keys, count) in [(&[][..], 0), (&["1", "2", "3", "4"].map(key), 4)] {
        let error = locked.write(keys).unwrap_err().to_string();
        let expected = format!("must have 1 to 3 keys, not {count}; ");
        assert!(error.contains(&expected), "{error}");
    }
    assert_eq!(locked.read().unwrap().unwrap().len(), 2, "it is unchanged");
    drop(locked);
    assert!(store.remove().unwrap());
    assert!(store.read().unwrap().is_none());
}

#[test]
fn equal_keys_count_once_before_they_are_counted() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    let locked = Store::new(&path).lock().unwrap();
    locked.write(&["1", "2", "1", "2", "3"].map(key)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n3\n");
}

#[test]
fn no_writer_loses_what_another_has_written() {
    const WRITERS: usize = 8;
    const TIMES: usize = 10;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    std::thread::scope(|scope| {
        for _ in 0..WRITERS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    let locked = Store::new(&path).lock().unwrap();
                    let keys = locked.read().unwrap().unwrap_or_default();
                    let count: usize = keys.first().map_or(0, |key| {
                        key.expose()
                            .strip_prefix("count-")
                            .unwrap()
                            .parse()
                            .unwrap()
                    });
                    locked
                        .write(&[key(&format!("count-{}", count + 1))])
                        .unwrap();
                }
            });
        }
    });
    let expected = format!("count-{}\n", WRITERS * TIMES);
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(names(folder.path()), ["keys", "keys.lock"]);
}

#[test]
fn only_the_temporary_files_of_a_killed_writer_are_removed_by_the_next() {
    let folder = TempDir::new().unwrap();
    for name in [
        ".keys-Ab12Cd.tmp",
        ".keys-other",
        "keys.tmp",
        ".other-1.tmp",
        // The temporary file of a writer of "keys-old".
        ".keys-old-Ab12Cd.tmp",
    ] {
        fs::write(folder.path().join(name), "placeholder").unwrap();
    }
    let store = Store::new(folder.path().join("keys"));
    store.lock().unwrap().write(&[key("one-key")]).unwrap();
    assert_eq!(
        names(folder.path()),
        [
            ".keys-old-Ab12Cd.tmp",
            ".keys-other",
            ".other-1.tmp",
            "keys",
            "keys.lock",
            "keys.tmp"
        ]
    );
}

#[test]
fn a_wrong_mode_is_not_kept_and_a_link_as_lock_is_not_followed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    write(&path, "one-key\n", 0o644);
    let store = Store::new(&path);
    let error = store.read().unwrap_err();
    assert_eq!(error.hint(), format!("run: chmod 600 '{}'", path.display()));
    store.lock().unwrap().write(&[key("two-key")]).unwrap();
    assert_eq!(mode(&path), 0o600);

    let lock = folder.path().join("keys.lock");
    fs::remove_file(&lock).unwrap();
    symlink("elsewhere", &lock).unwrap();
    store.lock().unwrap_err();
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_link_is_kept_and_its_target_is_changed_and_removed() {
    let folder = TempDir::new().unwrap();
    let (link, target) = (folder.path().join("keys"), folder.path().join("vault/real"));
    fs::create_dir(folder.path().join("vault")).unwrap();
    Store::new(&target)
        .lock()
        .unwrap()
        .write(&[key("one-key")])
        .unwrap();
    symlink("vault/real", &link).unwrap();
    let store = Store::new(&link);
    store.lock().unwrap().write(&[key("two-key")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "two-key\n");
    assert!(store.remove().unwrap());
    assert!(!target.exists() && fs::symlink_metadata(&link).is_err());

    // A link without a target is replaced.
    symlink("nowhere", &link).unwrap();
    store.lock().unwrap().write(&[key("two-key")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn a_folder_that_cannot_be_created_is_an_error_and_nothing_is_left_behind() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = Store::new(file.join("keys")).lock().unwrap_err();
    assert!(error.message().contains("cannot be written"), "{error}");
    assert!(std::error::Error::source(&error).is_some());

    let path = folder.path().join("keys");
    fs::create_dir_all(path.join("full")).unwrap();
    let locked = Store::new(&path).lock().unwrap();
    assert!(locked.write(&[key("one-key")]).is_err());
    assert!(locked.remove().is_err());
    assert_eq!(names(folder.path()), ["file", "keys", "keys.lock"]);
}

#[test]
fn what_a_killed_writer_left_is_removed_with_the_file_and_without_it() {
    let folder = TempDir::new().unwrap();
    let store = Store::new(folder.path().join("keys"));
    let leave = |name: &str| fs::write(folder.path().join(name), "placeholder").unwrap();
    store.lock().unwrap().write(&[key("one-key")]).unwrap();
    for is_stored in [true, false] {
        assert_eq!(store.read().unwrap().is_some(), is_stored);
        leave(".keys-Ab12Cd.tmp");
        leave(".keys-old-Ab12Cd.tmp");
        assert!(store.remove().unwrap());
        assert_eq!(names(folder.path()), [".keys-old-Ab12Cd.tmp", "keys.lock"]);
    }
    assert!(!store.remove().unwrap());

    // A file that cannot be removed does not keep the others.
    leave(".keys-Ab12Cd.tmp");
    fs::create_dir(folder.path().join(".keys-Ef34Gh.tmp")).unwrap();
    store.lock().unwrap().remove().unwrap_err();
    assert_eq!(
        names(folder.path()),
        [".keys-Ef34Gh.tmp", ".keys-old-Ab12Cd.tmp", "keys.lock"]
    );
}

#[test]
fn what_a_killed_writer_left_beside_the_target_of_a_link_is_removed() {
    let folder = TempDir::new().unwrap();
    let vault = folder.path().join("vault");
    fs::create_dir(&vault).unwrap();
    write(&vault.join("real"), "one-key\n", 0o600);
    symlink("vault/real", folder.path().join("keys")).unwrap();
    fs::write(vault.join(".real-Ab12Cd.tmp"), "placeholder").unwrap();
    fs::write(folder.path().join(".keys-Ab12Cd.tmp"), "placeholder").unwrap();
    assert!(Store::new(folder.path().join("keys")).remove().unwrap());
    assert_eq!(names(&vault), ["real.lock"]);
    assert_eq!(names(folder.path()), ["vault"]);
}

#[test]
fn what_a_killed_writer_left_beside_a_target_that_is_gone_is_removed() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["vault", "more"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join(".real-Ab12Cd.tmp"), "placeholder").unwrap();
    }
    symlink("vault/real", path("keys")).unwrap();
    symlink("../more/real", path("vault/real")).unwrap();
    assert!(Store::new(path("keys")).remove().unwrap());
    assert_eq!(names(&path("vault")), ["real"]);
    assert!(names(&path("more")).is_empty());
    assert_eq!(names(folder.path()), ["keys.lock", "more", "vault"]);
}

#[test]
fn a_folder_above_that_everyone_can_write_to_is_refused_unless_it_is_sticky() {
    let folder = TempDir::new().unwrap();
    let open = folder.path().join("open");
    fs::create_dir_all(open.join("a")).unwrap();
    symlink("open/a", folder.path().join("link")).unwrap();
    for (mode, is_refused) in [(0o777, true), (0o1777, false), (0o775, false)] {
        fs::set_permissions(&open, fs::Permissions::from_mode(mode)).unwrap();
        for way in ["open/a/b/keys", "link/b/keys"] {
            let store = Store::new(folder.path().join(way));
            match store.lock() {
                Ok(_) => assert!(!is_refused, "{mode:o} {way}"),
                Err(error) => {
                    let expected = "everyone can write to the folder ";
                    assert!(is_refused, "{mode:o} {way}: {error}");
                    assert!(error.message().contains(expected), "{error}");
                    assert!(!open.join("a/b").exists());
                }
            }
        }
    }
}

#[test]
fn a_lock_that_cannot_be_used_is_named() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("keys.lock")).unwrap();
    let error = Store::new(folder.path().join("keys")).lock().unwrap_err();
    assert!(error.message().contains("keys.lock of "), "{error}");
    assert!(error.message().contains("cannot be used"), "{error}");
}

/// Another user, whom nobody else in these tests is.
const OTHER_USER: u32 = 54_321;

/// Runs a check with something that belongs to another user. Only root can give a file away, so that other users
/// cannot run it.
fn give_away(path: &Path) -> bool {
    std::os::unix::fs::lchown(path, Some(OTHER_USER), None).is_ok()
}

#[test]
fn folders_and_links_of_other_users_are_refused_and_nothing_behind_them_is_changed() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let victim = root.join("victim");
    for (case, given_away) in [
        ("folder", "theirs/ap"),
        ("folder above", "theirs"),
        ("file link", "theirs/ap/keys"),
        ("folder link", "link"),
        ("target folder", "theirs"),
    ] {
        let _ = fs::remove_dir_all(root.join("theirs"));
        let _ = fs::remove_file(root.join("link"));
        fs::create_dir_all(root.join("theirs/ap")).unwrap();
        write(&victim, "one-key\n", 0o600);
        symlink(&victim, root.join("theirs/ap/keys")).unwrap();
        symlink(root.join("theirs"), root.join("link")).unwrap();
        let path = match case {
            "folder link" | "target folder" => "link/ap/keys",
            _ => "theirs/ap/keys",
        };
        if !give_away(&root.join(given_away)) {
            return;
        }
        let store = Store::new(root.join(path));
        for error in [
            store.read().unwrap_err(),
            store.lock().unwrap_err(),
            store.remove().unwrap_err(),
        ] {
            let expected = "belongs to another user (id 54321)";
            assert!(error.message().contains(expected), "{case}: {error}");
        }
        assert_eq!(fs::read_to_string(&victim).unwrap(), "one-key\n", "{case}");
        assert_eq!(names(root), ["link", "theirs", "victim"], "{case}");
    }
    // A folder that is still to be created in a folder of theirs.
    Store::new(root.join("theirs/more/keys"))
        .lock()
        .unwrap_err();
    assert!(!root.join("theirs/more").exists());

    // A lock of theirs in a folder of ours.
    write(&root.join("keys.lock"), "", 0o666);
    assert!(give_away(&root.join("keys.lock")));
    let error = Store::new(root.join("keys")).lock().unwrap_err();
    assert!(error.message().contains("keys.lock of "), "{error}");
    assert!(
        error.message().contains("belongs to another user"),
        "{error}"
    );
}

#[test]
fn links_that_lead_nowhere_or_in_a_circle_are_errors_or_missing_and_end() {
    let folder = TempDir::new().unwrap();
    symlink("circle", folder.path().join("circle")).unwrap();
    symlink("../..", folder.path().join("up")).unwrap();
    let name = folder.path().file_name().unwrap().to_str().unwrap();
    let parent = folder.path().parent().unwrap().file_name();
    let parent = parent.unwrap().to_str().unwrap();
    let circle = Store::new(folder.path().join("circle/keys"));
    assert!(circle.lock().is_err() && circle.read().is_err());
    let path = format!("up/{parent}/{name}/keys");
    let store = Store::new(folder.path().join(path));
    store.lock().unwrap().write(&[key("one-key")]).unwrap();
    assert_eq!(store.read().unwrap().unwrap().len(), 1);
}
