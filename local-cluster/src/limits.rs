//! Every limit and period of the node, in one place, each with its reason.

use std::time::Duration;

/// Largest request frame. Clients send at most 32 MiB of records in a request (their own maximum
/// for one batch), so twice that leaves room for the envelope and refuses nothing that is honest.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A frame's buffer grows by this much as bytes arrive: a peer that only claims a large frame gets
/// no memory.
pub(crate) const FRAME_BYTES_STEP: usize = 256 * 1024;

/// Connections served at once on one port; more wait in the listen queue. Each costs two parked
/// tasks and a socket, and the usual limit of open files is 1,024 per process, half of which the
/// logs may need.
pub(crate) const CONNECTIONS_MAX: usize = 400;

/// Streams that one connection may ever open. Clients do not say when they drop one, so it stays
/// parked until its connection ends; a program that polls with short consumers once a second needs
/// 86,400 a day.
pub(crate) const STREAMS_PER_CONNECTION_MAX: usize = 100_000;

/// Response frames that wait for a connection's socket before its tasks wait too: enough to keep
/// the socket busy, few enough that a slow reader holds little memory.
pub(crate) const OUTBOX_FRAMES: usize = 16;

/// Largest answer to one fetch, whatever the client asks for. A stored batch larger than this still
/// travels whole.
pub(crate) const FETCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Stored bytes that a SmartModule stream runs through its chain before it sends a frame, even an
/// empty one: a filter that passes nothing must still show its progress to the client.
pub(crate) const CHAIN_INPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Stored bytes read at a time for a chain: bounds memory, and is large enough that reading costs
/// nothing beside WASM.
pub(crate) const CHAIN_READ_BYTES: usize = 1024 * 1024;

/// Records that one look-back may hand to a SmartModule: they travel in a single call, all in
/// memory.
pub(crate) const LOOK_BACK_RECORDS_MAX: u64 = 1_000_000;

/// Largest SmartModule after decompression; real ones are 0.1–5 MB.
pub(crate) const SMARTMODULE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// SmartModules in one chain; each costs an instance with its own memory.
pub(crate) const CHAIN_MODULES_MAX: usize = 16;

/// Partitions of one topic: each holds open files for as long as the node runs.
pub(crate) const PARTITIONS_PER_TOPIC_MAX: u32 = 256;

/// Partitions of the whole node, for the same reason.
pub(crate) const PARTITIONS_MAX: usize = 2_048;

/// Segment size of a topic that names none: small enough that retention, which drops whole
/// segments, has something to drop on a laptop.
pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// Greatest size of a partition whose topic names none; the engine's own default.
pub(crate) const PARTITION_BYTES_MAX: u64 = 100 * 1_000_000_000;

/// How often retention looks for segments to drop: the engine's own period.
pub(crate) const RETENTION_PERIOD: Duration = Duration::from_secs(10);

/// How often written records are forced to the disk: what a power cut (not a killed process) may
/// take.
pub(crate) const SYNC_PERIOD: Duration = Duration::from_secs(1);

/// How often watchers hear of offsets and sizes that have moved: people look at them, programs ask.
pub(crate) const STATUS_PERIOD: Duration = Duration::from_secs(2);

/// How long a change waits for the watch frames of another, stuck connection before it is
/// acknowledged.
pub(crate) const WATCH_FLUSH_PATIENCE: Duration = Duration::from_millis(200);

/// How long an administrative change is held back once every connection was told of it. A client
/// that is asked for a topic before it has *read* of it fails at once, and a program often creates
/// a topic on one connection and uses it on another.
pub(crate) const WATCH_SETTLE: Duration = Duration::from_millis(20);

/// How long a closing connection may take to read what was queued for it.
pub(crate) const LAST_FRAMES_PATIENCE: Duration = Duration::from_millis(500);

/// How long a stopping node waits for its connections to finish what they do.
pub(crate) const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a text that travels to a client: the protocol's strings end at 32,767.
pub(crate) const TEXT_BYTES_MAX: usize = 8 * 1024;
