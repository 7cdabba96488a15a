//! Every interleaving of a bounded world: calls start, the server decides, answers come late and in any
//! order, the product switches from each key to the next at any moment, and the list of keys is replaced at
//! any moment. What is searched is the exchange and the ring themselves; the world around them is all that is
//! made up.
//!
//! The theorem: with the keys in the order in which they become valid, each in the list from before its switch
//! until after the next, no call fails, none makes more requests than there are keys, and a call that begins
//! when `first` is right makes one. A key that was taken from the list signs nothing more.

use std::collections::HashSet;

use http::{Request, StatusCode};

use super::{Account, Answer, Attempt, Call, Refused, Replay, Step, Why};
use crate::credentials::Credentials;
use crate::key::ApiKey;
use crate::origin::Origins;
use crate::product::{Product, Service};
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
    /// A call goes on with the list that it began with.
    ListOfItsBeginning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum One {
    NotBegun,
    Out(Out),
    Over,
}

/// An attempt that is out: all that tells it from another one. Keys are numbered in the order in which they
/// become valid, lists in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Out {
    list: usize,
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
    list: usize,
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
    first_not_kept: usize,
    removed_key_signed: usize,
}

struct Search<'a> {
    variant: Variant,
    /// Which keys there are, one list after the other.
    lists: &'a [&'a [usize]],
    /// The account with each of the lists.
    accounts: Vec<Account>,
    keys: Vec<ApiKey>,
    replays: &'a [Replay],
    found: Found,
}

