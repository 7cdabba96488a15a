//! [`File`]: keys from a file that may be replaced at any time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ap_core::{ApiKey, KeySource, SourceError};

use crate::lines::{self, LastLine};
use crate::problem::{Problem, name};
use crate::read::{self, Access, Whole};

/// How long a list must have been there before it is taken, unless said otherwise.
const SETTLE: Duration = Duration::from_millis(100);

/// How often a list that goes on changing is looked at, so that a call without a deadline ends too.
const LOOKS: usize = 20;

/// Keys from a file: one key a line, oldest first, up to three; read again each time that it is asked.
///
/// It may be replaced while a service runs, and what is half-written never takes effect; the crate's page
/// says how that is known. Replace it whole, by a rename, as [`Store`](crate::Store) does.
///
/// ```
/// use ap_core::KeySource as _;
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
    place: String,
    access: Access,
    last_line: LastLine,
    optional: bool,
    settle: Duration,
    seen: Mutex<Seen>,
}

/// What this source has seen of the file.
#[derive(Debug, Default)]
struct Seen {
    /// The list that was returned last.
    taken: Option<Vec<ApiKey>>,
    /// Another list, and since when it has been there.
    changed: Option<(Vec<ApiKey>, Instant)>,
}

impl File {
    /// A file for this process's user alone: it belongs to that user or to root, nobody else can read or
    /// write it, and its folder is not everybody's to write in. Every line has its end.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into(), Access::Private, LastLine::Ended)
    }

    /// A secret that an orchestrator mounts, as Kubernetes and Docker do: any owner, and others may read
    /// it, as such mounts often have it, but not write it. The last line may be without its end, because
    /// such files are put in place whole.
    #[must_use]
    pub fn mounted(path: impl Into<PathBuf>) -> Self {
        Self::of(path.into(), Access::Mounted, LastLine::Open)
    }

    fn of(path: PathBuf, access: Access, last_line: LastLine) -> Self {
        Self {
            place: format!("the keys file {}", name(&path)),
            path,
            access,
            last_line,
            optional: false,
            settle: SETTLE,
            seen: Mutex::default(),
        }
    }

    /// That there is no file means that there are no keys, and is no failure: for a
    /// [`Chain`](crate::Chain). A file that was there once and is gone is one all the same.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// How long a list that differs from the last one must have been there before it is taken: 100 ms
    /// unless said. A file that was written longer ago is taken at once. Whoever replaces the file by renames
    /// alone needs no such time.
    #[must_use]
    pub const fn settle(mut self, settle: Duration) -> Self {
        self.settle = settle;
        self
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The list in the file, and for how long it has certainly been there.
    fn read(&self) -> Result<(Vec<ApiKey>, Duration), Problem> {
        if let Some(Whole { text, age }) = read::whole(&self.path, self.access, &self.place)? {
            let list = lines::parse(&text, self.last_line, &self.place, &name(&self.path))?;
            return Ok((list, age));
        }
        // One that was there is being replaced in two steps, most likely.
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if self.optional && seen.taken.as_ref().is_none_or(Vec::is_empty) {
            return Ok((Vec::new(), Duration::MAX));
        }
        Err(Problem::new(
            format!("{}: there is no such file", self.place),
            "put the keys there, one a line, oldest first",
        ))
    }

    /// How long to wait until a list may be taken; zero if it may be now.
    fn judge(&self, list: &[ApiKey], age: Duration, now: Instant) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = seen.taken.as_ref().is_some_and(|taken| same(taken, list));
        let wait = if is_known {
            Duration::ZERO
        } else {
            let since = match &seen.changed {
                Some((changed, since)) if same(changed, list) => *since,
                _ => {
                    seen.changed = Some((list.to_vec(), now));
                    now
                }
            };
            let unchanged = age.max(now.duration_since(since));
            self.settle.saturating_sub(unchanged)
        };
        if wait.is_zero() {
            *seen = Seen {
                taken: Some(list.to_vec()),
                changed: None,
            };
        }
        wait
    }
}

impl KeySource for File {
    fn keys(&self, left: Option<Duration>) -> Result<Vec<ApiKey>, SourceError> {
        let begun = Instant::now();
        for _ in 0..LOOKS {
            let (list, age) = self.read()?;
            let wait = self.judge(&list, age, Instant::now());
            if wait.is_zero() {
                return Ok(list);
            }
            // To the end: a client then knows that a call with more time may ask anew.
            let left = left.map_or(wait, |left| left.saturating_sub(begun.elapsed()));
            std::thread::sleep(wait.min(left));
            if left < wait {
                break;
            }
        }
        let happened = format!("{}: it changed just now", self.place);
        Err(Problem::new(
            happened,
            "once it stays the same for a moment, it counts: call again",
        )
        .into())
    }
}

fn same(one: &[ApiKey], other: &[ApiKey]) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| one.expose() == other.expose())
}
