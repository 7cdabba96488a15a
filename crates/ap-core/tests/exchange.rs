//! Calls by script: which keys are tried in which order, how the call ends, and what is known after it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::error::Error as _;

use ap_core::{
    Account, Advice, Answer, ApiKey, Attempt, Cause, InvalidTarget, KeyRing, NeedKey, Origin,
    Origins, Product, Replay, RequestError, Service, Step, TooManyKeys, Why,
};
use http::{Request, StatusCode, header};

const BAD: &str = r#"{"error":"authentication failed"}"#;
const PLAN: &str = r#"{"error":"not authorized"}"#;
const TRUSTEDFORM: &str = r#"{"outcome":"error","reason":"Unauthorized"}"#;
const CONSENT: &str = r#"{"errors":{"detail":"Unauthorized"},"message":"Unauthorized"}"#;
const SUPPRESSIONLIST: &str = r#"{"message":"HTTP Basic: Access denied"}"#;

/// The letters of the scripts stand for these keys.
fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .labelled(&letter.to_string())
}

fn keys(letters: &str) -> Vec<ApiKey> {
    letters.chars().map(key).collect()
}

fn account(letters: &str) -> Account {
    Account::new(KeyRing::new(keys(letters)).unwrap(), Origins::vendor())
}

fn request(service: Service) -> Request<()> {
    Request::get(format!("{}/path", service.vendor_origin()))
        .header("accept", "application/json")
        .body(())
        .unwrap()
}

/// The letter of the key that a request carries, read from the wire form and not from a label.
fn letter_on(request: &Request<()>) -> char {
    let lines: Vec<_> = request
        .headers()
        .get_all(header::AUTHORIZATION)
        .iter()
        .collect();
    let [line] = lines[..] else {
        panic!("{} lines", lines.len())
    };
    assert!(line.is_sensitive());
    ('a'..='z')
        .find(|letter| {
            *line == ap_core::basic(b"API", format!("placeholder-key-{letter}").as_bytes())
        })
        .unwrap()
}

/// The first key to try, for LeadConduit, TrustedForm and SuppressionList.
fn firsts(account: &Account) -> String {
    let first = |product| account.keys().first(product);
    Product::ALL
        .map(|product| first(product).map_or('-', |key| key.expose().chars().next_back().unwrap()))
        .iter()
        .collect()
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// The response of this status is the call's answer.
    Answered(u16),
    Failed(Why),
}

use Outcome::{Answered, Failed};

/// Runs one call to its end, with nobody to ask for a key.
fn call(
    account: &Account,
    service: Service,
    replay: Replay,
    script: &[(u16, &str)],
) -> (String, Outcome) {
    let mut answers = script.iter();
    let mut tried = String::new();
    let mut request = request(service);
    let mut step = account.begin(&request, replay).unwrap();
    let outcome = loop {
        step = match step {
            Step::Send(attempt) => {
                assert_eq!(attempt.resend_count(), tried.len());
                assert_eq!(attempt.product(), service.product());
                attempt.sign(&mut request).unwrap();
                let letter = letter_on(&request);
                assert_eq!(
                    request.headers()[header::AUTHORIZATION],
                    attempt.authorization()
                );
                assert_eq!(attempt.label(), Some(&*letter.to_string()));
                tried.push(letter);
                let (status, body) = answers
                    .next()
                    .expect("one request more than the script has");
                let status = StatusCode::from_u16(*status).unwrap();
                match attempt.answered(status, body.as_bytes()) {
                    Answer::Final => break Answered(status.as_u16()),
                    Answer::Next(step) => step,
                }
            }
            Step::NeedKey(need) => {
                assert!(!need.has_new());
                need.resume()
            }
            Step::Failed(error) => {
                let labels: String = error
                    .refused()
                    .iter()
                    .map(|one| one.label().unwrap())
                    .collect();
                assert_eq!(labels, tried, "the error names each key that was tried");
                assert_eq!(error.product(), service.product());
                assert!(error.source().is_none());
                break Failed(error.why());
            }
        }
    };
    assert_eq!(answers.len(), 0, "one request fewer than the script has");
    (tried, outcome)
}

