//! Queries that once had other rows than in DuckDB.

use crate::queries::Case;

/// The expressions mean the same in both languages.
const EXPRESSIONS: [&str; 12] = [
    "CAST(0.125e0 AS DECIMAL(10, 2))",
    "CAST(2.5e0 AS DECIMAL(5, 0))",
    "CAST(2.5e0 AS BIGINT)",
    "TRY_CAST(12345.67 AS DECIMAL(4, 2))",
    "nullif(5, 2.5)",
    "round(1e-20, 17)",
    "round(0.12345678901234567e0, 16)",
    "round(5e0, -400)",
    "'İ' ILIKE 'i'",
    "1_000",
    "CAST('2025-01-01' AS TIMESTAMP)",
    "CAST('2025-01-31 12:00' AS TIMESTAMP)",
];

pub(crate) fn cases() -> Vec<Case> {
    let same = |text: String| Case {
        ours: text.clone(),
        theirs: text,
        estimates: false,
    };
    let mut cases: Vec<Case> = EXPRESSIONS
        .iter()
        .map(|expression| same(format!("SELECT max({expression}) AS a FROM events")))
        .collect();
    cases.push(same(
        "SELECT count(*) AS n FROM events HAVING count(*) < 10".to_owned(),
    ));
    cases.push(same(
        "SELECT count(*) AS n FROM events WHERE FALSE HAVING count(*) < 10".to_owned(),
    ));
    cases
}
