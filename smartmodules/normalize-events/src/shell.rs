//! The functions that the engine calls: `init` once for each stream, and `map` for each record.

use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};

use crate::NormalizeEvents;

conventional_shell::init!(static NORMALIZE: NormalizeEvents);

#[smartmodule(map)]
fn map(record: &SmartModuleRecord) -> Result<(Option<RecordData>, RecordData)> {
    let value = record.value();
    let normalized = NORMALIZE.with_borrow_mut(|events| events.normalized(value.as_ref()));
    let value = normalized.map_or_else(|| value.clone(), RecordData::from);
    Ok((record.key().cloned(), value))
}
