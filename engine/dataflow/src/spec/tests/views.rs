//! Tests of the views in a dataflow file.

use std::time::Duration;

use super::super::*;
use crate::spec::registration::Registry;

const FILE: &str = "
sources:
  store-events:
    key: user_id
    columns:
      region: {type: text}
      amount: {type: 'decimal(18,2)'}
derivations:
  store-revenue:
    sql: >
      SELECT region, count(*) AS orders, sum(amount) AS revenue, avg(amount) AS mean, count(DISTINCT region) AS regions
      FROM \"store-events\" GROUP BY TUMBLE('1m'), region
views:
  - title: Orders by region
    topic: store-revenue
    measures: [orders, revenue]
    split: region
    chart: bars
    range: 6h
  # A comment: with a colon.
  -
    topic: store-revenue
    title: Mean
    measures:
      - mean
";

fn parse(yaml: &str) -> Result<DataflowSpec, SpecError> {
    DataflowSpec::parse(yaml, &Registry::default())
}

#[test]
fn views_are_read_with_their_defaults() {
    let dataflow = parse(FILE).expect("a good dataflow file");
    let [first, second] = &dataflow.views[..] else {
        panic!("{:?}", dataflow.views);
    };
    assert_eq!(
        (first.title.as_str(), first.chart),
        ("Orders by region", ChartKind::Bars)
    );
    assert_eq!(
        (&*first.measures, first.split.as_deref()),
        (
            &["orders".to_owned(), "revenue".to_owned()][..],
            Some("region")
        )
    );
    assert_eq!(first.range, Duration::from_secs(6 * 3_600));
    assert_eq!(
        (second.chart, second.split.as_ref()),
        (ChartKind::Lines, None)
    );
    assert_eq!(second.range, Duration::from_secs(3_600));
}

#[test]
fn the_columns_of_a_query_have_their_types_and_say_whether_they_can_be_added() {
    let dataflow = parse(FILE).expect("a good dataflow file");
    let columns = dataflow.derivations["store-revenue"].columns().iter();
    let columns: Vec<_> = columns
        .map(|column| format!("{} {} {}", column.name, column.ty, column.is_additive))
        .collect();
    assert_eq!(
        columns,
        [
            "region TEXT false",
            "orders BIGINT true",
            "revenue DECIMAL(38,2) true",
            "mean DOUBLE false",
            "regions BIGINT false"
        ]
    );
}

/// Changes of [`FILE`], and what the errors contain.
const REFUSED: &[(&str, &str, &[&str])] = &[
    (
        "store-revenue\n    measures: [orders",
        "store-revenues\n    measures: [orders",
        &[
            "line 15",
            "`topic` is `store-revenues`",
            "did you mean `store-revenue`?",
        ],
    ),
    (
        "[orders, revenue]",
        "[]",
        &["line 16", "`measures`", "1 to 6 numeric columns"],
    ),
    (
        "[orders, revenue]",
        "[order]",
        &["line 16", "did you mean `orders`?"],
    ),
    (
        "[orders, revenue]",
        "[region]",
        &["line 16", "it is TEXT; only numbers"],
    ),
    (
        "split: region",
        "split: regio",
        &["line 17", "did you mean `region", "no such column"],
    ),
    (
        "chart: bars",
        "chart: pie",
        &["line 18", "`pie`", "`lines` or `bars`"],
    ),
    (
        "range: 6h",
        "range: 90s",
        &["line 19", "`range` is `1m 30s`", "whole minutes"],
    ),
    ("range: 6h", "range: 2d", &["line 19", "from `1m` to `24h`"]),
    ("range: 6h", "rang: 6h", &["line 19", "rang"]),
    (
        "title: Mean",
        "title: ' '",
        &["line 23", "`title`", "1 to 100 characters"],
    ),
    (
        "      - mean",
        "      - meen",
        &["line 24", "did you mean `mean`?"],
    ),
];

#[test]
fn errors_name_the_view_the_line_and_what_is_expected() {
    for (old, new, parts) in REFUSED {
        check_refused(old, new, parts);
    }
    let view = "  - {title: a, topic: store-revenue, measures: [orders]}\n";
    let many = format!("views:\n{}", view.repeat(11));
    check_refused("views:\n", &many, &["line 34", "at most 12 views"]);
}

fn check_refused(old: &str, new: &str, parts: &[&str]) {
    assert!(FILE.contains(old), "{old}");
    let error = parse(&FILE.replacen(old, new, 1))
        .expect_err("a refused file")
        .to_string();
    for part in parts {
        assert!(error.contains(part), "{part}: {error}");
    }
}
