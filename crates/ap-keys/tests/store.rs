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
    const TIMES: usize = 25;
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
