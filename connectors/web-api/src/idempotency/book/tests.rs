//! One request after another, and what is remembered of them.

use super::super::request::{digest, request_key};
use super::*;
use crate::source::Target;

const HOUR_MS: i64 = 3_600_000;

fn body(text: &str) -> Digest {
    digest("/v1/events", "json", text.as_bytes())
}

fn begin(book: &Arc<Book>, key: &str, text: &str, now_ms: i64) -> Result<Begin, Refusal> {
    Book::begin(book, request_key(None, key), body(text), now_ms)
}

fn new(book: &Arc<Book>, key: &str, now_ms: i64) -> Claim {
    match begin(book, key, "{}", now_ms) {
        Ok(Begin::New(claim)) => claim,
        _ => panic!("`{key}` is not new"),
    }
}

fn intent(at_ms: i64) -> Intent {
    Intent::new(at_ms, body("{}"), BTreeMap::new())
}

#[test]
fn a_request_is_worked_on_once_at_a_time_and_answered_for_an_hour() {
    let book = Arc::new(Book::default());
    let mut claim = new(&book, "a", 0);
    assert!(matches!(
        begin(&book, "a", "{}", 1),
        Err(Refusal::InProgress)
    ));
    assert!(matches!(
        begin(&book, "a", "[]", 1),
        Err(Refusal::KeyReused)
    ));
    claim.intended(intent(0));
    claim.in_doubt();
    claim.answered(Vec::new());
    for now_ms in [2, HOUR_MS] {
        assert!(matches!(
            begin(&book, "a", "{}", now_ms),
            Ok(Begin::Answered)
        ));
    }
    assert!(matches!(
        begin(&book, "a", "[]", 2),
        Err(Refusal::KeyReused)
    ));
    drop(new(&book, "a", HOUR_MS + 1));
    assert_eq!(book.len(), 0);
}

#[test]
fn a_claim_that_is_dropped_leaves_behind_how_far_it_came() {
    let book = Arc::new(Book::default());
    drop(new(&book, "a", 0));
    let mut claim = new(&book, "a", 1);
    claim.intended(intent(1));
    drop(claim);
    let Ok(Begin::Intended(mut claim)) = begin(&book, "a", "{}", 2) else {
        panic!("not intended");
    };
    assert_eq!(claim.at_ms(), 1);
    claim.in_doubt();
    drop(claim);
    let Ok(Begin::InDoubt(mut claim)) = begin(&book, "a", "{}", 3) else {
        panic!("not in doubt");
    };
    claim.certainly_unwritten();
    drop(claim);
    assert!(matches!(begin(&book, "a", "{}", 4), Ok(Begin::Intended(_))));
}

#[test]
fn records_that_were_found_are_taken_while_their_request_is_under_way() {
    let book = Arc::new(Book::default());
    let mut claim = new(&book, "a", 0);
    claim.intended(intent(0));
    let span = Span::new(Target::Rejected, 0, 4, 5);
    claim.found(vec![span]);
    assert_eq!(book.spans_of_others(request_key(None, "b")), [span]);
    assert_eq!(book.spans_of_others(request_key(None, "a")), []);
    drop(claim);
    assert_eq!(book.spans_of_others(request_key(None, "b")), []);
}

#[test]
fn a_request_under_way_is_not_forgotten() {
    let book = Arc::new(Book::default());
    let mut claim = new(&book, "answered", 0);
    claim.intended(intent(0));
    claim.answered(Vec::new());
    let mut old = new(&book, "old", 1);
    old.intended(intent(1));
    drop(old);
    let Ok(Begin::Intended(old)) = begin(&book, "old", "{}", 2) else {
        panic!("not intended");
    };
    let other = new(&book, "other", HOUR_MS + 2);
    assert_eq!(book.len(), 2);
    drop((old, other));
    let another = new(&book, "another", HOUR_MS + 3);
    assert_eq!(book.len(), 1);
    drop(another);
}

#[test]
fn what_is_loaded_takes_one_place_and_leaves_none_behind() {
    let book = Arc::new(Book::default());
    let key = request_key(None, "a");
    for _ in 0..3 {
        book.load_intent(key, intent(5));
        let settled = Settled {
            at_ms: 5,
            digest: body("{}"),
            spans: Vec::new(),
        };
        book.load_settled(key, settled);
    }
    assert_eq!((book.len(), book.pages().by_age.len()), (1, 1));
    drop(new(&book, "b", HOUR_MS + 6));
    assert_eq!((book.len(), book.pages().by_age.len()), (0, 0));
}

#[test]
fn a_full_book_takes_no_new_keys_but_knows_the_old_ones() {
    let book = Arc::new(Book::default());
    let mut claim = new(&book, "a", 0);
    claim.intended(intent(0));
    claim.answered(Vec::new());
    let filler = (0, request_key(None, "filler"));
    let free = 2 * KEYS_REMEMBERED_MAX - book.pages().by_age.len();
    book.pages()
        .by_age
        .extend(std::iter::repeat_n(filler, free - 1));
    drop(new(&book, "b", 1));
    book.pages().by_age.push_back(filler);
    assert!(matches!(
        begin(&book, "b", "{}", 1),
        Err(Refusal::NoRoomForKey)
    ));
    assert!(matches!(begin(&book, "a", "{}", 1), Ok(Begin::Answered)));
}
