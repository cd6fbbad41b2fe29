//! Parses the value of `--into`: the suffix of the topics that a replay writes.

/// The maximum length of a topic name in Fluvio, in bytes.
const TOPIC_BYTES_MAX: usize = 63;
/// The length of `player-session-summaries-`: the longest topic name that gets a suffix, and the dash.
const BEFORE_BYTES_MAX: usize = 25;

/// Parses a suffix for topics named `NAME-SUFFIX`; a leading dash is ignored.
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let suffix = text.strip_prefix('-').unwrap_or(text);
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let dashes = suffix.starts_with('-') || suffix.ends_with('-');
    if suffix.is_empty() || dashes || !suffix.bytes().all(is_good) {
        return Err(
            "not valid at the end of a topic name: give lower-case letters, digits, and dashes between them".to_owned(),
        );
    }
    let longest = TOPIC_BYTES_MAX - BEFORE_BYTES_MAX;
    if suffix.len() > longest {
        return Err(format!(
            "it has {} characters, but a topic name has space for at most {longest}",
            suffix.len()
        ));
    }
    Ok(suffix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_makes_a_topic_name_that_fluvio_accepts() {
        for (given, suffix) in [
            ("bf", "bf"),
            ("-bf", "bf"),
            ("v2-2026", "v2-2026"),
            ("7", "7"),
        ] {
            assert_eq!(parse(given).as_deref(), Ok(suffix));
        }
        for refused in [
            "",
            "-",
            "--bf",
            "bf-",
            "Bf",
            "b f",
            "b/f",
            "\u{e9}",
            &"a".repeat(39),
        ] {
            assert!(parse(refused).is_err(), "{refused}");
        }
        assert!(parse(&"a".repeat(38)).is_ok());
    }

    #[test]
    fn the_longest_derivation_name_leaves_room_for_a_suffix() {
        let longest = crate::registry::registry()
            .names()
            .iter()
            .map(|name| name.len())
            .max();
        assert_eq!(longest.map(|longest| longest + 1), Some(BEFORE_BYTES_MAX));
    }
}
