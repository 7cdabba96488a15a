//! The exchange: one API call, from the unsigned request to its final answer, as steps that own their
//! successor. Each step is consumed into the next, so a wrong order does not compile.
//!
//! ```text
//!  Account::begin ──► Step::Send(Attempt) ──sign──► your transport ──answered──► Answer::Final
//!       │                  ▲                                             │
//!       │                  └──────────── Answer::Next(Step) ◄────────────┘
//!       ├──► Step::NeedKey(NeedKey) ──supply/resume──► Step
//!       └──► Step::Failed(AuthError)
//! ```
//!
//! The rules:
//!
//! 1. A key goes only to an origin on the account's list; that is checked again at each signature.
//! 2. Only a 401 is ever answered by another attempt, and of those only the product's known bad-key
//!    answers ([`BAD_KEY_FORMS`](crate::BAD_KEY_FORMS)). Such a request was not applied (RFC 9110
//!    section 15.5.2). Errors of the transport, 403, 429 and 5xx are never retried here.
//! 3. At most one attempt a key.
//! 4. None but the first where the driver said [`Replay::Never`].
//! 5. Nothing is held between steps: dropping one at any point leaves no trace.

#[cfg(test)]
mod search;

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode};

use crate::credentials::Credentials;
use crate::key::ApiKey;
use crate::origin::Origins;
use crate::product::{Product, Service};
use crate::redact;
use crate::request::{self, RequestError};
use crate::ring::{KeyRing, Keys, MAX_KEYS, Word};
use crate::sign::put;
use crate::unauthorized::{Advice, Unauthorized};

/// What a client knows of an account: its keys, and where they may go. Cheap to clone; clones share
/// the keys.
///
/// A whole driver, without any trait of this crate:
///
/// ```
/// use ap_core::{Account, Answer, ApiKey, KeyRing, Origins, Replay, Step};
/// use http::{Request, Response};
/// # fn send(request: &Request<Vec<u8>>) -> std::io::Result<Response<Vec<u8>>> {
/// #     assert!(request.headers().contains_key("authorization"));
/// #     Ok(Response::new(b"[]".to_vec()))
/// # }
///
/// let account = Account::new(KeyRing::new([ApiKey::parse("1234567890")?])?, Origins::vendor());
/// let mut request = Request::get("https://app.leadconduit.com/flows")
///     .header("accept", "application/json")
///     .body(Vec::new())?;
///
/// let mut step = account.begin(&request, Replay::Allowed)?;
/// let response = loop {
///     step = match step {
///         Step::Send(attempt) => {
///             attempt.sign(&mut request)?;
///             let response = send(&request)?; // your HTTP stack
///             match attempt.answered(response.status(), response.body()) {
///                 Answer::Final => break response,
///                 Answer::Next(step) => step,
///             }
///         }
///         Step::NeedKey(need) => need.resume(), // or fetch one, then `need.supply(&keys)`
///         Step::Failed(error) => return Err(error.into()),
///     };
/// };
/// assert_eq!(response.body(), b"[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Account {
    /// One pointer, so that each call has but one to copy.
    shared: Arc<(KeyRing, Origins)>,
}

/// Whether a request's body can be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// It can: it is in memory, or there is none.
    Allowed,
    /// It cannot: it is a stream that is gone once read. The first refusal ends such a call, so it never comes
    /// to [`Step::NeedKey`] with a key that was refused: give the account new keys by [`KeyRing::replace`].
    Never,
}

/// What comes next in a call.
#[derive(Debug)]
#[must_use = "a call ends when its step is dropped"]
pub enum Step {
    /// Sign the request with this, and send it.
    Send(Attempt),
    /// No key is left that this call has not tried: fetch one, or give up.
    NeedKey(NeedKey),
    /// The call has failed for want of a key that the product takes.
    Failed(AuthError),
}

impl Step {
    /// What each key was told so far, in the order of the attempts.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        match self {
            Self::Send(attempt) => &attempt.call.refused,
            Self::NeedKey(need) => need.refused(),
            Self::Failed(error) => error.refused(),
        }
    }
}

