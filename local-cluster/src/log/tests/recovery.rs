//! Opens logs that were not closed, or were damaged.

use super::*;

const SEGMENT_BYTES: u64 = 400;

/// A log with a closed and an active segment, and the batches of the active one.
struct Written {
    dir: tempfile::TempDir,
    active: PathBuf,
    /// For each batch of the active segment: its end in the file, and the offset after it.
    ends: Vec<(usize, i64)>,
    /// The active segment's first offset.
    base_offset: i64,
}

impl Written {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = PartitionLog::open(dir.path(), config(SEGMENT_BYTES)).unwrap();
        for index in 0..9 {
            log.append(&[plain(&["first", "second"][..1 + index % 2])])
                .unwrap();
        }
        drop(log);
        let active = segment_files(dir.path()).pop().unwrap();
        let bytes = fs::read(&active).unwrap();
        let batches: Vec<_> = split_checked(bytes.into()).unwrap();
        assert!(batches.len() >= 3, "the tests need some batches to lose");
        let mut end = 0;
        let ends = batches.iter().map(|batch| {
            end += batch.bytes().len();
            (end, batch.header().next_offset())
        });
        let (ends, base_offset) = (ends.collect(), batches[0].header().base_offset);
        Self {
            dir,
            active,
            ends,
            base_offset,
        }
    }

    fn open(&self) -> Result<PartitionLog, LogError> {
        PartitionLog::open(self.dir.path(), config(SEGMENT_BYTES))
    }

    /// Rewrites the active segment with `bytes`, and expects that only the batches that end within the
    /// first `sound` bytes are recovered.
    fn expect(&self, bytes: &[u8], sound: usize, why: &str) {
        fs::write(&self.active, bytes).unwrap();
        let whole = self.ends.iter().rev().find(|(end, _)| *end <= sound);
        let (end, next_offset) = whole.copied().unwrap_or((0, self.base_offset));
        let log = self.open().unwrap();
        assert_eq!(log.end_offset(), next_offset, "{why}");
        assert_eq!(fs::read(&self.active).unwrap(), bytes[..end], "{why}");
        assert_eq!(
            log.append(&[plain(&["after"])]).unwrap(),
            [next_offset],
            "{why}"
        );
        let all = read_all(&log, 1 << 20);
        drop(log);
        let log = self.open().unwrap();
        assert_eq!(log.end_offset(), next_offset + 1, "{why}");
        assert_eq!(read_all(&log, 1 << 20), all, "{why}");
        drop(log);
        let later = segment_files(self.dir.path())
            .into_iter()
            .filter(|file| *file > self.active);
        later.for_each(|file| fs::remove_file(file).unwrap());
    }
}

#[test]
fn a_log_cut_anywhere_keeps_each_whole_batch_before_the_cut() {
    let written = Written::new();
    let bytes = fs::read(&written.active).unwrap();
    for cut in 0..=bytes.len() {
        written.expect(&bytes[..cut], cut, &format!("cut at {cut}"));
    }
}

#[test]
fn a_flipped_bit_takes_its_batch_and_what_follows() {
    let written = Written::new();
    let bytes = fs::read(&written.active).unwrap();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(written.ends.iter().map(|end| end.0))
        .collect();
    for at in 0..bytes.len() {
        let start = *starts.iter().rev().find(|start| **start <= at).unwrap();
        // The leader epoch is covered by no checksum and not used by the log.
        if (12..16).contains(&(at - start)) {
            continue;
        }
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            written.expect(&flipped, start, &format!("bit {bit} of byte {at} flipped"));
        }
    }
}

#[test]
fn bytes_that_are_no_batch_or_not_in_sequence_are_cut_off() {
    let written = Written::new();
    let bytes = fs::read(&written.active).unwrap();
    let last_batch = &bytes[written.ends[written.ends.len() - 2].0..];
    let tails: [&[u8]; 4] = [&[0; 5], &[0; 4096], &[255; 100], last_batch];
    for tail in tails {
        written.expect(
            &[&bytes, tail].concat(),
            bytes.len(),
            &format!("tail {tail:?}"),
        );
    }
}

#[test]
fn damage_in_a_closed_segment_is_an_error_that_names_it() {
    let written = Written::new();
    let closed = segment_files(written.dir.path())[0].clone();
    let bytes = fs::read(&closed).unwrap();
    fs::write(&closed, &bytes[..bytes.len() - 1]).unwrap();
    let error = written.open().unwrap_err();
    assert!(
        matches!(&error, LogError::Damaged { path, .. } if *path == closed),
        "{error}"
    );
    assert!(
        error.to_string().contains("00000000000000000000.log"),
        "{error}"
    );
}

#[test]
fn a_missing_segment_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = PartitionLog::open(dir.path(), config(100)).unwrap();
    (0..5).for_each(|_| drop(log.append(&[plain(&["value"])]).unwrap()));
    drop(log);
    fs::remove_file(&segment_files(dir.path())[2]).unwrap();
    let error = PartitionLog::open(dir.path(), config(100)).unwrap_err();
    assert!(
        matches!(error, LogError::Missing { expected: 2, .. }),
        "{error}"
    );
}

#[test]
fn damage_that_comes_while_the_log_is_open_fails_the_read() {
    let written = Written::new();
    let log = written.open().unwrap();
    let bytes = fs::read(&written.active).unwrap();
    fs::write(&written.active, vec![0xaa; bytes.len()]).unwrap();
    let error = log.read(log.end_offset() - 1, 1000).unwrap_err();
    assert!(
        matches!(&error, LogError::Damaged { path, .. } if *path == written.active),
        "{error}"
    );
}

#[test]
fn other_files_in_the_folder_are_left_alone() {
    let written = Written::new();
    for name in ["notes.txt", "1.log", "+0000000000000000001.log"] {
        fs::write(written.dir.path().join(name), "mine").unwrap();
    }
    let log = written.open().unwrap();
    assert_eq!(log.end_offset(), written.ends.last().unwrap().1);
    assert_eq!(
        fs::read_to_string(written.dir.path().join("1.log")).unwrap(),
        "mine"
    );
}
