//! Runs SmartModules in the client, on each record before it is sent.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};

use bytes::Bytes;
use fluvio::metadata::smartmodule::SmartModuleSpec;
use fluvio_smartengine::{
    DEFAULT_SMARTENGINE_VERSION, EngineError, SmartEngine, SmartModuleChainBuilder,
    SmartModuleChainInstance, SmartModuleConfig,
};
use fluvio_smartmodule::dataplane::record::{Record, RecordData};
use fluvio_smartmodule::dataplane::smartmodule::{SmartModuleInput, SmartModuleOutput};
use tokio::task::spawn_blocking;

use crate::chain::chain;
use crate::clock::now_ms;
use crate::smartmodule::gunzip;
use crate::{ClientError, Cluster};

#[cfg(test)]
mod tests;

/// The memory limit of one module, which is far more than a record needs. Modules built with Fluvio's
/// `#[smartmodule]` macro never free their output, so each of them eventually reaches the limit and is restarted.
const MEMORY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A SmartModule and its parameters. `Debug` omits the parameters, which may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Transform {
    /// The module's name in the cluster: a plain name, or `group/name@version`.
    pub uses: String,
    /// The module's parameters.
    pub with: BTreeMap<String, String>,
}

/// A compiled chain of SmartModules. Later changes to the modules in the cluster have no effect on it.
pub struct Transforms {
    engine: SmartEngine,
    steps: Vec<Step>,
}

/// An optional key, and a value.
pub type KeyValue = (Option<Bytes>, Bytes);

/// A record that a SmartModule cannot process. The next record is not affected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("smartmodule `{module}`: {reason}")]
pub struct TransformError {
    /// The module's name.
    pub module: String,
    /// The error that the module returned, or the reason why the module was terminated. The text may quote a whole
    /// record and parameters.
    pub reason: String,
}

impl Cluster {
    /// Loads SmartModules from the cluster and compiles them.
    pub async fn transforms(&self, transforms: Vec<Transform>) -> Result<Transforms, ClientError> {
        let mut modules = Vec::new();
        for transform in transforms {
            let wasm = self.wasm(&transform.uses).await?;
            modules.push((transform, wasm));
        }
        spawn_blocking(|| Transforms::compile(modules))
            .await
            .map_err(|error| ClientError::fatal("compiling SmartModules", error))?
    }

    async fn wasm(&self, name: &str) -> Result<Vec<u8>, ClientError> {
        let what = || format!("loading SmartModule `{name}`");
        let found = self.list::<SmartModuleSpec>(Some(name)).await?;
        let Some(module) = found.into_iter().last() else {
            // Only Fluvio's tool `smdk` stores modules under qualified names.
            let command = match name.contains('/') {
                true => "load it with `smdk load`".to_owned(),
                false => {
                    format!("create it with `fluvio smartmodule create {name} --wasm-file FILE`")
                }
            };
            let reason = format!("the cluster does not have it; {command}");
            return Err(ClientError::configuration(what(), reason));
        };
        gunzip(&module.spec.wasm.payload).map_err(|error| {
            ClientError::configuration(
                what(),
                format!("the stored module is damaged ({error}); create it again"),
            )
        })
    }
}

impl Transforms {
    /// Compiles modules from their WASM. This takes CPU time, so call it from a blocking task.
    pub fn compile(modules: Vec<(Transform, Vec<u8>)>) -> Result<Self, ClientError> {
        let engine = SmartEngine::new();
        let steps = modules.into_iter().map(|(transform, wasm)| {
            let mut step = Step {
                transform,
                wasm,
                instance: None,
            };
            let instance = step.compiled(&engine).map_err(|error| {
                let what = format!("starting SmartModule `{}`", step.transform.uses);
                ClientError::configuration(what, chain(&error))
            })?;
            step.instance = Some(instance);
            Ok(step)
        });
        let steps = steps.collect::<Result<_, ClientError>>()?;
        Ok(Self { engine, steps })
    }

    /// Runs a record through the chain: each module gets the output of the module before it. The result can be any
    /// number of records, including none.
    pub fn apply(&mut self, record: KeyValue) -> Result<Vec<KeyValue>, TransformError> {
        let mut records = vec![encoded(record)];
        for step in &mut self.steps {
            if records.is_empty() {
                break;
            }
            records = step.run(&self.engine, records)?;
        }
        Ok(records.into_iter().map(decoded).collect())
    }
}

struct Step {
    transform: Transform,
    wasm: Vec<u8>,
    /// `None` after a failure, because a failure leaves the instance in an undefined state.
    instance: Option<SmartModuleChainInstance>,
}

impl Step {
    fn run(
        &mut self,
        engine: &SmartEngine,
        records: Vec<Record>,
    ) -> Result<Vec<Record>, TransformError> {
        let outcome = self.attempt(engine, records);
        let reason = match outcome {
            Ok(SmartModuleOutput {
                successes,
                error: None,
            }) => return Ok(successes),
            Ok(SmartModuleOutput {
                error: Some(error), ..
            }) => error.hint,
            Err(error) => chain(&error),
        };
        Err(TransformError {
            module: self.transform.uses.clone(),
            reason,
        })
    }

    fn attempt(
        &mut self,
        engine: &SmartEngine,
        records: Vec<Record>,
    ) -> anyhow::Result<SmartModuleOutput> {
        let mut input = SmartModuleInput::try_from_records(records, DEFAULT_SMARTENGINE_VERSION)?;
        input.set_base_timestamp(now_ms());
        match self.process(engine, input.clone()) {
            Err(error) if is_out_of_memory(&error) => {
                let module = &self.transform.uses;
                tracing::info!(
                    module,
                    "the SmartModule has used up its memory; restarting it"
                );
                self.process(engine, input)
            }
            outcome => outcome,
        }
    }

    fn process(
        &mut self,
        engine: &SmartEngine,
        input: SmartModuleInput,
    ) -> anyhow::Result<SmartModuleOutput> {
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.compiled(engine)?,
        };
        let output = instance.process(input)?;
        self.instance = Some(instance);
        Ok(output)
    }

    fn compiled(&self, engine: &SmartEngine) -> anyhow::Result<SmartModuleChainInstance> {
        let mut config = SmartModuleConfig::builder();
        config
            .params(self.transform.with.clone().into())
            .smartmodule_names(vec![self.transform.uses.clone()]);
        let mut builder = SmartModuleChainBuilder::default();
        builder.set_store_memory_limit(MEMORY_BYTES_MAX);
        builder.add_smart_module(config.build()?, self.wasm.clone());
        builder.initialize(engine)
    }
}

impl Debug for Transform {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Transform")
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}

impl Debug for Transforms {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let transforms = self.steps.iter().map(|step| &step.transform);
        formatter.debug_list().entries(transforms).finish()
    }
}

fn encoded((key, value): KeyValue) -> Record {
    let mut record = Record::new(value);
    record.key = key.map(RecordData::from);
    record
}

fn decoded(record: Record) -> KeyValue {
    let bytes = |data: RecordData| Bytes::from(data.into_vec());
    (record.key.map(bytes), bytes(record.value))
}

fn is_out_of_memory(error: &anyhow::Error) -> bool {
    let is_it = |cause: &(dyn std::error::Error + 'static)| {
        matches!(
            cause.downcast_ref(),
            Some(EngineError::StoreMemoryExceeded { .. })
        )
    };
    error.chain().any(is_it)
}
