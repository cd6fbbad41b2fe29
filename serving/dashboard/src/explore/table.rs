//! The latest rows of one topic, in bounded memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use client::{Partition, Record};

use super::columns::Columns;
use super::record::{Row, Unreadable};
use crate::limits::{
    EXPLORED_BYTES_MAX, EXPLORED_ROW_BYTES, EXPLORED_ROWS_MAX, FUTURE_MS_MAX, NAME_CHARACTERS,
    RECORD_BYTES_MAX,
};

/// Identifies a row: the start of its window, and the key of its record. Later windows come first.
type RowId = (Reverse<i64>, Box<[u8]>);

/// The rows of a topic, each in its latest revision. If there are too many, those of the oldest windows are dropped.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<RowId, Stored>,
    bytes: usize,
    pub(crate) columns: Columns,
    /// The number of records that were read since the table was filled.
    pub(crate) records: u64,
    pub(crate) unreadable: u64,
    /// The latest unreadable record, and the reason.
    pub(crate) last_unreadable: Option<String>,
    /// Whether rows have been dropped because there were too many.
    pub(crate) dropped: bool,
}

#[derive(Debug)]
struct Stored {
    end: i64,
    revision: u64,
    withdrawn: bool,
    /// A copy of the record's value. The record itself would keep its whole batch in memory.
    value: Box<[u8]>,
}

/// A row that is shown.
pub(crate) struct Shown<'t> {
    pub(crate) key: &'t [u8],
    pub(crate) row: Row<'t>,
}

impl Table {
    /// Adds a record, or counts it if it is not a derived record. `now` is in milliseconds since 1970.
    pub(crate) fn add(&mut self, partition: Partition, record: &Record, now: i64) {
        self.records += 1;
        if let Err(reason) = self.insert(partition, record, now) {
            self.unreadable += 1;
            let place = format!("partition {partition}, offset {}", record.offset);
            let reason = reason.to_string();
            // The reason can quote the record.
            let reason: String = reason.chars().take(NAME_CHARACTERS).collect();
            self.last_unreadable = Some(format!("{place}: {reason}"));
        }
    }

    fn insert(
        &mut self,
        partition: Partition,
        record: &Record,
        now: i64,
    ) -> Result<(), Unreadable> {
        let length = record.value.len() + record.key.as_ref().map_or(0, |key| key.len());
        if length > RECORD_BYTES_MAX {
            return Err(Unreadable::Large(length));
        }
        let row = Row::read(&record.value)?;
        if row.end - now > FUTURE_MS_MAX {
            return Err(Unreadable::Future);
        }
        // Records without a key cannot be revisions of each other.
        let key = record.key.as_ref().map_or_else(
            || format!("{partition}:{}", record.offset).into_bytes(),
            |key| key.to_vec(),
        );
        let id = (Reverse(row.start), key.into_boxed_slice());
        if self
            .rows
            .get(&id)
            .is_some_and(|known| known.revision > row.revision)
        {
            return Ok(());
        }
        self.columns.note(&row);
        let stored = Stored {
            end: row.end,
            revision: row.revision,
            withdrawn: row.withdrawn,
            value: record.value[..].into(),
        };
        self.bytes += size(&id, &stored);
        let (id, replaced) = (id.clone(), self.rows.insert(id, stored));
        self.bytes -= replaced.map_or(0, |old| size(&id, &old));
        while self.rows.len() > EXPLORED_ROWS_MAX || self.bytes > EXPLORED_BYTES_MAX {
            let Some((id, old)) = self.rows.pop_last() else {
                break;
            };
            self.bytes -= size(&id, &old);
            self.dropped = true;
        }
        Ok(())
    }

    /// Returns the rows whose windows overlap the range, those of the latest windows first, and those of one window by
    /// key.
    pub(crate) fn latest(&self, from: i64, to: i64) -> impl Iterator<Item = Shown<'_>> {
        let in_range = self.rows.iter().filter(move |((Reverse(start), _), row)| {
            !row.withdrawn && *start <= to && row.end >= from
        });
        in_range.filter_map(|((_, key), stored)| {
            let row = Row::read(&stored.value).ok()?;
            Some(Shown { key, row })
        })
    }

    /// Returns the end of the latest window, in milliseconds since 1970.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.rows.values().map(|row| row.end).max()
    }
}

