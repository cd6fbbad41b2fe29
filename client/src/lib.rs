//! The one door to a Fluvio cluster, real or local.
