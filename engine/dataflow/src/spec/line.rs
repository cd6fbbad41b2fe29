//! Finds the line of an entry in the dataflow file, for error messages. Entries are checked after the text has been
//! parsed, and the parsed values do not contain their lines.

/// The line, counted from 1, on which an entry of a section sets `field`. If the entry does not set the field, the
/// line of the entry's name; `None` if there is no such entry.
pub(super) fn line_of(yaml: &str, section: &str, entry: &str, field: &str) -> Option<usize> {
    let mut lines = (1..).zip(yaml.lines());
    lines.find(|(_, line)| indentation(line) == 0 && sets(line, section))?;
    let (header, name) = lines.find(|(_, line)| sets(line, entry))?;
    let on_the_line = std::iter::once((header, name));
    let mut block =
        on_the_line.chain(lines.take_while(|(_, line)| {
            line.trim().is_empty() || indentation(line) > indentation(name)
        }));
    let found = block.find(|(_, line)| line.split(['{', ',']).any(|part| sets(part, field)));
    Some(found.map_or(header, |(number, _)| number))
}

/// The line, counted from 1, on which an item of a list sets `field`; `index` counts the items of the section's list
/// from 0. If the item does not set the field, the line of the item's `-`; `None` if there is no such item.
pub(super) fn line_of_item(yaml: &str, section: &str, index: usize, field: &str) -> Option<usize> {
    let mut lines = (1..).zip(yaml.lines());
    lines.find(|(_, line)| indentation(line) == 0 && sets(line, section))?;
    let is_item = |line: &str| line.trim_start().starts_with('-');
    let mut dashes = lines.clone().filter(|(_, line)| is_item(line));
    let depth = indentation(dashes.next()?.1);
    let mut items = lines
        .clone()
        .filter(|(_, line)| is_item(line) && indentation(line) == depth);
    let (header, first) = items.nth(index)?;
    let following = lines.skip_while(|(number, _)| *number <= header);
    let mut block = std::iter::once((header, first)).chain(following.take_while(|(_, line)| {
        let is_text = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        !is_text || indentation(line) > depth
    }));
    let is_set = |part: &str| sets(part.trim_start().trim_start_matches('-'), field);
    let found = block.find(|(_, line)| line.split(['{', ',']).any(is_set));
    Some(found.map_or(header, |(number, _)| number))
}

/// The indentation of the entries of a section; `None` if it has none.
pub(super) fn indentation_of(yaml: &str, section: &str) -> Option<usize> {
    let mut lines = yaml.lines();
    lines.find(|line| indentation(line) == 0 && sets(line, section))?;
    let is_text = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = lines.find(is_text).map(indentation);
    first.filter(|indentation| *indentation > 0)
}

fn sets(line: &str, field: &str) -> bool {
    let rest = line.trim_start().strip_prefix(field);
    !field.is_empty() && rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_its_own_derivation_in_either_form() {
        let yaml = "sources:\n  a: {key: k}\nderivations:\n  a:\n    from: x\n  b:\n    from: y\n\n\
                    \u{20}   parameters: {n: 1, m: 2}\n  c:\n    m: 3\n";
        let line = |entry, field| line_of(yaml, "derivations", entry, field);
        assert_eq!(line("a", "from"), Some(5));
        assert_eq!(line("b", "from"), Some(7));
        assert_eq!(line("b", "m"), Some(9));
        assert_eq!(line("a", "m"), Some(4));
        assert_eq!(line("d", "m"), None);
        assert_eq!(line_of(yaml, "sources", "a", "key"), Some(2));
        assert_eq!(line_of(yaml, "", "", ""), None);
    }
}
