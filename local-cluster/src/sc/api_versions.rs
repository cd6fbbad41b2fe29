//! `ApiVersions`, the first request of every connection: the versions that the control port supports.

use std::ops::RangeInclusive;

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::link::versions::{ApiVersionKey, ApiVersionsRequest, ApiVersionsResponse};
use fluvio_sc_schema::AdminPublicApiKey;

use super::Control;
use crate::net::{Request, RequestError};
use crate::platform;

/// Supported versions of administrative requests: from the first version with typed objects to the version of
/// the published clients.
pub(super) const OBJECT_VERSIONS: RangeInclusive<i16> = 11..=19;

/// Answers with the keys and versions of this port.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    request.decode::<ApiVersionsRequest>()?;
    let key = |key: AdminPublicApiKey| ApiVersionKey {
        api_key: key as i16,
        min_version: *OBJECT_VERSIONS.start(),
        max_version: *OBJECT_VERSIONS.end(),
    };
    let response = ApiVersionsResponse {
        error_code: ErrorCode::None,
        api_keys: vec![
            key(AdminPublicApiKey::Create),
            key(AdminPublicApiKey::Delete),
            key(AdminPublicApiKey::List),
            key(AdminPublicApiKey::Watch),
            key(AdminPublicApiKey::Update),
        ],
        platform_version: platform::version(control.cluster.connections_max()),
    };
    control.outbox.answer(request, &response).await
}