/// What an answer means for the call.
#[derive(Debug)]
#[must_use = "without a look at this a refused call passes for an answered one"]
pub enum Answer {
    /// The response is the call's answer, whatever its status.
    Final,
    /// The key was refused; the call goes on.
    Next(Step),
}

impl Account {
    /// An account with these keys and origins.
    #[must_use]
    pub fn new(keys: KeyRing, origins: Origins) -> Self {
        Self {
            shared: Arc::new((keys, origins)),
        }
    }

    /// The keys; a clone of the ring is another handle on the same ones.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.shared.0
    }

    /// Where keys may go.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.shared.1
    }

    /// Begins a call: checks the request, and says what comes first.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the request may not carry a key.
    pub fn begin<B>(&self, request: &Request<B>, replay: Replay) -> Result<Step, RequestError> {
        let keys = self.keys().snapshot();
        let service = request::check_all(request, keys.credentials(), &[], self.origins())?;
        let call = Call {
            account: self.clone(),
            keys,
            service,
            replay,
            tried: Vec::new(),
            refused: Vec::new(),
            is_checked: true,
            has_asked: false,
        };
        Ok(call.next())
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("keys", self.keys())
            .field("origins", self.origins())
            .finish()
    }
}

/// What all steps of one call carry along.
#[derive(Debug)]
struct Call {
    account: Account,
    keys: Arc<Keys>,
    service: Service,
    replay: Replay,
    tried: Vec<Credentials>,
    refused: Vec<Refused>,
    /// Whether the request was checked against these very keys.
    is_checked: bool,
    /// Whether the call has come to [`Step::NeedKey`]; it does so once, whatever a source brings.
    has_asked: bool,
}

impl Call {
    /// The next attempt, with a key of the present list that this call has not tried.
    fn next(mut self) -> Step {
        match self.untried() {
            Some((ticket, index)) => Step::Send(Attempt {
                call: self,
                ticket,
                index,
            }),
            None if self.has_asked => self.give_up(),
            None => {
                self.has_asked = true;
                Step::NeedKey(NeedKey { call: self })
            }
        }
    }

    fn untried(&mut self) -> Option<(Word, usize)> {
        if !self.refused.is_empty() {
            // A key that was removed meanwhile must not sign again.
            self.keys = self.account.keys().snapshot();
            self.is_checked = false;
        }
        let credentials = self.keys.credentials();
        let mut tried = 0;
        for one in &self.tried {
            let is_it = |key: &Credentials| key.key().is_same(one.key());
            tried |= credentials.iter().position(is_it).map_or(0, |at| 1 << at);
        }
        let ticket = self.keys.ticket(self.service.product());
        Some((ticket, ticket.untried(tried, credentials.len())?))
    }

    fn give_up(self) -> Step {
        let why = if self.refused.is_empty() {
            Why::NoKey
        } else {
            Why::AllRefused
        };
        self.fail(why)
    }

    fn fail(self, why: Why) -> Step {
        Step::Failed(AuthError {
            product: self.service.product(),
            why,
            refused: self.refused,
        })
    }
}

/// One sending of the request, with one key.
#[derive(Debug)]
#[must_use = "a call ends when its attempt is dropped"]
pub struct Attempt {
    call: Call,
    ticket: Word,
    index: usize,
}

impl Attempt {
    /// Puts this attempt's key on the request: exactly one `Authorization`, in the place of an earlier
    /// attempt's. Where it goes is checked again, in case the request was changed; all of it is, where the
    /// keys may be others than when the call began.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; the request is then unchanged.
    pub fn sign<B>(&self, request: &mut Request<B>) -> Result<(), RequestError> {
        let call = &self.call;
        let (ours, origins) = (call.keys.credentials(), call.account.origins());
        let service = if call.is_checked {
            request::check_recipient_is(request, origins, call.service)?
        } else {
            request::check_all(request, ours, &call.tried, origins)?
        };
        if service.product() != call.service.product() {
            return Err(RequestError::OtherProduct(service.product()));
        }
        let is_ours =
            |value: &HeaderValue| request::is_of(value, ours) || request::is_of(value, &call.tried);
        put(request.headers_mut(), self.authorization(), is_ours)
    }

