//! `Create`: topics and SmartModules. Rejects all other kinds of objects.

use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;
use fluvio_protocol::link::ErrorCode;
use fluvio_sc_schema::CreatableAdminSpec;
use fluvio_sc_schema::TryEncodableFrom;
use fluvio_sc_schema::customspu::CustomSpuSpec;
use fluvio_sc_schema::mirror::MirrorSpec;
use fluvio_sc_schema::objects::{CreateRequest, ObjectApiCreateRequest};
use fluvio_sc_schema::spg::SpuGroupSpec;
use fluvio_sc_schema::tableformat::TableFormatSpec;

use super::Control;
use crate::cluster::AdminError;
use crate::net::{Request, RequestError};

/// Creates an object and answers with a status. The watch frames of the new object are queued before the
/// response.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    let body: ObjectApiCreateRequest = request.decode()?;
    if let Some((name, dry_run, spec)) = typed::<TopicSpec>(request, &body)? {
        let result = control.cluster.create_topic(&name, spec, dry_run).await;
        return control.answer_status(request, name, result).await;
    }
    if let Some((name, dry_run, spec)) = typed::<SmartModuleSpec>(request, &body)? {
        let result = control.cluster.put_smartmodule(&name, spec, dry_run).await;
        return control.answer_status(request, name, result).await;
    }
    let name = refused(request, &body)?.ok_or(RequestError::UnknownObject {
        api_key: request.api_key,
    })?;
    let error = AdminError::new(
        ErrorCode::InvalidCreateRequest,
        "this cluster is a single node: only topics and SmartModules can be created".to_owned(),
    );
    control.answer_status(request, name, Err(error)).await
}

fn refused(
    request: &Request,
    body: &ObjectApiCreateRequest,
) -> Result<Option<String>, RequestError> {
    let mut name = typed::<CustomSpuSpec>(request, body)?.map(|(name, ..)| name);
    if name.is_none() {
        name = typed::<SpuGroupSpec>(request, body)?.map(|(name, ..)| name);
    }
    if name.is_none() {
        name = typed::<TableFormatSpec>(request, body)?.map(|(name, ..)| name);
    }
    if name.is_none() {
        name = typed::<MirrorSpec>(request, body)?.map(|(name, ..)| name);
    }
    Ok(name)
}

fn typed<S>(
    request: &Request,
    body: &ObjectApiCreateRequest,
) -> Result<Option<(String, bool, S)>, RequestError>
where
    S: CreatableAdminSpec,
    ObjectApiCreateRequest: TryEncodableFrom<CreateRequest<S>>,
{
    let typed: Option<CreateRequest<S>> = request.guard(|| body.downcast())?;
    Ok(typed.map(|typed| {
        let (common, spec) = typed.parts();
        (common.name, common.dry_run, spec)
    }))
}
