//! The ring against a model of it: calls, logins and replacements in any order, on every product.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::RefCell;
use std::rc::Rc;

use ap_core::{Account, Answer, ApiKey, Attempt, KeyRing, Origins, Product, Replay, Step, Why};
use http::{Request, StatusCode};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{FileFailurePersistence, TestCaseError};

const BAD: &[u8] = br#"{"error":"authentication failed"}"#;

/// What the model knows of one list of keys: for each product how often `first` has moved, and where
/// it is. A new list has words of its own.
struct List {
    keys: Vec<char>,
    words: [(u32, char); 3],
}

impl List {
    fn new(keys: &str, before: Option<&Self>) -> Self {
        let keys: Vec<char> = keys.chars().collect();
        let first = |product: usize| {
            let kept = before.map(|before| before.words[product].1);
            kept.filter(|key| keys.contains(key)).unwrap_or(keys[0])
        };
        let words = [0, 1, 2].map(|product| (0, first(product)));
        Self { keys, words }
    }

    /// The next key for a call that has tried these, from the present first on.
    fn following(&self, product: usize, tried: &str) -> Option<char> {
        let first = self
            .keys
            .iter()
            .position(|key| *key == self.words[product].1)
            .unwrap();
        let (before, from) = self.keys.split_at(first);
        from.iter()
            .chain(before)
            .copied()
            .find(|key| !tried.contains(*key))
    }

    fn move_first(&mut self, product: usize, ticket: (u32, char), to: Option<char>) {
        if let Some(to) = to
            && self.words[product] == ticket
            && to != ticket.1
        {
            self.words[product] = (ticket.0 + 1, to);
        }
    }
}

/// A call under way, in the library and in the model.
struct Call {
    attempt: Attempt,
    product: usize,
    replay: Replay,
    list: Rc<RefCell<List>>,
    ticket: (u32, char),
    key: char,
    tried: String,
    /// What the server has made of the attempt, once it has looked at it.
    decided: Option<u16>,
}

/// How a call that is over ended.
#[derive(Debug, PartialEq)]
enum End {
    Answered,
    Failed(Why, String),
}

struct World {
    account: Account,
    list: Rc<RefCell<List>>,
    calls: Vec<Call>,
    ends: Vec<End>,
}

fn keys(letters: &str) -> impl Iterator<Item = ApiKey> {
    letters.chars().map(|letter| {
        ApiKey::parse(format!("placeholder-key-{letter}"))
            .unwrap()
            .labelled(&letter.to_string())
    })
}

fn letter(attempt: &Attempt) -> char {
    attempt.label().unwrap().chars().next().unwrap()
}

