//! Nothing panics: queries whose words and characters are exchanged are refused or computed, over records whose bytes
//! are changed. `SQL_MUTATIONS` is the number of each (default 10,000).

use std::cell::Cell;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use sql::{Column, Plan, Query, Reader, Source, SqlType};

const QUERIES: [&str; 6] = [
    "SELECT id, count(*) AS n FROM events GROUP BY TUMBLE(INTERVAL '10' SECOND), id",
    "SELECT count(DISTINCT id) FILTER (WHERE ok AND n > 3) AS a, sum(d * 2.5) AS b FROM events GROUP BY SESSION('5s') \
     HAVING count(*) > 1",
    "SELECT lower(substr(id, -2, 9)) AS a, quantile(x / 2, 0.5) AS q FROM events WHERE id LIKE '%a_' ESCAPE '!' \
     GROUP BY HOP('1s', '3s'), a ORDER BY q DESC LIMIT 3",
    "SELECT CASE WHEN n BETWEEN 1 AND 5 THEN round(d, 1) ELSE -1.5 END AS a, max(CAST(n AS TEXT) || id) AS b \
     FROM events GROUP BY CASE WHEN n BETWEEN 1 AND 5 THEN round(d, 1) ELSE -1.5 END",
    "SELECT date_trunc('week', at) AS w, arg_max(n % 7, x) AS a, avg(n // 0) AS b FROM events CROSS JOIN unnest(tags) \
     AS t(tag) WHERE tag IS DISTINCT FROM 'a' GROUP BY w",
    "SELECT min(EXTRACT(epoch FROM at)) AS a, count(TRY_CAST(id AS DECIMAL(38, 10))) AS b FROM events WHERE NOT ok IS \
     UNKNOWN OR id IN ('a', NULL)",
];
const WORDS: [&str; 30] = [
    "(",
    ")",
    ",",
    "''",
    "'1s'",
    "1e308",
    "-9223372036854775808",
    "NULL",
    "*",
    "/",
    "//",
    "%",
    "+",
    "-",
    "||",
    "=",
    "IS NOT",
    "AND",
    "CASE",
    "WHEN",
    "abs(",
    "round(n, -400)",
    "unnest(",
    "CAST(n AS",
    "GROUP BY",
    "n",
    "x",
    "\u{1F600}",
    "id",
    ";",
];
const RECORD: &str = r#"{"event_timestamp":"2025-03-30T10:00:00Z","id":"aé","n":9223372036854775807,"d":"12.50",
    "x":-1e-300,"ok":true,"at":"0000-01-01T00:00:00Z","tags":["a",null,"b"],"more":{"n":[{}]}}"#;

#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Repeat(Index, Index),
    Insert(Index, &'static str),
    Replace(Index, char),
}

fn source() -> Source {
    let column = |name: &str, path: &str, ty| Column::new(name, path, ty).expect("a path");
    let columns = vec![
        column("id", "id", SqlType::Text),
        column("n", "n", SqlType::Bigint),
        column("d", "d", SqlType::Decimal(2)),
        column("x", "x", SqlType::Double),
        column("ok", "ok", SqlType::Boolean),
        column("at", "at", SqlType::Timestamp),
        column("tags", "tags[]", SqlType::Text),
    ];
    Source::new("events", "id", "event_timestamp", columns).expect("a source")
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Repeat(from, to)),
        (any::<Index>(), select(&WORDS[..])).prop_map(|(at, word)| Change::Insert(at, word)),
        (any::<Index>(), any::<char>()).prop_map(|(at, other)| Change::Replace(at, other)),
    ]
}

/// Applies a change to the words of a text, or to its characters.
fn mutate(text: &str, change: &Change) -> String {
    let mut words: Vec<String> = text
        .split_inclusive([' ', '(', ',', ':'])
        .map(str::to_owned)
        .collect();
    if words.is_empty() {
        return text.to_owned();
    }
    match change {
        Change::Remove(at) => drop(words.remove(at.index(words.len()))),
        Change::Repeat(from, to) => {
            let word = words[from.index(words.len())].clone();
            words.insert(to.index(words.len()), word);
        }
        Change::Insert(at, word) => words.insert(at.index(words.len()), format!(" {word} ")),
        Change::Replace(at, other) => {
            let mut characters: Vec<char> = text.chars().collect();
            let at = at.index(characters.len());
            characters[at] = *other;
            return characters.into_iter().collect();
        }
    }
    words.concat()
}

#[test]
fn changed_queries_and_records_are_refused_or_computed() {
    let count = std::env::var("SQL_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok());
    let count = count.unwrap_or(10_000);
    let config = Config {
        cases: count,
        failure_persistence: None,
        ..Config::default()
    };
    let planned = Cell::new(0_u32);
    let changes = || prop::collection::vec(change(), 0..4);
    let cases = (select(&QUERIES[..]), changes(), changes());
    let (reader, sources) = (Reader::new(source()), [source()]);
    let outcome = TestRunner::new(config).run(&cases, |(query, of_query, of_record)| {
        let mutated = |text: &str, changes: &[Change]| {
            changes
                .iter()
                .fold(text.to_owned(), |text, change| mutate(&text, change))
        };
        let Ok(plan) = sql::plan(&mutated(query, &of_query), &sources) else {
            return Ok(());
        };
        planned.set(planned.get() + 1);
        compute(&reader, plan, &mutated(RECORD, &of_record))
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(
        planned.get() > count / 10,
        "only {} queries are possible",
        planned.get()
    );
}

/// Computes the rows of a changed record and of the original one. The rows must be JSON.
fn compute(reader: &Reader, plan: Plan, record: &str) -> Result<(), TestCaseError> {
    let types: Vec<SqlType> = plan.outputs.iter().map(|output| output.ty).collect();
    let mut query = Query::new(plan, None);
    if let Ok(record) = reader.read(record.as_bytes()) {
        prop_assert!(query.add(record).is_ok());
    }
    let original = reader.read(RECORD.as_bytes()).expect("the record is valid");
    prop_assert!(query.add(original).is_ok());
    for row in query.rows() {
        for (value, ty) in row.values.iter().zip(&types) {
            let mut json = String::new();
            value.write_json(*ty, &mut json);
            prop_assert!(serde_json::from_str::<Value>(&json).is_ok(), "{}", json);
        }
    }
    Ok(())
}
