//! Generates requests: the mixture of records in bodies with various headers, and the expected response to each
//! request.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::dice::Dice;
use super::items::{Item, Kind, Maker, sent_at};
use super::mutate::mutated;
use super::reading::{BYTE_ORDER_MARK, Reasons, is_json, judge, judge_by_name, members};
use super::source::Source;

pub(super) enum Expected {
    /// Status `200`, with each record either accepted into its topic or rejected for one of the reasons.
    Records(Vec<(Vec<u8>, Result<Source, Reasons>)>),
    /// Either status `200`, with all accepted records in this topic, or a refusal.
    Any(Source),
    /// A refusal with one of these status codes.
    Refused(&'static [u16]),
    /// Either the same as `Any`, or no response at all, because the request is incomplete.
    Unreadable(Source),
}

pub(super) struct Post {
    pub(super) bytes: Vec<u8>,
    pub(super) items: Vec<Kind>,
    pub(super) expected: Expected,
}

/// The topic that records are posted to; `None` for the path that assigns records to topics by event name.
type Route = Option<Source>;

struct Head {
    path: String,
    lines: Vec<(&'static str, String)>,
}

pub(super) fn post(maker: &mut Maker) -> Post {
    let first = maker.item();
    let route = Some(first.source).filter(|_| maker.dice.is_one_in(3));
    let mut head = Head {
        path: route.map_or("/v1/events".to_owned(), |source| {
            format!("/v1/{}", source.topic())
        }),
        lines: vec![
            ("host", "localhost".to_owned()),
            ("content-type", "application/json".to_owned()),
        ],
    };
    let shape = if first.kind == Kind::Huge {
        0
    } else {
        maker.dice.below(10)
    };
    let (mut body, items, mut expected) = match shape {
        0..4 => single(first, route, &mut head),
        4..7 => array(maker, first, route),
        _ => lines(maker, first, route, &mut head),
    };
    if first_is_mutated(&items) && maker.dice.is_one_in(2) {
        let source = Source::ALL[maker.dice.below(3)];
        head.path = format!("/v1/{}", source.topic());
        let other = body.clone();
        body = mutated(&body, &other, &mut maker.dice);
        expected = Expected::Any(source);
    } else if !body.starts_with(BYTE_ORDER_MARK) && maker.dice.is_one_in(8) {
        body = [BYTE_ORDER_MARK, &body].concat();
    }
    if maker.dice.is_one_in(6) {
        body = packed(&body, &mut maker.dice);
        head.lines.push(("content-encoding", "gzip".to_owned()));
    }
    let source = items.first().map_or(Source::Players, |(_, source)| *source);
    let bytes = finished(head, body, source, &mut expected, &mut maker.dice);
    Post {
        bytes,
        items: items.into_iter().map(|(kind, _)| kind).collect(),
        expected,
    }
}

fn first_is_mutated(items: &[(Kind, Source)]) -> bool {
    items.len() < 4 && items.iter().any(|(kind, _)| *kind == Kind::Mutated)
}

type Body = (Vec<u8>, Vec<(Kind, Source)>, Expected);

/// Builds a body with one record. If the record is not a complete object, or could be read as an envelope of records,
/// the test does not predict the response: the request may be accepted or refused.
fn single(item: Item, route: Route, head: &mut Head) -> Body {
    let text = item
        .value
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(&item.value);
    let is_object = text.first() == Some(&b'{') && is_json(text);
    let expected = if is_object && !is_envelope(text) {
        Expected::Records(vec![expected(text.trim_ascii(), route)])
    } else {
        head.path = format!("/v1/{}", item.source.topic());
        Expected::Any(item.source)
    };
    (item.value.clone(), vec![(item.kind, item.source)], expected)
}

fn is_envelope(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let members = members(&text).unwrap_or_default();
    members
        .iter()
        .all(|(key, _)| ["sent_at", "events"].contains(&key.as_str()))
}

/// Builds a body with an array of valid JSON values, sometimes in an envelope: an object with the time of sending.
fn array(maker: &mut Maker, first: Item, route: Route) -> Body {
    let items = several(maker, first, |item| {
        is_json(&item.value) && item.kind != Kind::Huge
    });
    let values: Vec<&[u8]> = items.iter().map(|item| &item.value[..]).collect();
    let array = [b"[".as_slice(), &values.join(&b", "[..]), b"]"].concat();
    let body = match maker.dice.below(16) {
        0 => {
            let body = [
                b"{\"events\":".as_slice(),
                &array,
                b",\"sent_at\":\"soon\"}",
            ]
            .concat();
            let (_, kinds, _) = with_expected(Vec::new(), items, route);
            return (body, kinds, Expected::Refused(&[400]));
        }
        1 | 2 => [
            format!("{{\"sent_at\":\"{}\",\"events\":", sent_at()).as_bytes(),
            &array,
            b"}",
        ]
        .concat(),
        3 | 4 => [b"{\"events\": ".as_slice(), &array, b" , \"sent_at\":null}"].concat(),
        _ => array,
    };
    with_expected(body, items, route)
}

/// Builds a body with one record per line.
fn lines(maker: &mut Maker, first: Item, route: Route, head: &mut Head) -> Body {
    let is_line = |item: &Item| {
        let text = item
            .value
            .strip_prefix(BYTE_ORDER_MARK)
            .unwrap_or(&item.value);
        // Lines with two byte order marks are left out: in the first line, one of them would count as the body's.
        let is_plain = !text.starts_with(BYTE_ORDER_MARK) && item.kind != Kind::Huge;
        is_plain && !text.trim_ascii().is_empty() && !text.contains(&b'\n')
    };
    let items = several(maker, first, is_line);
    let values: Vec<&[u8]> = items.iter().map(|item| &item.value[..]).collect();
    let end = *maker.dice.pick(&["\n", "\r\n", "\n\n"]);
    head.lines[1].1 = (*maker
        .dice
        .pick(&["application/x-ndjson", "application/jsonl"]))
    .to_owned();
    with_expected(
        [&values.join(end.as_bytes())[..], end.as_bytes()].concat(),
        items,
        route,
    )
}

/// Returns `first` and a random number of new items, but only those for which `may` is true. The result can be empty.
fn several(maker: &mut Maker, first: Item, may: impl Fn(&Item) -> bool) -> Vec<Item> {
    let many = if maker.dice.is_one_in(60) { 150 } else { 18 };
    let count = 1 + maker.dice.below(many);
    let mut items = vec![first];
    items.extend((1..count).map(|_| maker.item()));
    items.retain(|item| may(item));
    items
}

fn with_expected(body: Vec<u8>, items: Vec<Item>, route: Route) -> Body {
    let records = items.iter().map(|item| {
        let text = item.value.trim_ascii();
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        expected(text.trim_ascii(), route)
    });
    let records: Vec<_> = records.collect();
    let kinds = items.iter().map(|item| (item.kind, item.source)).collect();
    let expected = match (records.is_empty(), body.first()) {
        // The body contains only line breaks, and the web API refuses it.
        (true, Some(b'\r' | b'\n')) => Expected::Refused(&[400]),
        _ => Expected::Records(records),
    };
    (body, kinds, expected)
}

fn expected(record: &[u8], route: Route) -> (Vec<u8>, Result<Source, Reasons>) {
    let judged = match route {
        Some(source) => judge(source, record).map(|_| source),
        None => judge_by_name(record).map(|(source, _)| source),
    };
    (record.to_vec(), judged)
}

/// Compresses a body into one or two gzip members, sometimes followed by zero bytes.
fn packed(body: &[u8], dice: &mut Dice) -> Vec<u8> {
    let (first, second) = body.split_at(dice.below(body.len() + 1));
    let pieces = if dice.is_one_in(3) {
        vec![first, second]
    } else {
        vec![body]
    };
    let mut packed = Vec::new();
    for piece in pieces {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(piece).unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    packed.resize(packed.len() + dice.below(3) * 256, 0);
    packed
}

/// Serializes a request. A few in a hundred get an unusual or damaged head or body.
fn finished(
    mut head: Head,
    mut body: Vec<u8>,
    source: Source,
    expected: &mut Expected,
    dice: &mut Dice,
) -> Vec<u8> {
    let is_packed = head
        .lines
        .iter()
        .any(|(name, _)| *name == "content-encoding");
    match dice.below(400) {
        choice @ 0..=8 => {
            if let Some(statuses) = spoil(&mut head, choice, is_packed) {
                *expected = Expected::Refused(statuses);
            }
        }
        9 if is_packed => {
            let other = body.clone();
            body = mutated(&body, &other, dice);
            head.path = format!("/v1/{}", source.topic());
            *expected = Expected::Any(source);
        }
        10 => {
            // The body is shorter than its announced length, so the request never ends.
            let whole = written(&head, &body, body.len() + 1 + dice.below(100));
            *expected = Expected::Unreadable(source);
            return whole;
        }
        11 => {
            set(&mut head, "content-length", "12 or so");
            *expected = Expected::Refused(&[400]);
        }
        12 => head.lines[1].1 += "; charset=utf-8",
        13 => head.lines[1].1.make_ascii_uppercase(),
        14 if !is_packed => head.lines.push(("content-encoding", "identity".to_owned())),
        15 => return chunked(head, &body, dice),
        _ => {}
    }
    written(&head, &body, body.len())
}

/// Changes a head so that the request is refused, and returns the expected status codes. Returns `None` if the choice
/// does not apply to a compressed body.
fn spoil(head: &mut Head, choice: usize, is_packed: bool) -> Option<&'static [u16]> {
    let long = "x".repeat(40_000);
    let (name, value, statuses): (_, _, &'static [u16]) = match choice {
        0 => ("content-type", "text/plain;charset=UTF-8", &[415]),
        1 => ("content-type", "application/x-www-form-urlencoded", &[415]),
        2 => ("host", "games.example", &[403]),
        3 => ("origin", "https://evil.example", &[403]),
        4 => ("x-long", long.as_str(), &[431]),
        5 => {
            let many = (0..100).map(|_| ("x-many", "1".to_owned()));
            head.lines.extend(many);
            return Some(&[431]);
        }
        6 if !is_packed => ("content-encoding", "br", &[415]),
        7 if !is_packed => ("content-encoding", "gzip", &[400]),
        8 => {
            head.path += "/nowhere";
            return Some(&[404]);
        }
        _ => return None,
    };
    set(head, name, value);
    Some(statuses)
}

fn set(head: &mut Head, name: &'static str, value: &str) {
    head.lines.retain(|(other, _)| *other != name);
    head.lines.push((name, value.to_owned()));
}

fn written(head: &Head, body: &[u8], length: usize) -> Vec<u8> {
    let mut text = start(head);
    if head.lines.iter().all(|(name, _)| *name != "content-length") {
        text += &format!("content-length: {length}\r\n");
    }
    [text.as_bytes(), b"\r\n", body].concat()
}

fn chunked(head: Head, body: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = format!("{}transfer-encoding: chunked\r\n\r\n", start(&head)).into_bytes();
    for chunk in body.chunks(1 + dice.below(2_000)) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

fn start(head: &Head) -> String {
    let lines = head
        .lines
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    format!(
        "POST {} HTTP/1.1\r\n{}",
        head.path,
        lines.collect::<String>()
    )
}
