//! Forbids words of the project's former private idiom, and names the standard words that replaced them.

use crate::ratchet::{self, Finding};
use crate::repository::{File, assert_none, files};

/// Forbidden words and phrases, in upper or lower case, with what to write instead.
const OLD_IDIOM: &[(&str, &str)] = &[
    ("stands", "`is`, `contains` or `is written`"),
    ("standing", "`prior output`, or `existing`"),
    ("trouble", "`error`, `last error` or `problem`"),
    ("troubles", "`errors` or `problems`"),
    ("whoever", "the actor: client, operator, runner, browser"),
    ("anew", "`again`"),
    ("outlet", "`topic writer` or `sink`"),
    ("outlets", "`topic writers` or `sinks`"),
    ("diversion", "`dead letters`"),
    ("diversions", "`dead letters`"),
    ("diverted", "`dead letter`, or `kept in` its topic"),
    ("goes by", "`depends on` or `follows`"),
    ("go by", "`depend on` or `follow`"),
    ("comes up", "`appears` or `starts`"),
    ("for ever", "`forever`, or until when"),
    ("nobody", "the actor: client, operator, runner, browser"),
    ("speaks", "`reports`, `uses` or `emits`"),
    ("so many", "`many`, or `this many`"),
    ("fare", "what it does"),
    ("fares", "what it does"),
    ("figures", "`values` or `numbers`"),
    ("seat", "`subscription`"),
    ("seats", "`subscriptions`"),
    ("--map", "`--dataflow`"),
    ("DataflowMap", "`DataflowSpec`"),
    ("RuleBook", "`RuleStore`"),
];

/// Old names of the dataflow file, which are forbidden where `map` cannot mean a map of a game.
const MAP: &[(&str, &str)] = &[
    ("the map", "`the dataflow file`"),
    ("dataflow map", "`dataflow file`"),
];

/// Folders and files in which a map is part of a game.
const GAME_MAPS: &[&str] = &[
    "data-generator/",
    "serving/dashboard/",
    "smartmodules/",
    "engine/model/",
    "tests/walk/",
    "docs/adding-a-derived-topic.md",
];

/// Forbidden words in names of Rust types, at any position: `StandingRow`, `PriorStanding`.
const OLD_TYPES: &[(&str, &str)] = &[
    ("Standing", "`PriorOutput`"),
    ("Outlet", "`TopicWriter`"),
    ("Diversion", "`DeadLetters`"),
    ("Machines", "`KeyedProcesses`"),
];

/// Words in names of Rust types that are forbidden only in certain crates.
const OLD_TYPES_OF: &[(&str, &[(&str, &str)])] = &[(
    "engine/dataflow/",
    &[("Hub", "`SharedReaders`"), ("Word", "`LeaseRecord`")],
)];

/// Folders, with the number of old words that each may still have. They occur in a text that `fraud-alerts` writes into
/// its records.
const OLD_WORDS: &ratchet::Allowed = &[("smartmodules/", 2), ("tests/", 1)];

#[test]
fn no_text_uses_the_old_idiom() {
    assert_none(ratchet::problems(
        "tests/tidy/idiom.rs",
        "OLD_WORDS",
        OLD_WORDS,
        old_words(&files()),
    ));
}

fn old_words(files: &[File]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| is_ours(file)) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let next = lines.get(index + 1).map_or("", |next| first_word(next));
            for (word, instead) in old_in(&file.path, line, next) {
                let text = format!("`{word}`: write {instead}");
                found.push(Finding {
                    path: file.path.clone(),
                    line: index + 1,
                    text,
                });
            }
        }
    }
    found
}

/// Whether people read the text of this file. The changelog and this list are left out.
fn is_ours(file: &File) -> bool {
    let is_text = ["md", "yaml", "yml", "toml", "html"]
        .iter()
        .any(|extension| file.is(extension));
    (is_text || file.name() == "Makefile" || file.is_code())
        && !file.is_data()
        && !["CHANGELOG.md", "tests/tidy/idiom.rs"].contains(&file.path.as_str())
}

