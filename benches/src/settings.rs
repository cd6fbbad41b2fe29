//! Reads the settings of a benchmark from environment variables.

use anyhow::Context;

/// Returns the value of an environment variable, unless it is empty.
pub fn named(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.is_empty())
}

/// Returns the number in an environment variable, or `default` if the variable is unset or empty.
pub fn number(variable: &str, default: u64) -> anyhow::Result<u64> {
    match named(variable) {
        None => Ok(default),
        Some(value) => value
            .parse()
            .with_context(|| format!("{variable} is `{value}`: give a number")),
    }
}
