//! Compiles the chain that a client requests.

use std::io::Read;

use flate2::read::GzDecoder;
use fluvio_protocol::link::ErrorCode;
use fluvio_smartengine::{SmartModuleChainBuilder, SmartModuleConfig, SmartModuleInitialData};
use fluvio_spu_schema::server::smartmodule::{
    SmartModuleContextData, SmartModuleInvocation, SmartModuleInvocationWasm, SmartModuleKind,
};

use super::{Chain, failure};
use crate::cluster::Cluster;
use crate::limits::{CHAIN_MODULES_MAX, SMARTMODULE_BYTES_MAX};

/// Resolves, compiles and initialises the modules in `invocations`. Blocks the thread.
pub(crate) fn compile(
    cluster: &Cluster,
    invocations: Vec<SmartModuleInvocation>,
    version: i16,
) -> Result<Chain, ErrorCode> {
    if invocations.len() > CHAIN_MODULES_MAX {
        let error = format!(
            "a chain of {} SmartModules exceeds the limit of {CHAIN_MODULES_MAX}",
            invocations.len()
        );
        return Err(ErrorCode::SmartModuleChainInitError(error));
    }
    let name = invocations.first().and_then(|first| first.name.clone());
    let mut builder = SmartModuleChainBuilder::default();
    for invocation in invocations {
        let (config, wasm) = resolve(cluster, invocation, version)?;
        builder.add_smart_module(config, wasm);
    }
    let instance = builder
        .initialize(cluster.engine())
        .map_err(|error| failure::building(error.as_ref(), name))?;
    Ok(Chain::new(instance))
}

fn resolve(
    cluster: &Cluster,
    invocation: SmartModuleInvocation,
    version: i16,
) -> Result<(SmartModuleConfig, Vec<u8>), ErrorCode> {
    let SmartModuleInvocation {
        wasm,
        kind,
        params,
        name,
    } = invocation;
    let (name, wasm) = match wasm {
        SmartModuleInvocationWasm::AdHoc(gzipped) => {
            (name.unwrap_or_default(), unzip(&gzipped, None)?)
        }
        SmartModuleInvocationWasm::Predefined(name) => {
            let stored = cluster.smartmodule(&name);
            let stored =
                stored.ok_or_else(|| ErrorCode::SmartModuleNotFound { name: name.clone() })?;
            let wasm = unzip(&stored.wasm.payload, Some(&name))?;
            (name, wasm)
        }
    };
    let mut config = SmartModuleConfig::builder();
    config
        .lookback(params.lookback().map(Into::into))
        .params(params)
        .version(version)
        .smartmodule_names(vec![name])
        .initial_data(initial_data(kind));
    let config = config
        .build()
        .map_err(|error| ErrorCode::SmartModuleChainInitError(error.to_string()))?;
    Ok((config, wasm))
}

/// Returns the initial accumulator of an aggregate. Other kinds have no initial data. The kind itself is not passed
/// on, because the engine derives it from the module's exports.
fn initial_data(kind: SmartModuleKind) -> SmartModuleInitialData {
    match kind {
        SmartModuleKind::Aggregate { accumulator }
        | SmartModuleKind::Generic(SmartModuleContextData::Aggregate { accumulator }) => {
            SmartModuleInitialData::with_aggregate(accumulator)
        }
        _ => SmartModuleInitialData::None,
    }
}

fn unzip(gzipped: &[u8], name: Option<&str>) -> Result<Vec<u8>, ErrorCode> {
    let invalid = |error: String| ErrorCode::SmartModuleInvalid {
        error,
        name: name.map(str::to_owned),
    };
    let mut wasm = Vec::new();
    GzDecoder::new(gzipped)
        .take(SMARTMODULE_BYTES_MAX + 1)
        .read_to_end(&mut wasm)
        .map_err(|error| invalid(format!("its payload is not gzip: {error}")))?;
    if wasm.len() as u64 > SMARTMODULE_BYTES_MAX {
        return Err(invalid(format!(
            "it is larger than {SMARTMODULE_BYTES_MAX} bytes"
        )));
    }
    Ok(wasm)
}
