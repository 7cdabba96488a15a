//! Every interleaving of a bounded world: calls start, the server decides, answers come late and in any
//! order, and the product switches from each key to the next at any moment. What is searched is the
//! exchange and the ring themselves; the world around them is all that is made up.
//!
//! The theorem: with the keys in the order in which they become valid, no call fails, none makes more
//! requests than there are keys, and a call that begins when `first` is right makes one.

use std::collections::HashSet;

use http::{Request, StatusCode};

use super::{Account, Answer, Attempt, Call, Refused, Replay, Step, Why};
use crate::key::ApiKey;
use crate::origin::Origins;
use crate::product::Product;
use crate::ring::{KeyRing, Word};
use crate::unauthorized::{DOCUMENTED_BODY, Unauthorized};

const PRODUCT: Product = Product::TrustedForm;

/// The functions as they are, or with one of their ideas taken away by a thin wrapper.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Variant {
    Real,
    /// An answer counts whatever happened since its request was signed.
    WithoutGeneration,
    /// An acceptance is forgotten.
    WithoutLearning,
    /// A call forgets which keys it has tried.
    SameKeyTwice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum One {
    NotBegun,
    Out(Out),
    Over,
}

/// An attempt that is out: all that tells it from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Out {
    ticket: Word,
    key: usize,
    tried: u8,
    requests: usize,
    /// What the server has made of it, once it has looked at it.
    taken: Option<bool>,
    /// Whether the call began with the right key first, and the product has not switched since.
    began_right: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    word: Word,
    valid: usize,
    calls: Vec<One>,
}

/// What went against the theorem, each counted, and how much was looked at.
#[derive(Debug, Default, PartialEq)]
struct Found {
    states: usize,
    failed: usize,
    too_many_requests: usize,
    same_key_twice: usize,
    moved_back: usize,
    late_answer_moved: usize,
    not_learnt: usize,
    second_request_although_right: usize,
    other_answer_counted: usize,
    other_product_moved: usize,
}

struct Search<'a> {
    variant: Variant,
    account: Account,
    keys: usize,
    replays: &'a [Replay],
    found: Found,
}

