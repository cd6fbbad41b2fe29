//! The OpenAPI document, generated from the handlers and their types.

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// Returns the document in OpenAPI 3.1.
pub(crate) fn document() -> Document {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Game analytics: events in",
        description = "Receives events of games and their servers over HTTP and writes them to their topics. \
            A request is answered once the cluster has acknowledged its records; each record is accepted or rejected \
            on its own.\n\n\
            **Correcting clocks.** The body `{\"sent_at\": TIME, \"events\": [...]}` contains the time at which it was \
            sent. If the web API was started with `--correct-clocks` and that time differs by two seconds or more from \
            the time at which the request arrived, each `event_timestamp` is shifted by the difference, and the event \
            keeps `event_timestamp_sent` and `clock_correction_ms`. A request that is repeated with its \
            `Idempotency-Key` may have a later `sent_at`.\n\n\
            **Events of other SDKs** (Segment, PostHog, GameAnalytics and others) map to player events as follows: \
            take each event out of its envelope (`batch`); set `event_name` to `player_action`; the name of the event \
            (`event`, `category`) becomes `parameters.event_type`; its time (`timestamp`, `client_ts`) becomes \
            `event_timestamp`, in RFC 3339; the player (`userId`, `anonymousId`, `distinct_id`, `user_id`) becomes \
            `parameters.player_id` and `user_data.user_id`; `session_id`, `level_id` and `map_id` go into \
            `parameters`, with a placeholder such as `none` if the event has none; the platform becomes \
            `user_data.platform`. All other fields are kept as they are.\n\n\
            **Web pages** need `--cors-origin`. A beacon (`navigator.sendBeacon`) cannot set headers: if a key is \
            required, send it as `?key=KEY`, which is accepted from pages of these origins only; the beacon's text is \
            read as JSON."
    ),
    paths(
        crate::handlers::player_events,
        crate::handlers::purchase_events,
        crate::handlers::server_metrics,
        crate::handlers::events,
        crate::handlers::health,
        crate::handlers::metrics,
    ),
    components(schemas(crate::answer::Answer, crate::error::Problem)),
    modifiers(&Keys)
)]
struct Description;

/// Adds the security scheme: an API key as a bearer token.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A key created by `game-analytics keys add`; required if the web API was started with --keys.",
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
    fn the_document_describes_every_path_and_its_answers() {
        let document: Value = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        for topic in crate::topics::source_topics().into_iter().chain(["events"]) {
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
