//! [`Source`]: the bytes of the input, from a file or from standard input.

use std::fs::{File, Metadata};
use std::io::{self, BufReader, IsTerminal as _, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::{inherited, output};

const BUFFER_LEN: usize = 1 << 16;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is no text in UTF-8, by its first bytes: what it is, and what to do.
const OTHER_FORMATS: [(&[u8], &str, &str); 5] = [
    (b"\xff\xfe", "UTF-16", FROM_UTF16),
    (b"\xfe\xff", "UTF-16", FROM_UTF16),
    (
        b"PK\x03",
        "a workbook or an archive",
        "save the sheet as CSV in UTF-8",
    ),
    (
        b"\xd0\xcf\x11",
        "a workbook",
        "save the sheet as CSV in UTF-8",
    ),
    (
        b"\x1f\x8b",
        "compressed",
        "pipe its rows into this command, with `gunzip -c`",
    ),
];

const FROM_UTF16: &str = "save it as UTF-8, or convert it with `iconv -f UTF-16 -t UTF-8`";

/// The bytes of the input, after a byte-order mark.
pub(crate) struct Source {
    pub(crate) reader: BufReader<Box<dyn Read + Send>>,
    pub(crate) opened: Opened,
}

/// What is known of the input apart from its bytes.
#[derive(Clone)]
pub(crate) struct Opened {
    /// For errors: "the file …" or "standard input".
    pub(crate) name: Arc<str>,
    /// The size of a file.
    pub(crate) size: Option<u64>,
    position: Arc<AtomicU64>,
    file: Option<Arc<(File, Metadata)>>,
}

impl Opened {
    /// Returns how many bytes were read.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Relaxed)
    }

    /// Fails if the file is not as it was when it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), Failure> {
        let Some((file, before)) = self.file.as_deref() else {
            return Ok(());
        };
        let is_same = file.metadata().is_ok_and(|now| {
            now.len() == before.len() && now.modified().ok() == before.modified().ok()
        });
        if is_same {
            return Ok(());
        }
        Err(Failure::new(
            ExitCode::Other,
            format!("{} changed while it was read", self.name),
            "wait until nothing writes to it",
        ))
    }
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Self::stdin();
        }
        let name = format!("the file {}", output::display_path(path));
        let unreadable = |error: &io::Error| {
            Failure::usage(
                format!("{name} cannot be read ({})", output::reason(error)),
                "name the file with the rows, or - for standard input; a single value can be piped in with echo",
            )
        };
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if metadata.is_dir() {
            return Err(Failure::usage(
                format!("{} is a directory", output::display_path(path)),
                "name the file with the rows in it",
            ));
        }
        let bytes = file.try_clone().map_err(|error| unreadable(&error))?;
        let size = metadata.is_file().then_some(metadata.len());
        let kept = metadata.is_file().then(|| Arc::new((file, metadata)));
        Self::new(Box::new(bytes), name.into(), size, kept)
    }

    fn stdin() -> Result<Self, Failure> {
        if inherited::is_stdin_closed() || io::stdin().is_terminal() {
            return Err(Failure::usage(
                "there are no rows on standard input",
                "name a file, or pipe the rows into this command",
            ));
        }
        Self::new(Box::new(io::stdin()), "standard input".into(), None, None)
    }

    fn new(
        mut bytes: Box<dyn Read + Send>,
        name: Arc<str>,
        size: Option<u64>,
        file: Option<Arc<(File, Metadata)>>,
    ) -> Result<Self, Failure> {
        let mut start = Vec::new();
        bytes
            .by_ref()
            .take(UTF8_MARK.len() as u64)
            .read_to_end(&mut start)
            .map_err(|error| not_read(&name, &error))?;
        if start.is_empty() {
            return Err(Failure::usage(
                format!("{name} is empty"),
                "give it at least one row",
            ));
        }
        if let Some((format, hint)) = other_format(&start) {
            return Err(Failure::usage(format!("{name} is {format}"), hint));
        }
        let position = Arc::new(AtomicU64::new(start.len() as u64));
        if start == UTF8_MARK {
            start.clear();
        }
        let counted = Counted {
            bytes,
            position: Arc::clone(&position),
        };
        let reader: Box<dyn Read + Send> = Box::new(io::Cursor::new(start).chain(counted));
        Ok(Self {
            reader: BufReader::with_capacity(BUFFER_LEN, reader),
            opened: Opened {
                name,
                size,
                position,
                file,
            },
        })
    }

    /// Makes a source of bytes in memory.
    #[cfg(test)]
    pub(crate) fn of(bytes: Vec<u8>, name: &str) -> Result<Self, Failure> {
        let size = Some(bytes.len() as u64);
        Self::new(Box::new(io::Cursor::new(bytes)), name.into(), size, None)
    }
}

/// Returns what an input is by its first bytes, and what to do, if it is no text in UTF-8.
fn other_format(start: &[u8]) -> Option<(&'static str, &'static str)> {
    if start.iter().take(2).any(|byte| *byte == 0) {
        return Some(("UTF-16, or no text", FROM_UTF16));
    }
    let mut formats = OTHER_FORMATS.iter();
    let found = formats.find(|(mark, ..)| start.starts_with(mark));
    found.map(|(_, format, hint)| (*format, *hint))
}

/// Returns the failure for an input that cannot be read to its end.
pub(crate) fn not_read(name: &str, error: &io::Error) -> Failure {
    Failure::new(
        ExitCode::Other,
        format!("{name} cannot be read ({})", error.kind()),
        "check the disk, or the program that writes the rows",
    )
}

struct Counted {
    bytes: Box<dyn Read + Send>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
