//! `ApiVersions`, the first request of every connection: the versions that the data port announces.

use std::ops::RangeInclusive;

use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::link::versions::{ApiVersionKey, ApiVersionsRequest, ApiVersionsResponse};
use fluvio_spu_schema::COMMON_VERSION;
use fluvio_spu_schema::server::SpuServerApiKey;

use super::Data;
use crate::net::{Request, RequestError};
use crate::platform;

/// The versions that the data port accepts, for all requests alike. The announced ranges are narrower for some
/// requests, as in Fluvio. Requests about consumer offsets are not announced at all; clients choose their version
/// themselves.
pub(super) const VERSIONS: RangeInclusive<i16> = 0..=COMMON_VERSION;

/// Answers with the keys and versions that Fluvio announces, except for requests that no client sends.
pub(super) async fn handle(data: &mut Data, request: &Request) -> Result<(), RequestError> {
    request.decode::<ApiVersionsRequest>()?;
    let key = |key: SpuServerApiKey, versions: RangeInclusive<i16>| ApiVersionKey {
        api_key: key as i16,
        min_version: *versions.start(),
        max_version: *versions.end(),
    };
    let response = ApiVersionsResponse {
        error_code: ErrorCode::None,
        api_keys: vec![
            key(SpuServerApiKey::Produce, VERSIONS),
            key(
                SpuServerApiKey::FetchOffsets,
                COMMON_VERSION..=COMMON_VERSION,
            ),
            key(SpuServerApiKey::StreamFetch, VERSIONS),
            key(SpuServerApiKey::UpdateOffsets, 0..=0),
        ],
        platform_version: platform::version(data.cluster.connections_max()),
    };
    data.outbox.answer(request, &response).await
}