fn size((_, key): &RowId, row: &Stored) -> usize {
    key.len() + row.value.len() + EXPLORED_ROW_BYTES
}

#[cfg(test)]
mod tests {
    use client::Offset;
    use model::Timestamp;
    use serde_json::json;

    use super::*;

    fn record(key: &str, start: i64, revision: u64, extra: &str) -> Record {
        let time = |ms| Timestamp::from_millis(ms).to_string();
        let value = json!({"window_start": time(start), "window_end": time(start + 1_000), "n": revision,
            "extra": extra, "revision": revision});
        Record {
            offset: Offset(0),
            timestamp_ms: None,
            key: Some(key.to_owned().into()),
            value: value.to_string().into(),
        }
    }

    fn add(table: &mut Table, record: &Record) {
        table.add(Partition(0), record, 0);
    }

    fn shown(table: &Table) -> Vec<(String, String)> {
        let rows = table.latest(i64::MIN, i64::MAX).map(|shown| {
            let key = String::from_utf8(shown.key.to_vec()).unwrap();
            (key, shown.row.text("n").unwrap().to_owned())
        });
        rows.collect()
    }

    #[test]
    fn only_the_latest_revision_remains_and_withdrawn_rows_are_left_out() {
        let mut table = Table::default();
        add(&mut table, &record("a", 0, 0, ""));
        add(&mut table, &record("a", 0, 2, ""));
        add(&mut table, &record("a", 0, 1, ""));
        add(&mut table, &record("b", 0, 0, ""));
        assert_eq!(
            shown(&table),
            [("a", "2"), ("b", "0")].map(|(k, n)| (k.into(), n.into()))
        );
        let mut withdrawn = record("b", 0, 1, "");
        let text = String::from_utf8(withdrawn.value.to_vec()).unwrap();
        withdrawn.value = text.replacen('{', "{\"withdrawn\":true,", 1).into();
        add(&mut table, &withdrawn);
        assert_eq!(shown(&table), [("a".into(), "2".into())]);
    }

    #[test]
    fn unreadable_records_are_counted_with_a_reason() {
        let mut table = Table::default();
        let mut bad = record("a", 0, 0, "");
        bad.value = "no JSON".into();
        add(&mut table, &bad);
        add(
            &mut table,
            &record("a", 0, 0, &"x".repeat(RECORD_BYTES_MAX)),
        );
        add(&mut table, &record("a", 2 * FUTURE_MS_MAX, 0, ""));
        assert_eq!((table.records, table.unreadable), (3, 3));
        let reason = table.last_unreadable.unwrap();
        assert!(
            reason.contains("offset 0") && reason.contains("future"),
            "{reason}"
        );
        assert!(table.rows.is_empty());
    }

    #[test]
    fn the_costs_of_a_row_cover_a_half_empty_map_and_two_allocations() {
        const ALLOCATION: usize = 16;
        let place = size_of::<RowId>() + size_of::<Stored>();
        assert!(2 * place + 2 * ALLOCATION <= EXPLORED_ROW_BYTES, "{place}");
    }

    #[test]
    fn the_oldest_windows_are_dropped_at_either_limit() {
        let mut table = Table::default();
        let long = "x".repeat(RECORD_BYTES_MAX - 500);
        let count = 2 * EXPLORED_BYTES_MAX / long.len();
        for index in 0..count {
            add(
                &mut table,
                &record("a", -1_000_000 + index as i64, 0, &long),
            );
            assert!(table.bytes <= EXPLORED_BYTES_MAX);
        }
        assert!(table.dropped);
        assert_eq!(table.newest(), Some(-1_000_000 + count as i64 - 1 + 1_000));
        let stored: usize = table.rows.iter().map(|(id, row)| size(id, row)).sum();
        assert_eq!(table.bytes, stored);
        let mut table = Table::default();
        for index in 0..=EXPLORED_ROWS_MAX as i64 {
            add(&mut table, &record("a", index - 1_000_000, 0, ""));
        }
        assert_eq!(table.rows.len(), EXPLORED_ROWS_MAX);
        assert_eq!(table.rows.keys().last().unwrap().0.0, 1 - 1_000_000);
    }
}
