//! The position of a running derivation in a source partition.

use client::Offset;
use model::SendersAhead;
use model::partial::BatchHeader;

use crate::covered::Covered;
use crate::sink::counts::Counts;

/// The position in one source partition.
pub(crate) struct Position {
    /// The next offset to merge.
    pub(crate) next_offset: Offset,
    /// Records before this offset were already counted before the last restart.
    pub(crate) replayed_to: Offset,
    /// The fingerprint of the last record before `next_offset` or `replayed_to`, whichever is greater.
    pub(crate) last_record: Option<u64>,
    pub(crate) counts: Counts,
    /// The senders that, since the last account, sent events far ahead of their ingest time.
    pub(crate) ahead: SendersAhead,
}

impl Position {
    /// Moves the position to the end of a batch that has been merged.
    pub(crate) fn moved_behind(&mut self, header: &BatchHeader) {
        let offsets = header.offsets();
        self.next_offset = offsets.end;
        if offsets.end >= self.replayed_to {
            self.last_record = (!offsets.is_empty()).then_some(header.last_record);
        }
    }

    /// Counts the unread records before `first_offset`, the start of the next batch, as evicted: retention removed
    /// them.
    pub(crate) fn evicted_before(&mut self, first_offset: Offset) {
        let expected = self.next_offset.max(self.replayed_to);
        self.counts.evicted += u64::try_from(first_offset - expected).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_missed_once_and_not_those_that_were_counted() {
        let position = |next_offset, replayed_to, first_offset| {
            let mut position = Position {
                next_offset: Offset(next_offset),
                replayed_to: Offset(replayed_to),
                last_record: None,
                counts: Counts::default(),
                ahead: SendersAhead::default(),
            };
            position.evicted_before(Offset(first_offset));
            position.counts.evicted
        };
        assert_eq!(position(5, 0, 5), 0);
        assert_eq!(position(5, 0, 9), 4);
        assert_eq!(
            position(5, 7, 9),
            2,
            "two of them were counted before the restart"
        );
        assert_eq!(position(5, 20, 9), 0);
    }
}
