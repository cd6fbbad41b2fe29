//! Counts the WASM instructions that a module executes. Wasmtime counts them as *fuel*: one unit for each instruction,
//! and none for a few instructions such as `block` and `nop`. The count depends only on the module and its input, not
//! on the machine or its load.

use anyhow::ensure;
use wasmtime::{Config, Engine, Store};

use crate::Guest;
use crate::modules::Params;

/// Counts instructions in one engine, with fuel enabled as in Fluvio's servers.
pub struct Counter(Engine);

impl Counter {
    /// Creates the engine.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(Engine::new(Config::new().consume_fuel(true))?))
    }

    /// Returns the number of instructions that a module with the given parameters executes for the encoded
    /// batches. The module's initialisation is not included.
    pub fn count(&self, wasm: &[u8], params: &Params, batches: &[Vec<u8>]) -> anyhow::Result<u64> {
        let mut store = Store::new(&self.0, ());
        store.set_fuel(u64::MAX)?;
        let mut guest = Guest::start_in(store, wasm, params)?;
        let before = guest.fuel()?;
        for batch in batches {
            ensure!(guest.transform(batch)? > 0, "a batch gave no record");
        }
        Ok(before - guest.fuel()?)
    }
}
