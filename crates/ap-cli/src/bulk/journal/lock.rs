//! [`Lock`]: only one process writes a journal.

use std::fs::File;

use super::Names;
use crate::failure::Failure;
use crate::output::display_path;

/// The lock of a journal. It ends when this is dropped, and with the process.
pub(super) struct Lock(File);

impl Lock {
    pub(super) fn take(journal: &File, names: &Names) -> Result<Self, Failure> {
        let failed = |error| names.failed(&names.journal, &error);
        // The full path, because newer standard libraries have methods of the same name.
        match fs4::FileExt::try_lock(journal) {
            // A run that is refused removes the journal that it has created.
            Ok(()) if names.journal.exists() => Ok(Self(journal.try_clone().map_err(failed)?)),
            Ok(()) | Err(fs4::TryLockError::WouldBlock) => Err(Failure::usage(
                format!("another process is writing {}", display_path(&names.output)),
                "wait until it ends, or name another file for -o",
            )),
            Err(fs4::TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Lock {
    /// Closing the file would not be enough: a child process has it open, too, until it runs its program.
    fn drop(&mut self) {
        // If it fails, the lock ends when the last one closes the file.
        let _ = fs4::FileExt::unlock(&self.0);
    }
}