impl Search<'_> {
    fn run(variant: Variant, keys: usize, replays: &[Replay]) -> Found {
        let ring = KeyRing::new((0..keys).map(|nth| ApiKey::parse(format!("key-{nth}")).unwrap()));
        let mut search = Search {
            variant,
            account: Account::new(ring.unwrap(), Origins::vendor()),
            keys,
            replays,
            found: Found::default(),
        };
        let begin = World {
            word: Word::new(0, 0),
            valid: 0,
            calls: vec![One::NotBegun; replays.len()],
        };
        let mut seen = HashSet::from([begin.clone()]);
        let mut open = vec![begin];
        while let Some(world) = open.pop() {
            for next in search.successors(&world) {
                if seen.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        search.found.states = seen.len();
        search.found
    }

    fn successors(&mut self, world: &World) -> Vec<World> {
        let mut all = Vec::new();
        if world.valid + 1 < self.keys {
            let mut next = world.clone();
            next.valid += 1;
            for call in &mut next.calls {
                if let One::Out(out) = call {
                    out.began_right = false;
                }
            }
            all.push(next);
        }
        for (nth, call) in world.calls.iter().enumerate() {
            let mut next = world.clone();
            match *call {
                One::NotBegun => next.calls[nth] = self.begin(world, nth),
                One::Out(out) if out.taken.is_none() => {
                    self.check_other_answers(world, nth, out);
                    let taken = Some(out.key == world.valid);
                    next.calls[nth] = One::Out(Out { taken, ..out });
                }
                One::Out(out) => (next.calls[nth], next.word) = self.deliver(world, nth, out),
                One::Over => continue,
            }
            all.push(next);
        }
        all
    }

    fn begin(&self, world: &World, nth: usize) -> One {
        self.account.keys().set_word(PRODUCT, world.word);
        let request = Request::get("https://cert.trustedform.com/")
            .body(())
            .unwrap();
        match self.account.begin(&request, self.replays[nth]).unwrap() {
            Step::Send(attempt) => One::Out(Out {
                ticket: attempt.ticket,
                key: attempt.index,
                tried: 0,
                requests: 1,
                taken: None,
                began_right: attempt.index == world.valid,
            }),
            other => panic!("a ring with keys begins with one: {other:?}"),
        }
    }

    /// The attempt as the exchange holds it.
    fn attempt(&self, nth: usize, out: Out) -> Attempt {
        let keys = self.account.keys().snapshot();
        let tried: Vec<_> = (0..self.keys)
            .filter(|key| out.tried & 1 << key != 0)
            .map(|key| keys.credentials()[key].clone())
            .collect();
        let refused = Refused {
            label: None,
            said: Unauthorized::parse(PRODUCT, DOCUMENTED_BODY),
        };
        Attempt {
            call: Call {
                account: self.account.clone(),
                keys,
                product: PRODUCT,
                replay: self.replays[nth],
                refused: vec![refused; out.requests - 1],
                tried,
                is_checked: true,
                has_asked: false,
            },
            ticket: out.ticket,
            index: out.key,
        }
    }

    /// Whatever is neither a success nor the product's answer to a bad key ends the call and teaches
    /// nothing, on a call's first attempt; and so does dropping it.
    fn check_other_answers(&mut self, world: &World, nth: usize, out: Out) {
        if out.requests > 1 {
            return;
        }
        let forbidden: &[u8] = br#"{"error":"not authorized"}"#;
        for (status, body) in [(401, forbidden), (403, b""), (404, b""), (503, b"")] {
            self.account.keys().set_word(PRODUCT, world.word);
            let answer = self
                .attempt(nth, out)
                .answered(StatusCode::from_u16(status).unwrap(), body);
            let is_final = matches!(answer, Answer::Final);
            if !is_final || self.word() != world.word {
                self.found.other_answer_counted += 1;
            }
        }
        drop(self.attempt(nth, out));
        self.found.other_answer_counted += usize::from(self.word() != world.word);
    }

    fn word(&self) -> Word {
        self.account.keys().snapshot().ticket(PRODUCT)
    }

    fn deliver(&mut self, world: &World, nth: usize, out: Out) -> (One, Word) {
        self.account.keys().set_word(PRODUCT, world.word);
        let mut attempt = self.attempt(nth, out);
        if self.variant == Variant::WithoutGeneration {
            attempt.ticket = world.word;
        }
        let taken = out.taken == Some(true);
        let answer = if taken {
            attempt.answered(StatusCode::OK, b"")
        } else {
            attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY)
        };
        if self.variant == Variant::WithoutLearning {
            self.account.keys().set_word(PRODUCT, world.word);
        }
        let word = self.word();
        self.check_word(world, nth, out, word);
        let step = match answer {
            Answer::Final => {
                let more = out.began_right && out.requests > 1;
                self.found.second_request_although_right += usize::from(more);
                return (One::Over, word);
            }
            Answer::Next(step) => step,
        };
        let mut next = match step {
            Step::Send(next) => next,
            Step::Failed(error) if error.why == Why::NotReplayable => return (One::Over, word),
            Step::NeedKey(_) | Step::Failed(_) => {
                self.found.failed += 1;
                return (One::Over, word);
            }
        };
        if self.variant == Variant::SameKeyTwice {
            next.call.tried.clear();
            next = match next.call.next() {
                Step::Send(next) => next,
                other => panic!("no key was tried: {other:?}"),
            };
        }
        let tried = out.tried | 1 << out.key;
        self.found.same_key_twice += usize::from(tried & 1 << next.index != 0);
        if out.requests == self.keys {
            self.found.too_many_requests += 1;
            return (One::Over, word);
        }
        let next = Out {
            ticket: next.ticket,
            key: next.index,
            tried,
            requests: out.requests + 1,
            taken: None,
            ..out
        };
        (One::Out(next), word)
    }

    /// What an answer may do to the word, and what it must.
    fn check_word(&mut self, world: &World, nth: usize, out: Out, word: Word) {
        let (before, after) = (world.word.first(), word.first());
        let moved = word != world.word;
        let late = out.ticket != world.word;
        let taken = out.taken == Some(true);
        let may_move = taken || self.replays[nth] == Replay::Never;
        self.found.moved_back += usize::from(after < before);
        self.found.late_answer_moved += usize::from(moved && (late || !may_move));
        self.found.not_learnt += usize::from(taken && !late && after != out.key);
        let ring = self.account.keys().snapshot();
        self.found.other_product_moved += Product::ALL
            .into_iter()
            .filter(|product| *product != PRODUCT && ring.ticket(*product) != Word::new(0, 0))
            .count();
    }
}

/// Searches the functions as they are, and finds nothing.
fn holds(keys: usize, replays: &[Replay], least: usize) {
    let found = Search::run(Variant::Real, keys, replays);
    println!("{keys} keys, {replays:?}: {} states", found.states);
    assert!(found.states > least, "too small a world: {found:?}");
    let nothing = Found {
        states: found.states,
        ..Found::default()
    };
    assert_eq!(found, nothing);
}

#[test]
fn no_call_fails_in_any_interleaving() {
    holds(2, &[Replay::Allowed; 5], 50_000);
    holds(3, &[Replay::Allowed; 4], 50_000);
}

#[test]
fn calls_that_cannot_be_repeated_never_move_first_back() {
    use Replay::{Allowed, Never};
    holds(2, &[Never, Never, Allowed, Allowed], 1_000);
    holds(3, &[Never, Never, Allowed, Never], 1_000);
}

#[test]
fn each_idea_is_needed() {
    let run = |variant| {
        let two = Search::run(variant, 2, &[Replay::Allowed; 4]);
        let three = Search::run(variant, 3, &[Replay::Allowed; 3]);
        println!("{variant:?}: {two:?} {three:?}");
        (two, three)
    };
    let (_, three) = run(Variant::WithoutGeneration);
    assert!(three.moved_back > 0 && three.late_answer_moved > 0);
    let (two, three) = run(Variant::WithoutLearning);
    assert!(two.not_learnt > 0 && three.not_learnt > 0);
    let (two, three) = run(Variant::SameKeyTwice);
    assert!(two.same_key_twice > 0 && three.same_key_twice > 0);
    assert!(two.too_many_requests > 0 && three.too_many_requests > 0);
}
