//! The lock of a keys file: who has it may change the file. Waiting for it has a limit.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the lock of another process is waited for.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(10);

/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(5);

/// How an attempt to lock ended.
pub(crate) enum LockAttempt {
    Locked(Lock),
    /// Another process has held it for the whole time. Says who, as far as that is known.
    HeldBy(String),
    /// The file belongs to neither this process's user nor root, so its owner could hold the lock for ever.
    #[cfg_attr(not(unix), allow(dead_code, reason = "files have owners on Unix only"))]
    OfAnotherUser,
}

/// A lock. It ends when this is dropped, and with the process.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Drop for Lock {
    /// Closing the file would not be enough: a child process has it open, too, until it runs its program.
    fn drop(&mut self) {
        // If it fails, the lock ends when the last one closes the file.
        let _ = fs4::FileExt::unlock(&self.0);
    }
}

/// Locks a file, and creates it if it is missing. Waits for at most `max_wait`.
pub(crate) fn lock(path: &Path, max_wait: Duration) -> io::Result<LockAttempt> {
    let file = open(path)?;
    #[cfg(unix)]
    if !crate::file_owners::is_trusted(&file.metadata()?) {
        return Ok(LockAttempt::OfAnotherUser);
    }
    let started = Instant::now();
    loop {
        // The full path, because newer standard libraries have methods of the same name.
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => return Ok(LockAttempt::Locked(Lock(file))),
            Err(fs4::TryLockError::Error(error)) => return Err(error),
            Err(fs4::TryLockError::WouldBlock) if started.elapsed() >= max_wait => {
                return Ok(LockAttempt::HeldBy(describe_holder(&file)));
            }
            // A system call that waits for the lock would have no limit.
            Err(fs4::TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(target_os = "linux")]
fn describe_holder(lock: &File) -> String {
    linux::describe_holder(lock).unwrap_or_else(|| "another process".to_owned())
}

#[cfg(not(target_os = "linux"))]
fn describe_holder(_lock: &File) -> String {
    "another process".to_owned()
}

/// The kernel knows who holds a lock.
#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{File, metadata, read_to_string};
    use std::os::unix::fs::MetadataExt as _;

    pub(super) fn describe_holder(lock: &File) -> Option<String> {
        let lock = lock.metadata().ok()?;
        let device = (rustix::fs::major(lock.dev()), rustix::fs::minor(lock.dev()));
        let process = find_holder(&read_to_string("/proc/locks").ok()?, device, lock.ino())?;
        if !std::path::Path::new(&format!("/proc/{process}")).exists() {
            // A lock is that of all processes that have the file open.
            return Some(format!(
                "a process that process {process}, which has ended, has left behind"
            ));
        }
        let mut holder = format!("process {process}");
        if let Ok(name) = read_to_string(format!("/proc/{process}/comm")) {
            let name = ap_core::redact::escape(name.trim_end());
            holder.push_str(&format!(" ({name})"));
        }
        if let Ok(process) = metadata(format!("/proc/{process}")) {
            holder.push_str(&format!(" of user {}", process.uid()));
        }
        Some(holder)
    }

    /// Finds the process that holds the lock of a file in the text of `/proc/locks`.
    pub(super) fn find_holder(locks: &str, device: (u32, u32), inode: u64) -> Option<u32> {
        let exact = format!("{:02x}:{:02x}:{inode}", device.0, device.1);
        let mut by_inode = None;
        for line in locks.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            // A process that waits has "->" as its second word.
            let [_, "FLOCK", _, _, process, file, ..] = words[..] else {
                continue;
            };
            // A process of another container has the number 0 here.
            let Some(process) = process.parse().ok().filter(|process| *process > 0) else {
                continue;
            };
            if file == exact {
                return Some(process);
            }
            // Some file systems have another device here than in a file's metadata.
            if file.rsplit(':').next() == Some(&inode.to_string()) {
                by_inode = Some(process);
            }
        }
        by_inode
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_although_a_child_has_its_file_open() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("lock");
        let LockAttempt::Locked(lock) = lock(&path, Duration::ZERO).unwrap() else {
            panic!("nobody has it");
        };
        let of_a_child = lock.0.try_clone().unwrap();
        let second = super::lock(&path, Duration::ZERO).unwrap();
        assert!(matches!(second, LockAttempt::HeldBy(_)));
        drop(lock);
        let second = super::lock(&path, Duration::ZERO).unwrap();
        assert!(matches!(second, LockAttempt::Locked(_)));
        drop(of_a_child);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_holder_of_a_lock_is_found_and_those_who_wait_are_not() {
        let locks = "\
            1: POSIX  ADVISORY  WRITE 11 fe:00:77 0 EOF\n\
            2: FLOCK  ADVISORY  WRITE 12 08:01:77 0 EOF\n\
            3: FLOCK  ADVISORY  WRITE 13 fe:00:77 0 EOF\n\
            3: -> FLOCK  ADVISORY  WRITE 14 fe:00:77 0 EOF\n\
            4: FLOCK  ADVISORY  WRITE 0 fe:00:79 0 EOF\n\
            5: FLOCK\n";
        assert_eq!(linux::find_holder(locks, (0xfe, 0), 77), Some(13));
        assert_eq!(
            linux::find_holder(locks, (0, 0x2a), 77),
            Some(13),
            "by its inode"
        );
        assert_eq!(linux::find_holder(locks, (0xfe, 0), 78), None);
        assert_eq!(linux::find_holder(locks, (0xfe, 0), 79), None);
    }
}
