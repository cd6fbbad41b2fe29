//! The output of a SmartModule that folds for several derivations: one partial after another, each preceded by its
//! length as a little-endian `u32`.

/// The size of the length before each partial, in bytes.
const LENGTH: usize = size_of::<u32>();

/// Appends a partial to the output, preceded by its length.
pub(super) fn append(partial: &[u8], output: &mut Vec<u8>) {
    output.extend((partial.len() as u32).to_le_bytes());
    output.extend(partial);
}

/// Returns the ranges of `output` that are partials, in the order of the folds; `None` if `output` is not a list
/// of partials.
pub fn split(output: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let (mut partials, mut at) = (Vec::new(), 0);
    while at < output.len() {
        let length = output.get(at..)?.first_chunk::<LENGTH>()?;
        let start = at + LENGTH;
        at = start.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        output.get(start..at)?;
        partials.push(start..at);
    }
    Some(partials)
}
