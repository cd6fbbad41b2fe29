//! `Delete`: topics and SmartModules.

use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;
use fluvio_protocol::link::ErrorCode;
use fluvio_sc_schema::TryEncodableFrom;
use fluvio_sc_schema::customspu::CustomSpuSpec;
use fluvio_sc_schema::mirror::MirrorSpec;
use fluvio_sc_schema::objects::{DeleteRequest, ObjectApiDeleteRequest};
use fluvio_sc_schema::spg::SpuGroupSpec;
use fluvio_sc_schema::tableformat::TableFormatSpec;

use super::Control;
use crate::cluster::AdminError;
use crate::net::{Request, RequestError};

/// Deletes an object and answers with a status.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    let body: ObjectApiDeleteRequest = request.decode()?;
    let topic: Option<DeleteRequest<TopicSpec>> = request.guard(|| body.downcast())?;
    if let Some(delete) = topic {
        let force = delete.is_force();
        let name = delete.key();
        let result = control.cluster.delete_topic(&name, force).await;
        return control.answer_status(request, name, result).await;
    }
    let smartmodule: Option<DeleteRequest<SmartModuleSpec>> = request.guard(|| body.downcast())?;
    if let Some(delete) = smartmodule {
        let name = delete.key();
        let result = control.cluster.delete_smartmodule(&name).await;
        return control.answer_status(request, name, result).await;
    }
    let (name, code) = absent(request, &body)?.ok_or(RequestError::UnknownObject {
        api_key: request.api_key,
    })?;
    control
        .answer_status(request, name, Err(AdminError::from(code)))
        .await
}

/// For kinds of objects that this node cannot delete, returns the object's name and the error code that clients
/// expect.
fn absent(
    request: &Request,
    body: &ObjectApiDeleteRequest,
) -> Result<Option<(String, ErrorCode)>, RequestError> {
    let spu: Option<DeleteRequest<CustomSpuSpec>> = request.guard(|| body.downcast())?;
    let group: Option<DeleteRequest<SpuGroupSpec>> = request.guard(|| body.downcast())?;
    let table: Option<DeleteRequest<TableFormatSpec>> = request.guard(|| body.downcast())?;
    let mirror: Option<DeleteRequest<MirrorSpec>> = request.guard(|| body.downcast())?;
    let spu = spu.map(|_| (String::new(), ErrorCode::InvalidDeleteRequest));
    let group = group.map(|delete| (delete.key(), ErrorCode::SpuNotFound));
    let table = table.map(|delete| (delete.key(), ErrorCode::TableFormatNotFound));
    let mirror = mirror.map(|delete| (delete.key(), ErrorCode::MirrorNotFound));
    Ok(spu.or(group).or(table).or(mirror))
}
