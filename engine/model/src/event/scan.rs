//! Reads one record and passes each field of the objects that the schemas define to a callback.

use super::limits::RECORD_BYTES_MAX;
use crate::json::{JsonError, Scanner, Text, Value};
use crate::reject::{Reason, Rejection};

/// The objects of a record whose fields the schemas define: the record itself and three nested objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Root,
    Parameters,
    UserData,
    ServerData,
}

/// Returns the names of the objects in a record whose fields the schemas define. Other values are refused there.
pub fn object_names() -> impl Iterator<Item = &'static str> {
    SECTIONS.into_iter().map(|(name, _)| name)
}

const SECTIONS: [(&str, Section); 3] = [
    ("parameters", Section::Parameters),
    ("user_data", Section::UserData),
    ("server_data", Section::ServerData),
];

impl Section {
    /// Returns the section with this name; `None` if no section has the name.
    pub(super) fn named(key: Text<'_>) -> Option<(&'static str, Self)> {
        SECTIONS.into_iter().find(|(name, _)| key.is(name))
    }

    /// Returns whether `key` in this section is the field with the dotted `path`.
    #[inline]
    pub(super) fn holds(self, key: Text<'_>, path: &str) -> bool {
        let prefix = match self {
            Self::Root => "",
            Self::Parameters => "parameters.",
            Self::UserData => "user_data.",
            Self::ServerData => "server_data.",
        };
        // Comparing the key first is faster: most keys differ from the field's name in length, which is checked first.
        path.split_at_checked(prefix.len())
            .is_some_and(|(section, field)| {
                key.is(field) && section == prefix && !field.contains('.')
            })
    }

    /// Returns the number of objects that enclose a field of this section.
    pub(super) fn depth(self) -> u32 {
        1 + u32::from(self != Self::Root)
    }
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'e> {
    pub(super) section: Section,
    pub(super) key: Text<'e>,
    pub(super) value: Value<'e>,
    /// The start and end of the value in the record, including the quotes of a string.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Validates `record` as one JSON object and calls `visit` for each field of the root and of the sections, in
/// the order in which they occur in the record.
pub(super) fn scan<'e>(record: &'e [u8], mut visit: impl FnMut(Seen<'e>)) -> Result<(), Rejection> {
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

/// Reads the fields of the root. Returns the name of a section whose value is neither an object nor null, if
/// any.
fn scan_root<'e>(
    scanner: &mut Scanner<'e>,
    visit: &mut impl FnMut(Seen<'e>),
) -> Result<Option<&'static str>, JsonError> {
    let mut misplaced = None;
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        match Section::named(key) {
            Some((_, section)) if scanner.enter_object() => scan_section(scanner, section, visit)?,
            Some((name, _)) => {
                let seen = field(scanner, Section::Root, key)?;
                match seen.value {
                    Value::Null => visit(seen),
                    _ => misplaced = Some(name),
                }
            }
            None => visit(field(scanner, Section::Root, key)?),
        }
    }
    Ok(misplaced)
}

fn scan_section<'e>(
    scanner: &mut Scanner<'e>,
    section: Section,
    visit: &mut impl FnMut(Seen<'e>),
) -> Result<(), JsonError> {
    let mut first = true;
    while let Some(key) = scanner.key(first)? {
        first = false;
        visit(field(scanner, section, key)?);
    }
    Ok(())
}

fn field<'e>(
    scanner: &mut Scanner<'e>,
    section: Section,
    key: Text<'e>,
) -> Result<Seen<'e>, JsonError> {
    scanner.skip_space();
    let start = scanner.position();
    Ok(Seen {
        section,
        key,
        value: scanner.value(section.depth())?,
        start,
        end: scanner.position(),
    })
}

fn refuse(error: JsonError) -> Rejection {
    match error {
        JsonError::Syntax => Rejection::new(Reason::NotJson, "record"),
        JsonError::TooDeep => Rejection::new(Reason::TooLarge, "record"),
    }
}
