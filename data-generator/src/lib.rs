//! A seeded game world that emits telemetry events.
