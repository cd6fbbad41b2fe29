//! `Update`: adds partitions to a topic.

use fluvio_controlplane_metadata::topic::{TopicSpec, UpdateTopicAction};
use fluvio_protocol::link::ErrorCode;
use fluvio_sc_schema::TryEncodableFrom;
use fluvio_sc_schema::objects::{ObjectApiUpdateRequest, UpdateRequest};

use super::Control;
use crate::cluster::AdminError;
use crate::net::{Request, RequestError};

/// Adds the partitions and answers with a status.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    let body: ObjectApiUpdateRequest = request.decode()?;
    let update: Option<UpdateRequest<TopicSpec>> = request.guard(|| body.downcast())?;
    let update = update.ok_or(RequestError::UnknownObject {
        api_key: request.api_key,
    })?;
    let action = update.action.clone();
    let name = update.key();
    let result = match action {
        UpdateTopicAction::AddPartition(add) => {
            control.cluster.add_partitions(&name, add.count).await
        }
        UpdateTopicAction::AddMirror(_) => Err(AdminError::from(ErrorCode::MirrorInvalidType)),
    };
    control.answer_status(request, name, result).await
}
