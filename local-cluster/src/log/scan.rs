//! Scans a segment's file from its start, to find its batches and the first damage.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::batch::{BatchError, BatchHeader, HEADER_BYTES};
use super::index::Index;

/// The bytes read at once: enough for several small batches, and few enough that little is wasted where only the
/// header of a large batch is needed.
const WINDOW_BYTES: usize = 32 << 10;

/// How thoroughly to check each batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Only headers: for segments that were synced when they were closed.
    Headers,
    /// All bytes, by checksum: for the segment that was being written.
    Checksums,
}

/// The result of scanning a segment's file.
#[derive(Debug)]
pub(super) struct Scan {
    /// The size of the intact batches at the start of the file.
    pub(super) bytes: u64,
    /// The offset after the last intact batch.
    pub(super) end_offset: i64,
    /// The positions of the intact batches.
    pub(super) index: Index,
    /// Why the scan ended before the end of the file.
    pub(super) damage: Option<BatchError>,
}

/// Scans `file`, whose first batch must have `base_offset`. Fails only if reading fails; damage is part of
/// the result.
pub(super) fn scan(file: &File, base_offset: i64, depth: Depth) -> io::Result<Scan> {
    let file_bytes = file.metadata()?.len();
    let mut window = Window {
        file,
        position: 0,
        bytes: Vec::new(),
    };
    let mut found = Scan {
        bytes: 0,
        end_offset: base_offset,
        index: Index::default(),
        damage: None,
    };
    while found.bytes < file_bytes {
        match next_batch(&mut window, &found, file_bytes, depth)? {
            Ok(header) => {
                found.index.note(header.base_offset, found.bytes);
                found.bytes += header.total_bytes as u64;
                found.end_offset = header.next_offset();
            }
            Err(damage) => {
                found.damage = Some(damage);
                break;
            }
        }
    }
    Ok(found)
}

fn next_batch(
    window: &mut Window<'_>,
    found: &Scan,
    file_bytes: u64,
    depth: Depth,
) -> io::Result<Result<BatchHeader, BatchError>> {
    let header = match BatchHeader::parse(window.get(found.bytes, HEADER_BYTES)?) {
        Ok(header) => header,
        Err(damage) => return Ok(Err(damage)),
    };
    let (expected, offset) = (found.end_offset, header.base_offset);
    if offset != expected || header.next_offset() == i64::MAX {
        return Ok(Err(BatchError::OutOfPlace {
            expected,
            found: offset,
        }));
    }
    let (needed, have) = (header.total_bytes, file_bytes - found.bytes);
    if have < needed as u64 {
        return Ok(Err(BatchError::Incomplete {
            needed,
            have: have as usize,
        }));
    }
    Ok(match depth {
        Depth::Headers => Ok(header),
        Depth::Checksums => header
            .check(window.get(found.bytes, needed)?)
            .map(|()| header),
    })
}

/// A part of the file, held in memory.
struct Window<'a> {
    file: &'a File,
    position: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// Returns `wanted` bytes from `position`, or fewer at the end of the file. `position` must not
    /// decrease between calls.
    fn get(&mut self, position: u64, wanted: usize) -> io::Result<&[u8]> {
        let mut skip = (position - self.position) as usize;
        if skip + wanted > self.bytes.len() {
            self.bytes.resize(wanted.max(WINDOW_BYTES), 0);
            let read = read_full_at(self.file, &mut self.bytes, position)?;
            self.bytes.truncate(read);
            self.position = position;
            skip = 0;
        }
        let end = self.bytes.len().min(skip + wanted);
        Ok(&self.bytes[skip..end])
    }
}

/// Fills `buffer` from `position` on, up to the end of the file.
fn read_full_at(file: &File, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], position + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
