//! The baseline: a conventional SmartModule. It uses Fluvio's macro, typed structs that borrow from the record, and
//! `serde_json`. It requires the same fields of an event as this project's own SmartModule, and emits a record for each
//! completed level.
#![cfg(target_arch = "wasm32")]

use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct PlayerEvent<'e> {
    #[serde(rename = "event_name")]
    _event_name: &'e str,
    #[serde(borrow)]
    parameters: Parameters<'e>,
    event_timestamp: &'e str,
    user_data: UserData<'e>,
}

#[derive(Deserialize)]
struct Parameters<'e> {
    game_id: Option<&'e str>,
    player_id: &'e str,
    session_id: &'e str,
    event_type: &'e str,
    level_id: &'e str,
    map_id: &'e str,
}

#[derive(Deserialize)]
struct UserData<'e> {
    #[serde(rename = "user_id")]
    _user_id: &'e str,
    platform: &'e str,
}

#[derive(Serialize)]
struct LevelComplete<'e> {
    game_id: Option<&'e str>,
    player_id: &'e str,
    session_id: &'e str,
    level_id: &'e str,
    map_id: &'e str,
    platform: &'e str,
    completed_at: &'e str,
}

/// Fluvio calls this function for each record.
#[smartmodule(filter_map)]
pub fn filter_map(record: &SmartModuleRecord) -> Result<Option<(Option<RecordData>, RecordData)>> {
    let event: PlayerEvent<'_> = serde_json::from_slice(record.value.as_ref())?;
    if event.parameters.event_type != "level_complete" {
        return Ok(None);
    }
    let completed = serde_json::to_vec(&LevelComplete {
        game_id: event.parameters.game_id,
        player_id: event.parameters.player_id,
        session_id: event.parameters.session_id,
        level_id: event.parameters.level_id,
        map_id: event.parameters.map_id,
        platform: event.user_data.platform,
        completed_at: event.event_timestamp,
    })?;
    Ok(Some((record.key.clone(), completed.into())))
}
