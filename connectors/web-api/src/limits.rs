//! Every limit and period of the web API, in one place, each with its reason.

use std::time::Duration;

/// Largest body, compressed and again once it is unpacked: ten thousand events of a common size.
pub(crate) const BODY_BYTES_MAX: usize = 4 << 20;

/// Records in one request. A client that has more sends several requests, which run side by side.
pub(crate) const RECORDS_PER_REQUEST_MAX: usize = 5_000;

/// Bodies in memory at once, in KiB, from the first byte read to the answer: this and not the number
/// of clients bounds memory.
pub(crate) const BUFFERED_KIB_MAX: usize = 96 * 1024;

/// What a rejected record takes beside its payload: its copy for `rejected-events` with key and reason,
/// and its place in the answer. Added to the bodies, for records of two bytes become hundreds of times that.
pub(crate) const REJECTED_BYTES: usize = 512;

/// Connections served at once; more wait in the listen queue. The usual limit of open files is 1,024
/// per process; a process that is given more may raise this with it.
pub(crate) const CONNECTIONS_MAX: usize = 800;

/// Largest head of a request; hyper's least is 8 KiB. A token and an idempotency key need a few hundred bytes.
pub(crate) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header lines in a request.
pub(crate) const HEADERS_MAX: usize = 64;

/// How long a client may take to send a request's head, idle connections included.
pub(crate) const HEAD_PATIENCE: Duration = Duration::from_secs(15);

/// How long a client may take to send a whole body: 4 MiB at 1 Mbit/s takes 34 s.
pub(crate) const BODY_PATIENCE: Duration = Duration::from_secs(40);

/// How long a client may leave what it is sent without taking any of it. One that never reads would
/// hold its connection for good, and enough of them would hold all.
pub(crate) const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long a client waits for the cluster before it is told that nothing is certain. Longer than a
/// server may take before its answer counts as lost (8 s).
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(15);

/// How long a stopping server waits for requests under way.
pub(crate) const DRAIN_PATIENCE: Duration = Duration::from_secs(20);

/// Requests that wait for one topic's writer.
pub(crate) const QUEUE_JOBS_MAX: usize = 2_048;

/// A request that has waited this long for its turn is refused: its client has better things to do,
/// and all behind it would wait as long.
pub(crate) const QUEUE_PATIENCE: Duration = Duration::from_secs(2);

/// Key and value bytes per topic that are sent and not acknowledged. The engine's queue holds a
/// hundred batches of 128 KiB a partition and spins when it is full; half-filled batches of this
/// many bytes are fewer than that.
pub(crate) const UNACKNOWLEDGED_BYTES_MAX: usize = 5 << 20;

/// When an acknowledgement takes longer, the cluster is slow or away, and new requests are refused
/// until it has dealt with what it was sent.
pub(crate) const SLOW: Duration = Duration::from_secs(4);

/// A client that is refused because the server is busy should come back after this long.
pub(crate) const RETRY_AFTER_BUSY: Duration = Duration::from_secs(1);

/// One that is refused because the cluster is away.
pub(crate) const RETRY_AFTER_AWAY: Duration = Duration::from_secs(2);

/// One that found no room for another idempotency key.
pub(crate) const RETRY_AFTER_FULL: Duration = Duration::from_secs(60);

/// After an answer of the cluster was lost, and it answers again: the time that it is given to carry
/// out what it may still have lying there, before anything is read back.
pub(crate) const SETTLING: Duration = Duration::from_millis(1_500);

/// How often the cluster is asked for the ends of the topics: what `/health` says is no older.
pub(crate) const PULSE_PERIOD: Duration = Duration::from_secs(2);

/// How long the cluster may take to answer that.
pub(crate) const PULSE_PATIENCE: Duration = Duration::from_secs(5);

/// How long an idempotency key is remembered.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(3_600);

/// Idempotency keys in memory, at some 200 bytes each; beyond, requests with new keys are refused.
pub(crate) const KEYS_REMEMBERED_MAX: usize = 1_000_000;

/// Longest `Idempotency-Key`.
pub(crate) const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// How often the keys' file is looked at.
pub(crate) const KEYS_FILE_PERIOD: Duration = Duration::from_millis(500);
