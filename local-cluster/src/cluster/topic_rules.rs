//! Checks the name and the specification of a new topic.

use fluvio_controlplane_metadata::topic::{PartitionMap, ReplicaSpec, TopicSpec};
use fluvio_protocol::link::ErrorCode;
use fluvio_sc_schema::shared::validate_resource_name;

use super::{AdminError, SPU_ID};
use crate::limits::PARTITIONS_PER_TOPIC_MAX;

/// Checks a new topic against all rules and returns its number of partitions.
pub(crate) fn check(name: &str, spec: &TopicSpec) -> Result<u32, AdminError> {
    if name.is_empty() || validate_resource_name(name).is_err() {
        return Err(AdminError::new(
            ErrorCode::TopicInvalidName,
            format!(
                "topic name `{name}` is not valid: use 1 to 63 lower-case letters, digits and inner hyphens"
            ),
        ));
    }
    if let Some(reason) = spec.validate_config() {
        return Err(AdminError::new(
            ErrorCode::TopicInvalidConfiguration,
            reason,
        ));
    }
    if spec.get_deduplication().is_some() {
        return Err(AdminError::new(
            ErrorCode::DeduplicationSmartModuleNotLoaded,
            "this node does not deduplicate; create the topic without deduplication".to_owned(),
        ));
    }
    let partitions = partitions(spec.replicas())?;
    check_count(partitions)?;
    Ok(partitions)
}

/// Rejects a partition count of zero, and one above the limit.
pub(crate) fn check_count(partitions: u32) -> Result<(), AdminError> {
    if (1..=PARTITIONS_PER_TOPIC_MAX).contains(&partitions) {
        return Ok(());
    }
    Err(invalid(format!(
        "a topic of {partitions} partitions is outside the limits of 1 to {PARTITIONS_PER_TOPIC_MAX}"
    )))
}

fn partitions(replicas: &ReplicaSpec) -> Result<u32, AdminError> {
    match replicas {
        ReplicaSpec::Computed(param) if param.replication_factor <= 1 => Ok(param.partitions),
        ReplicaSpec::Computed(param) => Err(invalid(format!(
            "replication factor {} needs as many nodes; this cluster has one node, use 1",
            param.replication_factor
        ))),
        ReplicaSpec::Assigned(maps) => assigned(Vec::from(maps.clone())),
        ReplicaSpec::Mirror(_) => Err(AdminError::new(
            ErrorCode::MirrorInvalidType,
            "this node has no mirrors; create a plain topic".to_owned(),
        )),
    }
}

fn assigned(maps: Vec<PartitionMap>) -> Result<u32, AdminError> {
    let in_order = maps.iter().zip(0u32..).all(|(map, index)| map.id == index);
    let here = maps.iter().all(|map| map.replicas == [SPU_ID]);
    match u32::try_from(maps.len()) {
        Ok(count) if in_order && here => Ok(count),
        _ => Err(invalid(format!(
            "assigned partitions must be numbered from 0 and have SPU `{SPU_ID}` as their only replica"
        ))),
    }
}

fn invalid(reason: String) -> AdminError {
    AdminError::new(ErrorCode::TopicInvalidConfiguration, reason)
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
