//! The functions that the engine calls: `init` once for each stream, and `aggregate` for each record.

use fluvio_smartmodule::{RecordData, Result, SmartModuleRecord, smartmodule};

use crate::RunningTotals;

conventional_shell::init!(static TOTALS: RunningTotals);

#[smartmodule(aggregate)]
fn aggregate(accumulator: RecordData, record: &SmartModuleRecord) -> Result<RecordData> {
    let record = record.value().as_ref();
    Ok(TOTALS
        .with_borrow_mut(|totals| totals.add(accumulator.as_ref(), record))
        .into())
}