    /// The value of `Authorization` for this attempt, for stacks that do not use the `http` crate.
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        self.credentials().authorization()
    }

    /// The label of this attempt's key, for logs.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.credentials().key().label()
    }

    /// The product that this call goes to.
    #[must_use]
    pub fn product(&self) -> Product {
        self.call.service.product()
    }

    /// How many attempts came before this one in its call.
    #[must_use]
    pub fn resend_count(&self) -> usize {
        self.call.refused.len()
    }

    /// Tells the call what came back. The body is looked at only for a 401, and then only its first
    /// [`UNAUTHORIZED_BODY_LIMIT`](crate::UNAUTHORIZED_BODY_LIMIT) bytes and one more are needed.
    ///
    /// For an attempt that brought no response, drop the attempt instead: nothing is learnt.
    #[inline]
    pub fn answered(self, status: StatusCode, body: &[u8]) -> Answer {
        if status == StatusCode::UNAUTHORIZED {
            return self.unauthorized(body);
        }
        let Self {
            call,
            ticket,
            index,
        } = &self;
        if shows_acceptance(status, !call.refused.is_empty()) {
            let product = call.service.product();
            call.keys.accepted(product, *ticket, *index);
        }
        Answer::Final
    }

    fn unauthorized(self, body: &[u8]) -> Answer {
        let Self {
            mut call,
            ticket,
            index,
        } = self;
        let product = call.service.product();
        let mut said = Unauthorized::parse(product, body);
        if !said.is_bad_key() {
            return Answer::Final;
        }
        // A server may repeat what an earlier request brought, not this one's key alone.
        let keys = call.keys.credentials();
        if said.kept().is_some_and(|text| {
            let mut sent = keys.iter().chain(&call.tried);
            sent.any(|one| redact::repeats(text, one))
        }) {
            said.withhold();
        }
        let credentials = keys[index].clone();
        call.refused.push(Refused {
            label: credentials.key().shared_label(),
            said,
        });
        call.tried.push(credentials);
        if call.replay == Replay::Never {
            call.keys.not_replayable(product, ticket, index);
            let why = if call.untried().is_some() {
                Why::NotReplayable
            } else {
                Why::AllRefused
            };
            return Answer::Next(call.fail(why));
        }
        Answer::Next(call.next())
    }

    fn credentials(&self) -> &Credentials {
        &self.call.keys.credentials()[self.index]
    }
}

/// Whether a status shows that the product took the key: success does; so does, once another key was
/// refused in the same call, any answer that comes after authentication. The same path had asked for
/// it before, so it has passed now.
fn shows_acceptance(status: StatusCode, after_a_refusal: bool) -> bool {
    status.is_success()
        || after_a_refusal
            && status.is_client_error()
            && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 421 | 425 | 429)
}

/// Every key that this call knew was refused, or there was none.
#[derive(Debug)]
#[must_use = "a call ends when its step is dropped"]
pub struct NeedKey {
    call: Call,
}

impl NeedKey {
    /// What each key was told, in the order of the attempts; empty if there was no key.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.call.refused
    }

    /// The product that refused.
    #[must_use]
    pub fn product(&self) -> Product {
        self.call.service.product()
    }

    /// Whether the account has got a key meanwhile that this call has not tried.
    #[must_use]
    pub fn has_new(&self) -> bool {
        let keys = self.call.account.keys().snapshot();
        let tried = |one: &Credentials| {
            self.call
                .tried
                .iter()
                .any(|tried| tried.key().is_same(one.key()))
        };
        keys.credentials().iter().any(|one| !tried(one))
    }

    /// Goes on with these keys, oldest first, which are the whole account's from now on. Of more than
    /// [`MAX_KEYS`] the newest are kept; none at all changes nothing.
    ///
    /// ```
    /// use ap_core::{Account, ApiKey, KeyRing, Origins, Replay, Step};
    ///
    /// let account = Account::new(KeyRing::empty(), Origins::vendor());
    /// let request = http::Request::get("https://app.leadconduit.com/flows").body(())?;
    /// let Step::NeedKey(need) = account.begin(&request, Replay::Allowed)? else {
    ///     panic!("the account has no key");
    /// };
    /// let step = need.supply(&[ApiKey::parse("1234567890")?]);
    /// assert!(matches!(step, Step::Send(_)));
    /// assert_eq!(account.keys().len(), 1, "every call has it now");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn supply(self, keys: &[ApiKey]) -> Step {
        let newest = &keys[keys.len().saturating_sub(MAX_KEYS)..];
        if !newest.is_empty() {
            // At most MAX_KEYS are left, so this cannot be too many.
            let _ = self.call.account.keys().replace(newest.iter().cloned());
        }
        self.resume()
    }

    /// Goes on with a key that the account has got meanwhile, or gives up.
    pub fn resume(mut self) -> Step {
        self.call.keys = self.call.account.keys().snapshot();
        self.call.is_checked = false;
        self.call.next()
    }
}

