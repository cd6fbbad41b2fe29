//! What the engine calls: `init` once for each stream, `aggregate` for each record.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Cursor;

use fluvio_smartmodule::dataplane::core::{Decoder, Encoder};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleExtraParams;
use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};
use model::Params;

use crate::RunningTotals;

thread_local! {
    static TOTALS: RefCell<RunningTotals> = RefCell::default();
}

#[smartmodule(init)]
fn init(params: SmartModuleExtraParams) -> Result<()> {
    let totals = RunningTotals::from_params(&all(&params)?)?;
    TOTALS.set(totals);
    Ok(())
}

#[smartmodule(aggregate)]
fn aggregate(accumulator: RecordData, record: &SmartModuleRecord) -> Result<RecordData> {
    let record = record.value().as_ref();
    Ok(TOTALS
        .with_borrow_mut(|totals| totals.add(accumulator.as_ref(), record))
        .into())
}

/// Every parameter, the unknown ones too: the type itself gives a value only to who knows its name.
fn all(params: &SmartModuleExtraParams) -> Result<Params> {
    let mut bytes = Vec::new();
    params.encode(&mut bytes, 0)?; // version 0 holds names and values alone
    let mut pairs = BTreeMap::<String, String>::new();
    pairs.decode(&mut Cursor::new(bytes), 0)?;
    Ok(pairs.into_iter().collect())
}
