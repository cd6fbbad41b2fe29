//! A Fluvio-protocol cluster in one process, with its data on disk.
