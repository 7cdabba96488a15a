//! The JSON files that a host gives a tap.

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;
use crate::{limited_read, output};

/// The largest file, in MiB. A catalog has a few KiB.
const LIMIT_MIB: u64 = 16;

/// What a file is for. Its problems are told in these words.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) hint: &'static str,
}

impl Kind {
    /// Reads the last JSON value of a file; `None` if it has none.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Value>, Failure> {
        let name = format!("the {} {}", self.name, output::display_path(path));
        let bytes = limited_read::read(File::open(path), LIMIT_MIB, &name, self.hint)?;
        let mut last = None;
        for value in serde_json::Deserializer::from_slice(&bytes).into_iter() {
            let value = value.map_err(|_| self.problem("is not JSON"))?;
            last = Some(value);
        }
        Ok(last)
    }

    /// Returns the failure for what is wrong with a file.
    pub(super) fn problem(&self, what: &str) -> Failure {
        Failure::usage(format!("the {} {what}", self.name), self.hint)
    }
}
