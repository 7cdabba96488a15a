//! Keys that are named by a letter, and scripts: the steps of calls in one line of text.
#![allow(dead_code, reason = "each test program uses some of these")]

use std::collections::BTreeMap;
use std::error::Error as _;

use ap_core::exchange::{Answer, Attempt, AuthErrorKind, Resend, Step};
use ap_core::key::basic;
use ap_core::{Account, ApiKey, KeyRing, Origins, Product, RejectedKey, Service};
use http::{Request, StatusCode, header};

/// The documented answer to a bad key.
pub(crate) const BAD: &str = r#"{"error":"authentication failed"}"#;

/// Returns the key with this letter, which is its label too.
pub(crate) fn key(letter: char) -> ApiKey {
    ApiKey::parse(format!("placeholder-key-{letter}"))
        .unwrap()
        .with_label(&letter.to_string())
}

pub(crate) fn keys(letters: &str) -> Vec<ApiKey> {
    letters.chars().map(key).collect()
}

pub(crate) fn account(letters: &str) -> Account {
    Account::new(KeyRing::new(keys(letters)).unwrap(), Origins::vendor())
}

pub(crate) fn request(service: Service) -> Request<()> {
    Request::get(format!("{}/path", service.vendor_origin()))
        .header("accept", "application/json")
        .body(())
        .unwrap()
}

/// Returns the letter of the key that a request carries, read from the header's bytes.
pub(crate) fn letter_on(request: &Request<()>) -> char {
    let lines = request.headers().get_all(header::AUTHORIZATION);
    let lines: Vec<_> = lines.iter().collect();
    let [line] = lines[..] else {
        panic!("{} lines of Authorization", lines.len())
    };
    assert!(line.is_sensitive());
    let is_of =
        |letter: &char| *line == basic(b"API", format!("placeholder-key-{letter}").as_bytes());
    ('a'..='z').find(is_of).unwrap()
}

/// Returns the letters of the preferred keys, for LeadConduit, TrustedForm and SuppressionList.
pub(crate) fn preferred(account: &Account) -> String {
    let letter = |key: ApiKey| key.expose().chars().next_back().unwrap();
    let products = Product::ALL.into_iter();
    let preferred = products.map(|product| account.keys().preferred(product).map_or('-', letter));
    preferred.collect()
}

/// Returns the body that a word of a script stands for.
pub(crate) fn body(word: &str) -> &'static str {
    match word {
        "" => "",
        "bad" => BAD,
        "plan" => r#"{"error":"not authorized"}"#,
        "trustedform" => r#"{"outcome":"error","reason":"Unauthorized"}"#,
        "consent" => r#"{"errors":{"detail":"Unauthorized"},"message":"Unauthorized"}"#,
        "suppressionlist" => r#"{"message":"HTTP Basic: Access denied"}"#,
        "invalid" => r#"{"error":"Invalid Authentication"}"#,
        "stock" => "HTTP Basic: Access denied.\n",
        "html" => "<html>authentication failed</html>",
        "cut" => r#"{"error":"authentication fai"#,
        "twice" => r#"{"error":"x","error":"authentication failed"}"#,
        word => panic!("no body is called {word:?}"),
    }
}

/// Runs a script: statements about one account, separated by `; `.
///
/// ```text
/// keys ab; 1: a bad, b 200 -> 200; prefers baa
/// ```
///
/// - `keys ab` creates the account with these keys, oldest first; later it replaces them.
/// - `1: …` continues call 1, or begins it. A call is to LeadConduit and may be sent again; `1@TrustedForm`
///   begins one to another service, `1!` one that cannot be sent again. Its steps, separated by `, `:
///   - `a` sends the request and expects it to carry key a;
///   - `200`, `503` and so on deliver an answer of this status; `401plan` with the [`body`] of this name,
///     and `bad` is short for `401bad`;
///   - `a bad` is both in one;
///   - `supply bc` and `resume` answer the need for a key; `drop` drops the call.
///
///   `-> 200` expects the call to end with that response, `-> all rejected`, `-> no key` and
///   `-> resend not allowed` with that error, and `-> need key` to go no further.
/// - `prefers baa` expects the preferred keys of LeadConduit, TrustedForm and SuppressionList.
/// - `has ab` expects these keys in the account.
pub(crate) fn run(script: &str) {
    let mut account: Option<Account> = None;
    let mut calls = BTreeMap::new();
    for statement in script.split("; ") {
        let place = format!("in `{statement}` of `{script}`");
        let (word, rest) = statement.split_once(' ').unwrap_or((statement, ""));
        match (word, &account) {
            ("keys", None) => account = Some(self::account(rest)),
            ("keys", Some(account)) => account.keys().replace(keys(rest)).unwrap(),
            ("prefers", Some(account)) => assert_eq!(preferred(account), rest, "{place}"),
            ("has", Some(account)) => {
                let keys: Vec<_> = keys(rest);
                assert_eq!(
                    format!("{:?}", account.keys()),
                    format!("{keys:?}"),
                    "{place}"
                );
            }
            (_, Some(account)) => {
                let (name, steps) = statement.split_once(": ").expect(&place);
                let begin = || Call::begin(account, &name[1..]);
                let mut call = calls.remove(&name[..1]).unwrap_or_else(begin);
                let (steps, end) = match steps.split_once("-> ") {
                    Some((steps, end)) => (steps.trim(), Some(end)),
                    None => (steps, None),
                };
                let mut is_dropped = false;
                for step in steps.split(", ").filter(|step| !step.is_empty()) {
                    is_dropped = step == "drop";
                    call.step(step, &place);
                }
                if let Some(end) = end {
                    call.assert_end(end, &place);
                } else if !is_dropped {
                    calls.insert(name[..1].to_owned(), call);
                }
            }
            (_, None) => panic!("a script begins with its keys: {script}"),
        }
    }
    assert!(calls.is_empty(), "`{script}` leaves a call open");
}

