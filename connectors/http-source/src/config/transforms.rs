//! Parses `transforms`: the SmartModules that process records, and their parameters as strings.

use client::Transform;
use serde_json::Value;

use crate::error::ConfigError;

use super::secrets::Filler;
use super::{file, invalid};

/// Returns the transforms in order, with the values of secrets inserted into their parameters.
pub(super) fn transforms(
    filler: &mut Filler<'_>,
    steps: Vec<file::Transform>,
) -> Result<Vec<Transform>, ConfigError> {
    let steps = steps.into_iter().enumerate();
    steps
        .map(|(index, step)| transform(filler, &format!("transforms[{index}]"), step))
        .collect()
}

fn transform(
    filler: &mut Filler<'_>,
    place: &str,
    step: file::Transform,
) -> Result<Transform, ConfigError> {
    if step.uses.trim().is_empty() {
        let expected = "name a SmartModule of the cluster";
        return Err(invalid(&format!("{place}.uses"), "", expected));
    }
    if step.lookback.is_some() {
        let expected =
            "remove it: a record that is not yet in a topic has no earlier ones to look back at";
        return Err(invalid(&format!("{place}.lookback"), "…", expected));
    }
    let parameter = |(name, value)| {
        let place = format!("{place}.with.{name}");
        Ok((name, parameter(filler, &place, value)?))
    };
    let with = step.with.into_iter().map(parameter);
    Ok(Transform {
        uses: step.uses,
        with: with.collect::<Result<_, ConfigError>>()?,
    })
}

/// Converts the value of a parameter to a string: a string stays as it is, anything else becomes JSON.
fn parameter(
    filler: &mut Filler<'_>,
    place: &str,
    mut value: Value,
) -> Result<String, ConfigError> {
    fill(filler, place, &mut value)?;
    match value {
        Value::Null => Err(invalid(place, "", "give the parameter a value")),
        Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

/// Inserts secrets into strings at any depth before the value is encoded as JSON, so that a quote in a secret
/// does not break the JSON.
fn fill(filler: &mut Filler<'_>, place: &str, value: &mut Value) -> Result<(), ConfigError> {
    match value {
        Value::String(text) => *text = filler.fill(place, text)?.reveal().to_owned(),
        Value::Array(items) => {
            for item in items {
                fill(filler, place, item)?;
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                fill(filler, place, field)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Secrets};

    fn parse(transforms: &str) -> Result<Config, String> {
        let yaml = format!(
            "meta: {{name: t, type: http-source, topic: t, secrets: [{{name: S}}]}}\n\
             http: {{endpoint: 'http://h.net/'}}\ntransforms:\n{transforms}"
        );
        let secrets = Secrets::from_file("S=hu\"sh").expect("secrets");
        Config::parse(&yaml, &secrets).map_err(|error| error.to_string())
    }

    #[test]
    fn parameters_are_texts_or_json() {
        let config = parse(
            "  - uses: group/jolt@0.4.1\n    \
             invoke: insert\n    with:\n      spec:\n        - operation: shift\n          \
             spec: {b: 1, a: [true, 1.5]}\n      text: '{a}'\n      \
             number: 7\n      flag: no\n      word: \"true\"\n      \
             key: x-${{ secrets.S }}\n      deep: {key: '${{ secrets.S }}'}\n  - uses: plain\n",
        );
        let config = config.expect("a good file");
        let [jolt, plain] = &config.transforms[..] else {
            panic!("two steps: {:?}", config.transforms);
        };
        assert_eq!(
            (jolt.uses.as_str(), plain.uses.as_str()),
            ("group/jolt@0.4.1", "plain")
        );
        assert!(plain.with.is_empty());
        for (name, value) in [
            (
                "spec",
                r#"[{"operation":"shift","spec":{"a":[true,1.5],"b":1}}]"#,
            ),
            ("text", "{a}"),
            ("number", "7"),
            ("flag", "no"),
            ("word", "true"),
            ("key", "x-hu\"sh"),
            ("deep", r#"{"key":"hu\"sh"}"#),
        ] {
            assert_eq!(jolt.with[name], value, "{name}");
        }
        assert!(!format!("{config:?} {:?}", config.transforms).contains("sh\""));
        let struck = config
            .censor
            .strike(&format!("no: {} {}", jolt.with["key"], jolt.with["deep"]));
        assert_eq!(struck, r#"no: x-*** {"key":"***"}"#);
    }

    #[test]
    fn errors_name_the_place_of_a_mistake() {
        for (transforms, expected) in [
            ("  - uses: a\n    wiht: {b: c}\n", "did you mean `with`?"),
            ("  - use: a\n", "did you mean `uses`?"),
            ("  - with: {b: c}\n", "missing field `uses`"),
            ("  - uses: a\n    invoke: inser\n", "did you mean `insert`?"),
            (
                "  - uses: ''\n",
                "`transforms[0].uses` is ``: name a SmartModule",
            ),
            (
                "  - uses: a\n  - uses: b\n    lookback: {last: 1}\n",
                "`transforms[1].lookback`",
            ),
            (
                "  - uses: a\n    with: {b: }\n",
                "`transforms[0].with.b` is ``: give",
            ),
            (
                "  - uses: a\n    with: {b: [\"${{ secrets.T }}\"]}\n",
                "declare it in `meta.secrets`",
            ),
        ] {
            let error = parse(transforms).expect_err(transforms);
            assert!(error.contains(expected), "{transforms}: {error}");
        }
    }
}
