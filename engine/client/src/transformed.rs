//! Streams the output of a SmartModule that the server runs on one partition.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use fluvio::consumer::ConsumerConfig;
use fluvio::{
    SmartModuleContextData, SmartModuleInvocation, SmartModuleInvocationWasm, SmartModuleKind,
};
use futures_util::{Stream, StreamExt};

use crate::ad_hoc::AdHocModule;
use crate::source::{PartitionReader, RecordBatches, plain};
use crate::{ClientError, Cluster, Offset, Partition};

/// The limit on the size of a response. If a module's output for one batch is larger, the server does not send it and
/// skips the rest of the segment. So the limit is far larger than the usual output for a batch.
const OUTPUT_BYTES_MAX: i32 = 8 * 1024 * 1024;

/// The partition and offset at which a transformed stream starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionSource {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: Partition,
    /// The offset at which the stream starts. The server passes whole batches to the module, so the module may also see
    /// earlier records of the first batch.
    pub offset: Offset,
}

/// The module to run.
#[derive(Clone, Debug)]
pub enum SmartModule {
    /// A module that is registered with the cluster under this name.
    Named(String),
    /// A module that is sent with the request.
    AdHoc(AdHocModule),
}

impl Cluster {
    /// Runs a SmartModule on one partition, from an offset on and without an end. The stream retries nothing and ends
    /// after its first error. It contains values without offsets, because the server assigns wrong offsets to a
    /// module's output. A module whose output needs true offsets must write them into its values.
    pub async fn transformed(
        &self,
        source: &PartitionSource,
        module: &SmartModule,
        params: &BTreeMap<String, String>,
    ) -> Result<ValueStream, ClientError> {
        let reader = PartitionReader {
            cluster: self.clone(),
            topic: source.topic.clone(),
            partition: source.partition,
        };
        let name = format!("{}-{}", source.topic, source.partition);
        let config = ConsumerConfig {
            max_bytes: OUTPUT_BYTES_MAX,
            smartmodule: vec![invocation(module, params)?],
            ..plain(&name)?
        };
        let frames = reader.stream(source.offset, config).await?;
        Ok(ValueStream {
            name,
            frames: Some(frames),
            values: Vec::new().into_iter(),
        })
    }
}

/// The output of a SmartModule on a partition, in order, until the first error.
pub struct ValueStream {
    name: String,
    frames: Option<RecordBatches>,
    values: std::vec::IntoIter<Bytes>,
}

impl Stream for ValueStream {
    type Item = Result<Bytes, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(value) = self.values.next() {
                return Poll::Ready(Some(Ok(value)));
            }
            let Some(frames) = self.frames.as_mut() else {
                return Poll::Ready(None);
            };
            let error = match std::task::ready!(frames.poll_next_unpin(context)) {
                Some(Ok(records)) => {
                    let values: Vec<Bytes> =
                        records.into_iter().map(|record| record.value).collect();
                    self.values = values.into_iter();
                    continue;
                }
                Some(Err(error)) => error,
                None => ClientError::retry(
                    format!("reading `{}`", self.name),
                    "the server ended the stream",
                ),
            };
            self.frames = None;
            return Poll::Ready(Some(Err(error)));
        }
    }
}

impl Debug for ValueStream {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ValueStream")
            .field("of", &self.name)
            .finish_non_exhaustive()
    }
}

fn invocation(
    module: &SmartModule,
    params: &BTreeMap<String, String>,
) -> Result<SmartModuleInvocation, ClientError> {
    let (wasm, module_name) = match module {
        SmartModule::Named(module) => (
            SmartModuleInvocationWasm::Predefined(module.clone()),
            Some(module.clone()),
        ),
        SmartModule::AdHoc(module) => (SmartModuleInvocationWasm::AdHoc(module.gzipped()?), None),
    };
    Ok(SmartModuleInvocation {
        wasm,
        // The server detects which kind of transform the module exports.
        kind: SmartModuleKind::Generic(SmartModuleContextData::None),
        params: params.clone().into(),
        name: module_name,
    })
}
