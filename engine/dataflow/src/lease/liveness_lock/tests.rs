//! Tests of what a lock file proves, and what it does not.
#![allow(
    clippy::unwrap_used,
    reason = "a test panics where an expectation fails"
)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;

/// The environment variable with the folder of lock files. It is set only in the process that the test kills.
const FOLDER: &str = "LIVENESS_LOCK_TEST_FOLDER";
/// The end of the line that the killed process prints once it holds the lock.
const ANNOUNCED: &str = "announced";

#[test]
fn a_killed_process_is_found_dead_and_a_living_one_is_not() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return live_in(Path::new(&folder));
    }
    let folder = TempDir::new().unwrap();
    let this_test = std::thread::current().name().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&this_test, "--exact", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let announced = output
        .lines()
        .any(|line| line.unwrap().ends_with(ANNOUNCED));
    assert!(announced, "the process ended by itself");
    assert_locked(folder.path(), "a");
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..2 {
        assert!(
            is_dead_in(folder.path(), "a").unwrap(),
            "also when asked twice"
        );
    }
}

/// Holds the lock until this process is killed or its parent has died.
fn live_in(folder: &Path) {
    let _lock = LivenessLock::announce_in(folder, "a").unwrap();
    println!("{ANNOUNCED}");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn two_who_look_at_once_both_find_it_dead() {
    let folder = TempDir::new().unwrap();
    let path = dead_in(&folder);
    let other = File::open(path).unwrap();
    other.try_lock_shared().unwrap();
    assert!(is_dead_in(folder.path(), "a").unwrap());
}

#[test]
fn one_of_this_process_is_not_dead_and_proves_nothing_when_it_goes() {
    let folder = TempDir::new().unwrap();
    let liveness_lock = LivenessLock::announce_in(folder.path(), "a").unwrap();
    let other = LivenessLock::announce_in(folder.path(), "b").unwrap();
    for id in ["a", "b"] {
        assert_locked(folder.path(), id);
    }
    drop(liveness_lock);
    let error = is_dead_in(folder.path(), "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    drop(other);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_name_is_announced_once() {
    let folder = TempDir::new().unwrap();
    let _first = LivenessLock::announce_in(folder.path(), "a").unwrap();
    let error = LivenessLock::announce_in(folder.path(), "a").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_locked(folder.path(), "a");
}

#[test]
fn a_file_of_another_boot_or_of_none_proves_nothing() {
    let folder = TempDir::new().unwrap();
    let path = dead_in(&folder);
    for foreign in ["", "5d9c0f0e-6f0e-4f62-9d3b-2f0f8a1c7e11\n"] {
        fs::write(&path, foreign).unwrap();
        assert!(!is_dead_in(folder.path(), "a").unwrap(), "`{foreign}`");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!is_dead_in(folder.path(), "a").unwrap_or(false));
}

#[test]
fn names_do_not_lead_out_of_the_folder() {
    let outer = TempDir::new().unwrap();
    let folder = outer.path().join("inner");
    fs::create_dir(&folder).unwrap();
    // If the names were not checked, each of these runners would be found dead.
    dead_in(&outer);
    let absolute = outer.path().join("a");
    for id in ["../a", "../inner/../a", absolute.to_str().unwrap()] {
        let error = is_dead_in(&folder, id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "`{id}`");
    }
    let long = "a".repeat(ID_LENGTH_MAX + 1);
    for id in ["", ".", "..", "a\0", "a b", "ä", &long] {
        assert!(path_in(&folder, id).is_err(), "`{id}`");
    }
    let own = "4194304-0123456789abcdef";
    assert_eq!(
        path_in(&folder, own).unwrap(),
        folder.join(format!("{own}.lock"))
    );
}

#[test]
fn a_folder_that_others_can_touch_is_not_used() {
    let outer = TempDir::new().unwrap();
    let user = fs::metadata(SELF).unwrap().uid();
    let own = outer.path().join("own");
    for _ in 0..2 {
        ensure_private(&own, user).unwrap();
    }
    assert!(ensure_private(&own, user + 1).is_err(), "another user's");
    let link = outer.path().join("link");
    symlink(&own, &link).unwrap();
    assert!(ensure_private(&link, user).is_err(), "a link");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o770)).unwrap();
    let error = ensure_private(&own, user).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn files_of_the_long_dead_are_swept_and_no_others() {
    let folder = TempDir::new().unwrap();
    let long_ago = SystemTime::now() - ABANDONED - REFRESH;
    let abandon = |path: &Path| {
        let file = OpenOptions::new().write(true).open(path).unwrap();
        file.set_modified(long_ago).unwrap();
    };
    let dead = dead_in(&folder);
    sweep(folder.path());
    assert!(dead.exists(), "it may be succeeded soon");
    abandon(&dead);
    let living = LivenessLock::announce_in(folder.path(), "b").unwrap();
    abandon(&living.path);
    let foreign = folder.path().join("notes");
    fs::copy(BOOT_ID, &foreign).unwrap();
    abandon(&foreign);
    sweep(folder.path());
    assert!(!dead.exists() && living.path.exists() && foreign.exists());
    living.refresh();
    let refreshed = fs::metadata(&living.path).unwrap().modified().unwrap();
    assert!(refreshed > long_ago + ABANDONED);
}

fn assert_locked(folder: &Path, id: &str) {
    let error = is_dead_in(folder, id).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

/// Creates the file that runner `a` leaves when it dies.
fn dead_in(folder: &TempDir) -> PathBuf {
    let path = path_in(folder.path(), "a").unwrap();
    fs::copy(BOOT_ID, &path).unwrap();
    path
}
