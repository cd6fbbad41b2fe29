//! What the engine calls: `init` once for each stream, `filter` for each record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;

use fluvio_smartmodule::dataplane::core::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{Result, SmartModuleRecord, smartmodule};
use model::Params;

use crate::ValidEvents;

thread_local! {
    static CHECK: RefCell<ValidEvents> = RefCell::default();
}

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let check = ValidEvents::from_params(&all(&params)?)?;
    CHECK.set(check);
    Ok(())
}

#[smartmodule(filter)]
fn filter(record: &SmartModuleRecord) -> Result<bool> {
    Ok(CHECK.with_borrow_mut(|check| check.passes(record.value().as_ref())))
}

/// Every parameter, the unknown ones too: the type itself gives a value only to who knows its name.
fn all(params: &SmartModuleExtraParams) -> Result<Params> {
    let mut bytes = Vec::new();
    params.encode(&mut bytes, 0)?; // version 0 holds names and values alone
    let mut pairs = BTreeMap::<String, String>::new();
    pairs.decode(&mut Cursor::new(bytes), 0)?;
    Ok(pairs.into_iter().collect())
}