#[test]
fn scripts() {
    use Product::{LeadConduit as L, SuppressionList as S, TrustedForm as T};
    use Replay::{Allowed, Never};
    use Why::{AllRefused, NoKey, NotReplayable};
    let home = |product: Product| product.services().next().unwrap();

    type Row = (
        &'static str,
        Product,
        Replay,
        &'static [(u16, &'static str)],
        &'static str,
        Outcome,
        &'static str,
    );
    // keys, product, replay, answers, the keys tried, the outcome, the first keys afterwards
    let rows: &[Row] = &[
        // An answer at once.
        ("a", L, Allowed, &[(200, "[]")], "a", Answered(200), "aaa"),
        ("ab", L, Allowed, &[(200, "[]")], "a", Answered(200), "aaa"),
        ("ab", L, Never, &[(204, "")], "a", Answered(204), "aaa"),
        // The key was refused: once with each key, in order, and what is learnt is the product's alone.
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (200, "")],
            "ab",
            Answered(200),
            "baa",
        ),
        (
            "ab",
            T,
            Allowed,
            &[(401, BAD), (201, "")],
            "ab",
            Answered(201),
            "aba",
        ),
        (
            "ab",
            S,
            Allowed,
            &[(401, BAD), (206, "")],
            "ab",
            Answered(206),
            "aab",
        ),
        (
            "abc",
            L,
            Allowed,
            &[(401, BAD), (200, "")],
            "ab",
            Answered(200),
            "baa",
        ),
        (
            "abc",
            L,
            Allowed,
            &[(401, BAD), (401, BAD), (200, "")],
            "abc",
            Answered(200),
            "caa",
        ),
        (
            "abc",
            L,
            Allowed,
            &[(401, BAD), (401, BAD), (401, BAD)],
            "abc",
            Failed(AllRefused),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (401, BAD)],
            "ab",
            Failed(AllRefused),
            "aaa",
        ),
        (
            "a",
            L,
            Allowed,
            &[(401, BAD)],
            "a",
            Failed(AllRefused),
            "aaa",
        ),
        ("", L, Allowed, &[], "", Failed(NoKey), "---"),
        ("", L, Never, &[], "", Failed(NoKey), "---"),
        // Equal keys are one.
        (
            "aa",
            L,
            Allowed,
            &[(401, BAD)],
            "a",
            Failed(AllRefused),
            "aaa",
        ),
        (
            "aba",
            L,
            Allowed,
            &[(401, BAD), (401, BAD)],
            "ab",
            Failed(AllRefused),
            "aaa",
        ),
        // Forms that one product sends count on that product, and only there.
        (
            "ab",
            T,
            Allowed,
            &[(401, TRUSTEDFORM), (200, "")],
            "ab",
            Answered(200),
            "aba",
        ),
        (
            "ab",
            T,
            Allowed,
            &[(401, CONSENT), (200, "")],
            "ab",
            Answered(200),
            "aba",
        ),
        (
            "ab",
            S,
            Allowed,
            &[(401, SUPPRESSIONLIST), (200, "")],
            "ab",
            Answered(200),
            "aab",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, TRUSTEDFORM)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, SUPPRESSIONLIST)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            T,
            Allowed,
            &[(401, SUPPRESSIONLIST)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            S,
            Allowed,
            &[(401, TRUSTEDFORM)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            S,
            Allowed,
            &[(401, CONSENT)],
            "a",
            Answered(401),
            "aaa",
        ),
        // Any other 401 says nothing about the key.
        ("ab", L, Allowed, &[(401, PLAN)], "a", Answered(401), "aaa"),
        ("ab", L, Allowed, &[(401, "")], "a", Answered(401), "aaa"),
        (
            "ab",
            L,
            Allowed,
            &[(401, "<html>authentication failed</html>")],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, r#"{"error":"authentication fai"#)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, r#"{"error":"x","error":"authentication failed"}"#)],
            "a",
            Answered(401),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (401, PLAN)],
            "ab",
            Answered(401),
            "aaa",
        ),
        ("ab", L, Never, &[(401, PLAN)], "a", Answered(401), "aaa"),
        // Nothing but a 401 is retried, whatever its body says, and nothing of it is learnt.
        ("ab", L, Allowed, &[(403, BAD)], "a", Answered(403), "aaa"),
        ("ab", L, Allowed, &[(400, BAD)], "a", Answered(400), "aaa"),
        ("ab", L, Allowed, &[(402, BAD)], "a", Answered(402), "aaa"),
        ("ab", L, Allowed, &[(404, BAD)], "a", Answered(404), "aaa"),
        ("ab", L, Allowed, &[(407, BAD)], "a", Answered(407), "aaa"),
        ("ab", L, Allowed, &[(408, BAD)], "a", Answered(408), "aaa"),
        ("ab", L, Allowed, &[(409, BAD)], "a", Answered(409), "aaa"),
        ("ab", L, Allowed, &[(422, BAD)], "a", Answered(422), "aaa"),
        ("ab", L, Allowed, &[(429, BAD)], "a", Answered(429), "aaa"),
        ("ab", L, Allowed, &[(500, BAD)], "a", Answered(500), "aaa"),
        ("ab", L, Allowed, &[(502, BAD)], "a", Answered(502), "aaa"),
        ("ab", L, Allowed, &[(503, BAD)], "a", Answered(503), "aaa"),
        ("ab", L, Allowed, &[(504, BAD)], "a", Answered(504), "aaa"),
        ("ab", L, Allowed, &[(301, BAD)], "a", Answered(301), "aaa"),
        ("ab", L, Allowed, &[(304, "")], "a", Answered(304), "aaa"),
        ("ab", L, Allowed, &[(307, BAD)], "a", Answered(307), "aaa"),
        ("ab", L, Allowed, &[(200, BAD)], "a", Answered(200), "aaa"),
        // After a refusal an answer from behind the gate shows that the key was taken.
        (
            "ab",
            S,
            Allowed,
            &[(401, BAD), (404, "")],
            "ab",
            Answered(404),
            "aab",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (400, "")],
            "ab",
            Answered(400),
            "baa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (402, "")],
            "ab",
            Answered(402),
            "baa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (405, "")],
            "ab",
            Answered(405),
            "baa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (409, "")],
            "ab",
            Answered(409),
            "baa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (422, "")],
            "ab",
            Answered(422),
            "baa",
        ),
        // An answer that may come from before the gate, or from somebody else, shows nothing.
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (403, "")],
            "ab",
            Answered(403),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (407, "")],
            "ab",
            Answered(407),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (408, "")],
            "ab",
            Answered(408),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (421, "")],
            "ab",
            Answered(421),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (425, "")],
            "ab",
            Answered(425),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (429, "")],
            "ab",
            Answered(429),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (302, "")],
            "ab",
            Answered(302),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (500, "")],
            "ab",
            Answered(500),
            "aaa",
        ),
        (
            "ab",
            L,
            Allowed,
            &[(401, BAD), (503, "")],
            "ab",
            Answered(503),
            "aaa",
        ),
        // A body that cannot be sent again ends the call, and the next one begins with the next key.
        (
            "ab",
            L,
            Never,
            &[(401, BAD)],
            "a",
            Failed(NotReplayable),
            "baa",
        ),
        (
            "abc",
            T,
            Never,
            &[(401, TRUSTEDFORM)],
            "a",
            Failed(NotReplayable),
            "aba",
        ),
        ("a", L, Never, &[(401, BAD)], "a", Failed(AllRefused), "aaa"),
    ];
    assert!(rows.len() >= 60);
    for (nth, (letters, product, replay, script, tried, outcome, first)) in rows.iter().enumerate()
    {
        let account = account(letters);
        let found = call(&account, home(*product), *replay, script);
        let found = (found.0.as_str(), &found.1, firsts(&account));
        assert_eq!(
            found,
            (*tried, outcome, (*first).to_owned()),
            "row {nth}: {letters} {script:?}"
        );
    }
}