impl World {
    fn new(letters: &str) -> Self {
        let ring = KeyRing::new(keys(letters)).unwrap();
        Self {
            account: Account::new(ring, Origins::vendor()),
            list: Rc::new(RefCell::new(List::new(letters, None))),
            calls: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn start(&mut self, product: usize, replay: Replay) -> Result<(), TestCaseError> {
        let service = Product::ALL[product].services().next().unwrap();
        let request = Request::get(service.vendor_origin()).body(()).unwrap();
        let Step::Send(attempt) = self.account.begin(&request, replay).unwrap() else {
            return Err(TestCaseError::fail(
                "a ring with keys has one to begin with",
            ));
        };
        let list = Rc::clone(&self.list);
        let ticket = list.borrow().words[product];
        let (key, tried, decided) = (ticket.1, String::new(), None);
        prop_assert_eq!(letter(&attempt), key, "a call begins with the first key");
        self.calls.push(Call {
            attempt,
            product,
            replay,
            list,
            ticket,
            key,
            tried,
            decided,
        });
        Ok(())
    }

    fn replace(&mut self, letters: &str) {
        self.account.keys().replace(keys(letters)).unwrap();
        let list = List::new(letters, Some(&self.list.borrow()));
        if list.keys != self.list.borrow().keys {
            self.list = Rc::new(RefCell::new(list));
        }
    }

    /// The answer reaches the call.
    fn deliver(&mut self, nth: usize, status: u16, body: &[u8]) -> Result<(), TestCaseError> {
        let Call {
            attempt,
            product,
            replay,
            list,
            ticket,
            key,
            mut tried,
            ..
        } = self.calls.remove(nth);
        let answer = attempt.answered(StatusCode::from_u16(status).unwrap(), body);
        let refused = status == 401 && body == BAD;
        let behind_the_gate =
            !tried.is_empty() && matches!(status, 400..500) && ![401, 403, 429].contains(&status);
        if !refused {
            prop_assert!(matches!(answer, Answer::Final));
            if status == 200 || behind_the_gate {
                list.borrow_mut().move_first(product, ticket, Some(key));
            }
            self.ends.push(End::Answered);
            return Ok(());
        }
        tried.push(key);
        let next = self.list.borrow().following(product, &tried);
        if replay == Replay::Never {
            let to = list.borrow().following(product, &key.to_string());
            if key == ticket.1 {
                list.borrow_mut().move_first(product, ticket, to);
            }
            let next = self.list.borrow().following(product, &tried);
            let Answer::Next(Step::Failed(error)) = answer else {
                panic!("{answer:?}")
            };
            let why = if next.is_some() {
                Why::NotReplayable
            } else {
                Why::AllRefused
            };
            prop_assert_eq!(error.why(), why);
            self.ends.push(End::Failed(why, tried));
            return Ok(());
        }
        match (next, answer) {
            (Some(key), Answer::Next(Step::Send(attempt))) => {
                prop_assert_eq!(letter(&attempt), key);
                prop_assert!(!tried.contains(key), "never the same key twice in one call");
                let list = Rc::clone(&self.list);
                let ticket = list.borrow().words[product];
                let decided = None;
                self.calls.push(Call {
                    attempt,
                    product,
                    replay,
                    list,
                    ticket,
                    key,
                    tried,
                    decided,
                });
            }
            (None, Answer::Next(Step::NeedKey(need))) => {
                let labels: String = need
                    .refused()
                    .iter()
                    .map(|one| one.label().unwrap())
                    .collect();
                prop_assert_eq!(&labels, &tried);
                prop_assert!(!need.has_new());
                self.ends.push(End::Failed(Why::AllRefused, tried));
            }
            (next, answer) => return Err(TestCaseError::fail(format!("{next:?}, {answer:?}"))),
        }
        Ok(())
    }

    /// The library and the model agree on every product, the ones that nothing was said of too.
    fn agree(&self) -> Result<[char; 3], TestCaseError> {
        let list = self.list.borrow();
        let model = [0, 1, 2].map(|product| list.words[product].1);
        let found = Product::ALL.map(|product| {
            let first = self.account.keys().first(product).unwrap();
            first.label().unwrap().chars().next().unwrap()
        });
        prop_assert_eq!(found, model);
        Ok(found)
    }
}

/// What may happen next. Of the calls under way a number says which, wrapping round.
#[derive(Clone, Debug)]
enum Event {
    Start(usize),
    /// The server looks at an attempt, with the key that the product takes at that moment.
    Decide(usize),
    /// What the server said reaches the call, however late.
    Deliver(usize),
    /// Somebody logs in to a product, which takes the next key from then on.
    Login(usize),
    Drop(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..3_usize).prop_map(Event::Start),
        5 => (0..100_usize).prop_map(Event::Decide),
        5 => (0..100_usize).prop_map(Event::Deliver),
        1 => (0..3_usize).prop_map(Event::Login),
        1 => (0..100_usize).prop_map(Event::Drop),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    let file = FileFailurePersistence::WithSource("proptest-regressions");
    ProptestConfig {
        cases,
        failure_persistence: Some(Box::new(file)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(600))]

    /// With the keys in the order in which they become valid, no call fails through any switch, none
    /// makes more requests than there are keys, and the first key never moves backwards.
    #[test]
    fn no_call_fails_while_keys_become_valid_in_their_order(
        letters in select(vec!["ab", "abc"]), events in vec(event(), 0..60),
    ) {
        let mut world = World::new(letters);
        let mut taken = [0; 3];
        let mut firsts = world.agree()?;
        let last = letters.len() - 1;
        // In the end every call gets its answers: two events for each of at most three attempts.
        let settle = (0..6 * events.len()).map(|nth| match nth % 2 {
            0 => Event::Decide(0),
            _ => Event::Deliver(0),
        });
        for event in events.into_iter().chain(settle) {
            let pick = |index: usize, decided: bool, calls: &[Call]| {
                let ready: Vec<_> = (0..calls.len())
                    .filter(|nth| calls[*nth].decided.is_some() == decided)
                    .collect();
                (!ready.is_empty()).then(|| ready[index % ready.len()])
            };
            match event {
                Event::Start(product) => world.start(product, Replay::Allowed)?,
                Event::Login(product) => taken[product] = last.min(taken[product] + 1),
                Event::Decide(index) => if let Some(nth) = pick(index, false, &world.calls) {
                    let call = &mut world.calls[nth];
                    let right = letters.chars().nth(taken[call.product]);
                    call.decided = Some(if right == Some(call.key) { 200 } else { 401 });
                },
                Event::Deliver(index) => if let Some(nth) = pick(index, true, &world.calls) {
                    let status = world.calls[nth].decided.unwrap();
                    world.deliver(nth, status, if status == 401 { BAD } else { b"" })?;
                },
                Event::Drop(index) => if !world.calls.is_empty() {
                    world.calls.remove(index % world.calls.len());
                },
            }
            let now = world.agree()?;
            prop_assert!((0..3).all(|product| firsts[product] <= now[product]), "{firsts:?}, {now:?}");
            firsts = now;
        }
        prop_assert!(world.calls.is_empty(), "every call has come to its end");
        prop_assert!(world.ends.iter().all(|end| *end == End::Answered), "{:?}", world.ends);
    }

    /// Whatever servers answer, and whatever becomes of the list meanwhile, the library does what the
    /// model does.
    #[test]
    fn any_answers_in_any_order_do_what_the_model_does(
        letters in select(vec!["a", "ab", "abc"]),
        steps in vec((
            0..10_usize, 0..100_usize, 0..3_usize, any::<bool>(),
            select(vec![200, 401, 401, 401, 4010, 403, 404, 422, 429, 500, 302]),
            select(vec!["a", "b", "ab", "ba", "bc", "cd", "abc", "dab"]),
        ), 0..60),
    ) {
        let mut world = World::new(letters);
        for (what, index, product, never, status, list) in steps {
            match what {
                0..=3 => world.start(product, if never { Replay::Never } else { Replay::Allowed })?,
                4 => world.replace(list),
                5 if !world.calls.is_empty() => {
                    world.calls.remove(index % world.calls.len());
                }
                _ if !world.calls.is_empty() => {
                    let nth = index % world.calls.len();
                    match status {
                        4010 => world.deliver(nth, 401, br#"{"error":"not authorized"}"#)?,
                        status => world.deliver(nth, status, BAD)?,
                    }
                }
                _ => {}
            }
            world.agree()?;
        }
    }
}
