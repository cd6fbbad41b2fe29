//! Queries that are refused: each error names the place, what was found, and what is expected.

use std::collections::BTreeSet;

use sql::{Column, Source, SqlType, plan};

const QUERIES: &str = include_str!("refusals.txt");

fn sources() -> Vec<Source> {
    let column = |name: &str, path: &str, ty| Column::new(name, path, ty).expect("a path");
    let columns = vec![
        column("player_id", "player_id", SqlType::Text),
        column("level", "level", SqlType::Bigint),
        column("price", "price", SqlType::Decimal(2)),
        column("latency", "net.latency", SqlType::Double),
        column("won", "won", SqlType::Boolean),
        column("tags", "tags[]", SqlType::Text),
        column("fine", "fine", SqlType::Decimal(20)),
    ];
    let other = vec![column("id", "id", SqlType::Text)];
    vec![
        Source::new("match-events", "id", "event_timestamp", columns).expect("a source"),
        Source::new("other", "id", "event_timestamp", other).expect("a source"),
    ]
}

/// Asserts that a query is refused at a place in its first line, with these texts in the message.
#[track_caller]
fn assert_refused(query: &str, column: usize, texts: &[&str]) {
    let error = plan(query, &sources()).expect_err(query);
    let place = (error.line, usize::try_from(error.column).expect("is small"));
    assert_eq!(place, (1, column), "{query}\n{error}");
    for text in texts {
        assert!(
            error.message.contains(text),
            "{query}\n{error}\nlacks `{text}`"
        );
    }
}

#[test]
fn each_error_names_the_place_and_what_is_expected() {
    let mut lines = QUERIES.lines().skip(1);
    let mut queries = BTreeSet::new();
    while let Some(query) = lines.next() {
        if query.is_empty() {
            continue;
        }
        let expected = lines
            .next()
            .expect("a line with the place follows each query");
        let (indent, texts) = expected
            .split_once("^ ")
            .expect("the place is marked with `^`");
        let texts: Vec<&str> = texts.split(" … ").collect();
        assert_refused(query, indent.len() + 1, &texts);
        assert!(queries.insert(query), "{query} is listed twice");
    }
    let count = queries.len();
    assert!(count >= 120, "only {count} queries were found");
}

#[test]
fn the_place_can_be_in_any_line() {
    let query = "SELECT count(*) AS n\nFROM other\nWHERE idd = 'a'";
    let error = plan(query, &sources()).expect_err("is refused");
    assert_eq!((error.line, error.column), (3, 7), "{error}");
    assert_refused("", 1, &["expected one SELECT statement"]);
}

#[test]
fn queries_have_limits() {
    let comment = "x".repeat(20_000);
    assert_refused(
        &format!("SELECT 1 AS a FROM other -- {comment}"),
        1,
        &["at most 16384 are allowed"],
    );
    let sum = |terms: usize| format!("SELECT max({}) AS n FROM other", vec!["1"; terms].join("+"));
    assert_refused(&sum(3_000), 1, &["tokens; at most 4000"]);
    assert_refused(&sum(1_900), 12, &["nested 100 deep"]);
    let columns: Vec<String> = (0..101)
        .map(|number| format!("count(*) AS c{number}"))
        .collect();
    let wide = format!("SELECT {} FROM other", columns.join(", "));
    assert_refused(&wide, 1, &["101 columns; at most 100"]);
    let conditions = vec!["id = 'a'"; 400].join(" OR ");
    let long = format!("SELECT count(*) AS n FROM other WHERE {conditions}");
    plan(&long, &sources()).expect("a long chain of conditions is possible");
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |start: &str, end: &str, depth: usize| {
        let (start, end) = (start.repeat(depth), end.repeat(depth));
        plan(
            &format!("SELECT max({start}1{end}) AS n FROM other"),
            &sources(),
        )
    };
    for (start, end, depth) in [
        ("(", ")", 200),
        ("CASE ", " WHEN 1 THEN 1 WHEN 2 THEN 3 END", 40),
    ] {
        let error = nested(start, end, depth).expect_err("is refused");
        assert!(error.message.contains("nested"), "{error}");
    }
}
