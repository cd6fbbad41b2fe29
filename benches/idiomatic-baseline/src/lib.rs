//! The baseline: what a good engineer writes following Fluvio's documentation. The macro, typed
//! structs that borrow from the record, `serde_json`; it passes on completed levels.
#![cfg(target_arch = "wasm32")]

use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct PlayerEvent<'e> {
    #[serde(borrow)]
    parameters: Parameters<'e>,
    event_timestamp: &'e str,
}

#[derive(Deserialize)]
struct Parameters<'e> {
    player_id: &'e str,
    session_id: &'e str,
    event_type: &'e str,
    level_id: &'e str,
    map_id: &'e str,
}

#[derive(Serialize)]
struct LevelComplete<'e> {
    player_id: &'e str,
    session_id: &'e str,
    level_id: &'e str,
    map_id: &'e str,
    completed_at: &'e str,
}

#[smartmodule(filter_map)]
pub fn filter_map(record: &SmartModuleRecord) -> Result<Option<(Option<RecordData>, RecordData)>> {
    let event: PlayerEvent<'_> = serde_json::from_slice(record.value.as_ref())?;
    let parameters = event.parameters;
    if parameters.event_type != "level_complete" {
        return Ok(None);
    }
    let completed = serde_json::to_vec(&LevelComplete {
        player_id: parameters.player_id,
        session_id: parameters.session_id,
        level_id: parameters.level_id,
        map_id: parameters.map_id,
        completed_at: event.event_timestamp,
    })?;
    Ok(Some((record.key.clone(), completed.into())))
}
