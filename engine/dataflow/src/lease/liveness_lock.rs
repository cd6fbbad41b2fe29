//! Lets a waiting runner detect that a holder on its own host is dead: each runner keeps a file locked, and
//! the kernel releases the lock when the process dies, for any reason. A file that exists and is not locked
//! belongs to a dead process. Nothing else proves a death: a process that holds its lock may hang, a runner without
//! a file may be on another host, and an I/O error reveals nothing about the holder. In these cases the waiting
//! runner relies on the age of the holder's last heartbeat.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Contains an ID of the current boot of this host. Folders can be shared between hosts that do not see each
/// other's locks, so each lock file contains the boot ID of its host. On systems without boot IDs there are no lock
/// files.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The owner of this path is the user that this process runs as.
const SELF: &str = "/proc/self";
const EXTENSION: &str = ".lock";
/// The maximum length of a runner's ID in a file name. The IDs of runners are less than half as long, so a longer
/// one in the lease topic is not the ID of a runner.
const ID_LENGTH_MAX: usize = 64;
/// The maximum number of bytes to read from a file. A boot ID is shorter.
const FILE_BYTES_MAX: u64 = 64;

/// How often a holder's file is marked as in use. Many systems remove temporary files that have not been used
/// for days.
pub(super) const REFRESH: Duration = Duration::from_secs(60 * 60);
/// The age at which the file of a dead runner is removed, because no runner waits to take over from it any more.
/// This is many times [`REFRESH`], so the file of a living holder does not become this old.
const ABANDONED: Duration = Duration::from_secs(24 * 60 * 60);

/// The lock file of a running runner.
#[derive(Debug)]
pub(super) struct LivenessLock {
    path: PathBuf,
    file: Option<File>,
}

impl LivenessLock {
    /// Creates the file of runner `id` and locks it. The kernel releases the lock when the process dies.
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
        // From here on, an early return drops this value, which removes the file.
        let liveness_lock = Self {
            path,
            file: Some(held),
        };
        file.try_lock()?;
        // The boot ID is written only after the file is locked. An unlocked file with the current boot ID would be
        // taken for the file of a dead process.
        file.write_all(&boot)?;
        Ok(liveness_lock)
    }

    /// Marks the file as in use.
    pub(super) fn refresh(&self) {
        if let Some(file) = &self.file {
            // An error is ignored: if the system then removes the old file, waiting runners rely on the age of
            // the last heartbeat.
            let _refreshed = file.set_modified(SystemTime::now());
        }
    }
}

impl Drop for LivenessLock {
    /// The process continues to run and its last requests may still be in flight, so an unlocked file would wrongly
    /// show that it is dead. Therefore the file is removed before it is unlocked; if the removal fails, the lock is
    /// held until the process ends.
    fn drop(&mut self) {
        if fs::remove_file(&self.path).is_err() {
            std::mem::forget(self.file.take());
        }
    }
}

/// Whether the process of runner `id` is certainly dead.
pub(super) fn is_dead(id: &str) -> bool {
    private_folder()
        .and_then(|folder| is_dead_in(&folder, id))
        .unwrap_or(false)
}

/// Like [`is_dead`], in the given folder. Returns an error if the file is missing or locked. Takes a shared lock,
/// so that several runners can check at once; a running holder has an exclusive lock.
fn is_dead_in(folder: &Path, id: &str) -> io::Result<bool> {
    let path = path_in(folder, id)?;
    let file = OpenOptions::new().read(true).open(&path)?;
    file.try_lock_shared()?;
    let mut boot = Vec::new();
    (&file).take(FILE_BYTES_MAX).read_to_end(&mut boot)?;
    // No runner creates a file of this name again, and a runner that ends normally removes its file before it
    // unlocks it. A file that still exists was therefore unlocked because its process died.
    Ok(boot == fs::read(BOOT_ID)? && path.try_exists()?)
}

/// Removes the file of a runner that was found dead.
pub(super) fn forget(id: &str) {
    // An error is ignored: a file that remains does no harm.
    let _removed = private_folder()
        .and_then(|folder| path_in(&folder, id))
        .and_then(fs::remove_file);
}

/// Removes the files of dead runners that are older than [`ABANDONED`].
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

/// Returns the path of runner `id`'s file. Any client can write IDs into the lease topic, so IDs with characters
/// that runners do not use are refused: a path with such an ID could lead out of the folder.
fn path_in(folder: &Path, id: &str) -> io::Result<PathBuf> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if id.is_empty() || id.len() > ID_LENGTH_MAX || !id.bytes().all(is_plain) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a runner's ID"));
    }
    Ok(folder.join(format!("{id}{EXTENSION}")))
}

/// Returns the folder for this user's runners on this host, and creates it if it is missing.
fn private_folder() -> io::Result<PathBuf> {
    let user = fs::metadata(SELF)?.uid();
    let folder = std::env::temp_dir().join(format!("dataflow-runners-{user}"));
    ensure_private(&folder, user)?;
    Ok(folder)
}

/// Ensures that the folder exists and that only `user` can access it. All users may be able to write to its parent,
/// so another user may have created the folder.
fn ensure_private(folder: &Path, user: u32) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o077 != 0 {
        let why = format!("`{}` is not private to this user", folder.display());
        return Err(io::Error::new(ErrorKind::PermissionDenied, why));
    }
    Ok(())
}

// Systems other than Linux have no boot IDs, so there are no lock files on them.
#[cfg(all(test, target_os = "linux"))]
mod tests;
