//! The lines of a saved query: how they look, and that a dataflow file with them has the same query.

use proptest::prelude::*;

use super::*;

const FILE: &str = "sources:
  store-events:
    key: user_id
    columns:
      kind: {type: text}
derivations:
";

fn saved(name: &str, query: &str) -> Result<String, SpecError> {
    DataflowSpec::derivation_lines(FILE, name, query, &Registry::new([], []))
}

/// Returns the plan of a derivation in a dataflow file.
fn plan(file: &str, name: &str) -> Option<String> {
    let registry = Registry::new([], []);
    let dataflow = DataflowSpec::parse(file, &registry).expect(file);
    dataflow.derivations[name].explain().map(str::to_owned)
}

/// Asserts that a dataflow file with the saved query has the plan of the query in quotes.
#[track_caller]
fn assert_saved(name: &str, query: &str) -> String {
    let lines = saved(name, query).expect(query);
    let quotes = format!("  {}:\n    sql: {}\n", quoted(name), quoted(query));
    let [found, expected] = [&lines, &quotes].map(|lines| plan(&format!("{FILE}{lines}"), name));
    assert!(found.is_some() && found == expected, "{lines}\n{found:?}");
    lines
}

#[test]
fn a_query_becomes_a_block_with_the_indentation_of_the_file() {
    let query = "SELECT kind, count(*) AS n
                   FROM \"store-events\"

                     WHERE kind <> 'x'
                   GROUP BY TUMBLE('10s'), kind
    ";
    let block = "  orders:
    sql: >
      SELECT kind, count(*) AS n
      FROM \"store-events\"

        WHERE kind <> 'x'
      GROUP BY TUMBLE('10s'), kind
";
    assert_eq!(assert_saved("orders", query), block);
    let four = "sources: {s: {key: k}}\nderivations:\n\n    # first\n    a:\n        sql: >\n";
    let four = format!("{four}            SELECT count(*) AS n FROM s GROUP BY TUMBLE('1m')\n");
    let query = "SELECT count(*) AS m FROM s GROUP BY TUMBLE('1h')";
    let lines = DataflowSpec::derivation_lines(&four, "b", query, &Registry::new([], []));
    let lines = lines.expect("a query");
    assert_eq!(
        lines,
        format!("    b:\n        sql: >\n            {query}\n")
    );
    assert!(plan(&format!("{four}{lines}"), "b").is_some());
}

#[test]
fn a_query_keeps_its_meaning_in_another_form() {
    let rest = "FROM \"store-events\" GROUP BY TUMBLE('10s')";
    let comment = format!("SELECT count(*) AS n -- all\n{rest}");
    assert!(assert_saved("n", &comment).contains("sql: |\n"));
    let lines = format!("SELECT count(*) FILTER (WHERE kind = 'a\nb') AS n\n{rest}");
    assert!(assert_saved("n", &lines).contains("sql: |\n"));
    for odd in ["\u{7}", "\u{85}", "\u{2028}", "\u{feff}", "\r", "\u{7f}"] {
        let query = format!("SELECT count(*) FILTER (WHERE kind = 'a{odd}b') AS n {rest}");
        assert_saved("n", &query);
    }
    for name in ["123", "1e3", "true", "null", "0x1f", "2026-01-01", "1-2"] {
        assert_saved(name, &format!("SELECT count(*) AS n {rest}"));
    }
    assert!(
        saved("123", &format!("SELECT count(*) AS n {rest}"))
            .is_ok_and(|lines| lines.starts_with("  \"123\":\n"))
    );
}

#[test]
fn what_the_dataflow_file_would_refuse_is_refused() {
    let query = "SELECT count(*) AS n FROM \"store-events\" GROUP BY TUMBLE('10s')";
    for (name, query, expected) in [
        (
            "n",
            "SELECT count(*) AS n FROM \"store-events\"",
            "add TUMBLE, HOP or SESSION",
        ),
        (
            "n",
            "SELECT max(knd) AS k\nFROM \"store-events\" GROUP BY TUMBLE('10s')",
            "line 1, column 12: derivation `n`: unknown column `knd`",
        ),
        ("A b", query, "`derivations.A b` is `A b`: topic names have"),
        (
            "store-events",
            query,
            "this is already the name of a source; choose a different one",
        ),
    ] {
        let error = saved(name, query).expect_err(query).to_string();
        assert!(error.contains(expected), "{error}");
    }
    let lines = saved("n", query).expect("a query");
    let twice = DataflowSpec::derivation_lines(
        &format!("{FILE}{lines}"),
        "n",
        query,
        &Registry::new([], []),
    );
    let error = twice.expect_err("it exists").to_string();
    assert!(error.contains("choose a different one"), "{error}");
}

proptest! {
    #[test]
    fn every_text_and_name_in_a_query_is_kept(text in "[ -~\\PC\\s]{0,12}", space in "[ \n\t]{1,4}") {
        let text = text.replace('\'', "''");
        assert_saved("n", &format!(
            "SELECT{space}kind,{space}count(*) FILTER (WHERE kind = '{text}') AS n{space}FROM{space}\"store-events\"\
             {space}GROUP BY TUMBLE('10s'), kind"
        ));
    }
}
