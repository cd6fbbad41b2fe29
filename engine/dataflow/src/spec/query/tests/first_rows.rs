//! Tests of queries with `LIMIT`: their rows are those of the command `sql`, and late events correct them.

use std::fmt::Write;
use std::sync::Arc;

use client::{Offset, Partition};
use model::Timestamp;
use model::fold::SourceRecord;
use serde_json::{Map, Value};
use sql::{Query, Reader};

use super::*;
use crate::covered::Covered;
use crate::pipeline::{Arrived, Pipeline};
use crate::spec::registration::Registration;
use crate::windows::{Bounds, Due};

const SCORES: &str = "
sources:
  scores:
    key: seller
    columns:
      seller: {type: text}
      shop: {type: bigint}
      points: {type: \"decimal(9,1)\"}
derivations:
";

fn query(text: &str) -> (DerivationSpec, Registration) {
    let yaml = format!("{SCORES}  best:\n    sql: >\n      {text}\n");
    let registry = Registry::new([], []);
    let dataflow = DataflowSpec::parse(&yaml, &registry).expect(text);
    let spec = dataflow.derivations["best"].clone();
    let code = registry.code_of("best", &spec).expect("code");
    (spec, code)
}

fn record(second: i64, seller: Option<&str>, shop: u64, points: &str) -> String {
    let seller = serde_json::to_string(&seller).expect("JSON");
    let time = Timestamp::from_millis(second * 1_000);
    format!(r#"{{"event_timestamp":"{time}","seller":{seller},"shop":{shop},"points":"{points}"}}"#)
}

/// Events of a minute in no order, of sellers with any name or none, with many ties.
fn records() -> Vec<String> {
    let number = |index: u64, of: u64, modulus: u64| {
        let mixed = (index + 1_000 * of).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 33) % modulus
    };
    let record = |index: u64| {
        let seller = match number(index, 1, 30) {
            0..5 => None,
            5 => Some("bo|b".to_owned()),
            6 => Some("\\N".to_owned()),
            number => Some(format!("p{number}")),
        };
        let points = format!("{}.5", number(index, 2, 4));
        let second = number(index, 3, 59) as i64;
        record(second, seller.as_deref(), number(index, 4, 3), &points)
    };
    (0..400).map(record).collect()
}

/// The rows that the derivation writes for batches of seven records.
fn derived(text: &str, records: &[String]) -> Vec<Map<String, Value>> {
    let (spec, code) = query(text);
    let mut offline = code.offline(&spec.params(), 1).expect("parameters");
    let mut offset = 0;
    for batch in records.chunks(7) {
        let numbered = (offset..).zip(batch);
        let batch_records =
            numbered.map(|(offset, text)| SourceRecord::new(offset, None, text.as_bytes()));
        offline.batch(Partition(0), batch_records);
        offset += batch.len() as i64;
    }
    let rows = offline.finish().expect("rows").into_iter();
    let row = |(key, value): (String, Vec<u8>)| {
        let mut row: Map<String, Value> = serde_json::from_slice(&value).expect("JSON");
        assert_eq!(row.remove("revision"), Some(0.into()));
        assert_eq!(key.parse().ok(), row["rank"].as_u64(), "{key}");
        row
    };
    rows.map(row).collect()
}

/// The rows that the command `sql` prints.
fn asked(text: &str, records: &[String]) -> Vec<Map<String, Value>> {
    let registry = Registry::new([], []);
    let yaml = format!(
        "{SCORES}  o:\n    sql: {}\n",
        serde_json::to_string(text).expect("text")
    );
    let dataflow = DataflowSpec::parse(&yaml, &registry).expect(text);
    let sources = dataflow.query_sources().expect("sources");
    let source = sources.iter().find(|source| source.name == "scores");
    let mut query = Query::new(sql::plan(text, &sources).expect(text), None);
    let reader = Reader::new(source.expect("the source").clone());
    for record in records {
        let record = reader.read(record.as_bytes()).expect("a record");
        query.add(record).expect("few groups");
    }
    let outputs = Arc::new(query.plan().outputs.clone());
    let row = |row: sql::Row| {
        let fields = outputs.iter().zip(&row.values).map(|(output, value)| {
            let mut json = String::new();
            value.write_json(output.ty, &mut json);
            (
                output.name.clone(),
                serde_json::from_str(&json).expect("JSON"),
            )
        });
        fields.collect()
    };
    query.rows().into_iter().map(row).collect()
}

#[test]
fn rows_and_ranks_are_those_of_the_command() {
    let records = records();
    for text in [
        "SELECT seller, count(*) AS n FROM scores GROUP BY TUMBLE('10s'), seller ORDER BY n DESC LIMIT 3",
        "SELECT seller, shop, sum(points) AS p FROM scores GROUP BY HOP('5s', '20s'), seller, shop \
         HAVING count(*) > 1 ORDER BY p, shop DESC LIMIT 12",
        "SELECT seller, max(points) AS p FROM scores GROUP BY TUMBLE('30s'), seller \
         ORDER BY seller NULLS FIRST LIMIT 2",
        "SELECT shop % 2 AS half, count(DISTINCT seller) AS n FROM scores GROUP BY TUMBLE('20s'), shop % 2, shop \
         ORDER BY n LIMIT 1",
        "SELECT count(*) AS n FROM scores WHERE shop = 2 GROUP BY TUMBLE('7s') ORDER BY n LIMIT 5",
        "SELECT seller FROM scores GROUP BY TUMBLE('10s'), seller ORDER BY seller DESC LIMIT 1000",
    ] {
        let (found, expected) = (derived(text, &records), asked(text, &records));
        assert!(expected.len() > 2, "{text}: {expected:?}");
        assert_eq!(found, expected, "{text}");
    }
}

/// Merges records into the windows, and emits what is due at 10 s: for each row its key, its value without its window,
/// and a line break.
fn corrected(
    pipeline: &mut Pipeline,
    code: &Registration,
    params: &model::Params,
    next: &mut i64,
    records: &[String],
) -> String {
    let mut partial = Vec::new();
    let mut fold = code.fold(params).expect("parameters");
    let numbered = (*next..).zip(records);
    let mut records =
        numbered.map(|(offset, text)| SourceRecord::new(offset, None, text.as_bytes()));
    fold.batch(&mut records, &mut partial);
    let arrived = Arrived {
        partition: Partition(0),
        replayed_to: Offset::ZERO,
    };
    let merged = pipeline.merge(arrived, &partial).expect("a partial");
    *next = merged.header.offsets().end.0;
    let end = Timestamp::from_millis(10_000);
    let rows = pipeline.emit(end, Due::CORRECTIONS, &[]).expect("rows");
    let mut lines = String::new();
    for row in rows {
        let text = String::from_utf8(row.value).expect("UTF-8");
        let (_, text) = text.split_once("Z\",\"window_end\"").expect("a window");
        let (_, text) = text.split_once("Z\",").expect("a window");
        writeln!(lines, "{}: {{{text}", row.key).expect("a string");
    }
    lines
}

#[test]
fn late_events_move_rows_and_a_rank_without_a_row_is_withdrawn() {
    let text = "SELECT seller, sum(points) AS p, count(*) AS n FROM scores GROUP BY TUMBLE('10s'), seller \
                HAVING count(*) < 3 ORDER BY p DESC LIMIT 10";
    let (spec, code) = query(text);
    let params = spec.params();
    let bounds = Bounds {
        partitions: 1,
        allowed_lateness_ms: 60_000,
        entries_max: 100,
        early: false,
    };
    let mut pipeline = Pipeline::new(code.make_windows(&params, bounds).expect("windows"));
    let mut next = 0;
    let mut emit =
        |records: &[String]| corrected(&mut pipeline, &code, &params, &mut next, records);
    let first = [
        record(1, Some("ann"), 1, "2.0"),
        record(2, Some("bob"), 1, "1.0"),
        record(3, None, 1, "0.5"),
    ];
    assert_eq!(
        emit(&first),
        r#"01: {"seller":"ann","p":"2.0","n":1,"rank":1,"revision":0}
02: {"seller":"bob","p":"1.0","n":1,"rank":2,"revision":0}
03: {"seller":null,"p":"0.5","n":1,"rank":3,"revision":0}
"#
    );
    assert_eq!(
        emit(&[record(4, Some("bob"), 1, "3.0")]),
        r#"01: {"seller":"bob","p":"4.0","n":2,"rank":1,"revision":1}
02: {"seller":"ann","p":"2.0","n":1,"rank":2,"revision":1}
"#
    );
    assert_eq!(
        emit(&[record(5, Some("bob"), 1, "3.0")]),
        r#"01: {"seller":"ann","p":"2.0","n":1,"rank":1,"revision":2}
02: {"seller":null,"p":"0.5","n":1,"rank":2,"revision":2}
03: {"seller":null,"p":null,"n":0,"rank":3,"revision":1,"withdrawn":true}
"#
    );
    assert_eq!(emit(&[record(6, Some("bob"), 1, "3.0")]), "");
}

#[test]
fn the_plan_explains_the_order_and_the_limit() {
    let text = "SELECT seller, count(*) AS n FROM scores GROUP BY TUMBLE('10s'), seller \
                ORDER BY n DESC, seller NULLS FIRST LIMIT 3";
    let (spec, _) = query(text);
    let explained = spec.explain().expect("a plan");
    for line in [
        "  order by  count(*) DESC, seller NULLS FIRST, then the keys",
        "  limit     the first 3 rows of each window, with their rank",
        "  column    rank BIGINT",
    ] {
        assert!(explained.lines().any(|found| found == line), "{explained}");
    }
    let columns = spec.columns().iter();
    let columns: Vec<_> = columns
        .map(|column| (column.name.as_str(), column.is_additive))
        .collect();
    assert_eq!(columns, [("seller", false), ("n", true), ("rank", false)]);
}
