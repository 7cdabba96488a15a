//! Follows symbolic links, also those that lead to nothing.

use std::path::{Path, PathBuf};

/// How many links are followed, as on Linux.
pub(crate) const MAX_LINKS: usize = 40;

/// Returns what a link leads to, and if that is a link, what that leads to. Nothing of it needs to exist.
pub(crate) fn links_of(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    while found.len() < MAX_LINKS {
        let link = found.last().map_or(path, PathBuf::as_path);
        let (Ok(target), Some(folder)) = (link.read_link(), link.parent()) else {
            break;
        };
        found.push(folder.join(target));
    }
    found
}
