//! Each kind of windows by itself: exact rows, limits, and what comes out of a snapshot.

use model::Derivation;
use serde_json::Value;

use super::*;
use crate::testing::partial_with;

mod hopping;
mod machines;
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
    }
}

/// Merges one batch of `D`, whose windows are made with `params`.
fn merge_with<D: Derivation>(
    windows: &mut dyn AnyWindows,
    params: &[(&str, &str)],
    (partition, first_offset): (usize, i64),
    records: &[&str],
) -> Merged {
    let arrived = Arrived {
        partition,
        replayed_to: 0,
    };
    let partial = partial_with::<D>(params, first_offset, records);
    windows.merge(arrived, &partial).expect("a good partial")
}

/// `START..END KEY MEASURES rREVISION` of each row, and `-` where it is withdrawn.
fn rows(windows: &mut dyn AnyWindows, watermark: i64) -> Vec<String> {
    let rows = windows.emit(at(watermark), true, &[7]).expect("emits");
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
