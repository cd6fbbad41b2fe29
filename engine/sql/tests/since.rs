//! If only the records from a time on are added, windows that begin earlier are left out, because they lack records.

use model::Timestamp;
use sql::{Column, Query, Reader, Source, SqlType, plan};

/// Returns the starts of the windows, in seconds, of events at 10, 12 and 19 s, of which those from 10 s on are added.
fn starts(window: &str) -> Vec<i64> {
    let n = Column::new("n", "n", SqlType::Bigint).expect("a path");
    let source = Source::new("events", "id", "at", vec![n]).expect("a source");
    let query = format!("SELECT count(*) AS c FROM events GROUP BY {window}");
    let plan = plan(&query, std::slice::from_ref(&source)).expect("a query");
    let reader = Reader::new(source);
    let mut query = Query::new(plan, Some(Timestamp::from_millis(10_000)));
    for second in [10, 12, 19] {
        let record = format!(r#"{{"at":"1970-01-01T00:00:{second}Z"}}"#);
        let read = reader.read(record.as_bytes()).expect("fits");
        query.add(read).expect("few groups");
    }
    let start = |row: sql::Row| match row.values[0] {
        sql::Value::Timestamp(start) => start.as_millis() / 1_000,
        _ => panic!("the first column is the start of the window"),
    };
    query.rows().into_iter().map(start).collect()
}

#[test]
fn windows_that_begin_earlier_are_left_out() {
    assert_eq!(starts("TUMBLE('5s')"), [10, 15]);
    assert_eq!(starts("HOP('5s', '10s')"), [10, 15]); // not the one from 5 to 15 s
    assert_eq!(starts("SESSION('3s')"), [10, 19]);
}
