//! Compares, copies, searches and hashes bytes one word at a time. In Fluvio's engine, every branch and every call to
//! the host is expensive for WASM code, so a loop over single bytes, or a call for every few bytes, is slow.

/// A word in which each byte is 1.
const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Copies of more bytes than this are faster as a single call.
const LONG: usize = 64;

/// Returns whether `a` and `b` are equal. Faster than `==`, for which WASM code calls a `memcmp` that compares byte
/// by byte.
#[inline(always)]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // If the length is not a multiple of the word size, the last word overlaps the one before it.
    let same = |a: &[u8; 16], b: &[u8; 16]| u128::from_ne_bytes(*a) == u128::from_ne_bytes(*b);
    if let (Some(a_last), Some(b_last)) = (a.last_chunk(), b.last_chunk()) {
        let words = a.as_chunks().0.iter().zip(b.as_chunks().0);
        return same(a_last, b_last) && words.into_iter().all(|(a, b)| same(a, b));
    }
    if let (Some(a_first), Some(b_first)) = (a.first_chunk::<8>(), b.first_chunk()) {
        return a_first == b_first && a.last_chunk::<8>() == b.last_chunk();
    }
    match (a.first_chunk::<4>(), b.first_chunk()) {
        (Some(a_first), Some(b_first)) => {
            a_first == b_first && a.last_chunk::<4>() == b.last_chunk()
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

/// Appends `bytes` to `output`. For short texts this is faster than `extend_from_slice`, which in WASM is a call to the
/// host unless the length is a constant.
#[inline(never)]
pub(crate) fn append(output: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.len() > LONG {
        output.extend_from_slice(bytes);
        return;
    }
    let end = output.len() + bytes.len();
    output.reserve(bytes.len() + 8);
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| output.extend_from_slice(word));
    if rest.is_empty() {
        return;
    }
    // Fewer than eight bytes are left. The last eight bytes of `bytes` overlap the word that was appended before. If
    // there is none, a word padded with zeros ends after `end`, and the last line removes the padding.
    let word = match bytes.last_chunk() {
        Some(last) => {
            output.truncate(end - 8);
            *last
        }
        None => u64::to_le_bytes(low_word(rest)),
    };
    output.extend_from_slice(&word);
    output.truncate(end);
}

/// Returns fewer than eight bytes as a word, the first byte lowest.
#[inline(always)]
fn low_word(bytes: &[u8]) -> u64 {
    let bytes = bytes.iter().rev();
    bytes.fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Returns whether `bytes` contains `a` or `b`.
#[inline]
pub(crate) fn contains_either(bytes: &[u8], a: u8, b: u8) -> bool {
    let is_either = |word: u64| has(word, a) | has(word, b);
    let (words, rest) = bytes.as_chunks::<8>();
    let found = words
        .iter()
        .map(|word| is_either(u64::from_le_bytes(*word)));
    if found.fold(0, |marks, found| marks | found) != 0 {
        return true;
    }
    // If the length is not a multiple of the word size, the last word overlaps the one before it.
    match bytes.last_chunk() {
        Some(last) => is_either(u64::from_le_bytes(*last)) != 0,
        None => rest.iter().any(|byte| [a, b].contains(byte)),
    }
}

/// Returns a value that is not 0 if and only if `word` contains `byte`.
#[inline(always)]
fn has(word: u64, byte: u8) -> u64 {
    let zero_where_equal = word ^ (ONES * u64::from(byte));
    zero_where_equal.wrapping_sub(ONES) & !zero_where_equal & (ONES * 0x80)
}

/// Returns the first index in `bytes`, starting at `at`, of a quote, a backslash or a control character. These are
/// the bytes that a JSON string can contain only as escapes.
#[inline(always)]
pub(crate) fn find_special(bytes: &[u8], mut at: usize) -> Option<usize> {
    #[cfg(target_feature = "simd128")]
    while let Some(words) = bytes.get(at..)?.first_chunk() {
        let marks = mark_special_16(*words);
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize);
        }
        at += 16;
    }
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

/// Returns whether `bytes` contains a quote, a backslash or a control character.
#[inline]
pub fn has_special(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let marks = words.iter().fold(0, |marks, word| {
        marks | mark_special(u64::from_le_bytes(*word))
    });
    // If the length is not a multiple of the word size, the last word overlaps the one before it. If there is none, the
    // rest is padded with a byte that is not special.
    let last = match bytes.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => rest.iter().fold(ONES * u64::from(b' '), |word, byte| {
            word << 8 | u64::from(*byte)
        }),
    };
    marks | mark_special(last) != 0
}

