//! Compares the rows of generated queries with those of DuckDB over the same events. Each query is generated in two
//! forms: in this crate's language, and in DuckDB's, where windows and sessions are subqueries.
//!
//! `SQL_QUERIES` is the number of queries (default 2,000), and `SQL_SEED` selects others. A query that differs is
//! shrunk and printed in both forms. It is then to be added to `kept.rs`.

mod events;
mod expressions;
mod joins;
mod kept;
mod oracle;
mod queries;

use std::cell::{Cell, RefCell};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use sql::{Catalog, Query, Reader, Record, SharedTable, Source, SqlType, Table, Value};

use crate::oracle::Oracle;
use crate::queries::Case;

/// The error of an estimated quantile, relative to the value.
const QUANTILE_ERROR: f64 = 0.0101;
/// The error of a sum or an average of doubles, which DuckDB adds one after another.
const DOUBLE_ERROR: f64 = 1e-11;

/// A row as texts; `None` is NULL.
type Texts = Vec<Option<String>>;

#[test]
fn generated_queries_have_the_rows_of_duckdb() {
    compare(
        setting("SQL_QUERIES", 2_000),
        queries::case(),
        Oracle::start(),
    );
}

#[test]
fn generated_joins_have_the_rows_of_duckdb() {
    let mut oracle = Oracle::start();
    oracle.rows(&joins::create()).expect("the table");
    compare(setting("SQL_QUERIES", 2_000) / 4, joins::case(), oracle);
}

/// Compares the rows of `count` queries. Most of them must have rows.
fn compare(count: u32, cases: impl Strategy<Value = Case>, oracle: Oracle) {
    let config = Config {
        cases: count,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&setting("SQL_SEED", 1).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let events = events::records();
    let (ours, oracle) = (Ours::new(&events), RefCell::new(oracle));
    let with_rows = Cell::new(0_u32);
    let outcome = TestRunner::new_with_rng(config, rng).run(&cases, |case| {
        let rows = check(&case, &ours, &mut oracle.borrow_mut()).map_err(TestCaseError::fail)?;
        with_rows.set(with_rows.get() + u32::from(rows > 0));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let with_rows = with_rows.get();
    assert!(
        with_rows > count / 2,
        "most queries find nothing: {with_rows} of {count} have rows"
    );
}

fn setting(name: &str, default: u32) -> u32 {
    let text = std::env::var(name).unwrap_or_default();
    if text.is_empty() {
        return default;
    }
    text.parse()
        .unwrap_or_else(|_| panic!("`{name}` is `{text}`; expected a number"))
}

#[test]
fn kept_queries_have_the_rows_of_duckdb() {
    let events = events::records();
    let (ours, mut oracle) = (Ours::new(&events), Oracle::start());
    for case in kept::cases() {
        if let Err(difference) = check(&case, &ours, &mut oracle) {
            panic!("{difference}");
        }
    }
}

/// Compares the rows of a query. Returns their number.
fn check(case: &Case, ours: &Ours<'_>, oracle: &mut Oracle) -> Result<usize, String> {
    let fail = |what: String| format!("{what}\nquery:  {}\nDuckDB: {}\n", case.ours, case.theirs);
    let (types, mut found) = ours.rows(&case.ours).map_err(fail)?;
    let mut expected = oracle.rows(&case.theirs).map_err(fail)?;
    let sort_key = |row: &Texts| {
        let exact = row
            .iter()
            .zip(&types)
            .filter(|(_, ty)| **ty != SqlType::Double);
        exact.map(|(text, _)| text.clone()).collect::<Vec<_>>()
    };
    found.sort_by_key(sort_key);
    expected.sort_by_key(sort_key);
    let same_length = found.len() == expected.len();
    let is_same = |(left, right): (&Texts, &Texts)| rows_agree(left, right, &types, case.estimates);
    if same_length && found.iter().zip(&expected).all(is_same) {
        return Ok(found.len());
    }
    let place = found.iter().zip(&expected).position(|pair| !is_same(pair));
    let place = place.unwrap_or(found.len().min(expected.len()));
    Err(fail(format!(
        "{} rows, expected {}; at row {place}: {:?}, expected {:?}",
        found.len(),
        expected.len(),
        found.get(place),
        expected.get(place)
    )))
}

/// This crate, with the events that have been read.
struct Ours<'a> {
    sources: [Source; 1],
    tables: [Table; 1],
    records: Vec<Record<'a>>,
}

impl<'a> Ours<'a> {
    fn new(events: &'a [events::Record]) -> Self {
        let reader = Reader::new(events::source());
        let read = events
            .iter()
            .filter_map(|event| reader.read(event.json.as_bytes()).ok());
        Self {
            sources: [events::source()],
            tables: [joins::table()],
            records: read.collect(),
        }
    }

    /// Returns the types and the rows of a query.
    fn rows(&self, text: &str) -> Result<(Vec<SqlType>, Vec<Texts>), String> {
        let known = Catalog {
            sources: &self.sources,
            tables: &self.tables,
        };
        let plan = sql::plan(text, known).map_err(|error| error.to_string())?;
        let types: Vec<SqlType> = plan.outputs.iter().map(|output| output.ty).collect();
        let mut query = Query::new(plan, None);
        query.set_table(SharedTable::new(joins::versions()));
        for record in &self.records {
            query
                .add(record.clone())
                .map_err(|error| error.to_string())?;
        }
        let text = |(value, ty): (&Value<'_>, &SqlType)| match value {
            Value::Timestamp(time) => Some(time.to_string()),
            value => value.text(*ty).map(|text| text.into_owned()),
        };
        let texts = |row: sql::Row| row.values.iter().zip(&types).map(text).collect();
        let rows = query.rows().into_iter().map(texts).collect();
        Ok((types, rows))
    }
}

fn rows_agree(left: &Texts, right: &Texts, types: &[SqlType], estimates: bool) -> bool {
    let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
    let agrees = |((left, right), ty): ((&Option<String>, &Option<String>), &SqlType)| {
        if *ty != SqlType::Double {
            return left == right;
        }
        let error = if estimates {
            QUANTILE_ERROR
        } else {
            DOUBLE_ERROR
        };
        match (number(left), number(right)) {
            (Some(left), Some(right)) => {
                (left - right).abs() <= error * left.abs().max(right.abs()) + 1e-9
            }
            (left, right) => left == right,
        }
    };
    left.len() == right.len() && left.iter().zip(right).zip(types).all(agrees)
}

#[test]
fn the_events_contain_what_makes_queries_hard() {
    let records = events::records();
    let broken = records.iter().filter(|record| !record.is_valid).count();
    let reader = Reader::new(events::source());
    for record in &records {
        let read = reader.read(record.json.as_bytes());
        assert_eq!(read.is_ok(), record.is_valid, "{} {read:?}", record.json);
    }
    assert!(
        broken > 10 && records.len() > 400,
        "{broken} of {}",
        records.len()
    );
    assert!(records.iter().any(|record| record.json.contains("null")));
    assert!(!records.iter().all(|record| record.json.is_ascii()));
}
