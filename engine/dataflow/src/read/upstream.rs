//! A source partition, folded on the server for one derivation or for several.

use std::future::Future;

use bytes::Bytes;
use client::{ClientError, Cluster, Offset, PartitionSource};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use model::fold::{self, FoldRequest};

use crate::durable::source_log::{self, ReadTo};
use crate::error::RunError;
use crate::spec::modules::SourceModules;

/// A source partition from which streams of partials can be opened.
pub(crate) trait Upstream: Clone + Send + Sync + 'static {
    /// Opens a stream with one output of the SmartModule for each stored batch, beginning with the batch that
    /// contains `offset`. Each output contains one partial for each of `folds`, in the same order.
    fn folded(
        &self,
        offset: Offset,
        folds: &[FoldRequest],
    ) -> impl Future<Output = Opened<Bytes>> + Send;
    /// Returns an error if the partition's log is not the one that `derivation` has read so far.
    fn check(
        &self,
        derivation: &str,
        read_to: ReadTo,
    ) -> impl Future<Output = Result<(), RunError>> + Send;
}

type Opened<T> = Result<BoxStream<'static, Result<T, ClientError>>, ClientError>;

/// A partition of a cluster, and the SmartModules through which it can be read. The modules are those with which this
/// program was built, even if the cluster has others under the same names.
#[derive(Clone)]
pub(crate) struct UpstreamPartition {
    pub(crate) cluster: Cluster,
    /// The partition to read. The `offset` in it is replaced each time a stream is opened.
    pub(crate) source: PartitionSource,
    pub(crate) modules: SourceModules,
}

impl Upstream for UpstreamPartition {
    async fn folded(&self, offset: Offset, folds: &[FoldRequest]) -> Opened<Bytes> {
        let source = PartitionSource {
            offset,
            ..self.source.clone()
        };
        let params = fold::parameters(folds);
        let module = self.modules.for_folds(folds);
        let outputs = self.cluster.transformed(&source, &module, &params);
        Ok(outputs.await?.boxed())
    }

    async fn check(&self, derivation: &str, read_to: ReadTo) -> Result<(), RunError> {
        let (topic, partition) = (&self.source.topic, self.source.partition);
        source_log::check(&self.cluster, derivation, topic, partition, read_to).await
    }
}
