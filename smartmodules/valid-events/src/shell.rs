//! The functions that the engine calls: `init` once for each stream, and `filter` for each record.

use fluvio_smartmodule::{Result, SmartModuleRecord, smartmodule};

use crate::ValidEvents;

conventional_shell::init!(static CHECK: ValidEvents);

#[smartmodule(filter)]
fn filter(record: &SmartModuleRecord) -> Result<bool> {
    Ok(CHECK.with_borrow_mut(|check| check.passes(record.value().as_ref())))
}
