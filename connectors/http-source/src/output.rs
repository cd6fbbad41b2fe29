//! The four forms of a record: as text or as JSON, with the body alone or with status and headers too.

use std::collections::BTreeMap;

use bytes::Bytes;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::{Response, StatusCode, Version};
use serde::Serialize;

use crate::config::{Output, OutputParts, OutputType};

/// The part of a response before its body: status and headers.
#[derive(Clone, Debug)]
pub(crate) struct AnswerHead {
    version: Version,
    status: StatusCode,
    headers: Vec<(String, String)>,
}

impl AnswerHead {
    /// Copies the status and headers of a response. If the body is decompressed, leaves out the headers that
    /// describe the compressed body.
    pub(crate) fn of(response: &Response, is_unpacked: bool) -> Self {
        let of_packed = [CONTENT_ENCODING, CONTENT_LENGTH];
        let headers = response.headers().iter();
        let headers = headers.filter(|(name, _)| !(is_unpacked && of_packed.contains(name)));
        let headers = headers.map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Self {
            version: response.version(),
            status: response.status(),
            headers: headers.collect(),
        }
    }
}

#[derive(Serialize)]
struct Json<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<BTreeMap<&'r str, Values<'r>>>,
    body: &'r str,
}

#[derive(Serialize)]
struct Status {
    version: String,
    code: u16,
    string: &'static str,
}

/// A header that occurs once is a string; one that occurs several times is a list.
#[derive(Serialize)]
#[serde(untagged)]
enum Values<'r> {
    One(&'r str),
    Many(Vec<&'r str>),
}

/// Makes a record from a body, in the configured form.
pub(crate) fn format(output: Output, head: &AnswerHead, body: Bytes) -> Bytes {
    match (output.kind, output.parts) {
        (OutputType::Text, OutputParts::Body) => body,
        (OutputType::Text, OutputParts::Full) => text(head, &body),
        (OutputType::Json, OutputParts::Body) => json(None, &body),
        (OutputType::Json, OutputParts::Full) => json(Some(head), &body),
    }
}

fn text(head: &AnswerHead, body: &[u8]) -> Bytes {
    let mut text = format!("{:?} {}\n", head.version, head.status).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
    }
    text.push(b'\n');
    text.extend_from_slice(body);
    text.into()
}

fn json(head: Option<&AnswerHead>, body: &[u8]) -> Bytes {
    let body = String::from_utf8_lossy(body);
    let record = Json {
        status: head.map(|head| Status {
            version: format!("{:?}", head.version),
            code: head.status.as_u16(),
            string: head.status.canonical_reason().unwrap_or_default(),
        }),
        header: head.map(headers),
        body: &body,
    };
    let json = serde_json::to_vec(&record);
    json.expect("texts and numbers always have a JSON form")
        .into()
}

fn headers(head: &AnswerHead) -> BTreeMap<&str, Values<'_>> {
    let mut headers = BTreeMap::<&str, Vec<&str>>::new();
    for (name, value) in &head.headers {
        headers.entry(name).or_default().push(value);
    }
    let values = |(name, values): (_, Vec<_>)| match values[..] {
        [one] => (name, Values::One(one)),
        _ => (name, Values::Many(values)),
    };
    headers.into_iter().map(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(kind: OutputType, parts: OutputParts) -> String {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let head = AnswerHead {
            version: Version::HTTP_11,
            status: StatusCode::OK,
            headers: vec![header("a", "1"), header("b", "2"), header("b", "3")],
        };
        let body = Bytes::from_static(b"one \"two\"");
        let record = format(Output { kind, parts }, &head, body);
        String::from_utf8(record.to_vec()).expect("text")
    }

    #[test]
    fn records_have_the_four_documented_forms() {
        use OutputParts::{Body, Full};
        use OutputType::{Json, Text};
        assert_eq!(formatted(Text, Body), "one \"two\"");
        assert_eq!(
            formatted(Text, Full),
            "HTTP/1.1 200 OK\na: 1\nb: 2\nb: 3\n\none \"two\""
        );
        assert_eq!(formatted(Json, Body), r#"{"body":"one \"two\""}"#);
        assert_eq!(
            formatted(Json, Full),
            concat!(
                r#"{"status":{"version":"HTTP/1.1","code":200,"string":"OK"},"header":{"a":"1","b":["2","3"]},"#,
                r#""body":"one \"two\""}"#,
            )
        );
    }
}