/// One key, and what the product said to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    label: Option<Arc<str>>,
    said: Unauthorized,
}

impl Refused {
    /// The key's label.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.as_deref()
    }

    /// The product's answer.
    #[must_use]
    pub fn said(&self) -> &Unauthorized {
        &self.said
    }
}

/// Why a call failed for want of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// The client has no key.
    NoKey,
    /// The product refused every key that the client has, in this very call.
    AllRefused,
    /// The product refused a key, and the request's body cannot be sent again with the next one. The
    /// next call begins with that one.
    NotReplayable,
}

/// A call that no key opened. It says for each key, by label, what the product answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthError {
    product: Product,
    why: Why,
    refused: Vec<Refused>,
}

impl AuthError {
    /// The product that was called.
    #[must_use]
    pub fn product(&self) -> Product {
        self.product
    }

    /// Why the call failed.
    #[must_use]
    pub fn why(&self) -> Why {
        self.why
    }

    /// What each key was told, in the order of the attempts.
    #[must_use]
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// What a person should do next.
    #[must_use]
    pub fn advice(&self) -> Advice {
        self.refused
            .last()
            .map_or(Advice::CheckKeyOrLogIn(self.product), |last| {
                last.said.advice()
            })
    }
}

impl std::error::Error for AuthError {}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::NoKey => return write!(f, "there is no API key to call {} with", self.product),
            Why::AllRefused if self.refused.len() == 1 => {
                write!(f, "{} refused the API key", self.product)?;
            }
            Why::AllRefused => write!(f, "{} refused every API key", self.product)?,
            Why::NotReplayable => write!(
                f,
                "{} refused the API key, and the request's body cannot be sent again with the next one",
                self.product
            )?,
        }
        for (at, one) in self.refused.iter().enumerate() {
            f.write_str(if at == 0 { ": " } else { "; " })?;
            if let Some(label) = one.label() {
                write!(f, "the key {label:?}: ")?;
            }
            f.write_str(one.said.message().unwrap_or("no text"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unauthorized::DOCUMENTED_BODY;

    #[test]
    fn a_key_lives_as_long_as_a_list_or_a_call_holds_it() {
        let (old, new) = ["old-key", "new-key"]
            .map(|text| ApiKey::parse(text).unwrap())
            .into();
        let watched = old.watch();
        let ring = KeyRing::new([old, new.clone()]).unwrap();
        let account = Account::new(ring, Origins::vendor());
        let request = Request::get("https://app.leadconduit.com/")
            .body(())
            .unwrap();
        let Ok(Step::Send(attempt)) = account.begin(&request, Replay::Allowed) else {
            panic!("there is a key");
        };
        account.keys().replace([new]).unwrap();
        assert!(watched.upgrade().is_some(), "its attempt is out");
        let Answer::Next(step) = attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY) else {
            panic!("the key was refused");
        };
        assert!(watched.upgrade().is_some(), "it must not be tried again");
        let Step::Send(attempt) = step else {
            panic!("there is another key");
        };
        let refused = attempt.call.refused.clone();
        drop(attempt);
        assert!(watched.upgrade().is_none());
        assert_eq!(refused.len(), 1, "what was said of it is kept without it");
    }
}
