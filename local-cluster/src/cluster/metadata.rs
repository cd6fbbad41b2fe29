//! The state as the objects that clients know: what lists answer and watches send.

use fluvio_controlplane_metadata::partition::{
    PartitionResolution, PartitionSpec, PartitionStatus, ReplicaStatus,
};
use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::spu::{
    CustomSpuSpec, Endpoint, IngressAddr, IngressPort, SpuSpec, SpuStatus, SpuType,
};
use fluvio_controlplane_metadata::topic::{TopicResolution, TopicSpec, TopicStatus};
use fluvio_sc_schema::objects::Metadata;

use super::state::StoredSmartModule;
use super::{Cluster, Partition, SPU_ID, Topic};

/// A topic, provisioned on the one node.
pub(crate) fn topic(name: &str, topic: &Topic) -> Metadata<TopicSpec> {
    let replicas = vec![vec![SPU_ID]; topic.partitions.len()];
    Metadata {
        name: name.to_owned(),
        spec: topic.spec.clone(),
        status: TopicStatus::new(TopicResolution::Provisioned, replicas, ""),
    }
}

/// A partition with its offsets and size as they are now.
pub(crate) fn partition(topic: &Topic, partition: &Partition) -> Metadata<PartitionSpec> {
    let end = partition.end_offset();
    let status = PartitionStatus::new2(
        ReplicaStatus::new(SPU_ID, end, end),
        vec![],
        i64::try_from(partition.size_bytes()).unwrap_or(PartitionStatus::SIZE_ERROR),
        PartitionResolution::Online,
        partition.start_offset(),
    );
    Metadata {
        name: partition.name(),
        spec: PartitionSpec::from_replicas(vec![SPU_ID], &topic.spec, None),
        status,
    }
}

/// A SmartModule; the summary leaves its payload out and tells its size.
pub(crate) fn smartmodule(
    key: &str,
    stored: &StoredSmartModule,
    summary: bool,
) -> Metadata<SmartModuleSpec> {
    let full = Metadata {
        name: key.to_owned(),
        spec: (*stored.spec).clone(),
        status: Default::default(),
    };
    if summary { full.summary() } else { full }
}

/// The node itself.
pub(crate) fn spu(cluster: &Cluster) -> Metadata<SpuSpec> {
    let address = cluster.spu_addr();
    let spec = SpuSpec {
        id: SPU_ID,
        spu_type: SpuType::Custom,
        public_endpoint: IngressPort {
            port: address.port(),
            ingress: vec![IngressAddr::from_host(address.ip().to_string())],
            ..Default::default()
        },
        // nothing connects to it: the node has no peers
        private_endpoint: Endpoint::from_port_host(address.port(), address.ip().to_string()),
        rack: None,
        public_endpoint_local: None,
    };
    let mut status = SpuStatus::default();
    status.set_online();
    Metadata {
        name: format!("custom-spu-{SPU_ID}"),
        spec,
        status,
    }
}

/// The node as the kind of SPU that an administrator registers by hand.
pub(crate) fn custom_spu(cluster: &Cluster) -> Metadata<CustomSpuSpec> {
    let Metadata { name, spec, status } = spu(cluster);
    Metadata {
        name,
        spec: CustomSpuSpec::from(spec),
        status,
    }
}
