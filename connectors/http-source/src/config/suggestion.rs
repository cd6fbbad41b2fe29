//! Suggests the known name that was probably meant by an unknown one.

use strsim::osa_distance;

/// Appends the most similar known name to a message about an unknown key or value.
pub(super) fn with_suggestion(message: &str) -> String {
    match suggestion(message) {
        Some(known) => format!("{message}; did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

/// Returns the name in `known` that is nearest to `name`, if `name` is similar enough to be a misspelling of it.
pub(super) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let (distance, nearest) = known
        .map(|known| (distance(name, known), known))
        .min_by_key(|(distance, _)| *distance)?;
    let near_enough = (nearest.len().max(name.len()) / 3).max(1);
    (distance <= near_enough).then_some(nearest)
}

/// Finds the suggestion for an error message of `serde`. The message names the unknown key or value first and then the
/// known ones, each in backticks.
fn suggestion(message: &str) -> Option<&str> {
    let at = message
        .find("unknown field `")
        .or_else(|| message.find("unknown variant `"))?;
    let mut quoted = message[at..].split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

/// Returns how many letters must be changed, added, removed or swapped with a neighbour to turn `one` into
/// `other`. `-` and `_` count as the same letter, and case is ignored.
fn distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.to_lowercase().replace('-', "_");
    osa_distance(&letters(one), &letters(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_finger_are_understood_and_other_words_left_alone() {
        let known = ["endpoint", "interval", "user-agent", "stream", "body"];
        for (name, expected) in [
            ("intervall", Some("interval")),
            ("endpiont", Some("endpoint")),
            ("user_agent", Some("user-agent")),
            ("Stream", Some("stream")),
            ("boddy", Some("body")),
            ("timeout", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, known.into_iter()), expected, "{name}");
        }
    }
}
