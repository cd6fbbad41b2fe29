//! Tests of each kind of windows by itself: exact rows, limits, and what is restored from a snapshot.

use client::{Offset, Partition};
use model::Lift;
use serde_json::Value;

use super::*;
use crate::output::lateness::{Cause, LateEvent};
use crate::output::prior::PriorOutput;
use crate::output::revisions::Row;
use crate::pipeline::{Arrived, Merged, Pipeline};
use crate::testing::{offsets, partial_with};

mod hopping;
mod keyed;
mod ranked;
mod sessions;
mod tumbling;

const ALLOWED_LATENESS_MS: i64 = 60_000;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn bounds(partitions: usize) -> Bounds {
    Bounds {
        partitions,
        allowed_lateness_ms: ALLOWED_LATENESS_MS,
        entries_max: 1_000,
        early: false,
    }
}

fn corrected(windows: impl Correctable + 'static) -> Pipeline {
    Pipeline::new(AnyWindows::Correctable(Box::new(windows)))
}

/// Merges one batch of records, folded by the derivation `D` with `params`.
fn merge_with<D: Lift>(
    windows: &mut Pipeline,
    params: &[(&str, &str)],
    (partition, first_offset): (u32, i64),
    records: &[&str],
) -> Merged {
    let arrived = Arrived {
        partition: Partition(partition),
        replayed_to: Offset::ZERO,
    };
    let partial = partial_with::<D>(params, first_offset, records);
    windows.merge(arrived, &partial).expect("a good partial")
}

/// A late event at this offset of partition 0.
fn late(offset: i64, time: i64, key: Option<RecordKey>) -> LateEvent {
    let (partition, offset) = (Partition(0), Offset(offset));
    LateEvent {
        at: PartitionOffset { partition, offset },
        time: at(time),
        key,
    }
}

/// The offset from which a restart would read the partition.
fn rewind(windows: &Pipeline, partition: u32) -> Option<i64> {
    let rewind_offset = windows.rewind_offset(Partition(partition));
    rewind_offset.map(|offset| offset.0)
}

/// Emits the rows that are due, each as `START..END KEY MEASURES rREVISION`, followed by ` -` if it is withdrawn.
fn rows(windows: &mut Pipeline, watermark: i64) -> Vec<String> {
    let rows = windows
        .emit(at(watermark), Due::CORRECTIONS, &offsets([7]))
        .expect("emits");
    rows.iter().map(said).collect()
}

fn said(row: &Row) -> String {
    let json: Value = serde_json::from_slice(&row.value).expect("a row is JSON");
    let time = |name: &str| {
        let time = Timestamp::parse(json[name].as_str().expect("a text"));
        time.expect("a time").as_millis()
    };
    let measure = match (&json["values"], &json["what"]) {
        (Value::Array(values), _) => {
            let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
            values.join("+")
        }
        (_, Value::String(what)) => what.clone(),
        _ => json["count"].to_string(),
    };
    let withdrawn = if json["withdrawn"] == true { " -" } else { "" };
    let (start, end) = (time("window_start"), time("window_end"));
    format!(
        "{start}..{end} {} {measure} r{}{withdrawn}",
        row.key, row.revision
    )
}
