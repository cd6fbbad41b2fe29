//! `player-events`: what a player did, where.

use std::borrow::Cow;

use super::field::Field;
use super::scan::{Section, scan};
use super::{DEFAULT_GAME_ID, Event};
use crate::reject::Rejection;
use crate::time::Timestamp;

/// One action of a player.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayerEvent<'e> {
    /// The game; [`DEFAULT_GAME_ID`] where the event names none.
    pub game_id: Cow<'e, str>,
    /// The player.
    pub player_id: Cow<'e, str>,
    /// The player's session.
    pub session_id: Cow<'e, str>,
    /// What happened: `move`, `interaction`, `level_complete`, …; an open set.
    pub event_type: Cow<'e, str>,
    /// The level where it happened.
    pub level_id: Cow<'e, str>,
    /// The map within the level.
    pub map_id: Cow<'e, str>,
    /// The player's platform: `PC`, `Console`, …
    pub platform: Cow<'e, str>,
    /// When it happened.
    pub time: Timestamp,
}

impl<'e> Event<'e> for PlayerEvent<'e> {
    const TOPIC: &'static str = "player-events";

    #[inline]
    fn parse(record: &'e [u8]) -> Result<Self, Rejection> {
        let mut name = Field::absent("event_name");
        let mut time = Field::absent("event_timestamp");
        let mut game_id = Field::absent("parameters.game_id");
        let mut player_id = Field::absent("parameters.player_id");
        let mut session_id = Field::absent("parameters.session_id");
        let mut event_type = Field::absent("parameters.event_type");
        let mut level_id = Field::absent("parameters.level_id");
        let mut map_id = Field::absent("parameters.map_id");
        let mut user_id = Field::absent("user_data.user_id");
        let mut platform = Field::absent("user_data.platform");
        scan(record, |section, key, value| match section {
            Section::Root if key.is("event_name") => name.set(value),
            Section::Root if key.is("event_timestamp") => time.set(value),
            Section::Parameters if key.is("game_id") => game_id.set(value),
            Section::Parameters if key.is("player_id") => player_id.set(value),
            Section::Parameters if key.is("session_id") => session_id.set(value),
            Section::Parameters if key.is("event_type") => event_type.set(value),
            Section::Parameters if key.is("level_id") => level_id.set(value),
            Section::Parameters if key.is("map_id") => map_id.set(value),
            Section::UserData if key.is("user_id") => user_id.set(value),
            Section::UserData if key.is("platform") => platform.set(value),
            _ => {}
        })?;
        name.id()?;
        user_id.id()?;
        Ok(Self {
            game_id: game_id
                .optional_id()?
                .unwrap_or(Cow::Borrowed(DEFAULT_GAME_ID)),
            player_id: player_id.id()?,
            session_id: session_id.id()?,
            event_type: event_type.id()?,
            level_id: level_id.id()?,
            map_id: map_id.id()?,
            platform: platform.id()?,
            time: time.timestamp()?,
        })
    }

    #[inline]
    fn time(&self) -> Timestamp {
        self.time
    }
}
