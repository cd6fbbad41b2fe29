//! The web API as a user meets it: the README's lines, kills, and hostile clients.

mod hostile;
#[path = "../../connectors/web-api/tests/http.rs"]
mod http;
mod kills;
mod readme;
mod schemathesis;
