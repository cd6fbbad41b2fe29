//! Runs a SmartModule in the engine that Fluvio's servers use.

use anyhow::{Context, bail};
use fluvio_protocol::record::Record;
use fluvio_smartengine::{
    SmartEngine, SmartModuleChainBuilder, SmartModuleChainInstance, SmartModuleConfig,
};
use fluvio_smartmodule::dataplane::smartmodule::SmartModuleInput;

use crate::INTERFACE_VERSION;
use crate::modules::Params;

/// A chain of one SmartModule that is ready to process batches.
#[derive(Debug)]
pub struct Chain(SmartModuleChainInstance);

impl Chain {
    /// Compiles and initialises a module, given as WASM or in its text form.
    pub fn start(wasm: &[u8], params: &Params) -> anyhow::Result<Self> {
        let mut config = SmartModuleConfig::builder();
        config
            .version(INTERFACE_VERSION)
            .smartmodule_names(vec!["measured".to_owned()]);
        for (name, value) in params {
            config.param(name, value);
        }
        let builder = SmartModuleChainBuilder::from((config.build()?, wasm));
        Ok(Self(builder.initialize(&SmartEngine::new())?))
    }

    /// Runs a batch, and returns the module's output records.
    pub fn run(&mut self, input: SmartModuleInput) -> anyhow::Result<Vec<Record>> {
        let output = self.0.process(input)?;
        match output.error {
            Some(error) => bail!("the module refused a record: {error}"),
            None => Ok(output.successes),
        }
    }

    /// Runs a batch through a batch module, and returns the value of its single output record.
    pub fn partial(&mut self, input: SmartModuleInput) -> anyhow::Result<Vec<u8>> {
        let [record] = <[Record; 1]>::try_from(self.run(input)?)
            .ok()
            .context("a batch module emits one record for each batch")?;
        Ok(record.value.as_ref().to_vec())
    }
}
