//! Walks one record and hands out the fields of the objects that the schemas know.

use super::limits::RECORD_BYTES_MAX;
use crate::json::{JsonError, Scanner, Text, Value};
use crate::reject::{Reason, Rejection};

/// The object of a record in which a field stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Root,
    Parameters,
    UserData,
    ServerData,
}

const SECTIONS: [(&str, Section); 3] = [
    ("parameters", Section::Parameters),
    ("user_data", Section::UserData),
    ("server_data", Section::ServerData),
];

/// Validates `record` as one JSON object and calls `visit` for each field of the root and of the
/// sections, in the record's order.
#[inline]
pub(super) fn scan<'e>(
    record: &'e [u8],
    mut visit: impl FnMut(Section, Text<'e>, Value<'e>),
) -> Result<(), Rejection> {
    if record.len() > RECORD_BYTES_MAX {
        return Err(Rejection::new(Reason::TooLarge, "record"));
    }
    let mut scanner = Scanner::new(record);
    if !scanner.enter_object() {
        return Err(Rejection::new(Reason::NotJson, "record"));
    }
    let misplaced = scan_root(&mut scanner, &mut visit).map_err(refuse)?;
    scanner.end().map_err(refuse)?;
    match misplaced {
        Some(section) => Err(Rejection::new(Reason::WrongType, section)),
        None => Ok(()),
    }
}

/// The fields of the root; the name of a section that is there but is no object.
fn scan_root<'e>(
    scanner: &mut Scanner<'e>,
    visit: &mut impl FnMut(Section, Text<'e>, Value<'e>),
) -> Result<Option<&'static str>, JsonError> {
    let mut misplaced = None;
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        match section(key) {
            Some((_, section)) if scanner.enter_object() => scan_section(scanner, section, visit)?,
            Some((name, _)) => match scanner.value(1)? {
                Value::Null => {}
                _ => misplaced = Some(name),
            },
            None => visit(Section::Root, key, scanner.value(1)?),
        }
    }
    Ok(misplaced)
}

#[inline]
fn section(key: Text<'_>) -> Option<(&'static str, Section)> {
    let named = |(name, _): &(&str, Section)| key.is(name);
    SECTIONS.into_iter().find(named)
}

fn scan_section<'e>(
    scanner: &mut Scanner<'e>,
    section: Section,
    visit: &mut impl FnMut(Section, Text<'e>, Value<'e>),
) -> Result<(), JsonError> {
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        visit(section, key, scanner.value(2)?);
    }
    Ok(())
}

fn refuse(error: JsonError) -> Rejection {
    match error {
        JsonError::Syntax => Rejection::new(Reason::NotJson, "record"),
        JsonError::TooDeep => Rejection::new(Reason::TooLarge, "record"),
    }
}
