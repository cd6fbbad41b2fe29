//! Cuts a body into records without parsing them: one that is no JSON fails alone, as long as it is
//! clear where it ends. No recursion and no allocation per record, so no nesting exhausts anything.

use bytes::Bytes;

use crate::limits::RECORDS_PER_REQUEST_MAX;

/// How the records of a body stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One object, or an array of them.
    Json,
    /// One object a line.
    Lines,
}

/// Why nothing could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the body is empty; send one object, an array of objects, or one object a line")]
    Empty,
    #[error(
        "the body begins with neither `{{` nor `[`; send one object, an array of objects, or lines as application/x-ndjson"
    )]
    NoJson,
    #[error("the body ends before its JSON does; send it whole")]
    Cut,
    #[error("an element of the array is empty; take the surplus comma out")]
    Gap,
    #[error(
        "something follows the end of the JSON; send several objects as an array, or as lines of application/x-ndjson"
    )]
    Surplus,
    #[error(
        "the body has more than {RECORDS_PER_REQUEST_MAX} records; send them in several requests"
    )]
    TooMany,
}

/// The records of a body, as they stand there, without the space around them.
pub(crate) fn split(body: &Bytes, layout: Layout) -> Result<Vec<Bytes>, Unreadable> {
    let trimmed = body.slice_ref(body.trim_ascii());
    match (layout, trimmed.first()) {
        (_, None) => Err(Unreadable::Empty),
        (Layout::Lines, _) => lines(&trimmed),
        (Layout::Json, Some(b'[')) => elements(&trimmed),
        (Layout::Json, Some(b'{')) => match end_of_value(&trimmed, 0) {
            None => Err(Unreadable::Cut),
            Some(end) if end < trimmed.len() => Err(Unreadable::Surplus),
            Some(_) => Ok(vec![trimmed]),
        },
        (Layout::Json, Some(_)) => Err(Unreadable::NoJson),
    }
}

fn lines(body: &Bytes) -> Result<Vec<Bytes>, Unreadable> {
    let mut records = Vec::new();
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if !line.is_empty() {
            push(&mut records, body.slice_ref(line))?;
        }
    }
    Ok(records)
}

/// The elements of the array that begins at the body's first byte.
fn elements(body: &Bytes) -> Result<Vec<Bytes>, Unreadable> {
    let mut records = Vec::new();
    let mut at = 1;
    loop {
        let end = end_of_element(body, at).ok_or(Unreadable::Cut)?;
        let element = body[at..end].trim_ascii();
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

/// Where the comma or bracket stands that ends the element beginning at `at`.
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

/// Where the object or array has ended that begins at `at`. Which bracket closes which is for the
/// parser to check; here they only count.
fn end_of_value(body: &[u8], mut at: usize) -> Option<usize> {
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

/// Where the string has ended whose opening quote stands at `at`.
fn end_of_string(body: &[u8], at: usize) -> Option<usize> {
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
        of(body, Layout::Json)
    }

    fn of(body: &str, layout: Layout) -> Result<Vec<String>, Unreadable> {
        let records = split(&Bytes::copy_from_slice(body.as_bytes()), layout)?;
        let text = |record: Bytes| String::from_utf8_lossy(&record).into_owned();
        Ok(records.into_iter().map(text).collect())
    }

    #[test]
    fn an_object_is_one_record_and_an_array_as_many_as_it_has() {
        assert_eq!(json(" {\"a\":[1,{}]}\n").unwrap(), ["{\"a\":[1,{}]}"]);
        assert_eq!(json("[]").unwrap(), Vec::<String>::new());
        assert_eq!(
            json("[ {\"a\":\"],{\\\"\"} ,7, [1,2] ]").unwrap(),
            ["{\"a\":\"],{\\\"\"}", "7", "[1,2]"]
        );
    }

    #[test]
    fn what_is_broken_inside_is_a_record_and_what_has_no_end_is_nothing() {
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
    fn lines_are_records_and_blank_ones_are_not() {
        let found = of("{\"a\":1}\r\n\n  nonsense \n{\"b\":2}", Layout::Lines).unwrap();
        assert_eq!(found, ["{\"a\":1}", "nonsense", "{\"b\":2}"]);
        assert_eq!(of("\n \n", Layout::Lines), Err(Unreadable::Empty));
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
    fn too_many_records_are_refused_and_a_deep_one_is_a_record() {
        let many = format!("[{}0]", "0,".repeat(RECORDS_PER_REQUEST_MAX));
        assert_eq!(json(&many), Err(Unreadable::TooMany));
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(json(&format!("[{deep}]")).unwrap(), [deep]);
    }
}
