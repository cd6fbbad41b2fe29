//! Checks which segments retention removes, and which it keeps.

use super::*;

const RETENTION: Duration = Duration::from_secs(3600);

/// A log of eleven batches, two in each segment but the last.
fn written(dir: &Path, max_bytes: u64) -> PartitionLog {
    let segment_bytes = 2 * plain(&["value"]).bytes().len() as u64;
    let config = LogConfig {
        segment_bytes,
        max_bytes,
        retention: RETENTION,
    };
    let log = PartitionLog::open(dir, config).unwrap();
    (0..11).for_each(|_| drop(log.append(&[plain(&["value"])]).unwrap()));
    assert_eq!(segment_files(dir).len(), 6);
    log
}

#[test]
fn the_oldest_segments_go_while_the_log_is_too_large() {
    let dir = tempfile::tempdir().unwrap();
    let batch_bytes = plain(&["value"]).bytes().len() as u64;
    let log = written(dir.path(), 6 * batch_bytes);
    log.enforce_retention(SystemTime::now()).unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (6, 11));
    assert_eq!(log.size_bytes(), 5 * batch_bytes);
    assert_eq!(segment_files(dir.path()).len(), 3);
    let error = log.read(5, 1000).unwrap_err();
    assert!(
        matches!(
            error,
            LogError::OffsetEvicted {
                offset: 5,
                start: 6
            }
        ),
        "{error}"
    );
    assert_eq!(log.read(6, 1).unwrap().next_offset, 7);
}

#[test]
fn closed_segments_go_when_they_are_old_and_offsets_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), u64::MAX);
    log.enforce_retention(SystemTime::now() + RETENTION / 2)
        .unwrap();
    assert_eq!(log.start_offset(), 0);
    log.enforce_retention(SystemTime::now() + RETENTION * 2)
        .unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (10, 11));
    drop(log);
    let log = PartitionLog::open(dir.path(), config(1000)).unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (10, 11));
    assert_eq!(log.append(&[plain(&["next"])]).unwrap(), [11]);
}

#[test]
fn the_active_segment_stays_whatever_its_size_and_age() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), 0);
    log.enforce_retention(SystemTime::now() + RETENTION * 2)
        .unwrap();
    assert_eq!((log.start_offset(), log.end_offset()), (10, 11));
    assert_eq!(read_all(&log, 1000), placed(&plain(&["value"]), 10));
}

#[cfg(target_os = "linux")]
#[test]
fn closed_segments_hold_no_file_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = written(dir.path(), u64::MAX);
    assert_eq!(open_files_in(dir.path()), 1, "the active segment's");
    assert_eq!(read_all(&log, 1000).len(), log.size_bytes() as usize);
    drop(log);
    let log = PartitionLog::open(dir.path(), config(1000)).unwrap();
    assert_eq!(open_files_in(dir.path()), 1, "after a restart");
    assert_eq!(read_all(&log, 1000).len(), log.size_bytes() as usize);
}

#[cfg(target_os = "linux")]
/// Returns the number of files of the folder that this process has open.
fn open_files_in(dir: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.filter(|link| link.starts_with(dir)).count()
}
