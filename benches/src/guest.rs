//! A SmartModule in bare Wasmtime, where its memory can be looked at.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use fluvio_protocol::Encoder;
use fluvio_smartmodule::dataplane::smartmodule::{SmartModuleExtraParams, SmartModuleInitInput};
use wasmtime::{Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use crate::INTERFACE_VERSION;

type Call = TypedFunc<(u32, u32, i32), i32>;

/// An instance with the exports that Fluvio's engine calls.
pub struct Guest {
    store: Store<()>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    filter_map: Call,
}

impl Guest {
    /// Compiles and initialises a batch module.
    pub fn start(wasm: &[u8], params: &[(&str, &str)]) -> anyhow::Result<Self> {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        // The engine reads the output through this; what is measured here is what stays in memory.
        linker.func_wrap("env", "copy_records", |_place: u32, _length: u32| {})?;
        let mut store = Store::new(&engine, ());
        let instance = linker.instantiate(&mut store, &Module::new(&engine, wasm)?)?;
        let init: Call = instance.get_typed_func(&mut store, "init")?;
        let mut guest = Self::of(store, &instance)?;
        let status = guest.call(&init, &encode_params(params)?)?;
        ensure!(status == 0, "init answered {status}");
        Ok(guest)
    }

    fn of(mut store: Store<()>, instance: &Instance) -> anyhow::Result<Self> {
        let memory = instance.get_memory(&mut store, "memory");
        Ok(Self {
            memory: memory.context("the module exports no memory")?,
            alloc: instance.get_typed_func(&mut store, "alloc")?,
            filter_map: instance.get_typed_func(&mut store, "filter_map")?,
            store,
        })
    }

    /// Runs an encoded batch.
    pub fn run(&mut self, batch: &[u8]) -> anyhow::Result<()> {
        let status = self.call(&self.filter_map.clone(), batch)?;
        ensure!(status == 1, "filter_map answered {status}, not one record");
        Ok(())
    }

    /// The size of the module's memory, in pages of 64 KiB.
    pub fn memory_pages(&self) -> u64 {
        self.memory.size(&self.store)
    }

    fn call(&mut self, function: &Call, input: &[u8]) -> anyhow::Result<i32> {
        let length = u32::try_from(input.len())?;
        let place = self.alloc.call(&mut self.store, length)?;
        self.memory.write(&mut self.store, place as usize, input)?;
        let arguments = (place, length, INTERFACE_VERSION.into());
        function.call(&mut self.store, arguments)
    }
}

fn encode_params(params: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let params: BTreeMap<String, String> = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let params = SmartModuleExtraParams::from(params);
    let mut bytes = Vec::new();
    SmartModuleInitInput { params }.encode(&mut bytes, INTERFACE_VERSION)?;
    Ok(bytes)
}
