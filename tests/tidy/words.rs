//! Words that may not stand in certain places.

use crate::repository::{assert_none, files};

/// Rooms that would serve any subject, and know nothing of games.
const KNOW_NO_GAME: &[&str] = &["client/src/", "dataflow/src/", "local-cluster/src/"];

/// What only a game has. Bare `level` and `server` are words of logging and of networks.
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

/// Places of one machine and hosts that a registry's ordinary client finds by itself, each cut in
/// two lest it be found here.
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
fn the_engine_rooms_know_no_game_word() {
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| KNOW_NO_GAME.iter().any(|room| file.path.starts_with(room)))
    {
        for (number, line) in file.lines() {
            if let Some(word) = GAME_WORDS
                .iter()
                .find(|word| begins_a_word(&line.to_lowercase(), word))
            {
                problems.push(format!(
                    "{}:{number}: `{word}`: this room serves any subject: say it without",
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
                        "{}:{number}: `{place}`: holds on one machine only: leave it out",
                        file.path
                    ));
                }
            }
        }
    }
    assert_none(problems);
}

/// Whether `word` stands in `line` and is not the end of a longer one (`replayer`, `/net/work/`).
fn begins_a_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at]
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric)
    })
}
