//! Every rule of the file, with the message for a file that breaks it.

use super::*;

const GAME: &str =
    "{ id: a, name: A, genre: g, players: 1, levels: 5, maps: [{ id: m, difficulty: [2, 8] }] }";

fn message(text: &str) -> String {
    let no_cover = |name: &str| panic!("{name} is read");
    let error = parse(text, Path::new("my.yaml"), no_cover).expect_err(text);
    error.to_string()
}

/// Returns the error for a catalogue with one game, in which `from` is replaced with `to`.
fn altered(from: &str, to: &str) -> String {
    assert!(GAME.contains(from), "{from}");
    message(&format!("games:\n  - {}\n", GAME.replace(from, to)))
}

#[test]
fn the_built_in_catalogue_has_eight_games_with_covers() {
    let catalogue = built_in();
    let ids: Vec<&str> = catalogue.games().map(|game| &*game.id).collect();
    assert_eq!(ids.len(), 8, "{ids:?}");
    assert!(ids.contains(&"default"), "{ids:?}");
    assert!(catalogue.games().all(|game| game.cover.is_some()));
    assert_eq!(catalogue.shares.iter().sum::<u32>(), 100);
}

/// Parts of a game, with what replaces them and the message for it.
const WRONG_VALUES: &[(&str, &str, &str)] = &[
    (
        "id: a",
        "id: A b",
        "`A b` is not an id: use 1 to 64 of a-z, 0-9, - and _",
    ),
    ("id: a", "id: ''", "`` is not an id"),
    (
        "name: A",
        "name: ''",
        "`` is not a name: use 1 to 80 characters on one line",
    ),
    ("genre: g", "genre: \"a\\nb\"", "is not a name"),
    (
        "name: A",
        "name: [A]",
        "name: invalid type: sequence, expected a name: use",
    ),
    (
        "levels: 5",
        "levels: 4",
        "levels: `4` is not an integer from 5 to 99",
    ),
    (
        "levels: 5",
        "levels: 100",
        "`100` is not an integer from 5 to 99",
    ),
    (
        "levels: 5",
        "levels: 5.0",
        "`5.0` is not an integer from 5 to 99",
    ),
    (
        "players: 1",
        "players: -1",
        "players: `-1` is not an integer from 0 to 1000000",
    ),
    (
        "players: 1",
        "players: 1000001",
        "`1000001` is not an integer from 0 to 1000000",
    ),
    ("id: m", "id: M", "maps[0].id: `M` is not an id"),
    (
        "[2, 8]",
        "[0, 8]",
        "games[0].maps[0].difficulty[0]: `0` is not an integer from 1 to 1000",
    ),
    (
        "[2, 8]",
        "[2, 1001]",
        "difficulty[1]: `1001` is not an integer from 1 to 1000",
    ),
    (
        "[2, 8]",
        "[2]",
        "games[0].maps[0].difficulty: [2] is not the difficulty of the map `m`: give that of the first level and \
             that of the last, which is at least as high, such as [20, 80]",
    ),
    (
        "[2, 8]",
        "[8, 2]",
        "[8, 2] is not the difficulty of the map `m`",
    ),
    ("[2, 8]", "[1, 2, 3]", "[1, 2, 3] is not the difficulty"),
    (
        "[2, 8]",
        "8",
        "difficulty: invalid type: integer `8`, expected a sequence",
    ),
    (
        "[{ id: m, difficulty: [2, 8] }]",
        "[]",
        "games[0].maps: 0 entries: give 1 to 99",
    ),
    (
        "difficulty: [2, 8] }",
        "difficulty: [2, 8] }, { id: m, difficulty: [1, 1] }",
        "games[0].maps[1]: `m` is the id of an earlier entry as well: give each its own",
    ),
    ("players: 1, ", "", "missing field `players`"),
    ("levels: 5", "levels: 5, price: 1", "unknown field `price`"),
    (
        "levels: 5",
        "levels: 5, cover: ../x.svg",
        "`../x.svg` is not a cover",
    ),
    (
        "levels: 5",
        "levels: 5, cover: /x.svg",
        "`/x.svg` is not a cover",
    ),
    (
        "levels: 5",
        "levels: 5, cover: x.png",
        "`x.png` is not a cover",
    ),
];

#[test]
fn a_wrong_value_is_named_with_its_line_and_what_is_allowed() {
    for (from, to, expected) in WRONG_VALUES {
        let message = altered(from, to);
        assert!(message.starts_with("catalogue `my.yaml`: "), "{message}");
        assert!(message.contains(expected), "{to}: {message}");
        assert!(message.contains("line 2"), "{to}: {message}");
    }
}

#[test]
fn games_are_distinct_and_at_least_one() {
    assert!(altered("players: 1", "players: 0").contains("no game has players: give at least one"));
    assert!(message("games: []").contains("games: 0 entries: give 1 to 100 at line 1 column 8"));
    assert!(message("plays: []").contains("unknown field `plays`"));
    let twice = message(&format!("games:\n  - {GAME}\n  - {GAME}\n"));
    assert!(
        twice.contains(
            "games[1]: `a` is the id of an earlier entry as well: give each its own at line 3 column 5"
        ),
        "{twice}"
    );
}

/// In the usual form, each value has its own line.
#[test]
fn an_error_has_the_line_of_its_value() {
    let lines = [
        "games:",
        "  - id: a",
        "    # the first game",
        "    name: A",
        "    genre: g",
        "    players: 1",
        "    levels: 5",
        "    maps:",
        "      - {id: m, difficulty: [2, 8]}",
        "      - id: n",
        "        difficulty: [2, 8]",
    ];
    for (line, to, expected) in [
        (2, "  - id: A", "games[0].id"),
        (6, "    players: many", "games[0].players"),
        (6, "    players: 0", "games: no game has players"),
        (10, "      - id: m", "games[0].maps[1]"),
        (
            11,
            "        difficulty: [2, 1]",
            "games[0].maps[1].difficulty",
        ),
    ] {
        let mut altered = lines;
        altered[line - 1] = to;
        let message = message(&altered.join("\n"));
        let line = if expected.starts_with("games:") {
            2
        } else {
            line
        };
        assert!(message.contains(&format!(": {expected}")), "{message}");
        assert!(message.contains(&format!("at line {line} ")), "{message}");
    }
}

#[test]
fn covers_are_read_from_the_folder_of_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    let file = folder.path().join("games.yaml");
    write(
        "games.yaml",
        &format!(
            "games: [{}]",
            GAME.replace("levels: 5", "levels: 5, cover: a.svg")
        ),
    );
    let error = read(&file).expect_err("no cover").to_string();
    assert!(error.contains("a.svg`"), "{error}");
    write("a.svg", "<html>");
    let error = read(&file).expect_err("a page").to_string();
    assert!(
        error.contains("is not an SVG image of at most 256 KiB"),
        "{error}"
    );
    write("a.svg", "<svg/>");
    let catalogue = read(&file).expect("a catalogue");
    assert_eq!(catalogue.games[0].cover.as_deref(), Some("<svg/>"));
}
