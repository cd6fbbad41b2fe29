//! Tests of derivations that are queries: what their plans say, and how errors are reported.

mod first_rows;

use model::Shape;

use super::*;
use crate::spec::registration::Registry;

const SOURCES: &str = "
sources:
  store-events:
    key: user_id
    columns:
      kind: {type: text, required: true}
      total: {type: \"decimal(18,2)\"}
      tags: {path: \"tags[]\", type: text}
derivations:
";

fn parse(derivations: &str) -> Result<DataflowSpec, String> {
    let registry = Registry::new([], []);
    let text = format!("{SOURCES}{derivations}");
    DataflowSpec::parse(&text, &registry).map_err(|error| error.to_string())
}

fn refusal(derivations: &str) -> String {
    parse(derivations).expect_err(derivations)
}

#[test]
fn a_query_says_the_source_and_the_window() {
    let dataflow = parse(
        r#"
  orders:
    sql: >
      SELECT kind, count(*) AS n FROM "store-events"
      GROUP BY HOP('10s', '1m'), kind
    emit_every: 5s
  visits:
    sql: SELECT count(*) AS n FROM "store-events" GROUP BY SESSION('30s')
"#,
    )
    .expect("a dataflow file");
    let registry = Registry::new([], []);
    let orders = &dataflow.derivations["orders"];
    assert_eq!(orders.from, "store-events");
    let hopping = WindowSpec::Hopping {
        size: Duration::from_secs(60),
        hop: Duration::from_secs(10),
    };
    assert_eq!(orders.window, Some(hopping));
    assert_eq!(orders.emit_every, Some(Duration::from_secs(5)));
    let explained = orders.explain().expect("a plan");
    for line in [
        "  read      kind text at kind, event_timestamp timestamp at event_timestamp",
        "  window    hopping, 60000 ms, one every 10000 ms",
        "  group by  kind",
        "  combine   count(*)",
        "  column    n BIGINT = count(*)",
    ] {
        assert!(explained.lines().any(|found| found == line), "{explained}");
    }
    let visits = &dataflow.derivations["visits"];
    let code = registry.code_of("visits", visits).expect("code");
    assert_eq!(code.shape(), Shape::Sessions);
    code.fold(&visits.params()).expect("valid parameters");
}

#[test]
fn errors_have_the_line_and_column_of_the_file_in_every_style() {
    let header = SOURCES.lines().count() + 1;
    let query = r#"SELECT max(knd) AS k FROM "store-events" GROUP BY TUMBLE('1m')"#;
    let (before, after) = query.split_at("SELECT max(".len());
    let rest = after.strip_prefix("knd").expect("the column");
    let quoted = query.replace('\'', "''");
    let styles = [
        (format!("  o:\n    sql: {query}\n"), (1, 21)),
        (format!("  o:\n    sql: '{quoted}'\n"), (1, 22)),
        (
            format!("  o:\n    sql: >\n      {before}\n        knd\n      {rest}\n"),
            (3, 9),
        ),
        (
            format!("  o:\n    sql: |\n      {before}\n      {after}\n"),
            (3, 7),
        ),
        (
            format!("  o:\n    lateness: 1s\n    sql: >-\n\n      {before}\n      {after}\n"),
            (5, 7),
        ),
    ];
    for (text, (line, column)) in styles {
        let line = header + line;
        let expected = format!(
            "line {line}, column {column}: derivation `o`: unknown column `knd` of `store-events`"
        );
        let found = refusal(&text);
        assert!(
            found.starts_with(&expected),
            "{found}\nexpected {expected}\nin {text}"
        );
    }
}

#[test]
fn what_no_derived_topic_can_be_is_refused() {
    let from = r#"FROM "store-events""#;
    for (query, expected) in [
        (
            format!("SELECT count(*) AS n {from}"),
            "add TUMBLE, HOP or SESSION",
        ),
        (
            format!("SELECT count(*) AS n {from} GROUP BY SESSION('1m') ORDER BY n LIMIT 3"),
            "use TUMBLE or HOP with LIMIT",
        ),
        (
            format!("SELECT count(*) AS revision {from} GROUP BY TUMBLE('1m')"),
            "a field `revision` of its own",
        ),
        (
            format!("SELECT count(*) AS window_end {from} GROUP BY TUMBLE('1m')"),
            "named `window_end`",
        ),
        (
            format!(
                "SELECT t, count(*) AS n {from} CROSS JOIN unnest(tags) AS u(t) GROUP BY SESSION('1m'), t"
            ),
            "use TUMBLE or HOP with unnest",
        ),
        (
            format!("SELECT 1 {from} GROUP BY TUMBLE('1m')"),
            "give the column a name",
        ),
        ("DROP TABLE x".to_owned(), "expected one SELECT statement"),
    ] {
        let found = refusal(&format!("  o:\n    sql: |\n      {query}\n"));
        assert!(found.contains(expected), "{query}: {found}");
        assert!(found.starts_with("line "), "{found}");
    }
}

#[test]
fn settings_that_the_query_contains_are_refused() {
    let query = r#"SELECT count(*) AS n FROM "store-events" GROUP BY TUMBLE('1m')"#;
    for (setting, reason) in [
        ("from: store-events", "the query names the source"),
        ("window: 10s", "the query contains the window"),
        (
            "parameters: {n: 1}",
            "only derivations with code of their own",
        ),
        (
            "rules: store-rules",
            "only derivations with code of their own",
        ),
    ] {
        let found = refusal(&format!("  o:\n    sql: {query}\n    {setting}\n"));
        let line = SOURCES.lines().count() + 3;
        let expected = format!("line {line}: derivation `o` has `sql`, so it has no `");
        assert!(
            found.starts_with(&expected) && found.contains(reason),
            "{found}"
        );
    }
    let found = refusal("  o:\n    window: 10s\n");
    assert!(found.contains("unknown derivation `o`"), "{found}");
    let found = refusal(&format!("  o:\n    sql: {query}\n    emit_every: 10ms\n"));
    assert!(
        found.contains("`derivations.o.emit_every` is `10ms`: at least `1s`"),
        "{found}"
    );
}

#[test]
fn another_query_or_another_type_of_a_column_is_another_definition() {
    use crate::spec::definition::Definition;
    let of = |sources: &str, query: &str| {
        let text = format!("{sources}  o:\n    sql: >\n      {query}\n");
        let dataflow = DataflowSpec::parse(&text, &Registry::new([], [])).expect("valid");
        Definition::of(&dataflow.derivations["o"])
    };
    let query = r#"SELECT sum(total) AS n FROM "store-events" GROUP BY TUMBLE('1m')"#;
    let first = of(SOURCES, query);
    assert_eq!(
        first,
        of(SOURCES, &query.replace(" FROM", "\n        FROM"))
    );
    assert_ne!(first, of(SOURCES, &query.replace("sum", "max")));
    let other_type = SOURCES.replace("decimal(18,2)", "decimal(18,3)");
    assert_ne!(first, of(&other_type, query));
    let other_column = SOURCES.replace("kind: {type: text", "kind: {type: bigint");
    assert_eq!(
        first,
        of(&other_column, query),
        "the query does not read it"
    );
}

#[test]
fn an_event_with_several_elements_counts_for_each_of_them_and_is_late_once() {
    use client::Partition;
    use model::Timestamp;
    use model::fold::SourceRecord;

    let dataflow = parse(
        r#"
  tags:
    sql: >
      SELECT tag, count(*) AS n FROM "store-events" CROSS JOIN unnest(tags) AS t(tag)
      GROUP BY TUMBLE('10s'), tag
"#,
    )
    .expect("a dataflow file");
    let spec = &dataflow.derivations["tags"];
    let registry = Registry::new([], []);
    let code = registry.code_of("tags", spec).expect("code");
    let mut tags = code.offline(&spec.params(), 1).expect("parameters");
    let event = |list: &str| {
        format!(r#"{{"event_timestamp":"1970-01-01T00:00:01Z","kind":"k","tags":[{list}]}}"#)
    };
    let (two, one, late) = (event(r#""a","b""#), event(r#""b""#), event(r#""a","c""#));
    let record = |offset, text| SourceRecord::new(offset, None, str::as_bytes(text));
    let header = tags.batch(Partition(0), [record(0, &two), record(1, &one)].into_iter());
    assert_eq!((header.accepted, header.rejected.len()), (2, 0));
    let rows = tags.advance(Timestamp::from_millis(10_000)).expect("rows");
    let found: Vec<_> = rows
        .iter()
        .map(|(key, value)| {
            let row: serde_json::Value = serde_json::from_slice(value).expect("JSON");
            (key.as_str(), row["n"].as_u64())
        })
        .collect();
    assert_eq!(found, [("a", Some(1)), ("b", Some(2))]);
    tags.batch(Partition(0), std::iter::once(record(2, &late)));
    assert_eq!(
        tags.late(),
        1,
        "the event is late, not each of its elements"
    );
}
