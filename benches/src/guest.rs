//! Runs a SmartModule directly in Wasmtime, where its memory and its instructions can be measured.

use anyhow::{Context, ensure};
use fluvio_protocol::Encoder;
use fluvio_smartmodule::dataplane::smartmodule::{SmartModuleExtraParams, SmartModuleInitInput};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use crate::INTERFACE_VERSION;
use crate::modules::Params;

type Call = TypedFunc<(u32, u32, i32), i32>;

/// The exports that process a batch. A module has one of them; batch modules have the first.
const TRANSFORMS: [&str; 3] = ["filter_map", "filter", "map"];

/// A module instance with the exports that Fluvio's engine calls.
pub struct Guest {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    transform: Call,
}

impl Guest {
    /// Compiles and initialises a module.
    pub fn start(wasm: &[u8], params: &Params) -> anyhow::Result<Self> {
        Self::start_in(Store::new(&Engine::default(), ()), wasm, params)
    }

    /// Compiles and initialises a module in the given store.
    pub fn start_in(mut store: Store<()>, wasm: &[u8], params: &Params) -> anyhow::Result<Self> {
        let engine = store.engine().clone();
        let mut linker = Linker::new(&engine);
        // A module passes its output to the engine through this function. The output is ignored here.
        linker.func_wrap("env", "copy_records", |_place: u32, _length: u32| {})?;
        let instance = linker.instantiate(&mut store, &Module::new(&engine, wasm)?)?;
        let init: Call = instance.get_typed_func(&mut store, "init")?;
        let mut guest = Self::of(store, &instance)?;
        let status = guest.call(&init, &encode_params(params)?)?;
        ensure!(status == 0, "init answered {status}");
        Ok(guest)
    }

    fn of(mut store: Store<()>, instance: &Instance) -> anyhow::Result<Self> {
        let memory = instance.get_memory(&mut store, "memory");
        let mut transforms = TRANSFORMS.iter();
        let transform = transforms.find_map(|name| instance.get_typed_func(&mut store, name).ok());
        Ok(Self {
            memory: memory.context("the module exports no memory")?,
            alloc: instance.get_typed_func(&mut store, "alloc")?,
            transform: transform
                .with_context(|| format!("the module exports none of {TRANSFORMS:?}"))?,
            store,
        })
    }

    /// Runs a batch module on an encoded batch.
    pub fn run(&mut self, batch: &[u8]) -> anyhow::Result<()> {
        let records = self.transform(batch)?;
        ensure!(
            records == 1,
            "the module emitted {records} records, not one"
        );
        Ok(())
    }

    /// Runs the module on an encoded batch, and returns the number of records that it emits.
    pub fn transform(&mut self, batch: &[u8]) -> anyhow::Result<u32> {
        let status = self.call(&self.transform.clone(), batch)?;
        u32::try_from(status).with_context(|| format!("the module answered {status}"))
    }

    /// Returns the size of the module's memory, in pages of 64 KiB.
    pub fn memory_pages(&self) -> u64 {
        self.memory.size(&self.store)
    }

    /// Returns the fuel that is left. Fails if the engine does not count fuel.
    pub fn fuel(&self) -> anyhow::Result<u64> {
        self.store.get_fuel()
    }

    fn call(&mut self, function: &Call, input: &[u8]) -> anyhow::Result<i32> {
        let length = u32::try_from(input.len())?;
        let place = self.alloc.call(&mut self.store, length)?;
        self.memory.write(&mut self.store, place as usize, input)?;
        let arguments = (place, length, INTERFACE_VERSION.into());
        function.call(&mut self.store, arguments)
    }
}

fn encode_params(params: &Params) -> anyhow::Result<Vec<u8>> {
    let params = SmartModuleExtraParams::from(params.clone());
    let mut bytes = Vec::new();
    SmartModuleInitInput { params }.encode(&mut bytes, INTERFACE_VERSION)?;
    Ok(bytes)
}