/// Returns a mask with one bit set for each byte that `find_special` looks for.
#[cfg(target_feature = "simd128")]
#[inline(always)]
fn mark_special_16(words: [u8; 16]) -> u16 {
    use std::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, u64x2, v128_or};
    let words = u128::from_le_bytes(words);
    let bytes = u64x2(words as u64, (words >> 64) as u64);
    let control = u8x16_lt(bytes, u8x16_splat(0x20));
    let quote = u8x16_eq(bytes, u8x16_splat(b'"'));
    let backslash = u8x16_eq(bytes, u8x16_splat(b'\\'));
    u8x16_bitmask(v128_or(v128_or(control, quote), backslash))
}

/// Returns a mask whose lowest set bit is the highest bit of the first byte that `find_special` looks for. Bits of
/// later bytes may be wrong, because at such a byte a subtraction borrows from the next one.
#[inline(always)]
fn mark_special(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    (control | quote | backslash) & !word & (ONES * 0x80)
}

/// Returns a fast hash of a short text for tables in memory. The hash is not suitable for storage.
#[inline(always)]
pub(crate) fn hash(text: &str) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio
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
        fn equal_is_equality(a in "[ab]{0,40}", b in "[ab]{0,40}", at in 0_usize..40) {
            prop_assert_eq!(equal(a.as_bytes(), b.as_bytes()), a == b);
            prop_assert!(equal(a.as_bytes(), a.clone().as_bytes()));
            let mut other = a.clone().into_bytes();
            if let Some(byte) = other.get_mut(at) {
                *byte = b'c';
                prop_assert!(!equal(a.as_bytes(), &other));
            }
        }

        #[test]
        fn append_copies_any_length(before in "[a-z]{0,9}", text in "[a-z]{0,100}", short in "[a-z]{0,18}") {
            for text in [&text, &short] {
                let mut output = before.clone().into_bytes();
                append(&mut output, text.as_bytes());
                prop_assert_eq!(output, format!("{before}{text}").into_bytes());
            }
        }

        #[test]
        fn contains_either_finds_any_of_two_bytes(text in "[{|}a%&]{0,20}", long in "[{}a&]{8,24}") {
            let oracle = |text: &str| text.contains(['|', '%']);
            for text in [&text, &format!("{text}{long}"), &format!("{long}{text}")] {
                prop_assert_eq!(contains_either(text.as_bytes(), b'|', b'%'), oracle(text));
            }
        }

        #[test]
        fn finds_the_first_special_byte(
            mut bytes in prop::collection::vec(0x20_u8.., 0..40),
            special in prop::sample::select(vec![0_u8, 0x1f, b'"', b'\\']),
            places in prop::collection::vec(0_usize..40, 0..3),
            from in 0_usize..10,
        ) {
            for place in places {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = special;
                }
            }
            let oracle = (from..bytes.len()).find(|at| bytes[*at] < 0x20 || b"\"\\".contains(&bytes[*at]));
            prop_assert_eq!(find_special(&bytes, from), oracle);
            let rest = bytes.get(from..).unwrap_or_default();
            prop_assert_eq!(has_special(rest), oracle.is_some());
        }

        #[test]
        fn hashes_tell_texts_apart(texts in prop::collection::hash_set("[a-c|_0-9]{0,24}", 0..200)) {
            let hashes: std::collections::HashSet<u64> = texts.iter().map(|text| hash(text)).collect();
            prop_assert_eq!(hashes.len(), texts.len());
        }
    }
}
