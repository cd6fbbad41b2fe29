//! Splits a body into records without parsing them. A malformed record is rejected alone if its end can be found.
//! The records are slices of the body, and nested values are scanned without recursion, so hostile input can
//! exhaust neither memory nor the stack.

use bytes::Bytes;
use model::json::without_byte_order_mark;

use crate::limits::RECORDS_PER_REQUEST_MAX;

/// The format in which a body contains its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFormat {
    /// One object, or an array of objects.
    Json,
    /// One object per line.
    Lines,
}

/// Why a body cannot be split into records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the body is empty; send one object, an array of objects, or one object per line")]
    Empty,
    #[error(
        "the body begins with neither `{{` nor `[`; send one object, an array of objects, or one object per line \
        as application/x-ndjson"
    )]
    NoJson,
    #[error("the body ends in the middle of its JSON; send all of it")]
    Cut,
    #[error("an element of the array is empty; remove the extra comma")]
    Gap,
    #[error(
        "the body continues after the end of its JSON; send several objects as an array, or as lines of \
        application/x-ndjson"
    )]
    Surplus,
    #[error(
        "the body has more than {RECORDS_PER_REQUEST_MAX} records; send them in several requests"
    )]
    TooMany,
    #[error(
        "`sent_at` is `{0}`, which is not an RFC 3339 date and time; send one such as \"2026-11-21T10:15:30Z\", \
        or omit it"
    )]
    SentAt(String),
}

/// Returns the unparsed records of a body, without surrounding white space and byte order marks.
pub(crate) fn split(body: &Bytes, format: BodyFormat) -> Result<Vec<Bytes>, Unreadable> {
    let trimmed = body.slice_ref(trimmed(body));
    match (format, trimmed.first()) {
        (_, None) => Err(Unreadable::Empty),
        (BodyFormat::Lines, _) => lines(&trimmed),
        (BodyFormat::Json, Some(b'[')) => elements(&trimmed),
        (BodyFormat::Json, Some(b'{')) => match end_of_value(&trimmed, 0) {
            None => Err(Unreadable::Cut),
            Some(end) if end < trimmed.len() => Err(Unreadable::Surplus),
            Some(_) => Ok(vec![trimmed]),
        },
        (BodyFormat::Json, Some(_)) => Err(Unreadable::NoJson),
    }
}

/// Returns the text without surrounding white space, and without a byte order mark at its beginning. In
/// concatenated files, a record in the middle may begin with a byte order mark.
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    without_byte_order_mark(text.trim_ascii()).trim_ascii()
}

fn lines(body: &Bytes) -> Result<Vec<Bytes>, Unreadable> {
    let mut records = Vec::new();
    for line in body.split(|byte| *byte == b'\n') {
        let line = trimmed(line);
        if !line.is_empty() {
            push(&mut records, body.slice_ref(line))?;
        }
    }
    Ok(records)
}

/// Returns the elements of the array that begins at the body's first byte.
fn elements(body: &Bytes) -> Result<Vec<Bytes>, Unreadable> {
    let mut records = Vec::new();
    let mut at = 1;
    loop {
        let end = end_of_element(body, at).ok_or(Unreadable::Cut)?;
        let element = trimmed(&body[at..end]);
        let is_last = body[end] == b']';
        if element.is_empty() && !(is_last && records.is_empty()) {
            return Err(Unreadable::Gap);
        }
        if !element.is_empty() {
            push(&mut records, body.slice_ref(element))?;
        }
        at = end + 1;
        if is_last {
            break;
        }
    }
    if at < body.len() {
        return Err(Unreadable::Surplus);
    }
    Ok(records)
}

fn push(records: &mut Vec<Bytes>, record: Bytes) -> Result<(), Unreadable> {
    if records.len() == RECORDS_PER_REQUEST_MAX {
        return Err(Unreadable::TooMany);
    }
    records.push(record);
    Ok(())
}

/// Returns the position of the comma or bracket that ends the element beginning at `at`.
fn end_of_element(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *body.get(at)? {
            b',' | b']' => return Some(at),
            b'"' => at = end_of_string(body, at)?,
            b'{' | b'[' => at = end_of_value(body, at)?,
            _ => at += 1,
        }
    }
}