#[test]
fn what_one_call_learnt_the_next_one_uses() {
    let account = account("abc");
    let home = Service::LeadConduit;
    let go = |script: &[(u16, &str)]| call(&account, home, Replay::Allowed, script);
    assert_eq!(go(&[(401, BAD), (200, "")]), ("ab".into(), Answered(200)));
    assert_eq!(go(&[(200, "")]), ("b".into(), Answered(200)));
    // From the present first key on, wrapping round.
    assert_eq!(
        go(&[(401, BAD), (401, BAD), (200, "")]),
        ("bca".into(), Answered(200))
    );
    assert_eq!(
        go(&[(401, BAD), (401, BAD), (401, BAD)]),
        ("abc".into(), Failed(Why::AllRefused))
    );
    assert_eq!(go(&[(200, "")]), ("a".into(), Answered(200)));
    // A refusal of one call alone, as from a replica that lags behind, costs one request more.
    assert_eq!(
        go(&[(401, BAD), (401, BAD), (500, "")]),
        ("abc".into(), Answered(500))
    );
    assert_eq!(firsts(&account), "aaa");
}

#[test]
fn both_services_of_trustedform_share_what_is_known() {
    let account = account("ab");
    let (tried, _) = call(
        &account,
        Service::TrustedFormApp,
        Replay::Allowed,
        &[(401, BAD), (200, "")],
    );
    assert_eq!(tried, "ab");
    assert_eq!(firsts(&account), "aba");
    assert_eq!(
        call(
            &account,
            Service::TrustedForm,
            Replay::Allowed,
            &[(200, "")]
        )
        .0,
        "b"
    );
    assert_eq!(
        call(
            &account,
            Service::LeadConduit,
            Replay::Allowed,
            &[(200, "")]
        )
        .0,
        "a"
    );
}