/// Returns each old word that begins in `line`, with what to write instead. A phrase may end with the first word of
/// the next line, `next`.
fn old_in(path: &str, line: &str, next: &str) -> Vec<(&'static str, &'static str)> {
    let prose = format!("{} {next}", line.trim_end()).to_lowercase();
    let count = |text: &str, word: &str, is_edge: fn(&str, usize, usize) -> bool| {
        let places = text
            .match_indices(word)
            .filter(|(at, _)| *at < line.trim_end().len());
        places
            .filter(|(at, _)| is_edge(text, *at, at + word.len()))
            .count()
    };
    let mut found = Vec::new();
    let maps = if GAME_MAPS.iter().any(|folder| path.starts_with(folder)) {
        &[]
    } else {
        MAP
    };
    for (word, instead) in OLD_IDIOM.iter().chain(maps) {
        found.extend(vec![
            (*word, *instead);
            count(&prose, &word.to_lowercase(), is_word)
        ]);
    }
    let of_folder = OLD_TYPES_OF
        .iter()
        .filter(|(folder, _)| path.starts_with(folder));
    let types = OLD_TYPES
        .iter()
        .chain(of_folder.flat_map(|(_, types)| *types));
    for (word, instead) in types.filter(|_| path.ends_with(".rs")) {
        // If the word is also in OLD_IDIOM, the loop above has found it as a whole name, so only longer names count.
        let of_idiom = OLD_IDIOM.iter().any(|(old, _)| *old == word.to_lowercase());
        let is_edge = if of_idiom { is_longer_name } else { is_name };
        found.extend(vec![(*word, *instead); count(line, word, is_edge)]);
    }
    found
}

/// Returns the first word of a line of text, or of a comment without its marker.
fn first_word(line: &str) -> &str {
    let text =
        line.trim_start_matches(|char: char| char.is_whitespace() || "/!#*>-".contains(char));
    text.split_whitespace().next().unwrap_or_default()
}

/// Whether this part of a text has neither a letter nor a digit next to it.
fn is_word(text: &str, start: usize, end: usize) -> bool {
    !text[..start].ends_with(char::is_alphanumeric)
        && !text[end..].starts_with(char::is_alphanumeric)
}

/// Whether this part of a text consists of whole words of a name such as `NameOfAType`.
fn is_name(text: &str, start: usize, end: usize) -> bool {
    let goes_on = |char: char| char.is_lowercase() || char.is_numeric();
    !text[..start].ends_with(char::is_uppercase) && !text[end..].starts_with(goes_on)
}

fn is_longer_name(text: &str, start: usize, end: usize) -> bool {
    is_name(text, start, end) && !is_word(text, start, end)
}

#[test]
fn an_old_word_is_found_in_each_kind_of_text_and_a_longer_word_is_not() {
    let found = |path: &str, text: &str| {
        let found = old_words(&[File::new(path, text)]);
        found
            .into_iter()
            .map(|finding| format!("{}: {}", finding.line, finding.text))
            .collect::<Vec<_>>()
    };
    let again = "2: `anew`: write `again`";
    for path in [
        "a.rs", "a.md", "a.yaml", "a.yml", "a.js", "a.mjs", "a.py", "a.toml", "Makefile",
    ] {
        assert_eq!(found(path, "x\nread Anew, renewed\n"), [again], "{path}");
    }
    for path in ["CHANGELOG.md", "testdata/a.md", "a.json", "Cargo.lock"] {
        assert!(found(path, "x\nanew").is_empty(), "{path}");
    }
    assert_eq!(
        found("a.rs", "fn read_anew() {}"),
        ["1: `anew`: write `again`"]
    );
    assert_eq!(
        found("a.rs", "/// It goes\n/// by the book.\n"),
        ["1: `goes by`: write `depends on` or `follows`"]
    );
    assert!(
        found(
            "a.md",
            "understanding, outstanding, Understanding, wheresoever"
        )
        .is_empty()
    );
}

#[test]
fn an_old_type_is_found_inside_a_longer_name_and_a_map_where_it_is_no_game_map() {
    let words = |path: &str, line: &str| {
        old_in(path, line, "")
            .into_iter()
            .map(|(word, _)| word)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words("a.rs", "StandingRow, PriorStanding, standing"),
        ["standing", "Standing", "Standing"]
    );
    assert_eq!(
        words(
            "engine/dataflow/src/a.rs",
            "Hub, HubOf, GitHub, Words, WordOf"
        ),
        ["Hub", "Hub", "Hub", "Word"]
    );
    assert!(words("engine/client/src/a.rs", "Hub, WordOf").is_empty());
    assert!(words("a.md", "Machines and their names.").is_empty());
    assert_eq!(words("a.md", "the map, the maps"), ["the map"]);
    assert!(words("serving/dashboard/README.md", "the map").is_empty());
}
