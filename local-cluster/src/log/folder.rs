//! Folders whose changes survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates `dir` and what is missing above it, each durably known to the folder that holds it
pub(crate) fn create_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    // A relative path's last parent is the empty path, which means the current folder.
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_durably(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync(parent),
    }
}

/// Makes created, renamed and removed entries of `dir` durable
pub(crate) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