impl Search<'_> {
    fn run(variant: Variant, lists: &[&[usize]], replays: &[Replay]) -> Found {
        let keys = lists
            .iter()
            .copied()
            .flatten()
            .max()
            .map_or(0, |last| last + 1);
        let keys: Vec<_> = (0..keys)
            .map(|nth| ApiKey::parse(format!("key-{nth}")).unwrap())
            .collect();
        let account = |list: &&[usize]| Account::new(ring(&keys, list), Origins::vendor());
        let mut search = Search {
            variant,
            lists,
            accounts: lists.iter().map(account).collect(),
            keys,
            replays,
            found: Found::default(),
        };
        let begin = World {
            list: 0,
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
        // The operator gives a key out before its switch, and takes it back after the next.
        if self.lists[world.list].contains(&(world.valid + 1)) {
            let mut next = world.clone();
            next.valid += 1;
            for call in &mut next.calls {
                if let One::Out(out) = call {
                    out.began_right = false;
                }
            }
            all.push(next);
        }
        if let Some(list) = self.lists.get(world.list + 1)
            && list.contains(&world.valid)
        {
            let (list, word) = (world.list + 1, self.replace(world, list));
            all.push(World {
                list,
                word,
                ..world.clone()
            });
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

    /// The account as it is in a world.
    fn account(&self, world: &World) -> &Account {
        let account = &self.accounts[world.list];
        account.keys().set_word(PRODUCT, world.word);
        account
    }

    /// The list is replaced; the product's word after that.
    fn replace(&mut self, world: &World, list: &[usize]) -> Word {
        let before = self.lists[world.list];
        let ring = ring(&self.keys, before);
        ring.set_word(PRODUCT, world.word);
        ring.replace(list.iter().map(|key| self.keys[*key].clone()))
            .unwrap();
        let word = ring.snapshot().ticket(PRODUCT);
        let (first, kept) = (before[world.word.first()], list[word.first()]);
        let expected = if list.contains(&first) {
            first
        } else {
            list[0]
        };
        self.found.first_not_kept += usize::from(kept != expected);
        word
    }

    fn begin(&self, world: &World, nth: usize) -> One {
        let request = Request::get("https://cert.trustedform.com/")
            .body(())
            .unwrap();
        let step = self.account(world).begin(&request, self.replays[nth]);
        match step.unwrap() {
            Step::Send(attempt) => {
                let key = self.lists[world.list][attempt.index];
                One::Out(Out {
                    list: world.list,
                    ticket: attempt.ticket,
                    key,
                    tried: 0,
                    requests: 1,
                    taken: None,
                    began_right: key == world.valid,
                })
            }
            other => panic!("a ring with keys begins with one: {other:?}"),
        }
    }

    /// The attempt as the exchange holds it; an older list's word is as the attempt has seen it, if not newer.
    fn attempt(&self, world: &World, nth: usize, out: Out) -> Attempt {
        let account = self.account(world).clone();
        let of_its_list = self.accounts[out.list].keys();
        if out.list != world.list {
            of_its_list.set_word(PRODUCT, out.ticket);
        }
        let tried = self.keys.iter().enumerate();
        let tried = tried.filter(|(key, _)| out.tried & 1 << key != 0);
        let refused = Refused {
            label: None,
            said: Unauthorized::parse(PRODUCT, DOCUMENTED_BODY),
        };
        Attempt {
            call: Call {
                keys: of_its_list.snapshot(),
                account,
                service: Service::TrustedForm,
                replay: self.replays[nth],
                refused: vec![refused; out.requests - 1],
                tried: tried
                    .map(|(_, key)| Credentials::new(key.clone()))
                    .collect(),
                is_checked: true,
                has_asked: false,
            },
            ticket: out.ticket,
            index: self.lists[out.list]
                .iter()
                .position(|key| *key == out.key)
                .unwrap(),
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
            let answer = self
                .attempt(world, nth, out)
                .answered(StatusCode::from_u16(status).unwrap(), body);
            let is_final = matches!(answer, Answer::Final);
            if !is_final || self.word(world) != world.word {
                self.found.other_answer_counted += 1;
            }
        }
        drop(self.attempt(world, nth, out));
        self.found.other_answer_counted += usize::from(self.word(world) != world.word);
    }

    fn word(&self, world: &World) -> Word {
        let keys = self.accounts[world.list].keys().snapshot();
        keys.ticket(PRODUCT)
    }

    fn deliver(&mut self, world: &World, nth: usize, out: Out) -> (One, Word) {
        let mut attempt = self.attempt(world, nth, out);
        if self.variant == Variant::WithoutGeneration {
            attempt.ticket = world.word;
        }
        let mut list = world.list;
        if self.variant == Variant::ListOfItsBeginning {
            list = out.list;
            attempt.call.account = self.accounts[list].clone();
        }
        let taken = out.taken == Some(true);
        let answer = if taken {
            attempt.answered(StatusCode::OK, b"")
        } else {
            attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY)
        };
        if self.variant == Variant::WithoutLearning {
            self.account(world);
        }
        let word = self.word(world);
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
        let key = next.call.keys.credentials()[next.index].key();
        let key = self.keys.iter().position(|one| one.is_same(key)).unwrap();
        self.found.same_key_twice += usize::from(tried & 1 << key != 0);
        self.found.removed_key_signed += usize::from(!self.lists[world.list].contains(&key));
        if out.requests == self.keys.len() {
            self.found.too_many_requests += 1;
            return (One::Over, word);
        }
        let next = Out {
            list,
            ticket: next.ticket,
            key,
            tried,
            requests: out.requests + 1,
            taken: None,
            ..out
        };
        (One::Out(next), word)
    }

    /// What an answer may do to the word, and what it must.
    fn check_word(&mut self, world: &World, nth: usize, out: Out, word: Word) {
        let first = |word: Word| self.lists[world.list][word.first()];
        let (before, after) = (first(world.word), first(word));
        let moved = word != world.word;
        let late = out.list != world.list || out.ticket != world.word;
        let taken = out.taken == Some(true);
        let may_move = taken || self.replays[nth] == Replay::Never;
        self.found.moved_back += usize::from(after < before);
        self.found.late_answer_moved += usize::from(moved && (late || !may_move));
        self.found.not_learnt += usize::from(taken && !late && after != out.key);
        let ring = self.accounts[world.list].keys().snapshot();
        self.found.other_product_moved += Product::ALL
            .into_iter()
            .filter(|product| *product != PRODUCT && ring.ticket(*product) != Word::new(0, 0))
            .count();
    }
}

fn ring(keys: &[ApiKey], list: &[usize]) -> KeyRing {
    KeyRing::new(list.iter().map(|key| keys[*key].clone())).unwrap()
}

/// Two keys, and three, which are all there from the start.
const TWO: &[&[usize]] = &[&[0, 1]];
const THREE: &[&[usize]] = &[&[0, 1, 2]];

/// A key is given out, and the one before is taken back; and twice in a row.
const RESET: &[&[usize]] = &[&[0], &[0, 1], &[1]];
const RESETS: &[&[usize]] = &[&[0, 1], &[1, 2], &[2]];

/// Searches the functions as they are, and finds nothing.
fn holds(lists: &[&[usize]], replays: &[Replay], least: usize) {
    let found = Search::run(Variant::Real, lists, replays);
    println!("{lists:?}, {replays:?}: {} states", found.states);
    assert!(found.states > least, "too small a world: {found:?}");
    let nothing = Found {
        states: found.states,
        ..Found::default()
    };
    assert_eq!(found, nothing);
}

#[test]
fn no_call_fails_in_any_interleaving() {
    holds(TWO, &[Replay::Allowed; 5], 50_000);
    holds(THREE, &[Replay::Allowed; 4], 50_000);
}

#[test]
fn no_call_fails_while_keys_come_and_go() {
    holds(RESET, &[Replay::Allowed; 3], 1_000);
    holds(RESETS, &[Replay::Allowed; 3], 10_000);
    holds(&[&[0], &[0, 1, 2], &[2]], &[Replay::Allowed; 3], 10_000);
}

#[test]
fn calls_that_cannot_be_repeated_never_move_first_back() {
    use Replay::{Allowed, Never};
    holds(TWO, &[Never, Never, Allowed, Allowed], 1_000);
    holds(THREE, &[Never, Never, Allowed, Never], 1_000);
    holds(RESET, &[Never, Never, Allowed], 1_000);
}

#[test]
fn each_idea_is_needed() {
    let run = |variant| {
        let two = Search::run(variant, TWO, &[Replay::Allowed; 4]);
        let three = Search::run(variant, THREE, &[Replay::Allowed; 3]);
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
    let run = |lists| Search::run(Variant::ListOfItsBeginning, lists, &[Replay::Allowed; 2]);
    assert!(run(RESET).failed > 0 && run(RESETS).removed_key_signed > 0);
}
