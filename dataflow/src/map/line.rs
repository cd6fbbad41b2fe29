//! Where in the map's text something stands, for messages: what is wrong with a derivation is found
//! out when the text has been read.

/// The line, from 1, on which a derivation sets `field`; that of its name where it does not.
pub(super) fn line_of(yaml: &str, derivation: &str, field: &str) -> Option<usize> {
    let mut lines = (1..).zip(yaml.lines());
    lines.find(|(_, line)| line.starts_with("derivations:"))?;
    let (header, name) = lines.find(|(_, line)| sets(line, derivation))?;
    let mut block = lines
        .take_while(|(_, line)| line.trim().is_empty() || indentation(line) > indentation(name));
    let found = block.find(|(_, line)| line.split(['{', ',']).any(|part| sets(part, field)));
    Some(found.map_or(header, |(number, _)| number))
}

fn sets(line: &str, field: &str) -> bool {
    let rest = line.trim_start().strip_prefix(field);
    rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_in_its_own_derivation_in_either_form() {
        let yaml = "sources:\n  a: {key: k}\nderivations:\n  a:\n    from: x\n  b:\n    from: y\n\n    parameters: {n: 1, m: 2}\n  c:\n    m: 3\n";
        assert_eq!(line_of(yaml, "a", "from"), Some(5));
        assert_eq!(line_of(yaml, "b", "from"), Some(7));
        assert_eq!(line_of(yaml, "b", "m"), Some(9));
        assert_eq!(line_of(yaml, "a", "m"), Some(4));
        assert_eq!(line_of(yaml, "d", "m"), None);
    }
}
