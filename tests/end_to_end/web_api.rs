//! Tests the web API as a user runs it: its flags, the commands in the README, its OpenAPI document, declared sources,
//! kills, a full disk, and hostile clients.

#[cfg(target_os = "linux")]
mod disk_full;
mod flags;
mod hostile;
#[path = "../../connectors/web-api/tests/http.rs"]
mod http;
mod kills;
mod readme;
mod schemathesis;
mod sources;
