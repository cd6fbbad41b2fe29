//! Parses and checks the file of a catalogue.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{Catalogue, Game};

#[cfg(test)]
mod tests;

const BUILT_IN: &str = include_str!("../../catalogue.yaml");

macro_rules! covers {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../", $name)))),*]
    };
}

/// The covers of the built-in catalogue, by their names in its file.
const COVERS: [(&str, &str); 8] = covers![
    "covers/gridlock-ninety.svg",
    "covers/hollowmere.svg",
    "covers/ironveil-tactics.svg",
    "covers/mosswick-garden.svg",
    "covers/paper-comet.svg",
    "covers/prism-parlour.svg",
    "covers/starhaul-nine.svg",
    "covers/tidewrack-isles.svg",
];
const GAMES_MAX: usize = 100;
/// The maximum size of a cover, as the dashboard keeps all of them in memory.
const COVER_BYTES_MAX: usize = 256 * 1024;

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file: the catalogue or a cover.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// The file is not a valid catalogue.
    #[error("catalogue `{}`: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The place in the file, the wrong value and the allowed values.
        reason: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    games: Games,
}

#[derive(Deserialize)]
#[serde(try_from = "Vec<GameEntry>")]
struct Games(Vec<GameEntry>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GameEntry {
    id: Id,
    name: Text,
    genre: Text,
    players: u32,
    levels: Levels,
    cover: Option<Cover>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Id(String);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Text(String);

#[derive(Deserialize)]
#[serde(try_from = "u16")]
struct Levels(u16);

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Cover(String);

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let is_allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_');
        if (1..=64).contains(&id.len()) && id.chars().all(is_allowed) {
            return Ok(Self(id));
        }
        Err(format!(
            "`{id}` is not an id: use 1 to 64 of a-z, 0-9, - and _"
        ))
    }
}

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
            return Ok(Self(text));
        }
        Err(format!(
            "`{text}` is not a name: use 1 to 80 characters on one line"
        ))
    }
}

impl TryFrom<u16> for Levels {
    type Error = String;

    fn try_from(levels: u16) -> Result<Self, String> {
        if (5..=99).contains(&levels) {
            return Ok(Self(levels));
        }
        Err(format!("{levels} levels: a game has 5 to 99"))
    }
}

impl TryFrom<String> for Cover {
    type Error = String;

    fn try_from(cover: String) -> Result<Self, String> {
        let path = Path::new(&cover);
        let is_below = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if is_below && path.extension().is_some_and(|extension| extension == "svg") {
            return Ok(Self(cover));
        }
        Err(format!(
            "`{cover}` is not a cover: give an SVG file, such as covers/game.svg, in the catalogue's folder"
        ))
    }
}

impl TryFrom<Vec<GameEntry>> for Games {
    type Error = String;

    fn try_from(games: Vec<GameEntry>) -> Result<Self, String> {
        if !(1..=GAMES_MAX).contains(&games.len()) {
            return Err(format!("{} games: give 1 to {GAMES_MAX}", games.len()));
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = games.iter().find(|game| !ids.insert(&game.id.0)) {
            return Err(format!(
                "two games have the id `{}`: each needs its own",
                twice.id.0
            ));
        }
        if games.iter().all(|game| game.players == 0) {
            return Err("no game has players: give at least one a share above 0".to_owned());
        }
        Ok(Self(games))
    }
}

pub(super) fn built_in() -> Catalogue {
    let cover = |name: &str| {
        let found = COVERS.iter().find(|(cover, _)| *cover == name);
        let (_, text) = found.unwrap_or_else(|| panic!("`{name}` is not embedded"));
        Ok((*text).to_owned())
    };
    parse(BUILT_IN, Path::new("catalogue.yaml"), cover).expect("the built-in catalogue is valid")
}

pub(super) fn read(path: &Path) -> Result<Catalogue, CatalogueError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = text_of(path)?;
    parse(&text, path, |cover| {
        let cover = folder.join(cover);
        let text = text_of(&cover)?;
        if text.len() > COVER_BYTES_MAX || !text.contains("<svg") {
            return Err(CatalogueError::Invalid {
                path: path.to_owned(),
                reason: format!(
                    "`{}` is not an SVG image of at most 256 KiB",
                    cover.display()
                ),
            });
        }
        Ok(text)
    })
}

fn text_of(path: &Path) -> Result<String, CatalogueError> {
    std::fs::read_to_string(path).map_err(|source| CatalogueError::Read {
        path: path.to_owned(),
        source,
    })
}

fn parse(
    text: &str,
    path: &Path,
    cover: impl Fn(&str) -> Result<String, CatalogueError>,
) -> Result<Catalogue, CatalogueError> {
    let file: CatalogueFile =
        serde_yaml::from_str(text).map_err(|error| CatalogueError::Invalid {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
    let Games(games) = file.games;
    let shares = games.iter().map(|game| game.players).collect();
    let game = |entry: GameEntry| {
        let cover = entry.cover.map(|Cover(name)| cover(&name)).transpose()?;
        Ok(Arc::new(Game {
            id: entry.id.0,
            name: entry.name.0,
            genre: entry.genre.0,
            levels: entry.levels.0,
            cover,
        }))
    };
    Ok(Catalogue {
        games: games.into_iter().map(game).collect::<Result<_, _>>()?,
        shares,
    })
}
