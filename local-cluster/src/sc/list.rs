//! `List`: returns the current objects of a kind.

use fluvio_controlplane_metadata::partition::PartitionSpec;
use fluvio_controlplane_metadata::smartmodule::{SmartModulePackageKey, SmartModuleSpec};
use fluvio_controlplane_metadata::spg::SpuGroupSpec;
use fluvio_controlplane_metadata::spu::{CustomSpuSpec, SpuSpec};
use fluvio_controlplane_metadata::tableformat::TableFormatSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;
use fluvio_protocol::{Decoder, Encoder};
use fluvio_sc_schema::mirror::MirrorSpec;
use fluvio_sc_schema::objects::{
    ListFilter, ListRequest, ListResponse, Metadata, ObjectApiListRequest, ObjectApiListResponse,
};
use fluvio_sc_schema::{AdminSpec, TryEncodableFrom};

use super::Control;
use crate::cluster::{Cluster, metadata, smartmodule_matches};
use crate::net::{Request, RequestError};

/// Answers with the objects of the requested kind.
pub(super) async fn handle(control: &mut Control, request: &Request) -> Result<(), RequestError> {
    let body: ObjectApiListRequest = request.decode()?;
    let response = Listing {
        request,
        body: &body,
    }
    .answer(&control.cluster)?;
    control.outbox.answer(request, &response).await
}

struct Listing<'a> {
    request: &'a Request,
    body: &'a ObjectApiListRequest,
}

impl Listing<'_> {
    fn answer(&self, cluster: &Cluster) -> Result<ObjectApiListResponse, RequestError> {
        let answers = [
            self.of::<TopicSpec>(|list| topics(cluster, list))?,
            self.of::<PartitionSpec>(|list| partitions(cluster, list.system))?,
            self.of::<SmartModuleSpec>(|list| smartmodules(cluster, list))?,
            self.of::<SpuSpec>(|_| vec![metadata::spu(cluster)])?,
            self.of::<CustomSpuSpec>(|_| vec![metadata::custom_spu(cluster)])?,
            self.of::<SpuGroupSpec>(|_| vec![])?,
            self.of::<TableFormatSpec>(|_| vec![])?,
            self.of::<MirrorSpec>(|_| vec![])?,
        ];
        let unknown = RequestError::UnknownObject {
            api_key: self.request.api_key,
        };
        answers.into_iter().flatten().next().ok_or(unknown)
    }

    /// Returns the response if the request is for objects of type `S`.
    fn of<S>(
        &self,
        list: impl FnOnce(ListRequest<S>) -> Vec<Metadata<S>>,
    ) -> Result<Option<ObjectApiListResponse>, RequestError>
    where
        S: AdminSpec,
        S::Status: Encoder + Decoder,
    {
        let typed: Option<ListRequest<S>> = self.request.guard(|| self.body.downcast())?;
        let Some(typed) = typed else { return Ok(None) };
        let response = ListResponse::new(list(typed));
        self.request
            .guard(|| ObjectApiListResponse::try_encode_from(response, self.request.version))
            .map(Some)
    }
}

/// Lists the topics whose name contains any of the filters, or all topics without filters. System topics are
/// listed only if `list` requests them, and then alone.
fn topics(cluster: &Cluster, list: ListRequest<TopicSpec>) -> Vec<Metadata<TopicSpec>> {
    let filters: Vec<ListFilter> = list.name_filters.into();
    let wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|filter| name.contains(&filter.name));
    let state = cluster.state();
    let topics = state.topics.iter();
    topics
        .filter(|(name, topic)| topic.spec.is_system() == list.system && wanted(name))
        .map(|(name, topic)| metadata::topic(name, topic))
        .collect()
}

/// Lists all partitions of system topics if `system` is set, and otherwise those of all other topics. Clients
/// filter them by name themselves.
fn partitions(cluster: &Cluster, system: bool) -> Vec<Metadata<PartitionSpec>> {
    let state = cluster.state();
    let topics = state
        .topics
        .values()
        .filter(|topic| topic.spec.is_system() == system);
    topics
        .flat_map(|topic| {
            topic
                .partitions
                .iter()
                .map(|partition| metadata::partition(topic, partition))
        })
        .collect()
}

/// Lists the SmartModules that match any of the filters, or all without filters. Filters are parsed as
/// `group/name@version`.
fn smartmodules(
    cluster: &Cluster,
    list: ListRequest<SmartModuleSpec>,
) -> Vec<Metadata<SmartModuleSpec>> {
    let filters: Vec<ListFilter> = list.name_filters.into();
    let all = filters.is_empty();
    let keys: Vec<_> = filters
        .iter()
        .filter_map(|filter| SmartModulePackageKey::from_qualified_name(&filter.name).ok())
        .collect();
    let state = cluster.state();
    let stored = state.smartmodules.iter();
    stored
        .filter(|(key, stored)| {
            all || keys
                .iter()
                .any(|wanted| smartmodule_matches(wanted, key, stored))
        })
        .map(|(key, stored)| metadata::smartmodule(key, stored, list.summary))
        .collect()
}
