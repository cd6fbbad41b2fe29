//! The limits and periods of the node, each with its reason. Those of batches, segments and file names are in the
//! files that apply them.

use std::time::Duration;

/// The largest request frame. Clients send at most 32 MiB of records in a request (their own limit for one
/// batch). Twice that size accepts every legitimate request.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A frame's buffer grows by this much as bytes arrive, so that a peer that announces a large frame but does
/// not send it takes little memory.
pub(crate) const FRAME_BYTES_STEP: usize = 256 * 1024;

/// The maximum number of concurrent connections to the data port, unless a third of the process's limit of open
/// files is lower. This project's client opens a connection for each stream: ten derivations that each read 256
/// partitions need 2,560 connections, if they share no streams. Each connection costs two idle tasks and a
/// socket.
pub(crate) const CONNECTIONS_MAX: usize = 8_192;

/// The maximum number of concurrent connections to the control port: a program needs one or two.
pub(crate) const CONTROL_CONNECTIONS_MAX: usize = 1_024;

/// The number of streams that one connection may open in its lifetime. Clients do not report that they drop a
/// stream, so the node keeps it open until its connection ends. A program that polls once a second with
/// short-lived consumers opens 86,400 streams a day.
pub(crate) const STREAMS_PER_CONNECTION_MAX: usize = 100_000;

/// The number of response frames queued for a connection's socket before its tasks have to wait: enough to
/// keep the socket busy, and few enough that a slow reader takes little memory.
pub(crate) const OUTBOX_FRAMES: usize = 16;

/// The maximum size of the records in one frame of a stream, whatever size the client requests. A stored batch,
/// or a chain's output for it, is sent whole even if it is larger than the requested size.
pub(crate) const FETCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The number of stored bytes after which a stream with SmartModules sends a frame, even an empty one: a filter
/// that passes nothing must still report its progress to the client.
pub(crate) const CHAIN_INPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The number of stored bytes that are read at a time for a chain: few enough to bound memory, and enough that
/// reading costs little compared with running WASM.
pub(crate) const CHAIN_READ_BYTES: usize = 1024 * 1024;

/// The maximum number of records in one look-back. The SmartModule gets them in a single call, so they must all
/// fit in memory.
pub(crate) const LOOK_BACK_RECORDS_MAX: u64 = 1_000_000;

/// The largest SmartModule after decompression; real ones have 0.1–5 MB.
pub(crate) const SMARTMODULE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The maximum number of SmartModules in a chain; each has an instance with its own memory.
pub(crate) const CHAIN_MODULES_MAX: usize = 16;

/// The maximum number of partitions of one topic: each keeps a file open as long as the node runs.
pub(crate) const PARTITIONS_PER_TOPIC_MAX: u32 = 256;

/// The maximum number of partitions of the node, each of which keeps a file open. The topics that a dataflow file
/// declares may have 4,000 partitions in total; the rest is for other topics.
pub(crate) const PARTITIONS_MAX: usize = 4_096;

/// The segment size of a topic that does not specify one. Retention drops whole closed segments, so they must be
/// small enough that even small topics have some.
pub(crate) const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

/// The maximum size of a partition whose topic does not specify one: the default of Fluvio's own servers.
pub(crate) const PARTITION_BYTES_MAX: u64 = 100 * 1_000_000_000;

/// How often retention looks for segments to drop: the same period as in Fluvio's own servers.
pub(crate) const RETENTION_PERIOD: Duration = Duration::from_secs(10);

/// How often written records are synced to the disk. A power cut (but not the end of the process) may lose
/// the records of one such period.
pub(crate) const SYNC_PERIOD: Duration = Duration::from_secs(1);

/// How often watchers get changed offsets and sizes. Watchers only display these; programs that depend on current
/// offsets request them.
pub(crate) const STATUS_PERIOD: Duration = Duration::from_secs(2);

/// How long a change waits for each connection to queue its watch frames. After that, the change is acknowledged
/// anyway, so that a stuck connection does not block it.
pub(crate) const WATCH_FLUSH_TIMEOUT: Duration = Duration::from_millis(200);

/// How long the response to an administrative change is delayed after its watch frames were queued, if several
/// connections watch. Programs often create a topic on one connection and use it on another. A client fails at
/// once if it has not yet *read* the watch frame of the topic that it uses.
pub(crate) const WATCH_SETTLE: Duration = Duration::from_millis(20);

/// How long a closing connection waits for the client to read the frames queued for it.
pub(crate) const LAST_FRAMES_TIMEOUT: Duration = Duration::from_millis(500);

/// How long a stopping node waits for its connections to end, and then for tasks that still use its data.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of the text of a SmartModule's error, well below the 32,767 bytes of the protocol's strings.
pub(crate) const TEXT_BYTES_MAX: usize = 8 * 1024;
