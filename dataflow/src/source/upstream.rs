//! Where the records of a partition come from, folded beside the data or plain.

use std::collections::BTreeMap;
use std::future::Future;

use bytes::Bytes;
use client::{BatchStream, ClientError, Cluster, PartitionSource, SmartModule, StoredBatch};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

/// Where a partition's records come from, folded or plain.
pub(crate) trait Upstream: Clone + Send + Sync + 'static {
    /// The partial of each stored batch from the one around `offset` on.
    fn partials(&self, offset: i64) -> impl Future<Output = Opened<Bytes>> + Send;
    /// The stored batches from `offset` on, where one must begin.
    fn batches(&self, offset: i64) -> impl Future<Output = Opened<StoredBatch>> + Send;
}

type Opened<T> = Result<BoxStream<'static, Result<T, ClientError>>, ClientError>;

/// A partition of a cluster, and the SmartModule that it is read through.
#[derive(Clone)]
pub(crate) struct Partition {
    pub(super) cluster: Cluster,
    /// Where in it; the offset is given anew each time.
    pub(super) source: PartitionSource,
    pub(super) module: SmartModule,
    pub(super) params: BTreeMap<String, String>,
}

impl Partition {
    fn at(&self, offset: i64) -> PartitionSource {
        PartitionSource {
            offset,
            ..self.source.clone()
        }
    }
}

impl Upstream for Partition {
    async fn partials(&self, offset: i64) -> Opened<Bytes> {
        let source = self.at(offset);
        let partials = self
            .cluster
            .transformed(&source, &self.module, &self.params);
        Ok(partials.await?.boxed())
    }

    async fn batches(&self, offset: i64) -> Opened<StoredBatch> {
        let batches = self.cluster.batches(&self.at(offset)).await?;
        let next = |mut batches: BatchStream| async { Some((batches.next().await, batches)) };
        Ok(stream::unfold(batches, next).boxed())
    }
}
