//! Handles the administrative requests of the control port. This file only dispatches; each type of request
//! has its own file.

mod api_versions;
mod create;
mod delete;
mod list;
mod update;
mod watch;

use std::sync::Arc;

use fluvio_sc_schema::{AdminPublicApiKey, Status};
use tokio_util::sync::CancellationToken;

use crate::cluster::{AdminError, Cluster, Watches};
use crate::net::{Outbox, Request, RequestError, Service, check_version};

/// One connection to the control port.
pub(crate) struct Control {
    cluster: Arc<Cluster>,
    outbox: Outbox,
    watches: Arc<Watches>,
    closing: CancellationToken,
}

impl Control {
    /// Creates the service of one connection to `cluster`. Responses go to `outbox`.
    pub(crate) fn new(cluster: Arc<Cluster>, outbox: Outbox, closing: CancellationToken) -> Self {
        let watches = Watches::new(outbox.clone());
        Self {
            cluster,
            outbox,
            watches,
            closing,
        }
    }

    async fn answer_status(
        &self,
        request: &Request,
        name: String,
        result: Result<(), AdminError>,
    ) -> Result<(), RequestError> {
        let status = match result {
            Ok(()) => Status::new_ok(name),
            Err(error) => Status::new(name, error.code, error.message),
        };
        self.outbox.answer(request, &status).await
    }
}

impl Service for Control {
    const NAME: &'static str = "control";

    async fn handle(&mut self, request: Request) -> Result<(), RequestError> {
        type Key = AdminPublicApiKey;
        if request.api_key == Key::ApiVersion as u16 {
            return api_versions::handle(self, &request).await;
        }
        check_version(&request, api_versions::OBJECT_VERSIONS)?;
        match request.api_key {
            key if key == Key::Create as u16 => create::handle(self, &request).await,
            key if key == Key::Delete as u16 => delete::handle(self, &request).await,
            key if key == Key::List as u16 => list::handle(self, &request).await,
            key if key == Key::Watch as u16 => watch::handle(self, &request).await,
            key if key == Key::Update as u16 => update::handle(self, &request).await,
            key => Err(RequestError::UnknownKey(key)),
        }
    }
}
