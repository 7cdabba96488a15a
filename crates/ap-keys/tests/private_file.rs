//! Files that only their owner may decide about.

#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod common;

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
fn its_owner_and_its_folder_count_and_a_pipe_is_not_waited_for() {
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
            rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
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
