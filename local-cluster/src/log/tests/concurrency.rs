//! Runs writers, readers and retention at the same time.

use std::collections::HashMap;

use fluvio_protocol::Decoder;
use fluvio_protocol::record::Batch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;

const WRITERS: usize = 4;
const APPENDS: usize = 200;
const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_each_record_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(PartitionLog::open(dir.path(), config(5_000)).unwrap());
    let mut tasks = JoinSet::new();
    (0..3).for_each(|_| drop(tasks.spawn(follow(Arc::clone(&log)))));
    for writer in 0..WRITERS {
        let log = Arc::clone(&log);
        tasks.spawn_blocking(move || write(&log, writer));
    }
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap()
        }
    };
    timeout(DEADLINE, all)
        .await
        .expect("all writers and readers are done");
    assert!(segment_files(dir.path()).len() > 3);
}

fn write(log: &PartitionLog, writer: usize) {
    for number in 0..APPENDS {
        let value = format!("{writer} {number}");
        log.append(&[plain(&[&value]), plain(&["filler", "filler"])])
            .unwrap();
    }
}

/// Reads the growing log from its start until all records were read.
async fn follow(log: Arc<PartitionLog>) {
    let (mut end, mut offset) = (log.watch_end(), 0);
    let mut seen: HashMap<String, usize> = HashMap::new();
    while seen.values().sum::<usize>() < WRITERS * APPENDS {
        let now = *end.borrow_and_update();
        while offset < now {
            let slice = log.read(offset, 1000).unwrap();
            for batch in split_checked(slice.bytes).unwrap() {
                assert_eq!(batch.header().base_offset, offset);
                offset = batch.header().next_offset();
                note(&batch, &mut seen);
            }
            assert_eq!(slice.next_offset, offset);
        }
        if seen.values().sum::<usize>() < WRITERS * APPENDS {
            end.changed().await.unwrap();
        }
    }
}

/// Checks that each writer's numbers arrive in sequence.
fn note(batch: &CheckedBatch, seen: &mut HashMap<String, usize>) {
    let mut decoded: Batch = Batch::default();
    decoded.decode(&mut batch.bytes().clone(), 0).unwrap();
    let value = decoded.records()[0].value().as_str().unwrap();
    if let Some((writer, number)) = value.split_once(' ') {
        let next = seen.entry(writer.to_owned()).or_default();
        assert_eq!(number, next.to_string(), "writer {writer}");
        *next += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_whose_segment_is_removed_reads_on_or_gets_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 500,
        max_bytes: 1_500,
        retention: DEADLINE,
    };
    let log = Arc::new(PartitionLog::open(dir.path(), config).unwrap());
    let mut tasks = JoinSet::new();
    let writing = Arc::clone(&log);
    tasks.spawn_blocking(move || {
        for _ in 0..300 {
            writing.append(&[plain(&["value"])]).unwrap();
            writing.enforce_retention(SystemTime::now()).unwrap();
        }
    });
    let reading = Arc::clone(&log);
    tasks.spawn_blocking(move || {
        let mut offset = 0;
        while offset < 300 {
            offset = match reading.read(offset, 1000) {
                Ok(slice) => {
                    assert!(
                        slice.next_offset <= reading.end_offset(),
                        "read beyond the end"
                    );
                    slice.next_offset
                }
                Err(LogError::OffsetEvicted { start, .. }) if start > offset => start,
                Err(error) => panic!("{error}"),
            };
        }
    });
    let all = async {
        while let Some(done) = tasks.join_next().await {
            done.unwrap()
        }
    };
    timeout(DEADLINE, all)
        .await
        .expect("the writer and the reader are done");
    assert!(log.size_bytes() <= 1_500);
}
