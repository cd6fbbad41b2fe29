//! Checks that stored objects survive a restart, and that deleted ones never reappear.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::time::Duration;

use fluvio_controlplane_metadata::smartmodule::{
    SmartModuleMetadata, SmartModulePackage, SmartModuleWasm,
};
use fluvio_controlplane_metadata::topic::{
    Bounds, CleanupPolicy, CompressionAlgorithm, Deduplication, Filter, PartitionMap,
    SegmentBasedPolicy, TopicStorageConfig, Transform,
};
use tempfile::TempDir;

use super::*;

fn topic(partitions: u32) -> TopicSpec {
    TopicSpec::new_computed(partitions, 1, None)
}

fn full_topic() -> TopicSpec {
    let mut spec = topic(3);
    spec.set_cleanup_policy(CleanupPolicy::Segment(SegmentBasedPolicy {
        time_in_seconds: 77,
    }));
    spec.set_compression_type(CompressionAlgorithm::Zstd);
    spec.set_storage(TopicStorageConfig {
        segment_size: Some(4096),
        max_partition_size: Some(1 << 33),
    });
    let bounds = Bounds {
        count: 5,
        age: Some(Duration::from_millis(1500)),
    };
    let with = BTreeMap::from([("key".to_owned(), "value".to_owned())]);
    let filter = Filter {
        transform: Transform {
            uses: "dedup".to_owned(),
            with,
        },
    };
    spec.set_deduplication(Some(Deduplication { bounds, filter }));
    spec.set_system(true);
    spec
}

fn smartmodule() -> SmartModuleSpec {
    let package = SmartModulePackage {
        name: "Filter".to_owned(),
        ..Default::default()
    };
    SmartModuleSpec {
        meta: Some(SmartModuleMetadata {
            package,
            ..Default::default()
        }),
        wasm: SmartModuleWasm::from_compressed_gzip((0..=255).cycle().take(100_000).collect()),
        ..Default::default()
    }
}

fn key(consumer_id: &str, topic: &str, partition: u32) -> ConsumerOffsetKey {
    ConsumerOffsetKey {
        topic: topic.to_owned(),
        partition,
        consumer_id: consumer_id.to_owned(),
    }
}

fn offset(offset: i64) -> ConsumerOffset {
    ConsumerOffset {
        offset,
        modified_time: 1_700_000_000,
    }
}

fn open(dir: &TempDir) -> MetadataStore {
    MetadataStore::open(dir.path()).unwrap()
}

#[test]
fn topics_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let map = PartitionMap {
        id: 0,
        replicas: vec![5001],
        mirror: None,
    };
    let topics = BTreeMap::from([
        ("plain".to_owned(), topic(1)),
        ("full".to_owned(), full_topic()),
        ("assigned".to_owned(), TopicSpec::new_assigned(vec![map])),
    ]);
    let store = open(&dir);
    topics
        .iter()
        .for_each(|(name, spec)| store.put_topic(name, spec).unwrap());
    assert_eq!(store.topics(), topics);
    drop(store);
    assert_eq!(open(&dir).topics(), topics);
}

#[test]
fn a_topic_that_could_not_be_read_back_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = full_topic();
    spec.set_deduplication(Some(Deduplication::default()));
    let store = open(&dir);
    let error = store.put_topic("topic", &spec).unwrap_err();
    assert!(
        matches!(&error, StoreError::Encode { name, .. } if name == "topic"),
        "{error}"
    );
    drop(store);
    assert!(open(&dir).topics().is_empty());
}

#[test]
fn smartmodules_survive_a_restart_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    let names = ["filter", "Filter", "group/filter@0.1.0", "..", "", "größe"];
    let store = open(&dir);
    for name in names {
        store.put_smartmodule(name, &smartmodule()).unwrap();
    }
    assert!(store.remove_smartmodule("filter").unwrap());
    assert!(!store.remove_smartmodule("filter").unwrap());
    drop(store);
    let found = open(&dir).smartmodules();
    assert_eq!(found.len(), names.len() - 1);
    names[1..]
        .iter()
        .for_each(|name| assert_eq!(found[*name], smartmodule(), "{name}"));
}

