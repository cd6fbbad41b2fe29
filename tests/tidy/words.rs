//! Words that are forbidden in certain places.

use crate::repository::{assert_none, files};

/// Crates that serve any subject, not only games.
const GENERAL_CRATES: &[&str] = &[
    "engine/client/src/",
    "engine/dataflow/src/",
    "local-cluster/src/",
];

/// Words of games alone. Plain `level` and `server` are not listed: they are also words of logging and of
/// networks.
const GAME_WORDS: &[&str] = &[
    "player",
    "purchase",
    "fraud",
    "refund",
    "game_id",
    "level_id",
    "level_complete",
    "level-engagement",
    "level_engagement",
    "server_id",
    "server-metric",
    "server_metric",
    "server-health",
    "server_health",
    "server-alert",
    "server_alert",
];

/// Paths that exist on one machine only, and hosts of package registries, which clients find without configuration.
/// Each is cut in two, so that this file does not contain it.
const PLACES: &[(&str, &str)] = &[
    ("/wo", "rk/"),
    ("/ro", "ot/"),
    ("crates.io", "/api"),
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("static.rust", "-lang.org"),
    ("files.python", "hosted.org"),
    ("pypi.org", "/simple"),
    ("proxy.golang", ".org"),
    ("registry.npm", "js.org"),
    ("deb.debian", ".org"),
];

#[test]
fn general_crates_use_no_word_of_games() {
    let mut problems = Vec::new();
    for file in files().iter().filter(|file| {
        GENERAL_CRATES
            .iter()
            .any(|path| file.path.starts_with(path))
    }) {
        for (number, line) in file.lines() {
            if let Some(word) = GAME_WORDS
                .iter()
                .find(|word| begins_a_word(&line.to_lowercase(), word))
            {
                problems.push(format!(
                    "{}:{number}: `{word}`: this crate serves any subject: use a general word",
                    file.path
                ));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn no_file_names_one_machine_or_registry_host() {
    let mut problems = Vec::new();
    for file in files().iter().filter(|file| file.name() != "Cargo.lock") {
        for (number, line) in file.lines() {
            for place in PLACES.iter().map(|(head, tail)| format!("{head}{tail}")) {
                if begins_a_word(line, &place) {
                    problems.push(format!(
                        "{}:{number}: `{place}`: exists on one machine only: leave it out",
                        file.path
                    ));
                }
            }
        }
    }
    assert_none(problems);
}

/// Whether `line` contains `word`, but not as the end of a longer word (`replayer`, `/net/work/`).
fn begins_a_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
    })
}
