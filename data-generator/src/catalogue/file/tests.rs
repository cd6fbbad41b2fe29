//! Every rule of the file, with the message for a file that breaks it.

use super::*;

const GAME: &str =
    "{ id: a, name: A, genre: g, players: 1, levels: 5, maps: [{ id: m, difficulty: [2, 8] }] }";

/// Returns the sections of the built-in catalogue that all games have in common.
fn common() -> &'static str {
    let (common, _) = BUILT_IN.split_once("# players:").expect("the games");
    common
}

/// Returns the error for a catalogue with these games.
fn message(games: &str) -> String {
    message_of_file(&format!("{games}\n{}", common()))
}

fn message_of_file(text: &str) -> String {
    let cover = |_: &str| Ok("<svg/>".to_owned());
    let error = parse(text, Path::new("my.yaml"), cover).expect_err(text);
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
            "games: [{}]\n{}",
            GAME.replace("levels: 5", "levels: 5, cover: a.svg"),
            common()
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

/// Each case replaces a part of the built-in catalogue. The message has the line of that part.
#[test]
fn a_wrong_price_or_list_is_named_with_its_line_and_what_is_allowed() {
    for (from, to, expected) in CASES {
        assert_eq!(BUILT_IN.matches(from).count(), 1, "{from}");
        let (before, _) = BUILT_IN.split_once(from).expect("a part");
        let line = before.lines().count() + usize::from(before.ends_with('\n'));
        let message = message_of_file(&BUILT_IN.replace(from, to));
        assert!(message.contains(expected), "{to}: {message}");
        let place = format!("at line {line} column");
        assert!(message.contains(&place), "{place}: {message}");
    }
}

const CASES: &[(&str, &str, &str)] = &[
    (
        "USD: 0.99",
        "USD: 0.995",
        "items[0].prices.USD: `0.995` has too many decimals: USD has 2",
    ),
    (
        "JPY: 145",
        "JPY: 145.5",
        "`145.5` has too many decimals: JPY has 0",
    ),
    (
        "USD: 0.99",
        "USD: 0",
        "`0` is not a price: use a decimal number above 0",
    ),
    ("USD: 0.99", "USD: 1e2", "`1e2` is not a price"),
    ("USD: 0.99", "USD: -1", "`-1` is not a price"),
    (
        "EUR: 0.89, JPY: 145",
        "GBP: 0.89, JPY: 145",
        "items[0].prices.GBP: `GBP` is not a currency of this catalogue: use USD, EUR, JPY, BHD",
    ),
    (
        "EUR: 0.89, JPY: 145",
        "JPY: 145",
        "items[0].prices: the item has no price in EUR: give one in each of USD, EUR, JPY, BHD",
    ),
    (
        "EUR: 0.89, JPY: 145",
        "EUR: 1.03, JPY: 145",
        "1.03 EUR does not have about the same value as 0.99 USD: give 0.76 EUR to 1.02 EUR",
    ),
    (
        "USD: 1.99",
        "USD: 1.48",
        "items[2].prices.EUR: 1.79 EUR does not have about the same value as 1.48 USD: give 1.14 EUR to 1.53 EUR",
    ),
    (
        "USD: 9.99, EUR: 9.19",
        "USD: 9.98, EUR: 9.19",
        "`coins_1200` costs 9.98 USD, less than `season_pass` before it, which costs 9.99 USD",
    ),
    (
        "from: skin_phoenix",
        "from: skin_fenix",
        "price_ranges[2].from: `skin_fenix` is not the id of an item",
    ),
    (
        "to: weapon_frostblade",
        "to: season_pass",
        "price_ranges[0].to: `season_pass` costs 9.99 USD, and `emote_wave` 0.99 USD: so that honest purchases do not \
         look like fraud, the most expensive item of a range costs less than 9 times the cheapest, and less than \
         500.00 USD / 450.00 EUR / 75000 JPY / 190.000 BHD; end this range with `weapon_frostblade` or a cheaper item",
    ),
    (
        "to: bundle_legend",
        "to: bundle_collection",
        "end this range with `bundle_legend` or a cheaper item",
    ),
    (
        "to: bundle_legend",
        "to: skin_phoenix",
        "`skin_phoenix` does not cost more than `skin_phoenix` in every currency",
    ),
    (
        "code: BHD",
        "code: XTS",
        "`XTS` is not a currency with a known value: use one of AED, ARS",
    ),
    (
        "code: BHD",
        "code: EUR",
        "currencies[3]: `EUR` is the id of an earlier entry as well",
    ),
    (
        "name: Mobile",
        "name: PC",
        "platforms[2]: `PC` is the id of an earlier",
    ),
    (
        "latency_ms: 60",
        "latency_ms: 201",
        "`201` is not an integer from 1 to 200",
    ),
    (
        "cpu_noise: 7",
        "cpu_noise: 11",
        "`11` is not an integer from 0 to 10",
    ),
    (
        "servers: 1",
        "servers: 0",
        "`0` is not an integer from 1 to 100",
    ),
];

/// Planted fraud needs items of certain prices.
#[test]
fn items_that_fraud_needs_are_missed() {
    for (without, expected) in [
        (
            "emote_wave",
            "no item costs less than 1.00 USD / 0.90 EUR / 150 JPY / 0.380 BHD",
        ),
        (
            "bundle_collection",
            "no item costs at least 500.00 USD / 450.00 EUR / 75000 JPY / 190.000 BHD",
        ),
        (
            "bundle_legend",
            "no item costs at least 50.00 USD / 45.00 EUR / 7500 JPY / 19.000 BHD, and less than 500.00",
        ),
        (
            "coins_6500",
            "`bundle_legend` costs 99.99 USD, at least three times as much as `weapon_sunlance`, which costs 24.99 \
             USD: add an item for less than 50.00 USD and more than a third of 99.99 USD",
        ),
    ] {
        let item = format!("  - {{id: {without},");
        let lines = BUILT_IN.lines().filter(|line| !line.starts_with(&item));
        let message = message_of_file(&lines.collect::<Vec<_>>().join("\n"));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_built_in_items_are_those_that_fraud_needs() {
    let goods = built_in().goods;
    let fraud = &goods.fraud_items;
    let id = |item: usize| &*goods.items[item].id;
    assert_eq!(id(fraud.small), "emote_wave");
    let modest: Vec<&str> = fraud.modest.clone().map(id).collect();
    assert_eq!(modest, ["boost_xp_1h", "skin_scout"]);
    assert_eq!(id(fraud.below_large), "coins_6500");
    assert_eq!(id(fraud.large), "bundle_legend");
    assert_eq!(id(fraud.above_limit), "bundle_collection");
    assert_eq!(goods.items[0].prices, [99, 89, 145, 375]);
    let whales: Vec<bool> = (0..3).map(|range| goods.is_for_whales(range)).collect();
    assert_eq!(whales, [false, false, true]);
}
