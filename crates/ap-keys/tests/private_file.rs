//! Files that only their owner may decide about.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown};

use ap_keys::{Readers, open_private};
use common::{folder, write};

#[test]
fn others_can_never_write_a_private_file_and_read_it_only_if_it_may_be_read() {
    let (_folder, path) = folder();
    assert!(open_private(&path, Readers::Owner, "it").unwrap().is_none());
    for (mode, by_owner, by_everyone) in [
        (0o600, Ok(()), Ok(())),
        (0o400, Ok(()), Ok(())),
        (0o644, Err("read or write"), Ok(())),
        (0o640, Err("read or write"), Ok(())),
        (0o660, Err("read or write"), Err("write")),
        (0o602, Err("read or write"), Err("write")),
    ] {
        write(&path, "text", mode);
        for (readers, expected) in [(Readers::Owner, by_owner), (Readers::Everyone, by_everyone)] {
            let opened = open_private(&path, readers, "it");
            let opened = opened.map(|file| assert!(file.is_some()));
            let opened = opened.map_err(|error| error.message().to_owned());
            let expected = expected.map_err(|what| format!("other users can {what} it"));
            assert_eq!(opened, expected, "{mode:o} {readers:?}");
        }
    }
}

#[test]
fn a_pipe_is_read_to_its_end_if_nobody_else_can_open_it() {
    let (_folder, path) = folder();
    let pipe = |mode: u32| {
        let _ = std::fs::remove_file(&path);
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode.into()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    pipe(0o600);
    // It writes in two parts, and the second when the first is read: so the reader waits for it.
    let (was_read, may_go_on) = std::sync::mpsc::channel();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            pipe.write_all(b"first ").unwrap();
            may_go_on.recv().unwrap();
            pipe.write_all(b"second").unwrap();
        }
    });
    let mut opened = open_private(&path, Readers::Owner, "it").unwrap().unwrap();
    let mut first = [0; 6];
    opened.read_exact(&mut first).unwrap();
    was_read.send(()).unwrap();
    let mut second = String::new();
    opened.read_to_string(&mut second).unwrap();
    assert_eq!((&first, &*second), (b"first ", "second"));
    writer.join().unwrap();

    // Nobody ever writes to these.
    let message = |readers| {
        open_private(&path, readers, "it")
            .unwrap_err()
            .message()
            .to_owned()
    };
    for mode in [0o644, 0o640, 0o620, 0o602, 0o604] {
        pipe(mode);
        assert_eq!(message(Readers::Owner), "other users can read or write it");
    }
    pipe(0o600);
    assert_eq!(message(Readers::Everyone), "it is not a regular file");
}

#[test]
fn its_owner_and_its_folder_count_and_a_device_is_not_read() {
    let refuses = |prepare: &dyn Fn(&std::path::Path), says: &str| {
        for readers in [Readers::Owner, Readers::Everyone] {
            let (_folder, path) = folder();
            write(&path, "text", 0o600);
            prepare(&path);
            let error = open_private(&path, readers, "it").unwrap_err();
            assert!(error.message().contains(says), "{readers:?}: {error}");
        }
    };
    refuses(
        &|path| {
            std::fs::remove_file(path).unwrap();
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        },
        "it is not a regular file",
    );
    refuses(
        &|path| {
            let folder = path.parent().unwrap();
            let open = std::fs::Permissions::from_mode(0o777);
            std::fs::set_permissions(folder, open).unwrap();
        },
        "everyone can write to the folder of it",
    );
    // Only root can give a file away.
    let (_folder, path) = folder();
    write(&path, "text", 0o600);
    if chown(&path, Some(54_321), None).is_ok() {
        refuses(
            &|path| chown(path, Some(54_321), None).unwrap(),
            "it belongs to another user",
        );
    }
}
