//! Appends across segments, and reads from every offset.

use proptest::prelude::*;

use super::oracle::Oracle;
use super::*;

/// The batches of one append: for each, the number of records, the bytes per record, and the compression.
fn append() -> impl Strategy<Value = Vec<(i64, usize, usize)>> {
    prop::collection::vec((1..6_i64, 0..120_usize, 0..5_usize), 1..4)
}

fn build(batches: &[(i64, usize, usize)]) -> Vec<(CheckedBatch, i64)> {
    let build = |&(count, bytes, kind): &(i64, usize, usize)| {
        let values: Vec<Vec<u8>> = (0..count).map(|n| vec![n as u8; bytes]).collect();
        (checked(&values, COMPRESSIONS[kind]), count)
    };
    batches.iter().map(build).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_log_holds_what_was_appended(
        appends in prop::collection::vec(append(), 1..30),
        segment_bytes in prop_oneof![800..3000_u64, Just(1 << 30)],
        max_bytes in prop_oneof![Just(0_usize), 1..2000_usize, Just(usize::MAX)],
        reopen_after in 0..30_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = PartitionLog::open(dir.path(), config(segment_bytes)).unwrap();
        let mut oracle = Oracle::default();
        for (index, append) in appends.iter().enumerate() {
            let batches = build(append);
            let expected = oracle.append(&batches);
            let batches: Vec<CheckedBatch> = batches.into_iter().map(|(batch, _)| batch).collect();
            prop_assert_eq!(log.append(&batches).unwrap(), expected);
            if index == reopen_after {
                drop(log);
                log = PartitionLog::open(dir.path(), config(segment_bytes)).unwrap();
            }
        }
        oracle.check(&log, max_bytes);
        drop(log);
        oracle.check(&PartitionLog::open(dir.path(), config(segment_bytes)).unwrap(), max_bytes);
    }
}

/// A log with many index entries, and with batches smaller and larger than the distance between entries.
#[test]
fn every_offset_is_found_among_many_index_entries() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(1 << 20)).unwrap();
    let mut oracle = Oracle::default();
    for index in 0..600_usize {
        let bytes = if index % 50 == 49 {
            40_000
        } else {
            10 + index % 700
        };
        let batch = build(&[(1 + index as i64 % 3, bytes, 0)]);
        oracle.append(&batch);
        log.append(&[batch[0].0.clone()]).unwrap();
    }
    assert!(oracle.bytes().len() > 1 << 20, "more than one segment");
    oracle.check(&log, 5_000);
    drop(log);
    oracle.check(
        &PartitionLog::open(dir.path(), config(1 << 20)).unwrap(),
        100_000,
    );
}

#[test]
fn segments_keep_to_their_size_and_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(300)).unwrap();
    (0..20).for_each(|_| drop(log.append(&[plain(&["a value", "another"])]).unwrap()));
    let files = segment_files(dir.path());
    assert!(files.len() > 3, "{files:?}");
    for file in &files {
        let bytes = fs::read(file).unwrap();
        assert!(bytes.len() <= 300);
        let first = CheckedBatches::new(bytes.into()).next().unwrap().unwrap();
        let name = format!("{:020}.log", first.header().base_offset);
        assert_eq!(file.file_name().unwrap().to_str(), Some(name.as_str()));
    }
}

#[test]
fn reads_outside_the_log_say_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(1000)).unwrap();
    log.append(&[plain(&["a", "b"])]).unwrap();
    assert!(log.read(2, 100).unwrap().bytes.is_empty());
    let beyond = log.read(3, 100).unwrap_err();
    assert!(
        matches!(beyond, LogError::OffsetBeyondEnd { offset: 3, end: 2 }),
        "{beyond}"
    );
    let before = log.read(-1, 100).unwrap_err();
    assert!(
        matches!(
            before,
            LogError::OffsetEvicted {
                offset: -1,
                start: 0
            }
        ),
        "{before}"
    );
}

#[test]
fn a_batch_larger_than_a_segment_is_refused_with_all_that_came_along() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(200)).unwrap();
    let large = checked(&[vec![0; 300]], Compression::None);
    let error = log.append(&[plain(&["a"]), large]).unwrap_err();
    assert!(
        matches!(error, LogError::BatchTooLarge { limit: 200, .. }),
        "{error}"
    );
    assert_eq!((log.end_offset(), log.size_bytes()), (0, 0));
}

#[test]
fn a_closed_log_is_read_but_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(1000)).unwrap();
    log.append(&[plain(&["a"])]).unwrap();
    log.close().unwrap();
    assert!(matches!(
        log.append(&[plain(&["b"])]),
        Err(LogError::Closed { .. })
    ));
    assert_eq!(log.read(0, 1000).unwrap().next_offset, 1);
}
