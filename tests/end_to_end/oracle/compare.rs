//! Compares derived records with the recomputed ones.

use serde_json::{Map, Value};

use super::Rows;

/// Derived records by window and key; panics where one stands twice.
pub(crate) fn by_identity(records: &[client::Record]) -> Rows {
    let mut rows = Rows::new();
    for record in records {
        let row: Value = serde_json::from_slice(&record.value).unwrap();
        let start: jiff::Timestamp = row["window_start"].as_str().unwrap().parse().unwrap();
        let key = String::from_utf8(record.key.as_ref().unwrap().to_vec()).unwrap();
        let twice = rows.insert((start.as_millisecond(), key), row);
        assert_eq!(twice, None, "a row stands twice in its topic");
    }
    rows
}

/// Compares found with expected rows: all the same, but for fields that `tolerance` allows to be
/// off by a share of the expected value.
pub(crate) fn assert_rows_equal(found: &Rows, expected: &Rows, tolerance: fn(&str) -> f64) {
    let missing: Vec<_> = expected
        .keys()
        .filter(|key| !found.contains_key(*key))
        .collect();
    let surplus: Vec<_> = found
        .keys()
        .filter(|key| !expected.contains_key(*key))
        .collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: {missing:?}, surplus: {surplus:?}"
    );
    for (key, expected) in expected {
        compare(&found[key], expected, "", tolerance)
            .unwrap_or_else(|difference| panic!("{key:?}: {difference}"));
    }
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
