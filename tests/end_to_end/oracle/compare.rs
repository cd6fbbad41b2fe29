//! Compares derived records with recomputed ones.

use serde_json::{Map, Value, json};

use super::Rows;

/// Returns the last revision of each derived row. Panics if the same window, key and revision are written
/// twice, or if revisions do not count up from 0.
pub(crate) fn last_revisions(records: &[client::Record]) -> Rows {
    let mut rows = Rows::new();
    for record in records {
        let mut row: Value = serde_json::from_slice(&record.value).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let key = String::from_utf8(record.key.as_ref().unwrap().to_vec()).unwrap();
        let revision = row
            .as_object_mut()
            .unwrap()
            .remove("revision")
            .unwrap()
            .as_u64()
            .unwrap();
        let entry = rows
            .entry((start.as_millisecond(), key.clone()))
            .or_insert(json!([0, null]));
        assert_eq!(entry[0], revision, "the next revision of {key} at {start}");
        *entry = json!([revision + 1, row]);
    }
    rows.into_iter()
        .map(|(identity, mut entry)| (identity, entry[1].take()))
        .collect()
}

/// Returns every revision of each derived row as a row of its own. Panics if one is written twice or out of
/// order.
pub(crate) fn every_revision(records: &[client::Record]) -> Rows {
    let mut rows = Rows::new();
    last_revisions(records);
    for record in records {
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let key = String::from_utf8(record.key.as_ref().unwrap().to_vec()).unwrap();
        let key = revision_key(&key, row["revision"].as_u64().unwrap());
        rows.insert((start.as_millisecond(), key), row);
    }
    rows
}

/// Returns the key of one revision of a row.
pub(super) fn revision_key(key: &str, revision: u64) -> String {
    format!("{key}#{revision}")
}

/// Asserts that [`compare_rows`] finds no difference.
pub(crate) fn assert_rows_equal(found: &Rows, expected: &Rows, tolerance: fn(&str) -> f64) {
    compare_rows(found, expected, tolerance).unwrap_or_else(|difference| panic!("{difference}"));
}

/// Compares the rows that were found with the expected rows. They must be equal, except that a number may deviate from
/// the expected value by the share that `tolerance` returns for its path. Fields that are not expected are ignored.
pub(crate) fn compare_rows(
    found: &Rows,
    expected: &Rows,
    tolerance: fn(&str) -> f64,
) -> Result<(), String> {
    let missing: Vec<_> = expected
        .keys()
        .filter(|key| !found.contains_key(*key))
        .collect();
    let surplus: Vec<_> = found
        .keys()
        .filter(|key| !expected.contains_key(*key))
        .collect();
    if !missing.is_empty() || !surplus.is_empty() {
        return Err(format!("missing: {missing:?}, surplus: {surplus:?}"));
    }
    for (key, expected) in expected {
        compare(&found[key], expected, "", tolerance)
            .map_err(|difference| format!("{key:?}: {difference}"))?;
    }
    Ok(())
}

fn compare(
    found: &Value,
    expected: &Value,
    path: &str,
    tolerance: fn(&str) -> f64,
) -> Result<(), String> {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            compare_fields(found, expected, path, tolerance)
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let close = (a - b).abs() <= b.abs() * tolerance(path);
            close.then_some(()).ok_or(format!("{path} is {a}, not {b}"))
        }
        _ => (found == expected)
            .then_some(())
            .ok_or(format!("{path} is {found}, not {expected}")),
    }
}

fn compare_fields(
    found: &Map<String, Value>,
    expected: &Map<String, Value>,
    path: &str,
    tolerance: fn(&str) -> f64,
) -> Result<(), String> {
    for (name, value) in expected {
        let path = format!("{path}/{name}");
        let found = found.get(name).ok_or(format!("{path} is missing"))?;
        compare(found, value, &path, tolerance)?;
    }
    Ok(())
}

/// Returns the allowed relative difference of a field. Means, scores and ratios are rounded to three
/// decimals; quantiles are exact to within 1 %.
pub(crate) fn tolerance(path: &str) -> f64 {
    match path {
        "/latency_ms/p50" | "/latency_ms/p95" | "/latency_ms/p99" => 0.0101,
        "/latency_ms/mean" | "/cpu_load/mean" | "/memory_usage/mean" => 1e-3,
        "/value" | "/latency_p50" | "/latency_p95" | "/latency_p99" => 0.0101,
        "/score" | "/evidence/refund_ratio" => 1e-3,
        _ => 1e-12,
    }
}
