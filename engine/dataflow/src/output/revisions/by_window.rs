//! The revisions of rows that are computed together, from all keys of a window.

use std::collections::BTreeMap;

use client::Offset;
use model::merge::fingerprint;
use model::{RecordKey, Window};

use super::{DueRow, Encoder, Envelope, Measures, Revision, Revisions, Row, RowsFrom};

/// The rows of a window that were written, by key. They are stored with the window, but only this stage changes them.
#[derive(Debug, Default)]
pub(crate) struct WrittenRows(BTreeMap<RecordKey, WrittenRow>);

#[derive(Debug, Default)]
struct WrittenRow {
    revision: Revision,
    /// The fingerprint of the content that the row last had; `None` if it is not known, or if the row was withdrawn.
    content: Option<u128>,
}

/// All rows of a window that is due. Rows that differ from their last revision are written, and rows that are no longer
/// there are withdrawn.
pub(crate) struct DueWindow<'w> {
    pub(crate) window: Window,
    /// The rows, each with a different key.
    pub(crate) rows: &'w [(&'w RecordKey, &'w dyn Measures)],
    /// Returns the measures of the record that withdraws a row; `None` if the derivation writes no such record.
    pub(crate) withdrawn: &'w dyn Fn(&RecordKey) -> Option<Box<dyn Measures>>,
    /// As in [`Envelope`].
    pub(crate) is_final: Option<bool>,
    pub(crate) written: &'w mut WrittenRows,
    pub(crate) rows_from: &'w mut RowsFrom,
}

impl Revisions {
    /// Returns the next revisions of the rows of a window that have changed, and the records that withdraw rows that
    /// are gone, including those of an earlier runner. `ends` are the current end offsets of the derived topic.
    pub(crate) fn next_of_window(
        &mut self,
        due: DueWindow<'_>,
        ends: &[Offset],
    ) -> Result<Vec<Row>, serde_json::Error> {
        let mut gone = std::mem::take(&mut due.written.0);
        for key in self.prior.keys(due.window.start) {
            if !gone.contains_key(key) {
                gone.insert(RecordKey::from(key), WrittenRow::default());
            }
        }
        let mut rows = Vec::new();
        let mut next = |key: &RecordKey, measures: &dyn Measures, kept, revision: &mut Revision| {
            let row = DueRow {
                key,
                window: due.window,
                measures,
                kept,
                is_final: due.is_final,
                revision,
                rows_from: due.rows_from,
            };
            rows.extend(self.next(row, ends)?);
            Ok::<_, serde_json::Error>(())
        };
        let mut encoder = Encoder::default();
        for (key, measures) in due.rows {
            let mut row = gone.remove(*key).unwrap_or_default();
            let content = content(*measures, due.window, due.is_final, &mut encoder)?;
            let content = Some(content);
            if row.content != content {
                row.content = content;
                next(key, *measures, true, &mut row.revision)?;
            }
            due.written.0.insert((*key).clone(), row);
        }
        for (key, mut row) in gone {
            row.content = None;
            if let Some(measures) = (due.withdrawn)(&key) {
                next(&key, measures.as_ref(), false, &mut row.revision)?;
            }
            due.written.0.insert(key, row);
        }
        Ok(rows)
    }
}

/// Returns a fingerprint of everything in a row except for its revision.
fn content(
    measures: &dyn Measures,
    window: Window,
    is_final: Option<bool>,
    encoder: &mut Encoder,
) -> Result<u128, serde_json::Error> {
    let envelope = Envelope {
        window,
        revision: 0,
        withdrawn: false,
        is_final,
    };
    let json = encoder.row(measures, envelope)?;
    Ok(fingerprint(&String::from_utf8_lossy(json)))
}
