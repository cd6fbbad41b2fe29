//! Handles the requests of the data port, which produce and consume records. This file only dispatches; each
//! type of request has its own file.

mod api_versions;
mod delete_consumer_offset;
mod fetch_consumer_offsets;
mod fetch_offsets;
mod produce;
mod stream_fetch;
mod update_consumer_offset;
mod update_offsets;

use std::sync::Arc;

use fluvio_spu_schema::server::SpuServerApiKey;
use tokio_util::sync::CancellationToken;

use crate::chain::Pool;
use crate::cluster::Cluster;
use crate::net::{Outbox, Request, RequestError, Service, check_version};
use crate::stream::OpenStreams;

/// One connection to the data port.
pub(crate) struct Data {
    cluster: Arc<Cluster>,
    pool: Pool,
    outbox: Outbox,
    closing: CancellationToken,
    streams: OpenStreams,
}

impl Data {
    /// Creates the service of one connection to `cluster`. Responses go to `outbox`, and chains run on
    /// `pool`.
    pub(crate) fn new(
        cluster: Arc<Cluster>,
        pool: Pool,
        outbox: Outbox,
        closing: CancellationToken,
    ) -> Self {
        Self {
            cluster,
            pool,
            outbox,
            closing,
            streams: OpenStreams::default(),
        }
    }
}

impl Service for Data {
    const NAME: &'static str = "data";

    async fn handle(&mut self, request: Request) -> Result<(), RequestError> {
        type Key = SpuServerApiKey;
        if request.api_key == Key::ApiVersion as u16 {
            return api_versions::handle(self, &request).await;
        }
        check_version(&request, api_versions::VERSIONS)?;
        match request.api_key {
            key if key == Key::Produce as u16 => produce::handle(self, request).await,
            key if key == Key::FetchOffsets as u16 => fetch_offsets::handle(self, &request).await,
            key if key == Key::StreamFetch as u16 => stream_fetch::handle(self, &request).await,
            key if key == Key::UpdateOffsets as u16 => update_offsets::handle(self, &request).await,
            key if key == Key::UpdateConsumerOffset as u16 => {
                update_consumer_offset::handle(self, &request).await
            }
            key if key == Key::DeleteConsumerOffset as u16 => {
                delete_consumer_offset::handle(self, &request).await
            }
            key if key == Key::FetchConsumerOffsets as u16 => {
                fetch_consumer_offsets::handle(self, &request).await
            }
            key => Err(RequestError::UnknownKey(key)),
        }
    }
}
