//! Parses and checks the file of a catalogue.

mod goods;
mod place;
mod prices;
mod scalar;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use self::goods::{
    CurrencyEntry, ItemEntry, PlatformEntry, RangeEntry, RegionEntry, ServerTypeEntry,
};
use self::place::{Place, Wrong};
use self::scalar::{Cover, Id, Text, Whole};
use super::{Catalogue, Game, Map};

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
const MAPS_MAX: usize = 99;
/// The maximum of a weight, that is, of a share in relation to other shares.
const WEIGHT_MAX: u32 = 1_000_000;
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
    platforms: Vec<PlatformEntry>,
    currencies: Vec<CurrencyEntry>,
    items: Vec<ItemEntry>,
    price_ranges: Vec<RangeEntry>,
    regions: Vec<RegionEntry>,
    server_types: Vec<ServerTypeEntry>,
    games: Vec<GameEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GameEntry {
    id: Id,
    name: Text,
    genre: Text,
    players: Whole<0, WEIGHT_MAX>,
    levels: Whole<5, 99>,
    maps: Vec<MapEntry>,
    cover: Option<Cover>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapEntry {
    id: Id,
    difficulty: Vec<Whole<1, 1_000>>,
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
    let invalid = |reason| CatalogueError::Invalid {
        path: path.to_owned(),
        reason,
    };
    let mut file: CatalogueFile =
        serde_yaml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    let games = std::mem::take(&mut file.games);
    check_games(&games).map_err(|wrong| invalid(wrong.message(text)))?;
    let shares = games.iter().map(|game| game.players.0).collect();
    let game = |entry: GameEntry| {
        let cover = entry.cover.map(|Cover(name)| cover(&name)).transpose()?;
        Ok(Arc::new(Game {
            id: entry.id.0,
            name: entry.name.0,
            genre: entry.genre.0,
            levels: entry.levels.0 as u16,
            maps: entry.maps.into_iter().map(Map::from).collect(),
            cover,
        }))
    };
    let goods = goods::goods(file).map_err(|wrong| invalid(wrong.message(text)))?;
    Ok(Catalogue {
        goods,
        games: games.into_iter().map(game).collect::<Result<_, _>>()?,
        shares,
    })
}

fn check_games(games: &[GameEntry]) -> Result<(), Wrong> {
    let place = Place::of("games");
    check_list(&place, games, 1..=GAMES_MAX, |game| &game.id.0)?;
    if games.iter().all(|game| game.players.0 == 0) {
        return Err(place.wrong("no game has players: give at least one a share above 0"));
    }
    let check = |(index, game): (usize, &GameEntry)| check_maps(&place.item(index), &game.maps);
    games.iter().enumerate().try_for_each(check)
}

fn check_maps(game: &Place, maps: &[MapEntry]) -> Result<(), Wrong> {
    let place = game.field("maps");
    check_list(&place, maps, 1..=MAPS_MAX, |map| &map.id.0)?;
    for (index, map) in maps.iter().enumerate() {
        if !matches!(&map.difficulty[..], [first, last] if first.0 <= last.0) {
            let given: Vec<u32> = map.difficulty.iter().map(|level| level.0).collect();
            return Err(place.item(index).field("difficulty").wrong(format!(
                "{given:?} is not the difficulty of the map `{}`: give that of the first level and that of the last, \
                 which is at least as high, such as [20, 80]",
                map.id.0
            )));
        }
    }
    Ok(())
}

/// Checks the length of a list, and that each entry has its own id.
fn check_list<T>(
    place: &Place,
    entries: &[T],
    allowed: RangeInclusive<usize>,
    id_of: impl Fn(&T) -> &str,
) -> Result<(), Wrong> {
    check_count(place, entries.len(), allowed)?;
    for (index, entry) in entries.iter().enumerate() {
        let id = id_of(entry);
        if entries[..index].iter().any(|earlier| id_of(earlier) == id) {
            return Err(place.item(index).wrong(format!(
                "`{id}` is the id of an earlier entry as well: give each its own"
            )));
        }
    }
    Ok(())
}

fn check_count(place: &Place, count: usize, allowed: RangeInclusive<usize>) -> Result<(), Wrong> {
    if allowed.contains(&count) {
        return Ok(());
    }
    let (min, max) = allowed.into_inner();
    Err(place.wrong(format!("{count} entries: give {min} to {max}")))
}

impl From<MapEntry> for Map {
    /// The entry must have been checked.
    fn from(entry: MapEntry) -> Self {
        let (easiest, hardest) = (entry.difficulty[0].0, entry.difficulty[1].0);
        Self {
            id: entry.id.0,
            easiest,
            hardest,
        }
    }
}