#[test]
fn calls_without_replay_walk_the_ring_one_key_a_call() {
    let account = account("abc");
    let go =
        |script: &[(u16, &str)]| call(&account, Service::SuppressionList, Replay::Never, script);
    for (letter, next) in [("a", "aab"), ("b", "aac"), ("c", "aaa")] {
        assert_eq!(
            go(&[(401, BAD)]),
            (letter.into(), Failed(Why::NotReplayable))
        );
        assert_eq!(firsts(&account), next);
    }
}

fn send(step: Step) -> Attempt {
    match step {
        Step::Send(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

fn need(step: Step) -> NeedKey {
    match step {
        Step::NeedKey(need) => need,
        other => panic!("{other:?}"),
    }
}

fn next(answer: Answer) -> Step {
    match answer {
        Answer::Next(step) => step,
        Answer::Final => panic!("the call is over"),
    }
}

fn begin(account: &Account) -> Attempt {
    send(
        account
            .begin(&request(Service::LeadConduit), Replay::Allowed)
            .unwrap(),
    )
}

fn letter(attempt: &Attempt) -> char {
    let mut request = request(Service::LeadConduit);
    attempt.sign(&mut request).unwrap();
    letter_on(&request)
}

fn refuse(attempt: Attempt) -> Step {
    next(attempt.answered(StatusCode::UNAUTHORIZED, BAD.as_bytes()))
}

fn accept(attempt: Attempt) {
    assert!(matches!(
        attempt.answered(StatusCode::OK, b""),
        Answer::Final
    ));
}

#[test]
fn stragglers_are_sent_again_once_and_move_nothing_back() {
    let account = account("ab");
    let flight: Vec<_> = (0..20).map(|_| begin(&account)).collect();
    let mut late = Vec::new();
    for (nth, attempt) in flight.into_iter().enumerate() {
        let again = send(refuse(attempt));
        assert_eq!(letter(&again), 'b');
        if nth % 2 == 0 {
            accept(again);
        } else {
            late.push(again);
        }
        assert_eq!(firsts(&account), "baa");
    }
    for attempt in late {
        // That its second key is refused too, by a replica or by chance, is no news about the first.
        assert_eq!(letter(&attempt), 'b');
        assert!(matches!(refuse(attempt), Step::NeedKey(_)));
        assert_eq!(firsts(&account), "baa");
    }
}

#[test]
fn a_late_acceptance_of_the_old_key_moves_nothing_back() {
    let account = account("ab");
    let early = begin(&account);
    accept(send(refuse(begin(&account))));
    assert_eq!(firsts(&account), "baa");
    accept(early);
    assert_eq!(firsts(&account), "baa");
}

#[test]
fn an_answer_with_a_stale_ticket_moves_nothing() {
    let account = account("abc");
    // Both take their second ticket while `a` is first; only the faster one counts.
    let (one, other) = (send(refuse(begin(&account))), send(refuse(begin(&account))));
    let other = send(refuse(other));
    assert_eq!((letter(&one), letter(&other)), ('b', 'c'));
    accept(one);
    accept(other);
    assert_eq!(firsts(&account), "baa");
}

#[test]
fn an_answer_is_stale_even_when_the_first_key_is_the_same_again() {
    let account = account("ab");
    let late = send(refuse(begin(&account)));
    accept(send(refuse(begin(&account))));
    accept(send(refuse(begin(&account))));
    assert_eq!(firsts(&account), "aaa", "there and back");
    assert_eq!(letter(&late), 'b');
    accept(late);
    assert_eq!(firsts(&account), "aaa");

    let never = account.begin(&request(Service::LeadConduit), Replay::Never);
    let never = send(never.unwrap());
    accept(send(refuse(begin(&account))));
    accept(send(refuse(begin(&account))));
    assert!(matches!(refuse(never), Step::Failed(error) if error.why() == Why::NotReplayable));
    assert_eq!(firsts(&account), "aaa");
}

#[test]
fn a_dropped_step_leaves_no_trace() {
    let account = account("ab");
    drop(
        account
            .begin(&request(Service::LeadConduit), Replay::Allowed)
            .unwrap(),
    );
    drop(begin(&account));
    drop(refuse(begin(&account)));
    drop(send(refuse(begin(&account))));
    drop(need(refuse(send(refuse(begin(&account))))));
    assert_eq!(firsts(&account), "aaa");
    assert_eq!(account.keys().len(), 2);
    assert_eq!(
        call(
            &account,
            Service::LeadConduit,
            Replay::Allowed,
            &[(200, "")]
        )
        .0,
        "a"
    );
}

#[test]
fn a_key_that_is_removed_during_a_call_never_signs_again() {
    let account = account("ab");
    let out = begin(&account);
    account.keys().replace(keys("cd")).unwrap();
    let out = send(refuse(out));
    assert_eq!(
        letter(&out),
        'c',
        "the call goes on with the list that is there now"
    );
    let out = send(refuse(out));
    assert_eq!(letter(&out), 'd');
    account.keys().replace(keys("d")).unwrap();
    let refused = need(refuse(out));
    let labels: Vec<_> = refused
        .refused()
        .iter()
        .map(|one| one.label().unwrap())
        .collect();
    assert_eq!(labels, ["a", "c", "d"]);
    assert!(!refused.has_new());
    assert!(matches!(refused.resume(), Step::Failed(error) if error.why() == Why::AllRefused));
}

#[test]
fn a_key_that_was_tried_is_not_tried_again_from_a_new_list() {
    let account = account("ab");
    let out = begin(&account);
    account.keys().replace(keys("ca")).unwrap();
    assert_eq!(firsts(&account), "aaa", "a key that stays keeps its place");
    let out = send(refuse(out));
    assert_eq!(letter(&out), 'c');
    assert!(matches!(refuse(out), Step::NeedKey(_)));
}

#[test]
fn a_late_answer_falls_on_the_list_it_belongs_to() {
    let account = account("ab");
    let out = send(refuse(begin(&account)));
    account.keys().replace(keys("abc")).unwrap();
    accept(out);
    assert_eq!(firsts(&account), "aaa", "the old list is nobody's any more");

    let out = send(refuse(begin(&account)));
    account.keys().replace(keys("abc")).unwrap();
    accept(out);
    assert_eq!(
        firsts(&account),
        "baa",
        "the same keys again change nothing"
    );

    let removed = begin(&account);
    account.keys().replace(keys("bc")).unwrap();
    accept(removed);
    assert_eq!(firsts(&account), "bbb");

    let never = account
        .begin(&request(Service::LeadConduit), Replay::Never)
        .unwrap();
    account.keys().replace(keys("bcd")).unwrap();
    assert!(
        matches!(refuse(send(never)), Step::Failed(error) if error.why() == Why::NotReplayable)
    );
    assert_eq!(firsts(&account), "bbb");
}

#[test]
fn a_list_that_is_refused_changes_nothing() {
    let account = account("ab");
    assert_eq!(account.keys().replace(keys("abcd")), Err(TooManyKeys));
    assert_eq!(KeyRing::new(keys("abcd")).unwrap_err(), TooManyKeys);
    assert_eq!(account.keys().len(), 2);
    account.keys().replace(keys("abab")).unwrap();
    assert_eq!(account.keys().len(), 2, "equal keys count as one");
}

#[test]
fn a_supplied_key_is_everybodys_and_gets_one_attempt() {
    let account = account("ab");
    let other_handle = account.clone();
    let asked = need(refuse(send(refuse(begin(&account)))));
    assert_eq!(asked.product(), Product::LeadConduit);
    let again = send(asked.supply(&keys("bc")));
    assert_eq!(
        letter(&again),
        'c',
        "of the new list only what the call has not tried"
    );
    assert_eq!(again.resend_count(), 2);
    assert_eq!(other_handle.keys().len(), 2);
    accept(again);
    assert_eq!(firsts(&other_handle), "caa".replace('a', "b"));

    let asked = need(refuse(send(refuse(begin(&account)))));
    assert!(matches!(asked.supply(&keys("bc")), Step::Failed(error) if error.refused().len() == 2));
}

#[test]
fn keys_are_supplied_to_an_account_that_has_none() {
    let account = account("");
    let asked = need(
        account
            .begin(&request(Service::LeadConduit), Replay::Never)
            .unwrap(),
    );
    assert!(asked.refused().is_empty() && !asked.has_new());
    let attempt = send(asked.supply(&keys("abcde")));
    assert_eq!(letter(&attempt), 'c', "of too many the newest are kept");
    assert_eq!(account.keys().len(), ap_core::MAX_KEYS);
    accept(attempt);

    account.keys().replace([]).unwrap();
    let asked = need(
        account
            .begin(&request(Service::LeadConduit), Replay::Allowed)
            .unwrap(),
    );
    match asked.supply(&[]) {
        Step::Failed(error) => {
            assert_eq!((error.why(), error.refused().len()), (Why::NoKey, 0));
            assert_eq!(
                error.advice(),
                Advice::CheckKeyOrLogIn(Product::LeadConduit)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_resumes_with_what_another_call_brought() {
    let account = account("a");
    let asked = need(refuse(begin(&account)));
    assert!(!asked.has_new());
    account.keys().replace(keys("ab")).unwrap();
    assert!(asked.has_new());
    let again = send(asked.resume());
    assert_eq!(letter(&again), 'b');
    accept(again);
    assert_eq!(firsts(&account), "baa");
}

#[test]
fn the_error_says_what_each_key_was_told() {
    let account = account("ab");
    let attempt = begin(&account);
    let again = send(refuse(attempt));
    let body = br#"{"id":7,"error":"authentication failed"}"#;
    let step = next(again.answered(StatusCode::UNAUTHORIZED, body));
    let Step::Failed(error) = need(step).resume() else {
        panic!("no key is left")
    };
    assert_eq!(
        error.to_string(),
        r#"LeadConduit refused every API key: the key "a": authentication failed; the key "b": authentication failed"#
    );
    assert_eq!(
        error.advice(),
        Advice::CheckKeyOrLogIn(Product::LeadConduit)
    );
    assert!(
        error
            .refused()
            .iter()
            .all(|one| one.said().cause() == Cause::Documented)
    );
}

fn account_with_trustedform_on_loopback() -> Account {
    let origin = Origin::parse_loopback("http://127.0.0.1:8002").unwrap();
    let origins = Origins::vendor()
        .with(Service::TrustedForm, origin)
        .unwrap();
    Account::new(KeyRing::new(keys("ab")).unwrap(), origins)
}

#[test]
fn a_request_that_was_changed_between_two_steps_is_refused() {
    let account = account_with_trustedform_on_loopback();
    let mut sent = request(Service::LeadConduit);
    let first = begin(&account);
    first.sign(&mut sent).unwrap();
    let again = send(refuse(first));

    let change = |change: &dyn Fn(&mut Request<()>)| {
        let mut changed = Request::get(sent.uri().clone()).body(()).unwrap();
        *changed.headers_mut() = sent.headers().clone();
        change(&mut changed);
        let before = changed.headers().clone();
        let outcome = again.sign(&mut changed);
        if outcome.is_err() {
            assert_eq!(changed.headers(), &before, "a refused request is unchanged");
            let same_buffers = changed
                .headers()
                .get_all(header::AUTHORIZATION)
                .iter()
                .zip(before.get_all(header::AUTHORIZATION))
                .all(|(now, before)| std::ptr::eq(now.as_bytes(), before.as_bytes()));
            assert!(same_buffers);
        } else {
            assert_eq!(letter_on(&changed), 'b');
        }
        outcome
    };
    let to = |uri: &'static str| change(&move |request| *request.uri_mut() = uri.parse().unwrap());

    assert_eq!(change(&|_| {}), Ok(()));
    assert_eq!(to("https://app.leadconduit.com/another/path"), Ok(()));
    assert!(matches!(
        to("https://evil.example/path"),
        Err(RequestError::OriginNotListed(_))
    ));
    assert!(matches!(
        to("https://app.leadconduit.com:8443/path"),
        Err(RequestError::OriginNotListed(_))
    ));
    assert!(matches!(
        to("http://app.leadconduit.com/path"),
        Err(RequestError::Origin(_))
    ));
    assert!(matches!(to("/path"), Err(RequestError::Origin(_))));
    assert_eq!(
        to("http://127.0.0.1:8002/path"),
        Err(RequestError::OtherProduct(Product::TrustedForm)),
        "an origin of the list, but another product's: its answer would teach the wrong one"
    );
    assert!(matches!(
        to("https://app.leadconduit.com/placeholder-key-b"),
        Err(RequestError::KeyInUrl)
    ));

    let reserved = |name: header::HeaderName| Err(RequestError::ReservedHeader(name));
    let extra = change(&|request| {
        request
            .headers_mut()
            .append(header::AUTHORIZATION, "Basic WDpZ".parse().unwrap());
    });
    assert_eq!(extra, reserved(header::AUTHORIZATION));
    let equal_but_not_ours = change(&|request| {
        let copy = ap_core::basic(b"API", b"placeholder-key-a");
        request.headers_mut().insert(header::AUTHORIZATION, copy);
    });
    assert_eq!(equal_but_not_ours, reserved(header::AUTHORIZATION));
    let host = change(&|request| {
        request
            .headers_mut()
            .insert(header::HOST, "evil.example".parse().unwrap());
    });
    assert_eq!(host, reserved(header::HOST));
    let method = change(&|request| *request.method_mut() = http::Method::TRACE);
    assert_eq!(method, Err(RequestError::Method(http::Method::TRACE)));
    let value = change(&|request| {
        let value = http::HeaderValue::from_bytes(b"caf\xE9").unwrap();
        request.headers_mut().insert("x-name", value);
    });
    assert!(matches!(value, Err(RequestError::HeaderValue(name)) if name == "x-name"));
}

#[test]
fn a_first_attempt_looks_again_where_its_key_goes() {
    let account = account_with_trustedform_on_loopback();
    let first = begin(&account);
    let change = |change: &dyn Fn(&mut Request<()>)| {
        let mut changed = request(Service::LeadConduit);
        change(&mut changed);
        let before = changed.headers().clone();
        let outcome = first.sign(&mut changed);
        match outcome {
            Ok(()) => assert_eq!(letter_on(&changed), 'a'),
            Err(_) => assert_eq!(changed.headers(), &before, "a refused request is unchanged"),
        }
        outcome
    };
    let to = |uri: &'static str| change(&move |request| *request.uri_mut() = uri.parse().unwrap());

    assert_eq!(change(&|_| {}), Ok(()));
    assert_eq!(to("https://app.leadconduit.com/another/path"), Ok(()));
    assert_eq!(to("https://APP.leadconduit.com:443/path"), Ok(()));
    assert!(matches!(
        to("https://evil.example/path"),
        Err(RequestError::OriginNotListed(_))
    ));
    assert!(matches!(
        to("http://app.leadconduit.com/path"),
        Err(RequestError::Origin(_))
    ));
    assert_eq!(
        to("http://127.0.0.1:8002/path"),
        Err(RequestError::OtherProduct(Product::TrustedForm))
    );
    assert_eq!(
        to("https://app.leadconduit.com//evil.example/"),
        Err(RequestError::Target(InvalidTarget::OtherHost))
    );
    assert_eq!(
        change(&|request| *request.method_mut() = http::Method::TRACE),
        Err(RequestError::Method(http::Method::TRACE))
    );
    assert_eq!(
        to("https://APP.leadconduit.com:443//evil.example/"),
        Err(RequestError::Target(InvalidTarget::OtherHost))
    );
    assert_eq!(
        change(&|request| {
            request
                .headers_mut()
                .insert(header::HOST, "evil.example".parse().unwrap());
        }),
        Err(RequestError::ReservedHeader(header::HOST))
    );
    let reserved = || Err(RequestError::ReservedHeader(header::AUTHORIZATION));
    let foreign = || ap_core::basic(b"X", b"another-placeholder");
    let own = first.authorization();
    assert_eq!(
        change(&|request| {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, foreign());
        }),
        reserved()
    );
    for lines in [[own.clone(), foreign()], [foreign(), own.clone()]] {
        assert_eq!(
            change(&|request| for line in &lines {
                request
                    .headers_mut()
                    .append(header::AUTHORIZATION, line.clone());
            }),
            reserved()
        );
    }
    // Its own from before, also twice, next to lines of one name.
    for times in 1..=2 {
        assert_eq!(
            change(&|request| {
                for _ in 0..times {
                    request
                        .headers_mut()
                        .append(header::AUTHORIZATION, own.clone());
                }
                request.headers_mut().append("x-many", "1".parse().unwrap());
                request.headers_mut().append("x-many", "2".parse().unwrap());
            }),
            Ok(())
        );
    }
}

#[test]
fn headers_that_are_not_the_callers_are_refused_in_any_spelling() {
    let account = account("a");
    for name in [
        "authorization",
        "Authorization",
        "AUTHORIZATION",
        "proxy-authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "keep-alive",
        "proxy-connection",
    ] {
        let mut request = request(Service::LeadConduit);
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(&name, "1".parse().unwrap());
        let outcome = account.begin(&request, Replay::Allowed).unwrap_err();
        assert_eq!(outcome, RequestError::ReservedHeader(name));
    }
    for method in ["TRACE", "CONNECT"] {
        let mut request = request(Service::LeadConduit);
        *request.method_mut() = method.parse().unwrap();
        let outcome = account.begin(&request, Replay::Allowed).unwrap_err();
        assert_eq!(outcome, RequestError::Method(request.method().clone()));
    }
}

#[test]
fn a_request_that_another_account_signed_is_refused() {
    let mut sent = request(Service::LeadConduit);
    begin(&account("a")).sign(&mut sent).unwrap();
    let outcome = account("b").begin(&sent, Replay::Allowed).unwrap_err();
    assert_eq!(outcome, RequestError::ReservedHeader(header::AUTHORIZATION));
}

#[test]
fn a_request_can_be_signed_again_after_its_keys_were_replaced() {
    let account = account("a");
    let mut sent = request(Service::LeadConduit);
    let first = begin(&account);
    first.sign(&mut sent).unwrap();
    account.keys().replace(keys("b")).unwrap();
    let again = send(refuse(first));
    again.sign(&mut sent).unwrap();
    assert_eq!(letter_on(&sent), 'b');
}

#[test]
fn keys_of_another_user_name_sign_with_it() {
    let ring = KeyRing::new(keys("ab")).unwrap().with_user("X").unwrap();
    let account = Account::new(ring, Origins::vendor());
    assert_eq!(
        begin(&account).authorization(),
        &ap_core::basic(b"X", b"placeholder-key-a")
    );
    account.keys().replace(keys("c")).unwrap();
    assert_eq!(
        begin(&account).authorization(),
        &ap_core::basic(b"X", b"placeholder-key-c")
    );
}
