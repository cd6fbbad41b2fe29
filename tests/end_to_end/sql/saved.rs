//! Saves a query as a derivation: the printed lines, added to the dataflow file, define the same query.

use tempfile::TempDir;

use crate::harness::{self, path};

const DATAFLOW: &str = include_str!("../../../dataflow.yaml");

#[test]
fn a_saved_query_is_a_derivation_of_the_dataflow_file() {
    let folder = TempDir::new().unwrap();
    let query = "SELECT platform, count(*) AS events -- of all games
                   FROM \"player-events\"
                   WHERE level_id LIKE 'level: #_%'
                   GROUP BY TUMBLE(INTERVAL '1' MINUTE), platform";
    for query in [query, &query.replace(" -- of all games", "")] {
        let saved = harness::run(&["sql", query, "--save", "platforms"]);
        let lines = String::from_utf8(saved.stdout).unwrap();
        let file = folder.path().join("my.yaml");
        // `derivations` is the last section.
        std::fs::write(&file, format!("{DATAFLOW}{lines}")).unwrap();
        let explained = harness::run(&["dataflow", "--explain", "--dataflow", path(&file)]);
        let explained = String::from_utf8(explained.stdout).unwrap();
        let (_, plan) = explained
            .split_once("platforms, from player-events\n")
            .unwrap();
        for part in [
            "level_id LIKE 'level: #_%'",
            "tumbling, 60000 ms",
            "events BIGINT = count(*)",
        ] {
            assert!(plan.contains(part), "{part}: {explained}");
        }
        // The name is taken now.
        let again = [
            "sql",
            query,
            "--save",
            "platforms",
            "--dataflow",
            path(&file),
        ];
        let again = String::from_utf8(harness::try_run(&again).stderr).unwrap();
        assert!(again.contains("choose a different one"), "{again}");
    }
}

#[test]
fn what_a_dataflow_file_would_refuse_is_not_saved() {
    for (query, expected) in [
        (
            r#"SELECT count(*) AS n FROM "player-events""#,
            "add TUMBLE, HOP or SESSION",
        ),
        (
            r#"SELECT max(platfrm) AS p FROM "player-events" GROUP BY TUMBLE('1m')"#,
            "line 1, column 12: derivation `n`: unknown column `platfrm`",
        ),
    ] {
        let refused = harness::try_run(&["sql", query, "--save", "n"]);
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(
            !refused.status.success() && error.contains(expected),
            "{error}"
        );
        assert!(refused.stdout.is_empty());
    }
}
