//! What a topic must look like to be created here.

use fluvio_controlplane_metadata::topic::{PartitionMap, ReplicaSpec, TopicSpec};
use fluvio_protocol::link::ErrorCode;
use fluvio_sc_schema::shared::validate_resource_name;

use super::{Refusal, SPU_ID};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;

/// Number of partitions of a topic that passes all rules, or why it does not.
pub(crate) fn check(name: &str, spec: &TopicSpec) -> Result<u32, Refusal> {
    if name.is_empty() || validate_resource_name(name).is_err() {
        return Err(Refusal::new(
            ErrorCode::TopicInvalidName,
            format!(
                "topic name `{name}` may hold up to 63 lower-case letters, digits and inner hyphens"
            ),
        ));
    }
    if let Some(reason) = spec.validate_config() {
        return Err(Refusal::new(ErrorCode::TopicInvalidConfiguration, reason));
    }
    if spec.get_deduplication().is_some() {
        return Err(Refusal::new(
            ErrorCode::DeduplicationSmartModuleNotLoaded,
            "this node does not deduplicate; create the topic without deduplication".to_owned(),
        ));
    }
    let partitions = partitions(spec.replicas())?;
    check_count(partitions)?;
    Ok(partitions)
}

/// Refuses partition counts that the node could not hold open.
pub(crate) fn check_count(partitions: u32) -> Result<(), Refusal> {
    if (1..=PARTITIONS_PER_TOPIC_MAX).contains(&partitions) {
        return Ok(());
    }
    Err(invalid(format!(
        "`{partitions}` partitions are outside 1..={PARTITIONS_PER_TOPIC_MAX}"
    )))
}

fn partitions(replicas: &ReplicaSpec) -> Result<u32, Refusal> {
    match replicas {
        ReplicaSpec::Computed(param) if param.replication_factor <= 1 => Ok(param.partitions),
        ReplicaSpec::Computed(param) => Err(invalid(format!(
            "replication factor `{}` needs as many nodes; this cluster is one node, use 1",
            param.replication_factor
        ))),
        ReplicaSpec::Assigned(maps) => assigned(Vec::from(maps.clone())),
        ReplicaSpec::Mirror(_) => Err(Refusal::new(
            ErrorCode::MirrorInvalidType,
            "this node has no mirrors; create a plain topic".to_owned(),
        )),
    }
}

fn assigned(maps: Vec<PartitionMap>) -> Result<u32, Refusal> {
    let in_order = maps.iter().zip(0u32..).all(|(map, index)| map.id == index);
    let here = maps.iter().all(|map| map.replicas == [SPU_ID]);
    match u32::try_from(maps.len()) {
        Ok(count) if in_order && here => Ok(count),
        _ => Err(invalid(format!(
            "assigned partitions must be numbered from 0 and have the one replica `{SPU_ID}`"
        ))),
    }
}

fn invalid(reason: String) -> Refusal {
    Refusal::new(ErrorCode::TopicInvalidConfiguration, reason)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn code(name: &str, spec: TopicSpec) -> ErrorCode {
        check(name, &spec).unwrap_err().code
    }

    #[test]
    fn ordinary_topics_pass() {
        assert_eq!(
            check("clicks", &TopicSpec::new_computed(3, 1, None)).unwrap(),
            3
        );
        let assigned = vec![(0, vec![SPU_ID]), (1, vec![SPU_ID])];
        assert_eq!(check("a", &TopicSpec::new_assigned(assigned)).unwrap(), 2);
    }

    #[test]
    fn names_that_could_leave_the_data_folder_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "../a",
            "A",
            "a_b",
            "-a",
            "a-",
            "a\0",
            &"a".repeat(64),
        ] {
            assert_eq!(
                code(name, TopicSpec::new_computed(1, 1, None)),
                ErrorCode::TopicInvalidName,
                "{name:?}"
            );
        }
    }

    #[test]
    fn what_one_node_cannot_do_is_refused_at_once() {
        let invalid = ErrorCode::TopicInvalidConfiguration;
        assert_eq!(code("a", TopicSpec::new_computed(1, 2, None)), invalid);
        assert_eq!(code("a", TopicSpec::new_computed(0, 1, None)), invalid);
        assert_eq!(
            code(
                "a",
                TopicSpec::new_computed(PARTITIONS_PER_TOPIC_MAX + 1, 1, None)
            ),
            invalid
        );
        assert_eq!(
            code("a", TopicSpec::new_assigned(vec![(1, vec![SPU_ID])])),
            invalid
        );
        assert_eq!(
            code("a", TopicSpec::new_assigned(vec![(0, vec![1])])),
            invalid
        );
    }
}
