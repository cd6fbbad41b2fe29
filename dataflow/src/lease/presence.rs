//! How a runner that waits learns that a holder on its own host is dead: each runner keeps a file
//! locked, and the kernel lets go of the lock when the process dies, however it dies. A file that is
//! there and not locked belongs to a dead process. Everything else proves nothing: a lock that is
//! held may be that of a process that hangs, a missing file that of a runner on another host, and
//! after an error nothing is known. Then the holder's silence decides.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A name for this start of this host's kernel. Folders can be shared between hosts that do not see
/// each other's locks; this tells whose they are. Where a system has none, there are no lock files.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Whose metadata tell the user that this process runs as.
const SELF: &str = "/proc/self";
const EXTENSION: &str = ".lock";
/// Runners' own names are half as long; the limit is for what others write into the topic.
const ID_LENGTH_MAX: usize = 64;
/// A boot's name is shorter; more need not be read of a file.
const FILE_BYTES_MAX: u64 = 64;

/// How often a holder's file is marked as in use: many systems remove temporary files that look
/// abandoned for days.
pub(super) const REFRESH: Duration = Duration::from_secs(60 * 60);
/// After this long nobody hurries to succeed a dead runner; its file may go. Many times [`REFRESH`].
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The lock file of a living runner.
#[derive(Debug)]
pub(super) struct Presence {
    path: PathBuf,
    file: Option<File>,
}

impl Presence {
    /// Makes the file of runner `id` and keeps it locked until the process dies.
    pub(super) fn announce(id: &str) -> io::Result<Self> {
        let folder = private_folder()?;
        sweep(&folder);
        Self::announce_in(&folder, id)
    }

    fn announce_in(folder: &Path, id: &str) -> io::Result<Self> {
        let boot = fs::read(BOOT_ID)?;
        let path = path_in(folder, id)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let held = file.try_clone()?;
        // From here on an error removes the file.
        let presence = Self {
            path,
            file: Some(held),
        };
        file.try_lock()?;
        // Written once it is locked: a file that never was says nothing.
        file.write_all(&boot)?;
        Ok(presence)
    }

    /// Marks the file as in use.
    pub(super) fn refresh(&self) {
        if let Some(file) = &self.file {
            // If it is removed some day for its age, silence decides.
            let _refreshed = file.set_modified(SystemTime::now());
        }
    }
}

impl Drop for Presence {
    /// The process lives on, and what it sent may still be under way: an unlocked file would be a
    /// lie. So the file goes first, and where it does not, the lock stays until the process ends.
    fn drop(&mut self) {
        if fs::remove_file(&self.path).is_err() {
            std::mem::forget(self.file.take());
        }
    }
}

/// Whether the process of runner `id` is known to be dead.
pub(super) fn is_dead(id: &str) -> bool {
    private_folder()
        .and_then(|folder| is_dead_in(&folder, id))
        .unwrap_or(false)
}

/// Several may look at once: they share the lock, the living one shares it with nobody.
fn is_dead_in(folder: &Path, id: &str) -> io::Result<bool> {
    let path = path_in(folder, id)?;
    let file = OpenOptions::new().read(true).open(&path)?;
    file.try_lock_shared()?;
    let mut boot = Vec::new();
    (&file).take(FILE_BYTES_MAX).read_to_end(&mut boot)?;
    // Nobody makes a file of this name again: one that is still there was unlocked by a death.
    Ok(boot == fs::read(BOOT_ID)? && path.try_exists()?)
}

/// Removes the file of a runner that has been found dead.
pub(super) fn forget(id: &str) {
    // A file that stays is in nobody's way.
    let _removed = private_folder()
        .and_then(|folder| path_in(&folder, id))
        .and_then(fs::remove_file);
}

/// Removes the files of runners that died long ago and that nobody has succeeded here.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let modified = entry.metadata().and_then(|found| found.modified());
        let is_old = modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED));
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(EXTENSION));
        let is_dead = |id| is_dead_in(folder, id).unwrap_or(false);
        if is_old && id.is_some_and(is_dead) {
            let _removed = fs::remove_file(entry.path());
        }
    }
}

/// Where the file of runner `id` is. Anyone can write names into the topic: one with other
/// characters than runners use could lead out of the folder.
fn path_in(folder: &Path, id: &str) -> io::Result<PathBuf> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > ID_LENGTH_MAX || !id.bytes().all(is_plain) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "no runner's name"));
    }
    Ok(folder.join(format!("{id}{EXTENSION}")))
}

/// The folder of this user's runners on this host; made if it is missing.
fn private_folder() -> io::Result<PathBuf> {
    let user = fs::metadata(SELF)?.uid();
    let folder = std::env::temp_dir().join(format!("dataflow-runners-{user}"));
    ensure_private(&folder, user)?;
    Ok(folder)
}

/// Makes sure that nobody but `user` can touch what is in the folder: where everybody may make
/// folders, this one may have been made by somebody else.
fn ensure_private(folder: &Path, user: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        let why = format!("`{}` belongs to others too", folder.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

// Elsewhere there are no lock files.
#[cfg(all(test, target_os = "linux"))]
mod tests;
