//! [`File`]: keys from a file that may be replaced at any time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ap_client::{KeySource, KeySourceError};
use ap_core::ApiKey;

use crate::checked_file::Access;
use crate::error::{Error, display_path};
use crate::file_contents::{self, Contents};
use crate::key_list::{self, FinalLineFeed};

/// How long a new list must have been in the file, unless another time is set.
const DEFAULT_SETTLE_TIME: Duration = Duration::from_millis(100);

/// How often a list that keeps changing is read, so that a call without a deadline ends too.
const MAX_READS: usize = 20;

/// A key source that reads a file: one key per line, oldest first, up to three.
///
/// The file is read each time that keys are needed, and may be replaced while a service runs. A half-written
/// file is never used; [the crate's page](crate) says how it is recognised. Replace the file by a rename, as
/// [`Store`](crate::Store) does.
///
/// ```
/// use ap_client::KeySource as _;
/// use ap_keys::File;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("keys");
/// ap_keys::Store::new(&path).lock()?.write(&[ap_core::ApiKey::parse("1234567890")?])?;
/// assert_eq!(File::new(&path).keys(None)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    name: String,
    access: Access,
    final_line_feed: FinalLineFeed,
    is_optional: bool,
    settle_time: Duration,
    history: Mutex<History>,
}

/// What this source has read before.
#[derive(Debug, Default)]
struct History {
    /// The list that was returned last.
    returned: Option<Vec<ApiKey>>,
    /// A different list, and when it was first read.
    changed: Option<(Vec<ApiKey>, Instant)>,
}

impl File {
    /// Creates a source that reads a private file.
    ///
    /// The file belongs to this process's user or to root, nobody else can read or write it, and not everyone
    /// can write to its folder. Every line ends in a line feed.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::with_access(path.into(), Access::Private, FinalLineFeed::Required)
    }

    /// Creates a source that reads a secret mounted by an orchestrator, such as Kubernetes or Docker.
    ///
    /// The file may have any owner. Others may read it, which is usual for such mounts, but not write it. The
    /// last line needs no line feed, because such files are never half-written.
    #[must_use]
    pub fn mounted(path: impl Into<PathBuf>) -> Self {
        Self::with_access(path.into(), Access::Mounted, FinalLineFeed::Optional)
    }

    /// Creates a source that reads a credential of a service manager, such as systemd.
    ///
    /// The file is private, or it belongs to root and its group can read it. The last line needs no line feed.
    #[must_use]
    pub fn credential(path: impl Into<PathBuf>) -> Self {
        Self::with_access(path.into(), Access::Credential, FinalLineFeed::Optional)
    }

    fn with_access(path: PathBuf, access: Access, final_line_feed: FinalLineFeed) -> Self {
        Self {
            name: format!("the keys file {}", display_path(&path)),
            path,
            access,
            final_line_feed,
            is_optional: false,
            settle_time: DEFAULT_SETTLE_TIME,
            history: Mutex::default(),
        }
    }

    /// Allows the file to be missing: then there are no keys, and a [`Chain`](crate::Chain) asks its next source.
    ///
    /// A file that had keys once and is missing now is an error all the same: it may be in the middle of a
    /// replacement.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Sets how long a new list must have been in the file before it is used; 100 ms by default.
    ///
    /// A list that was written longer ago is used at once. If the file is only ever replaced by renames, zero
    /// is safe.
    #[must_use]
    pub const fn settle_time(mut self, time: Duration) -> Self {
        self.settle_time = time;
        self
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the list in the file, once it has been there for the settle time.
    pub(crate) fn read_settled(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, Error> {
        let started = Instant::now();
        for _ in 0..MAX_READS {
            let (list, age) = self.read()?;
            let wait = self.time_to_settle(&list, age, Instant::now());
            if wait.is_zero() {
                return Ok(list);
            }
            // All of the remaining time is used: a client then knows that a call with more time may succeed.
            let remaining = remaining.map_or(wait, |time| time.saturating_sub(started.elapsed()));
            std::thread::sleep(wait.min(remaining));
            if remaining < wait {
                break;
            }
        }
        let message = format!("{} is still changing", self.name);
        Err(Error::new(message, "try again in a moment"))
    }

    /// Returns the list in the file, and the time for which it has been there at least.
    fn read(&self) -> Result<(Vec<ApiKey>, Duration), Error> {
        let contents = file_contents::read(&self.path, self.access, &self.name)?;
        if let Some(Contents { text, age }) = contents {
            let label = display_path(&self.path);
            let list = key_list::parse(&text, self.final_line_feed, &self.name, &label)?;
            return Ok((list, age));
        }
        let history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_optional && history.returned.as_ref().is_none_or(Vec::is_empty) {
            return Ok((Vec::new(), Duration::MAX));
        }
        Err(Error::new(
            format!("{} does not exist", self.name),
            "write the keys to it, one per line, oldest first",
        ))
    }

    /// Returns how long to wait until a list may be used; zero if it may be used now.
    fn time_to_settle(&self, list: &[ApiKey], age: Duration, now: Instant) -> Duration {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let returned = history.returned.as_ref();
        let wait = if returned.is_some_and(|returned| key_list::is_same(returned, list)) {
            Duration::ZERO
        } else {
            let since = match &history.changed {
                Some((changed, since)) if key_list::is_same(changed, list) => *since,
                _ => {
                    history.changed = Some((list.to_vec(), now));
                    now
                }
            };
            let unchanged = age.max(now.duration_since(since));
            self.settle_time.saturating_sub(unchanged)
        };
        if wait.is_zero() {
            *history = History {
                returned: Some(list.to_vec()),
                changed: None,
            };
        }
        wait
    }
}

impl KeySource for File {
    fn keys(&self, remaining: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
        Ok(self.read_settled(remaining)?)
    }
}
