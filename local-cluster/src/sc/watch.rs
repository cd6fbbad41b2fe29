//! `Watch`: sends the complete state, then every change, until the connection ends.

use fluvio_controlplane_metadata::partition::PartitionSpec;
use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::spg::SpuGroupSpec;
use fluvio_controlplane_metadata::spu::SpuSpec;
use fluvio_controlplane_metadata::tableformat::TableFormatSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;
use fluvio_sc_schema::objects::{ObjectApiWatchRequest, WatchRequest};
use fluvio_sc_schema::{AdminSpec, TryEncodableFrom};

use super::Control;
use crate::cluster::WatchKind;
use crate::net::{Request, RequestError};

/// Starts a watch. Its frames repeat the request's correlation id.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    let body: ObjectApiWatchRequest = request.decode()?;
    let kind = kind(request, &body)?.ok_or(RequestError::UnknownObject {
        api_key: request.api_key,
    })?;
    let first = control
        .watches
        .add(kind, request.correlation_id, request.version)
        .await;
    if first {
        control.cluster.register(&control.watches);
        tokio::spawn(follow(control));
    }
    let _ = control.watches.flush(&control.cluster).await;
    Ok(())
}

fn follow(control: &Control) -> impl Future<Output = ()> + use<> {
    let (cluster, watches, closing) = (
        control.cluster.clone(),
        control.watches.clone(),
        control.closing.clone(),
    );
    let mut epoch = cluster.epoch();
    async move {
        while let Some(Ok(())) = closing.run_until_cancelled(epoch.changed()).await {
            let Some(Ok(())) = closing.run_until_cancelled(watches.flush(&cluster)).await else {
                return;
            };
        }
    }
}

fn kind(
    request: &Request,
    body: &ObjectApiWatchRequest,
) -> Result<Option<WatchKind>, RequestError> {
    if asks::<SpuSpec>(request, body)?.is_some() {
        return Ok(Some(WatchKind::Spu));
    }
    if asks::<PartitionSpec>(request, body)?.is_some() {
        return Ok(Some(WatchKind::Partition));
    }
    if asks::<TopicSpec>(request, body)?.is_some() {
        return Ok(Some(WatchKind::Topic));
    }
    if let Some(summary) = asks::<SmartModuleSpec>(request, body)? {
        return Ok(Some(WatchKind::SmartModule { summary }));
    }
    if asks::<TableFormatSpec>(request, body)?.is_some() {
        return Ok(Some(WatchKind::TableFormat));
    }
    Ok(asks::<SpuGroupSpec>(request, body)?.map(|_| WatchKind::SpuGroup))
}

/// If the watch is for objects of type `S`, returns whether it requests summaries.
fn asks<S: AdminSpec>(
    request: &Request,
    body: &ObjectApiWatchRequest,
) -> Result<Option<bool>, RequestError> {
    let typed: Option<WatchRequest<S>> = request.guard(|| body.downcast())?;
    Ok(typed.map(|watch| watch.summary))
}
