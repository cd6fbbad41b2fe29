//! Creates folders, and makes changes in folders durable, so that they survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates `dir` and its missing parents, and syncs the parent folder of each.
pub(crate) fn create_durably(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    // The last parent of a relative path is the empty path, which means the current directory.
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

/// Makes the creation, renaming and removal of files in `dir` durable.
pub(crate) fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
