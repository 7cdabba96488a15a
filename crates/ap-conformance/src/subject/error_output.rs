//! What a program writes to standard error, up to a limit.

use std::io::Read;
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many bytes are kept between two messages.
const LIMIT: usize = 4 * 1024 * 1024;

/// What a program has written to standard error.
///
/// A thread reads all of it, so that the program never has to wait, and keeps the first [`LIMIT`] bytes.
pub(super) struct ErrorOutput(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    text: Vec<u8>,
    is_too_much: bool,
}

impl ErrorOutput {
    /// Starts to read.
    pub(super) fn read(mut stream: ChildStderr) -> Self {
        let written = Arc::<Mutex<Written>>::default();
        let shared = Arc::clone(&written);
        std::thread::spawn(move || {
            let mut piece = [0; 8 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                let mut written = lock(&shared);
                let kept = count.min(LIMIT - written.text.len());
                written.text.extend_from_slice(&piece[..kept]);
                written.is_too_much |= kept < count;
            }
        });
        Self(written)
    }

    /// Takes what was written since the last time.
    ///
    /// # Errors
    ///
    /// Says that it was too much.
    pub(super) fn take(&self) -> Result<String, String> {
        let Written { text, is_too_much } = std::mem::take(&mut *lock(&self.0));
        if is_too_much {
            return Err(format!(
                "the program wrote more than {} MiB to standard error for one message",
                LIMIT >> 20
            ));
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

fn lock(written: &Mutex<Written>) -> MutexGuard<'_, Written> {
    written.lock().unwrap_or_else(PoisonError::into_inner)
}
