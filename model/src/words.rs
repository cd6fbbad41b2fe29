//! Bytes looked at eight at a time. In WASM a call for every few bytes, and a loop over each of
//! them, cost more than all the rest of parsing.

/// Whether `a` and `b` are the same. (`memcmp` goes byte by byte there.)
#[inline(always)]
pub(crate) fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    // The last word overlaps the one before where the length is no multiple of the word's.
    if let (Some(a_last), Some(b_last)) = (a.last_chunk::<8>(), b.last_chunk()) {
        let (a_words, b_words) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
        return a_last == b_last && a_words.iter().zip(b_words).all(|(a, b)| a == b);
    }
    match (a.first_chunk::<4>(), b.first_chunk()) {
        (Some(a_first), Some(b_first)) => {
            a_first == b_first && a.last_chunk::<4>() == b.last_chunk()
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// The first place in `bytes`, from `at` on, of a quote, a backslash or a control character: what
/// may not stand in a JSON string as it is.
#[inline(always)]
pub(crate) fn find_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    while let Some(word) = bytes.get(at..)?.first_chunk() {
        let marks = mark_special(u64::from_le_bytes(*word));
        if marks != 0 {
            return Some(at + (marks.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes[at..]
        .iter()
        .position(is_special)
        .map(|index| at + index)
}

/// Sets the highest bit of each special byte, and of no byte before the first of them: a
/// subtraction borrows from the next byte only where it has found one.
#[inline(always)]
fn mark_special(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ ONES * b'"' as u64).wrapping_sub(ONES);
    let backslash = (word ^ ONES * b'\\' as u64).wrapping_sub(ONES);
    (control | quote | backslash) & !word & ONES * 0x80
}

/// A quick hash of short texts for tables in memory; not for storing.
#[inline(always)]
pub(crate) fn hash(text: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 over the golden ratio
    let bytes = text.as_bytes();
    let mut hash = bytes.len() as u64;
    let mut add = |word: u64| hash = (hash.rotate_left(23) ^ word).wrapping_mul(ODD);
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| add(u64::from_le_bytes(*word)));
    match bytes.last_chunk() {
        Some(last) => add(u64::from_le_bytes(*last)),
        None => add(rest
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))),
    }
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_is_equality(a in "[ab]{0,20}", b in "[ab]{0,20}", at in 0_usize..20) {
            prop_assert_eq!(equal(&a, &b), a == b);
            prop_assert!(equal(&a, &a.clone()));
            let mut other = a.clone().into_bytes();
            if let Some(byte) = other.get_mut(at) {
                *byte = b'c';
                prop_assert!(!equal(&a, &String::from_utf8(other).expect("ASCII")));
            }
        }

        #[test]
        fn finds_the_first_special_byte(mut bytes in prop::collection::vec(0x20_u8.., 0..40), special in prop::sample::select(vec![0_u8, 0x1f, b'"', b'\\']), places in prop::collection::vec(0_usize..40, 0..3), from in 0_usize..10) {
            for place in places {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = special;
                }
            }
            let oracle = (from..bytes.len()).find(|at| bytes[*at] < 0x20 || b"\"\\".contains(&bytes[*at]));
            prop_assert_eq!(find_special(&bytes, from), oracle);
        }

        #[test]
        fn hashes_tell_texts_apart(texts in prop::collection::hash_set("[a-c|_0-9]{0,24}", 0..200)) {
            let hashes: std::collections::HashSet<u64> = texts.iter().map(|text| hash(text)).collect();
            prop_assert_eq!(hashes.len(), texts.len());
        }
    }
}
