//! The OpenAPI document, generated from the handlers and their types, and from the columns of the declared sources.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::schema::record_schema;
use crate::sources::Sources;
use crate::topics::{BuiltIn, SourceRecords};

/// The path of the records of any source.
const SOURCE_PATH: &str = "/v1/sources/{source}";

/// Returns the document in OpenAPI 3.1, with a schema for each source.
pub(crate) fn document(sources: &Sources) -> Value {
    // Encoding strings and numbers cannot fail.
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    for source in sources.iter() {
        let schema = match source.records() {
            SourceRecords::BuiltIn(source) => reference(event_schema(*source)),
            SourceRecords::Declared(records) => record_schema(source.topic(), records),
        };
        document["components"]["schemas"][source.topic()] = schema;
    }
    describe_events(&mut document, sources);
    describe_sources(&mut document, sources);
    remove_undeclared(&mut document, sources);
    document
}

/// Returns the name of the schema of built-in events.
fn event_schema(source: BuiltIn) -> &'static str {
    match source {
        BuiltIn::PlayerEvents => "PlayerEvent",
        BuiltIn::PurchaseEvents => "PurchaseEvent",
        BuiltIn::ServerMetrics => "ServerMetric",
    }
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Adds the events that are routed to declared sources by their names.
fn describe_events(document: &mut Value, sources: &Sources) {
    let built_in = BuiltIn::ALL.into_iter();
    let built_in = built_in.filter(|kind| sources.of_topic(kind.topic()).is_some());
    let built_in = built_in.map(|kind| reference(event_schema(kind)));
    let named = sources.iter().filter_map(|source| {
        let is_own = |name: &&str| BuiltIn::ALL.iter().all(|kind| kind.event_name() != *name);
        let mut names = sources.names_of(source).filter(is_own).peekable();
        names.peek()?;
        let name = json!({"enum": names.collect::<Vec<_>>()});
        let named = json!({"type": "object", "properties": {"event_name": name}, "required": ["event_name"]});
        Some(json!({"allOf": [reference(source.topic()), named]}))
    });
    let kinds: Vec<_> = built_in.chain(named).collect();
    document["components"]["schemas"]["AnyEvent"] = json!({"anyOf": kinds});
}

/// Describes the path and the body of `/v1/sources/{source}`.
fn describe_sources(document: &mut Value, sources: &Sources) {
    let topics: Vec<_> = sources.topics().collect();
    let records: Vec<_> = topics.iter().map(|topic| reference(topic)).collect();
    let record = reference("SourceRecord");
    let many = json!({"type": "array", "items": record});
    let time = json!({
        "type": ["string", "null"], "format": "date-time", "example": "2026-11-21T10:15:31Z",
        "description": "The time of sending by the sender's clock, in RFC 3339."
    });
    document["components"]["schemas"]["SourceRecord"] = json!({"anyOf": records});
    let post = &mut document["paths"][SOURCE_PATH]["post"];
    post["requestBody"]["content"]["application/json"]["schema"] = json!({"anyOf": [
        record,
        many,
        {"type": "object", "properties": {"sent_at": time, "events": many}, "required": ["events"]}
    ]});
    let parameters = post["parameters"].as_array_mut().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["name"] == "source") {
        parameter["schema"] = json!({"type": "string", "enum": topics});
    }
}

/// Removes the paths of built-in sources that the dataflow file does not declare.
fn remove_undeclared(document: &mut Value, sources: &Sources) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for kind in BuiltIn::ALL {
        if sources.of_topic(kind.topic()).is_none() {
            paths.remove(&format!("/v1/{}", kind.topic()));
        }
    }
    if sources.iter().next().is_none() {
        paths.remove(SOURCE_PATH);
    }
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
            the time at which the request arrived, the event time of each record is shifted by the difference, and the \
            record keeps `event_timestamp_sent` and `clock_correction_ms`. A request that is repeated with its \
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
        crate::handlers::source,
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
    use crate::sources::DeclaredSource;

    #[test]
    fn the_document_describes_every_path_and_its_answers() {
        let document: Value = document(&Sources::built_in());
        assert_eq!(document["openapi"], "3.1.0");
        for topic in crate::topics::source_topics()
            .into_iter()
            .chain(["events", "sources/{source}"])
        {
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

    #[test]
    fn declared_sources_are_described_and_others_are_not() {
        let matches = DeclaredSource {
            columns: sql::Source::new("matches", "id", "at", Vec::new()).unwrap(),
            key: "id".to_owned(),
            event_names: vec!["end".to_owned()],
        };
        let document = document(&Sources::new(vec![matches]).unwrap());
        let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
        let expected = ["/health", "/metrics", "/v1/events", SOURCE_PATH];
        assert_eq!(paths, expected);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["matches"]["required"], json!(["at", "id"]));
        let matches = reference("matches");
        assert_eq!(schemas["SourceRecord"]["anyOf"], json!([matches]));
        let event = &schemas["AnyEvent"]["anyOf"][0]["allOf"];
        assert_eq!(event[0], matches);
        assert_eq!(event[1]["properties"]["event_name"]["enum"], json!(["end"]));
        let parameters = &document["paths"][SOURCE_PATH]["post"]["parameters"];
        assert_eq!(parameters[0]["schema"]["enum"], json!(["matches"]));
    }
}
