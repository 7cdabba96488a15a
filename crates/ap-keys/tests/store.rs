//! A file of keys that several writers change.

#![allow(clippy::unwrap_used, clippy::panic)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use ap_core::{ApiKey, KeySource as _};
use ap_keys::{File, Store};
use tempfile::TempDir;

fn key(text: &str) -> ApiKey {
    ApiKey::parse(text).unwrap()
}

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
fn what_is_written_is_for_its_owner_alone_and_is_what_a_file_source_reads() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a/b/keys");
    let store = Store::new(&path);
    assert!(store.read().unwrap().is_none());
    assert!(!store.remove().unwrap());
    assert!(
        !folder.path().join("a").exists(),
        "nothing was made for that"
    );

    let locked = store.lock().unwrap();
    locked.write(&[key("one-key"), key("two-key")]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one-key\ntwo-key\n");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(names(path.parent().unwrap()), ["keys", "keys.lock"]);
    assert_eq!(File::new(&path).keys(None).unwrap().len(), 2);

    for none in [&[][..], &["1", "2", "3", "4"].map(key)] {
        let said = locked.write(none).unwrap_err().to_string();
        assert!(said.contains("1 to 3 keys"), "{said}");
    }
    assert_eq!(locked.read().unwrap().unwrap().len(), 2, "it is as before");
    drop(locked);
    assert!(store.remove().unwrap());
    assert!(store.read().unwrap().is_none());
}

#[test]
fn of_many_writers_none_loses_what_another_wrote() {
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
fn what_a_killed_writer_left_is_removed_by_the_next_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    for name in [
        ".keys-Ab12Cd.tmp",
        ".keys-other",
        "keys.tmp",
        ".other-1.tmp",
        // What a writer of the file "keys-old" is about to put in its place.
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
fn what_others_have_put_in_its_way_is_neither_followed_nor_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, "one-key\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let store = Store::new(&path);
    assert!(store.read().unwrap_err().to_string().contains("chmod 600"));
    store.lock().unwrap().write(&[key("two-key")]).unwrap();
    assert_eq!(mode(&path), 0o600);

    let lock = folder.path().join("keys.lock");
    fs::remove_file(&lock).unwrap();
    symlink("elsewhere", &lock).unwrap();
    store.lock().unwrap_err();
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_link_stays_and_what_it_points_to_is_changed_and_removed() {
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

    // A link that leads nowhere is replaced by the file, or removed.
    symlink("nowhere", &link).unwrap();
    store.lock().unwrap().write(&[key("two-key")]).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
}

#[test]
fn a_folder_that_cannot_be_made_is_named_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "x").unwrap();
    let said = Store::new(file.join("keys")).lock().unwrap_err();
    assert!(said.to_string().contains("cannot be written"), "{said}");
    assert!(std::error::Error::source(&said).is_some());

    let path = folder.path().join("keys");
    fs::create_dir_all(path.join("full")).unwrap();
    let locked = Store::new(&path).lock().unwrap();
    assert!(locked.write(&[key("one-key")]).is_err());
    assert!(locked.remove().is_err());
    assert_eq!(names(folder.path()), ["file", "keys", "keys.lock"]);
}
