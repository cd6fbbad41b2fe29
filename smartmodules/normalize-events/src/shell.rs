//! What the engine calls: `init` once for each stream, `map` for each record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;

use fluvio_smartmodule::dataplane::core::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};
use model::Params;

use crate::NormalizeEvents;

thread_local! {
    static NORMALIZE: RefCell<NormalizeEvents> = RefCell::default();
}

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let normalize = NormalizeEvents::from_params(&all(&params)?)?;
    NORMALIZE.set(normalize);
    Ok(())
}

#[smartmodule(map)]
fn map(record: &SmartModuleRecord) -> Result<(Option<RecordData>, RecordData)> {
    let value = record.value();
    let normalized = NORMALIZE.with_borrow_mut(|events| events.normalized(value.as_ref()));
    let value = normalized.map_or_else(|| value.clone(), RecordData::from);
    Ok((record.key().cloned(), value))
}

/// Every parameter, the unknown ones too: the type itself gives a value only to who knows its name.
fn all(params: &SmartModuleExtraParams) -> Result<Params> {
    let mut bytes = Vec::new();
    params.encode(&mut bytes, 0)?; // version 0 holds names and values alone
    let mut pairs = BTreeMap::<String, String>::new();
    pairs.decode(&mut Cursor::new(bytes), 0)?;
    Ok(pairs.into_iter().collect())
}
