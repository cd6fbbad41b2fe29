//! The OpenAPI document, made from the handlers and types that it speaks of.

mod events;
mod responses;

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

pub(crate) use events::{AnyEvents, PlayerEvents, PurchaseEvents, ServerMetrics};
pub(crate) use responses::Responses;

/// The document, OpenAPI 3.1.
pub(crate) fn document() -> Document {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Game analytics: events in",
        description = "Takes events of games and their servers over HTTP and writes them to their topics. \
            A request is answered once the cluster has its records; each record is accepted or rejected alone."
    ),
    paths(
        crate::routes::player_events,
        crate::routes::purchase_events,
        crate::routes::server_metrics,
        crate::routes::events,
        crate::routes::health,
        crate::routes::metrics,
    ),
    components(schemas(crate::answer::Answer, crate::error::Problem)),
    modifiers(&Keys)
)]
struct Description;

/// Says how a request shows its key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A key of `game-analytics keys add`; needed where the web API was started with --keys.",
            ));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(bearer.build()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_document_names_every_path_and_what_it_answers() {
        let document: Value = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for topic in crate::source::source_topics().into_iter().chain(["events"]) {
            let post = &document["paths"][format!("/v1/{topic}")]["post"];
            for status in [
                "200", "400", "401", "403", "409", "413", "415", "422", "429", "503",
            ] {
                assert!(post["responses"][status].is_object(), "{topic} {status}");
            }
            for kind in ["application/json", "application/x-ndjson"] {
                assert!(
                    post["requestBody"]["content"][kind].is_object(),
                    "{topic} {kind}"
                );
            }
        }
        assert!(document["components"]["securitySchemes"]["key"].is_object());
        let text = document.to_string();
        let references = text.split("#/components/schemas/").skip(1);
        for name in references.filter_map(|rest| rest.split('"').next()) {
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }
}
