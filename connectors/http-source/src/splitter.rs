//! Splits a stream of bytes into records at a delimiter. Memory is bounded, however long a record is.

use bytes::{Buf, Bytes, BytesMut};

/// How much of a record that is too large is kept for inspection.
pub(crate) const HEAD_BYTES: usize = 64 * 1024;

/// The payload of one record as the endpoint sent it, such as the bytes between two delimiters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A record within the size limit.
    Record(Bytes),
    /// A record that is too large: its beginning, and its length.
    TooLarge { head: Bytes, bytes: u64 },
}

impl Piece {
    /// Makes a piece from a complete payload.
    pub(crate) fn of(payload: Bytes, bytes_max: usize) -> Self {
        if payload.len() > bytes_max {
            Self::TooLarge {
                bytes: payload.len() as u64,
                // A copy, so that the beginning does not keep the whole payload in memory.
                head: Bytes::copy_from_slice(&payload[..HEAD_BYTES.min(payload.len())]),
            }
        } else {
            Self::Record(payload)
        }
    }
}

/// Takes chunks as they arrive, and returns pieces as soon as they are complete.
#[derive(Debug)]
pub(crate) struct Splitter {
    delimiter: Vec<u8>,
    bytes_max: usize,
    buffer: BytesMut,
    /// How many bytes at the beginning of the buffer have been searched: no delimiter ends in them.
    searched: usize,
    /// The record that is being skipped because it is too large: its beginning, and how many of its bytes have
    /// been dropped.
    skipping: Option<(Bytes, u64)>,
}

impl Splitter {
    /// The delimiter must not be empty.
    pub(crate) fn new(delimiter: &[u8], bytes_max: usize) -> Self {
        Self {
            delimiter: delimiter.to_vec(),
            bytes_max,
            buffer: BytesMut::new(),
            searched: 0,
            skipping: None,
        }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Returns the next piece that is followed by a delimiter.
    pub(crate) fn next(&mut self) -> Option<Piece> {
        let from = self.searched.saturating_sub(self.delimiter.len() - 1);
        let Some(at) = find(&self.buffer[from..], &self.delimiter) else {
            self.searched = self.buffer.len();
            self.skip_what_is_too_large();
            return None;
        };
        let payload = self.buffer.split_to(from + at).freeze();
        self.buffer.advance(self.delimiter.len());
        self.searched = 0;
        Some(self.piece(payload))
    }

    /// Returns what follows the last delimiter, unless it is only white space.
    pub(crate) fn rest(&mut self) -> Option<Piece> {
        let payload = self.buffer.split().freeze();
        self.searched = 0;
        let is_nothing = self.skipping.is_none() && is_blank(&payload);
        (!is_nothing).then(|| self.piece(payload))
    }

    fn piece(&mut self, payload: Bytes) -> Piece {
        match self.skipping.take() {
            Some((head, skipped)) => Piece::TooLarge {
                head,
                bytes: skipped + payload.len() as u64,
            },
            None => Piece::of(payload, self.bytes_max),
        }
    }

    /// If the record in the buffer is too large, drops its bytes, except the last ones, which may begin a delimiter.
    fn skip_what_is_too_large(&mut self) {
        let overlap = self.delimiter.len() - 1;
        if self.skipping.is_none() && self.buffer.len() <= self.bytes_max + overlap {
            return;
        }
        let gone = self.buffer.len().saturating_sub(overlap);
        let (_, skipped) = self.skipping.get_or_insert_with(|| {
            let head = Bytes::copy_from_slice(&self.buffer[..HEAD_BYTES.min(gone)]);
            (head, 0)
        });
        *skipped += gone as u64;
        self.buffer.advance(gone);
        self.searched = self.buffer.len();
    }
}

/// Whether a payload has only ASCII white space, as between two consecutive delimiters.
pub(crate) fn is_blank(payload: &[u8]) -> bool {
    payload.iter().all(u8::is_ascii_whitespace)
}

fn find(buffer: &[u8], delimiter: &[u8]) -> Option<usize> {
    match delimiter {
        [byte] => buffer.iter().position(|found| found == byte),
        _ => buffer
            .windows(delimiter.len())
            .position(|found| found == delimiter),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pieces(splitter: &mut Splitter) -> Vec<Piece> {
        std::iter::from_fn(|| splitter.next()).collect()
    }

    proptest! {
        #[test]
        fn any_chunks_give_the_same_records(
            text in "[ab\n]{0,60}",
            cuts in proptest::collection::vec(0_usize..60, 0..8),
            delimiter in prop_oneof![Just("\n"), Just("\n\n"), Just("ab")],
        ) {
            let mut expected: Vec<&str> = text.split(delimiter).collect();
            let rest = expected.pop().unwrap_or_default();
            let mut splitter = Splitter::new(delimiter.as_bytes(), 100);
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let mut found = Vec::new();
            for pair in cuts.windows(2) {
                splitter.push(&text.as_bytes()[pair[0]..pair[1]]);
                found.extend(pieces(&mut splitter));
            }
            let record = |text: &str| Piece::Record(Bytes::copy_from_slice(text.as_bytes()));
            prop_assert_eq!(found, expected.into_iter().map(record).collect::<Vec<_>>());
            let rest = (!rest.trim().is_empty()).then(|| record(rest));
            prop_assert_eq!(splitter.rest(), rest);
        }

        #[test]
        fn a_record_that_is_too_large_is_measured_and_the_next_one_is_whole(
            bytes in 11_usize..5_000,
            chunk in 1_usize..700,
        ) {
            let text = [vec![b'x'; bytes], b"\n\nnext\n\n".to_vec()].concat();
            let mut splitter = Splitter::new(b"\n\n", 10);
            let mut found = Vec::new();
            for chunk in text.chunks(chunk) {
                splitter.push(chunk);
                found.extend(pieces(&mut splitter));
                prop_assert!(splitter.buffer.len() <= 11 + chunk.len());
            }
            prop_assert_eq!(found.len(), 2);
            match &found[0] {
                Piece::TooLarge { head, bytes: measured } => {
                    prop_assert_eq!(*measured, bytes as u64);
                    prop_assert!(!head.is_empty() && head.iter().all(|byte| *byte == b'x'));
                }
                piece => prop_assert!(false, "{:?}", piece),
            }
            prop_assert_eq!(&found[1], &Piece::Record(Bytes::from_static(b"next")));
        }
    }

    #[test]
    fn memory_stays_flat_while_an_endless_record_arrives() {
        let mut splitter = Splitter::new(b"\n", 1_000);
        for _ in 0..1_000 {
            splitter.push(&[b'x'; 10_000]);
            assert_eq!(splitter.next(), None);
            assert!(splitter.buffer.is_empty());
        }
        assert!(matches!(
            splitter.rest(),
            Some(Piece::TooLarge {
                bytes: 10_000_000,
                ..
            })
        ));
    }
}