struct Call {
    service: Service,
    request: Request<()>,
    /// The letters of the keys that were rejected.
    rejected: String,
    state: State,
}

enum State {
    Step(Step),
    Sent(Attempt, char),
    Final(u16),
    Moved,
}

impl Call {
    fn begin(account: &Account, options: &str) -> Self {
        let (flag, service) = options.split_once('@').unwrap_or((options, "LeadConduit"));
        let service = Service::ALL
            .into_iter()
            .find(|one| format!("{one:?}") == service)
            .unwrap();
        let resend = match flag {
            "" => Resend::Allowed,
            "!" => Resend::Never,
            flag => panic!("no call is marked {flag:?}"),
        };
        let request = request(service);
        let step = account.begin(&request, resend).unwrap();
        Self {
            service,
            request,
            rejected: String::new(),
            state: State::Step(step),
        }
    }

    fn step(&mut self, step: &str, place: &str) {
        let (word, rest) = step.split_once(' ').unwrap_or((step, ""));
        match std::mem::replace(&mut self.state, State::Moved) {
            _ if word == "drop" => {}
            State::Step(Step::NeedKey(need)) if word == "supply" => {
                self.state = State::Step(need.supply(&keys(rest)));
            }
            State::Step(Step::NeedKey(need)) if word == "resume" => {
                assert!(need.has_untried_key(), "{place}");
                self.state = State::Step(need.resume());
            }
            State::Step(Step::Send(attempt)) => {
                attempt.sign(&mut self.request).unwrap();
                let letter = letter_on(&self.request);
                assert_eq!(letter.to_string(), word, "the key {place}");
                let authorization = &self.request.headers()[header::AUTHORIZATION];
                assert_eq!(authorization, attempt.authorization());
                assert_eq!(attempt.label(), Some(word));
                assert_eq!(attempt.product(), self.service.product());
                assert_eq!(attempt.resend_count(), self.rejected.len());
                self.state = State::Sent(attempt, letter);
                if !rest.is_empty() {
                    self.step(rest, place);
                }
            }
            State::Sent(attempt, letter) => {
                let answer = if step == "bad" { "401bad" } else { step };
                let (status, word) = answer.split_at(3);
                let status = StatusCode::from_bytes(status.as_bytes()).expect(place);
                self.state = match attempt.answered(status, body(word).as_bytes()) {
                    Answer::Final => State::Final(status.as_u16()),
                    Answer::Next(step) => {
                        self.rejected.push(letter);
                        assert_eq!(labels(step.rejected_keys()), self.rejected, "{place}");
                        State::Step(step)
                    }
                };
            }
            State::Step(step) => panic!("{step:?} {place}"),
            State::Final(_) | State::Moved => panic!("the call is over {place}"),
        }
    }

    fn assert_end(self, end: &str, place: &str) {
        let kind = match end {
            "all rejected" => Some(AuthErrorKind::AllRejected),
            "no key" => Some(AuthErrorKind::NoKey),
            "resend not allowed" => Some(AuthErrorKind::ResendNotAllowed),
            _ => None,
        };
        match (self.state, kind) {
            (State::Final(status), None) => assert_eq!(status.to_string(), end, "{place}"),
            (State::Step(Step::NeedKey(need)), None) if end == "need key" => {
                assert_eq!(need.product(), self.service.product());
            }
            (State::Step(step), Some(kind)) => {
                let step = match step {
                    Step::NeedKey(need) => {
                        assert!(!need.has_untried_key(), "{place}");
                        need.resume()
                    }
                    step => step,
                };
                let Step::Failed(error) = step else {
                    panic!("{step:?} {place}")
                };
                assert_eq!(error.kind(), kind, "{place}");
                assert_eq!(error.product(), self.service.product(), "{place}");
                assert_eq!(labels(error.rejected_keys()), self.rejected, "{place}");
                assert!(error.source().is_none());
            }
            (State::Step(step), None) => panic!("{step:?} {place}"),
            _ => panic!("the call ended in another way {place}"),
        }
    }
}

fn labels(rejected: &[RejectedKey]) -> String {
    rejected.iter().map(|one| one.label().unwrap()).collect()
}
