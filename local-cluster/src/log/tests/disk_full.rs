//! A write that fails half-way, because the process has a limit on the size of its files.

use std::env;
use std::process::Command;

use super::*;

/// The environment variable that passes the folder to the second process.
const DIR_VARIABLE: &str = "LOCAL_CLUSTER_TEST_DISK_FULL_DIR";

#[test]
fn a_failed_append_leaves_no_trace() {
    if let Some(dir) = env::var_os(DIR_VARIABLE) {
        return fill(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    // The limit applies to a whole process, so a second process runs this same test under it.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact \"$1\"";
    let done = Command::new("sh")
        .args(["-c", script])
        .arg(env::current_exe().unwrap())
        .arg("log::tests::disk_full::a_failed_append_leaves_no_trace")
        .env(DIR_VARIABLE, dir.path())
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
    assert!(
        dir.path().join("done").exists(),
        "the second process did not run the test"
    );
}

fn fill(dir: &Path) {
    let folder = dir.join("log");
    let log = PartitionLog::open(&folder, config(1 << 30)).unwrap();
    let large = checked(&[vec![7; 10_000]], Compression::None);
    let error = (0..20).find_map(|_| log.append(&[large.clone(), large.clone()]).err());
    let error = error.expect("the limit is below 20 appends");
    assert!(matches!(error, LogError::Full { .. }), "{error}");

    let (end, bytes) = (log.end_offset(), log.size_bytes());
    let file = segment_files(&folder).remove(0);
    assert_eq!(end % 2, 0, "an append was taken by halves");
    assert!(end > 0);
    assert_eq!(fs::metadata(&file).unwrap().len(), bytes);
    assert_eq!(log.append(&[plain(&["small"])]).unwrap(), [end]);
    let all = read_all(&log, 1 << 20);
    drop(log);

    let log = PartitionLog::open(&folder, config(1 << 30)).unwrap();
    assert_eq!(log.end_offset(), end + 1);
    assert_eq!(read_all(&log, 1 << 20), all);
    fs::write(dir.join("done"), "").unwrap();
}
