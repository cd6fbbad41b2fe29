//! JSON Schemas of declared sources, built from their columns. A record that fits the schema is accepted, with three
//! exceptions: JSON Schema cannot express the limits of a number in a string, lengths in bytes, or RFC 3339.

use std::collections::BTreeMap;

use model::event::limits::ID_BYTES_MAX;
use serde_json::{Map, Value, json};
use sql::{Column, SqlType};

use crate::declared::Declared;

/// Returns the schema of a source's records.
pub(crate) fn record_schema(topic: &str, records: &Declared) -> Value {
    let mut root = Node {
        is_required: true,
        ..Node::default()
    };
    for column in records.columns() {
        let path = column.path.to_string();
        let steps: Vec<_> = path.split('.').collect();
        root.add(&steps, value_schema(column), column.required);
    }
    let steps: Vec<_> = records.key().path_text.split('.').collect();
    root.add(&steps, key_schema(), true);
    let mut schema = root.schema();
    schema["description"] = Value::String(format!(
        "A record of `{topic}`. Fields that are not listed here are kept as they are."
    ));
    schema
}

/// A place in the JSON.
#[derive(Default)]
struct Node {
    fields: BTreeMap<String, Node>,
    elements: Option<Box<Node>>,
    /// The schemas of the values at this place.
    values: Vec<Value>,
    is_required: bool,
}

impl Node {
    /// Adds a value at the end of a path.
    fn add(&mut self, steps: &[&str], value: Value, is_required: bool) {
        let Some((step, rest)) = steps.split_first() else {
            self.values.push(value);
            return;
        };
        let name = step.strip_suffix("[]");
        let field = self.fields.entry(name.unwrap_or(step).to_string());
        let field = field.or_default();
        field.is_required |= is_required;
        match name {
            Some(_) => field
                .elements
                .get_or_insert_default()
                .add(rest, value, false),
            None => field.add(rest, value, is_required),
        }
    }

    fn schema(&self) -> Value {
        let mut parts = self.values.clone();
        if !self.fields.is_empty() {
            parts.push(self.object());
        }
        if let Some(elements) = &self.elements {
            parts.push(json!({"type": "array", "items": elements.schema()}));
        }
        if !self.is_required {
            parts.iter_mut().for_each(allow_null);
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => json!({ "allOf": parts }),
        }
    }

    fn object(&self) -> Value {
        let properties: Map<_, _> = self
            .fields
            .iter()
            .map(|(name, field)| (name.clone(), field.schema()))
            .collect();
        let required = self.fields.iter().filter(|(_, field)| field.is_required);
        let required: Vec<_> = required.map(|(name, _)| name.as_str()).collect();
        let mut object = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        object
    }
}

/// Adds `null` to the types of a schema.
fn allow_null(schema: &mut Value) {
    let types = match schema["type"].take() {
        Value::Array(types) => types,
        one => vec![one],
    };
    schema["type"] = types.into_iter().chain([json!("null")]).collect();
}

/// Returns the schema of a column's value.
fn value_schema(column: &Column) -> Value {
    let mut schema = match column.ty {
        SqlType::Boolean => json!({"type": "boolean"}),
        SqlType::Bigint => json!({"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX}),
        SqlType::Double => json!({"type": "number"}),
        SqlType::Decimal(scale) => decimal_schema(column.digits, scale),
        SqlType::Timestamp => json!({
            "type": "string", "format": "date-time", "example": "2026-11-21T10:15:30Z",
            "description": "RFC 3339; without an offset it is UTC."
        }),
        SqlType::Text | SqlType::Hugeint | SqlType::Null => json!({"type": "string"}),
    };
    let (min, max) = column.range;
    for (keyword, limit) in [("minimum", min), ("maximum", max)] {
        if let Some(limit) = limit {
            schema[keyword] = number(limit);
        }
    }
    schema
}

/// Returns the schema of an exact number. It may be a string, whose range a schema cannot express.
fn decimal_schema(digits: u8, scale: u8) -> Value {
    let integer_digits = digits.saturating_sub(scale);
    let integer = match integer_digits {
        0 => "0".to_owned(),
        digits => format!("[0-9]{{1,{digits}}}"),
    };
    let fraction = match scale {
        0 => String::new(),
        scale => format!("(\\.[0-9]{{1,{scale}}})?"),
    };
    let limit = 10_f64.powi(i32::from(integer_digits));
    json!({
        "type": ["number", "string"],
        "pattern": format!("^[+-]?{integer}{fraction}$"),
        "multipleOf": format!("1e-{scale}").parse().map_or(json!(1), number),
        "exclusiveMinimum": number(-limit), "exclusiveMaximum": number(limit),
        "description": format!(
            "A number, also as a string, with at most {digits} digits, {scale} of them after the point."
        )
    })
}

fn key_schema() -> Value {
    json!({
        "type": ["string", "number"], "minLength": 1, "maxLength": ID_BYTES_MAX,
        "description": "The record key."
    })
}

/// Returns a JSON number, without a point if it is an integer.
fn number(value: f64) -> Value {
    // Above 2^53, not every integer can be represented, but every value is one.
    match value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        true => json!(value as i64),
        false => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::KeyField;

    fn schema(key: &str, columns: Vec<Column>) -> Value {
        let source = sql::Source::new("s", key, "meta.at", columns).unwrap();
        let key = KeyField::new(key, &source).unwrap();
        record_schema("s", &Declared::new(source, key))
    }

    #[test]
    fn nested_paths_and_lists_become_objects_and_arrays() {
        let column = |name, path, ty| Column::new(name, path, ty).unwrap();
        let mut score = column("score", "score", SqlType::Bigint);
        score.range = (Some(0.0), Some(9.5));
        let mut price = column("price", "price", SqlType::Decimal(2));
        price.digits = 5;
        let heroes = column("heroes", "teams[].hero", SqlType::Text);
        let found = schema("game.id", vec![score, price, heroes]);
        let time = &found["properties"]["meta"]["properties"]["at"];
        assert_eq!(time["format"], "date-time");
        let expected = json!({
            "type": "object",
            "description": "A record of `s`. Fields that are not listed here are kept as they are.",
            "properties": {
                "game": {"type": "object", "required": ["id"], "properties": {"id": {
                    "type": ["string", "number"], "minLength": 1, "maxLength": 256, "description": "The record key."
                }}},
                "meta": {"type": "object", "required": ["at"], "properties": {"at": time}},
                "price": {
                    "type": ["number", "string", "null"], "pattern": "^[+-]?[0-9]{1,3}(\\.[0-9]{1,2})?$",
                    "multipleOf": 0.01, "exclusiveMinimum": -1000, "exclusiveMaximum": 1000,
                    "description": "A number, also as a string, with at most 5 digits, 2 of them after the point."
                },
                "score": {"type": ["integer", "null"], "minimum": 0, "maximum": 9.5},
                "teams": {"type": ["array", "null"], "items": {
                    "type": ["object", "null"], "properties": {"hero": {"type": ["string", "null"]}}
                }}
            },
            "required": ["game", "meta"]
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn the_key_adds_to_its_column() {
        let player = Column::new("player", "player", SqlType::Text).unwrap();
        let found = schema("player", vec![player]);
        let parts = &found["properties"]["player"]["allOf"];
        assert_eq!(
            (&parts[0]["type"], &parts[1]["minLength"]),
            (&json!("string"), &json!(1))
        );
        assert_eq!(found["required"], json!(["meta", "player"]));
    }
}