#[test]
fn consumer_offsets_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.put_topic("topic", &topic(2)).unwrap();
    let keys = [
        key("me", "topic", 0),
        key("Me", "topic", 0),
        key("me", "topic", 1),
    ];
    for (number, key) in keys.iter().enumerate() {
        assert!(store.put_consumer_offset(key, offset(0)).unwrap());
        assert!(
            store
                .put_consumer_offset(key, offset(number as i64))
                .unwrap()
        );
    }
    assert!(store.remove_consumer_offset(&keys[0]).unwrap());
    assert!(!store.remove_consumer_offset(&keys[0]).unwrap());
    drop(store);
    let expected = BTreeMap::from([(keys[1].clone(), offset(1)), (keys[2].clone(), offset(2))]);
    assert_eq!(open(&dir).consumer_offsets(), expected);
}

#[test]
fn a_deleted_topic_leaves_nothing_to_its_successor() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for name in ["gone", "kept"] {
        store.put_topic(name, &topic(1)).unwrap();
        store
            .put_consumer_offset(&key("me", name, 0), offset(9))
            .unwrap();
        fs::create_dir_all(store.log_dir(name, 0).unwrap()).unwrap();
        fs::write(store.log_dir(name, 0).unwrap().join("segment"), "old").unwrap();
    }
    assert!(store.remove_topic("gone").unwrap());
    assert!(!store.remove_topic("gone").unwrap());
    assert!(
        !store
            .put_consumer_offset(&key("late", "gone", 0), offset(10))
            .unwrap()
    );
    store.put_topic("gone", &topic(1)).unwrap();
    assert!(!store.log_dir("gone", 0).unwrap().exists());
    assert!(store.log_dir("kept", 0).unwrap().join("segment").exists());
    let left: Vec<ConsumerOffsetKey> = store.consumer_offsets().into_keys().collect();
    assert_eq!(left, [key("me", "kept", 0)]);
}

#[test]
fn an_interrupted_deletion_is_finished_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for name in ["gone", "kept"] {
        store.put_topic(name, &topic(1)).unwrap();
        store
            .put_consumer_offset(&key("me", name, 0), offset(9))
            .unwrap();
        fs::create_dir_all(store.log_dir(name, 0).unwrap()).unwrap();
    }
    drop(store);
    // The first step of a deletion. The deletion stops here, as if the process were killed.
    fs::remove_file(dir.path().join("metadata/topics/gone.json")).unwrap();
    let store = open(&dir);
    assert!(!store.log_dir("gone", 0).unwrap().exists());
    assert!(store.log_dir("kept", 0).unwrap().exists());
    let left: Vec<ConsumerOffsetKey> = store.consumer_offsets().into_keys().collect();
    assert_eq!(left, [key("me", "kept", 0)]);
}

#[test]
fn data_left_by_a_deletion_that_failed_goes_before_the_topic_is_created_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    fs::create_dir_all(store.log_dir("topic", 0).unwrap()).unwrap();
    store.put_topic("topic", &topic(1)).unwrap();
    assert!(!store.log_dir("topic", 0).unwrap().exists());
    fs::create_dir_all(store.log_dir("topic", 0).unwrap()).unwrap();
    store.put_topic("topic", &topic(2)).unwrap();
    assert!(
        store.log_dir("topic", 0).unwrap().exists(),
        "a change must not touch the data"
    );
}

#[test]
fn a_broken_file_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    open(&dir).put_topic("topic", &topic(1)).unwrap();
    let path = dir.path().join("metadata/topics/topic.json");
    let json = fs::read(&path).unwrap();
    for broken in [&json[..json.len() / 2], b"", b"{}"] {
        fs::write(&path, broken).unwrap();
        let error = MetadataStore::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("metadata/topics/topic.json"), "{error}");
    }
    fs::write(dir.path().join("metadata/topics/other.json"), &json).unwrap();
    fs::write(&path, &json).unwrap();
    let error = MetadataStore::open(dir.path()).unwrap_err();
    assert!(
        matches!(&error, StoreError::Misnamed { name, .. } if name == "topic"),
        "{error}"
    );
}

#[test]
fn an_interrupted_write_leaves_the_former_state() {
    let dir = tempfile::tempdir().unwrap();
    open(&dir).put_topic("topic", &topic(1)).unwrap();
    let temporary = dir.path().join("metadata/topics/topic.json.tmp");
    fs::write(&temporary, "{ half of a").unwrap();
    assert_eq!(open(&dir).topics()["topic"], topic(1));
    assert!(!temporary.exists());
}

#[test]
fn a_folder_in_use_is_not_opened_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let error = MetadataStore::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    drop(store);
    open(&dir);
}
