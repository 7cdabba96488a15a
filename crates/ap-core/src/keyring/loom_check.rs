//! The ring under every order of its atomic operations that the memory model allows.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p ap-core --release --lib loom_check
//! ```

use loom::thread;

use super::*;

const PRODUCT: Product = Product::LeadConduit;

fn keys(letters: &str) -> Vec<ApiKey> {
    let key = |letter: char| ApiKey::parse(letter.to_string()).unwrap();
    letters.chars().map(key).collect()
}

fn ring(letters: &str) -> KeyRing {
    KeyRing::new(keys(letters)).unwrap()
}

#[test]
fn of_two_answers_to_what_was_seen_the_same_one_counts() {
    loom::model(|| {
        let keys = ring("abc").snapshot();
        let seen = keys.preference(PRODUCT);
        let (one, other) = (Arc::clone(&keys), Arc::clone(&keys));
        let threads = [
            thread::spawn(move || one.accepted(PRODUCT, seen, 1)),
            thread::spawn(move || other.accepted(PRODUCT, seen, 2)),
        ];
        keys.rejected_without_resend(PRODUCT, seen, 0);
        threads.map(|thread| thread.join().unwrap());
        let now = keys.preference(PRODUCT);
        assert_eq!(now.generation(), 1);
        assert!(matches!(now.index(), 1 | 2));
    });
}

#[test]
fn a_late_answer_changes_nothing_and_generations_never_go_back() {
    loom::model(|| {
        let keys = ring("abc").snapshot();
        let early = keys.preference(PRODUCT);
        keys.accepted(PRODUCT, early, 2);
        let (present, late) = (Arc::clone(&keys), Arc::clone(&keys));
        let threads = [
            thread::spawn(move || late.accepted(PRODUCT, early, 1)),
            thread::spawn(move || {
                present.accepted(PRODUCT, present.preference(PRODUCT), 0);
            }),
        ];
        let (first, second) = (keys.preference(PRODUCT), keys.preference(PRODUCT));
        assert!(first.generation() <= second.generation());
        threads.map(|thread| thread.join().unwrap());
        assert_eq!(keys.preference(PRODUCT), Preference::new(2, 0));
    });
}

#[test]
fn an_answer_never_reaches_a_list_that_replaced_its_own() {
    loom::model(|| {
        let ring = ring("abc");
        let old = ring.snapshot();
        let seen = old.preference(PRODUCT);
        let other = ring.clone();
        let replacing = thread::spawn(move || other.replace(keys("acb")).unwrap());
        old.accepted(PRODUCT, seen, 1);
        replacing.join().unwrap();
        // The new list was made before the answer or after it; either way `b` is `b` in it.
        let now = ring.preferred(PRODUCT).unwrap();
        assert!(matches!(now.expose(), "a" | "b"));
        old.accepted(PRODUCT, old.preference(PRODUCT), 2);
        assert!(ring.preferred(PRODUCT).unwrap().is_same(&now));
    });
}

#[test]
fn two_replacements_leave_one_of_the_two_lists() {
    loom::model(|| {
        let ring = ring("a");
        let other = ring.clone();
        let replacing = thread::spawn(move || other.replace(keys("bc")).unwrap());
        ring.replace(keys("def")).unwrap();
        let seen = ring.len();
        replacing.join().unwrap();
        assert!(matches!(seen, 2 | 3) && matches!(ring.len(), 2 | 3));
    });
}
