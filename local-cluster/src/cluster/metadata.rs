//! Converts the state to the protocol's objects, for lists and watches.

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

/// Converts a topic. Its status is `Provisioned`, with all replicas on this node.
pub(crate) fn topic(name: &str, topic: &Topic) -> Metadata<TopicSpec> {
    let replicas = vec![vec![SPU_ID]; topic.partitions.len()];
    Metadata {
        name: name.to_owned(),
        spec: topic.spec.clone(),
        status: TopicStatus::new(TopicResolution::Provisioned, replicas, ""),
    }
}

/// Converts a partition with its current offsets and size.
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

/// Converts a SmartModule. A summary contains the payload's size instead of the payload.
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

/// Describes this node as an SPU.
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
        // Nothing connects to the private endpoint, because the node has no peers.
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

/// Describes this node as a custom SPU: one that an administrator registers by hand.
pub(crate) fn custom_spu(cluster: &Cluster) -> Metadata<CustomSpuSpec> {
    let Metadata { name, spec, status } = spu(cluster);
    Metadata {
        name,
        spec: CustomSpuSpec::from(spec),
        status,
    }
}