/// Returns the position after the object or array that begins at `at`. Only counts brackets; the parser
/// checks that they match.
pub(crate) fn end_of_value(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match *body.get(at)? {
            b'"' => {
                at = end_of_string(body, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Returns the position after the string whose opening quote is at `at`.
pub(crate) fn end_of_string(body: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match *body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(body: &str) -> Result<Vec<String>, Unreadable> {
        of(body, BodyFormat::Json)
    }

    fn of(body: &str, format: BodyFormat) -> Result<Vec<String>, Unreadable> {
        let records = split(&Bytes::copy_from_slice(body.as_bytes()), format)?;
        let text = |record: Bytes| String::from_utf8_lossy(&record).into_owned();
        Ok(records.into_iter().map(text).collect())
    }

    #[test]
    fn an_object_is_one_record_and_an_array_one_for_each_element() {
        assert_eq!(json(" {\"a\":[1,{}]}\n").unwrap(), ["{\"a\":[1,{}]}"]);
        assert_eq!(json("[]").unwrap(), Vec::<String>::new());
        assert_eq!(
            json("[ {\"a\":\"],{\\\"\"} ,7, [1,2] ]").unwrap(),
            ["{\"a\":\"],{\\\"\"}", "7", "[1,2]"]
        );
    }

    #[test]
    fn byte_order_marks_before_a_body_or_a_record_are_skipped() {
        for (body, format, expected) in [
            ("\u{feff}{\"a\":1}", BodyFormat::Json, &["{\"a\":1}"][..]),
            (" \u{feff} [{},\u{feff}{}]", BodyFormat::Json, &["{}", "{}"]),
            (
                "\u{feff}{}\n\u{feff}\n\u{feff}{}\r\n",
                BodyFormat::Lines,
                &["{}", "{}"],
            ),
        ] {
            assert_eq!(of(body, format).unwrap(), expected, "{body:?}");
        }
        assert_eq!(json("\u{feff}"), Err(Unreadable::Empty));
        assert_eq!(of("\u{feff}\n", BodyFormat::Lines), Err(Unreadable::Empty));
    }

    #[test]
    fn a_malformed_record_is_a_record_and_a_body_without_end_is_an_error() {
        assert_eq!(json("[{\"a\":},{x}]").unwrap(), ["{\"a\":}", "{x}"]);
        for (body, expected) in [
            ("", Unreadable::Empty),
            (" \n", Unreadable::Empty),
            ("hello", Unreadable::NoJson),
            ("{\"a\":1", Unreadable::Cut),
            ("{\"a\":\"1}", Unreadable::Cut),
            ("{\"a\":\"\\", Unreadable::Cut),
            ("[{}", Unreadable::Cut),
            ("[{},", Unreadable::Cut),
            ("[{},]", Unreadable::Gap),
            ("[,{}]", Unreadable::Gap),
            ("{}{}", Unreadable::Surplus),
            ("[{}]]", Unreadable::Surplus),
        ] {
            assert_eq!(json(body), Err(expected), "{body}");
        }
    }

    #[test]
    fn each_line_that_is_not_blank_is_a_record() {
        let found = of("{\"a\":1}\r\n\n  nonsense \n{\"b\":2}", BodyFormat::Lines).unwrap();
        assert_eq!(found, ["{\"a\":1}", "nonsense", "{\"b\":2}"]);
        assert_eq!(of("\n \n", BodyFormat::Lines), Err(Unreadable::Empty));
    }

    #[test]
    fn elements_agree_with_a_json_parser() {
        let body = r#"[{"a":"\u005d\\"},[],[[1],"x,"],null,-1.5e3, {"k":{"l":["}"]}}]"#;
        let expected: Vec<serde_json::Value> = serde_json::from_str(body).unwrap();
        let found: Vec<serde_json::Value> = json(body)
            .unwrap()
            .iter()
            .map(|record| serde_json::from_str(record).unwrap())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn too_many_records_are_refused_and_deep_nesting_is_not() {
        let many = format!("[{}0]", "0,".repeat(RECORDS_PER_REQUEST_MAX));
        assert_eq!(json(&many), Err(Unreadable::TooMany));
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(json(&format!("[{deep}]")).unwrap(), [deep]);
    }
}
