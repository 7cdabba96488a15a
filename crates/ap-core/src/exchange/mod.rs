//! The exchange: one API call, from the unsigned request to its final response, as steps without I/O.
//!
//! Each step is consumed by the next one, so a wrong order does not compile. [`Account`] shows a whole driver.
//!
//! ```text
//!  Account::begin          ─────────────────────────────────────►  Step
//!
//!  Step::Send(Attempt)     ── sign, your transport, answered ───►  Answer::Final, or Answer::Next(Step)
//!  Step::NeedKey(NeedKey)  ── supply or resume ─────────────────►  Step
//!  Step::Failed(AuthError)                                         the end
//! ```
//!
//! The rules:
//!
//! 1. A key is sent only to an allowed origin. Each signature checks the whole request again.
//! 2. Only a 401 or 403 leads to another attempt, and only in a form that the product is known to send for a
//!    bad key ([`BAD_KEY_FORMS`](crate::unauthorized::BAD_KEY_FORMS)). A request that got such an answer was
//!    not applied (RFC 9110 sections 15.5.2 and 15.5.4). Any other 401 or 403, transport errors, 429 and 5xx
//!    are never retried here.
//! 3. Each key is tried at most once in a call.
//! 4. With [`Resend::Never`] there is only the first attempt.
//! 5. No lock or other resource is held between steps: you can drop a step at any point.

mod auth_error;
#[cfg(test)]
mod model_check;

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode};

use crate::basic::encoded_pair;
use crate::credentials::Credentials;
use crate::key::ApiKey;
use crate::keyring::{KeyRing, Keys, MAX_KEYS, Preference};
use crate::origin::Origins;
use crate::product::{Product, Service};
use crate::redact;
use crate::request::{self, RequestError};
use crate::unauthorized::Unauthorized;

pub use auth_error::{AuthError, AuthErrorKind, RejectedKey};

/// An account's keys and the origins they may be sent to. Cheap to clone; clones share the keys.
///
/// This is a whole driver over your own HTTP stack:
///
/// ```
/// use ap_core::exchange::{Answer, Resend, Step};
/// use ap_core::{Account, ApiKey, KeyRing, Origins};
/// use http::{Request, Response};
/// # fn send(request: &Request<Vec<u8>>) -> std::io::Result<Response<Vec<u8>>> {
/// #     assert!(request.headers().contains_key("authorization"));
/// #     Ok(Response::new(b"[]".to_vec()))
/// # }
///
/// let account = Account::new(KeyRing::from_key(ApiKey::parse("1234567890")?), Origins::vendor());
/// let mut request = Request::get("https://app.leadconduit.com/flows")
///     .header("accept", "application/json")
///     .body(Vec::new())?;
///
/// let mut step = account.begin(&request, Resend::Allowed)?;
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
///         Step::NeedKey(need) => need.resume(), // or get keys, then `need.supply(&keys)`
///         Step::Failed(error) => return Err(error.into()),
///     };
/// };
/// assert_eq!(response.body(), b"[]");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Account {
    /// One pointer, since each call clones it.
    shared: Arc<(KeyRing, Origins)>,
}

/// Says if the body can be sent a second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resend {
    /// It can: the body is in memory, or there is none.
    Allowed,
    /// It cannot: the body is a stream. The first rejected key ends the call, and no [`Step::NeedKey`] comes
    /// after it, so give the account new keys yourself with [`KeyRing::replace`].
    Never,
}

/// What to do next in a call.
#[derive(Debug)]
#[must_use = "a call ends when its step is dropped"]
pub enum Step {
    /// Sign the request with this attempt, and send it.
    Send(Attempt),
    /// This call has tried every key: get new ones, or give up.
    NeedKey(NeedKey),
    /// The call failed: no key was accepted.
    Failed(AuthError),
}

impl Step {
    /// Returns the keys that were rejected so far, in the order of the attempts.
    #[must_use]
    pub fn rejected_keys(&self) -> &[RejectedKey] {
        match self {
            Self::Send(attempt) => &attempt.call.rejected,
            Self::NeedKey(need) => need.rejected_keys(),
            Self::Failed(error) => error.rejected_keys(),
        }
    }
}

/// What a response means for the call.
#[derive(Debug)]
#[must_use = "ignoring this treats a rejected key as success"]
pub enum Answer {
    /// The response is the call's result, whatever its status.
    Final,
    /// The key was rejected; the call continues with this step.
    Next(Step),
}

impl Account {
    /// Creates an account with these keys and allowed origins.
    #[must_use]
    pub fn new(keys: KeyRing, origins: Origins) -> Self {
        Self {
            shared: Arc::new((keys, origins)),
        }
    }

    /// Returns the keys. A clone of the ring shares them.
    #[must_use]
    pub fn keys(&self) -> &KeyRing {
        &self.shared.0
    }

    /// Returns the origins that keys may be sent to.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.shared.1
    }

    /// Begins a call and returns its first step.
    ///
    /// Only the request's origin is checked here, since it decides the product; [`Attempt::sign`] checks the
    /// rest.
    ///
    /// # Errors
    ///
    /// [`RequestError`] if the origin is not allowed.
    pub fn begin<B>(&self, request: &Request<B>, resend: Resend) -> Result<Step, RequestError> {
        let service = request::check_origin(request, self.origins())?;
        let call = Call {
            account: self.clone(),
            keys: self.keys().snapshot(),
            service,
            resend,
            tried: Vec::new(),
            rejected: Vec::new(),
            has_needed_key: false,
        };
        Ok(call.next())
    }

    /// Checks a request that is sent without a key, as [`check`](crate::check) does. Its URL must not contain
    /// one of this account's keys.
    ///
    /// # Errors
    ///
    /// [`RequestError`] says what is wrong.
    pub fn check<B>(&self, request: &Request<B>) -> Result<Service, RequestError> {
        request::check(
            request,
            self.keys().snapshot().credentials(),
            self.origins(),
        )
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

/// What all steps of one call share.
#[derive(Debug)]
struct Call {
    account: Account,
    keys: Arc<Keys>,
    service: Service,
    resend: Resend,
    tried: Vec<Credentials>,
    rejected: Vec<RejectedKey>,
    /// The call has already returned [`Step::NeedKey`]. It does so only once, even if the new keys are rejected
    /// too.
    has_needed_key: bool,
}

impl Call {
    /// Returns the next step: an attempt with a key of the present list that this call has not tried, if there is one.
    #[inline]
    fn next(mut self) -> Step {
        match self.untried() {
            Some((preference_at_start, key_index)) => Step::Send(Attempt {
                call: self,
                preference_at_start,
                key_index,
            }),
            None if self.has_needed_key => {
                let kind = if self.rejected.is_empty() {
                    AuthErrorKind::NoKey
                } else {
                    AuthErrorKind::AllRejected
                };
                self.fail(kind)
            }
            None => {
                self.has_needed_key = true;
                Step::NeedKey(NeedKey { call: self })
            }
        }
    }

    #[inline]
    fn untried(&mut self) -> Option<(Preference, usize)> {
        let mut tried_bits = 0;
        if !self.tried.is_empty() {
            // A key that was removed in the meantime must not sign again.
            self.keys = self.account.keys().snapshot();
            for one in &self.tried {
                let is_same = |other: &Credentials| other.key().is_same(one.key());
                let at = self.keys.credentials().iter().position(is_same);
                tried_bits |= at.map_or(0, |at| 1 << at);
            }
        }
        let preference = self.keys.preference(self.service.product());
        let key_index = preference.untried(tried_bits, self.keys.credentials().len())?;
        Some((preference, key_index))
    }

    fn fail(self, kind: AuthErrorKind) -> Step {
        Step::Failed(AuthError {
            product: self.service.product(),
            kind,
            rejected_keys: self.rejected,
        })
    }
}

/// One sending of the request, with one key.
#[derive(Debug)]
#[must_use = "a call ends when its attempt is dropped"]
pub struct Attempt {
    call: Call,
    /// The product's preference when this attempt was made. An answer changes the product's preference only
    /// if no other answer has changed it since.
    preference_at_start: Preference,
    /// Where this attempt's key is in the call's list.
    key_index: usize,
}

impl Attempt {
    /// Checks the request, like [`check`](crate::check), and puts this attempt's key on it, instead of the
    /// key of an earlier attempt.
    ///
    /// # Errors
    ///
    /// [`RequestError`] says what is wrong. The request is then unchanged.
    pub fn sign<B>(&self, request: &mut Request<B>) -> Result<(), RequestError> {
        let call = &self.call;
        let (keys, origins) = (call.keys.credentials(), call.account.origins());
        let service = request::check_with(request, keys, &call.tried, origins)?;
        // Services are compared first: they are usually equal, and that is cheaper than to look up the products.
        if service != call.service && service.product() != call.service.product() {
            return Err(RequestError::OtherProduct(service.product()));
        }
        request::put_authorization(request.headers_mut(), keys[self.key_index].authorization())
    }

    /// Returns the value of `Authorization`, for stacks that do not use the `http` crate.
    #[must_use]
    pub fn authorization(&self) -> &HeaderValue {
        self.credentials().authorization()
    }

    /// Returns the label of this attempt's key, for logs.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.credentials().key().label()
    }

    /// Returns the product that is called.
    #[must_use]
    pub fn product(&self) -> Product {
        self.call.service.product()
    }

    /// Returns how many attempts this call made before this one.
    #[must_use]
    pub fn resend_count(&self) -> usize {
        self.call.rejected.len()
    }

    /// Reports the response to this attempt.
    ///
    /// The body is read only for a 401 or 403. At most
    /// [`UNAUTHORIZED_BODY_LIMIT`](crate::unauthorized::UNAUTHORIZED_BODY_LIMIT) + 1 bytes of it are read;
    /// the extra byte shows that it is too long. If the attempt had no response, drop it instead.
    #[inline]
    pub fn answered(self, status: StatusCode, body: &[u8]) -> Answer {
        // Most answers are a success, which costs this comparison and no other.
        if status.is_success() {
            self.accepted();
            return Answer::Final;
        }
        match Unauthorized::from_answer(self.product(), status, body) {
            Some(unauthorized) if unauthorized.is_bad_key() => self.rejected(unauthorized),
            _ => {
                if !self.call.rejected.is_empty() && is_past_authentication(status) {
                    self.accepted();
                }
                Answer::Final
            }
        }
    }

    #[inline]
    fn accepted(&self) {
        let (keys, product) = (&self.call.keys, self.product());
        keys.accepted(product, self.preference_at_start, self.key_index);
    }

    fn rejected(self, mut unauthorized: Unauthorized) -> Answer {
        let Self {
            mut call,
            preference_at_start,
            key_index,
        } = self;
        // The message may repeat any key that this call has sent, not only the last one.
        let keys = call.keys.credentials();
        if unauthorized.kept_text().is_some_and(|text| {
            let mut sent = keys.iter().chain(&call.tried);
            sent.any(|one| {
                let pair = encoded_pair(one.authorization());
                redact::repeats_key(text, one.key().expose(), pair)
            })
        }) {
            unauthorized.withhold_text();
        }
        let credentials = keys[key_index].clone();
        call.rejected.push(RejectedKey {
            label: credentials.key().shared_label(),
            unauthorized,
        });
        call.tried.push(credentials);
        if call.resend == Resend::Never {
            let product = call.service.product();
            call.keys
                .rejected_without_resend(product, preference_at_start, key_index);
            let kind = if call.untried().is_some() {
                AuthErrorKind::ResendNotAllowed
            } else {
                AuthErrorKind::AllRejected
            };
            return Answer::Next(call.fail(kind));
        }
        Answer::Next(call.next())
    }

    fn credentials(&self) -> &Credentials {
        &self.call.keys.credentials()[self.key_index]
    }
}

/// Returns `true` if this error status shows that the request got past authentication, so that the product accepted this key.
/// It is only asked after the product rejected another key in the same call.
///
/// Most 4xx show this. Those in the list can come before authentication.
fn is_past_authentication(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 421 | 425 | 429)
}

/// A call that has tried every key that it knows, or knows none.
#[derive(Debug)]
#[must_use = "a call ends when its step is dropped"]
pub struct NeedKey {
    call: Call,
}

impl NeedKey {
    /// Returns the rejected keys, in the order of the attempts. Empty if there was no key.
    #[must_use]
    pub fn rejected_keys(&self) -> &[RejectedKey] {
        &self.call.rejected
    }

    /// Returns the product that is called.
    #[must_use]
    pub fn product(&self) -> Product {
        self.call.service.product()
    }

    /// Returns `true` if the account now has a key that this call has not tried.
    #[must_use]
    pub fn has_untried_key(&self) -> bool {
        let keys = self.call.account.keys().snapshot();
        let tried = &self.call.tried;
        let is_tried = |key: &ApiKey| tried.iter().any(|one| one.key().is_same(key));
        keys.credentials().iter().any(|one| !is_tried(one.key()))
    }

    /// Replaces the account's keys by these, oldest first, and continues the call.
    ///
    /// Equal keys count as one. Of more than [`MAX_KEYS`] different keys, the newest are kept. An empty list
    /// changes nothing.
    ///
    /// ```
    /// use ap_core::exchange::{Resend, Step};
    /// use ap_core::{Account, ApiKey, KeyRing, Origins};
    ///
    /// let account = Account::new(KeyRing::empty(), Origins::vendor());
    /// let request = http::Request::get("https://app.leadconduit.com/flows").body(())?;
    /// let Step::NeedKey(need) = account.begin(&request, Resend::Allowed)? else {
    ///     panic!("the account has no key");
    /// };
    /// let step = need.supply(&[ApiKey::parse("1234567890")?]);
    /// assert!(matches!(step, Step::Send(_)));
    /// assert_eq!(account.keys().len(), 1, "every call has it now");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn supply(self, keys: &[ApiKey]) -> Step {
        let mut different: Vec<ApiKey> = Vec::new();
        for key in keys {
            if !different.iter().any(|other| other.is_same(key)) {
                different.push(key.clone());
            }
        }
        let newest = different.split_off(different.len().saturating_sub(MAX_KEYS));
        if !newest.is_empty() {
            // At most MAX_KEYS are left, so there cannot be too many.
            let _ = self.call.account.keys().replace(newest);
        }
        self.resume()
    }

    /// Continues with a key that the account has got in the meantime, or gives up.
    pub fn resume(mut self) -> Step {
        self.call.keys = self.call.account.keys().snapshot();
        self.call.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unauthorized::DOCUMENTED_BODY;

    #[test]
    fn a_key_stays_in_memory_as_long_as_a_list_or_a_call_uses_it() {
        let (old, new) = ["old-key", "new-key"]
            .map(|text| ApiKey::parse(text).unwrap())
            .into();
        let watched = old.watch();
        let ring = KeyRing::new([old, new.clone()]).unwrap();
        let account = Account::new(ring, Origins::vendor());
        let request = Request::get("https://app.leadconduit.com/")
            .body(())
            .unwrap();
        let Ok(Step::Send(attempt)) = account.begin(&request, Resend::Allowed) else {
            panic!("there is a key");
        };
        account.keys().replace([new]).unwrap();
        assert!(watched.upgrade().is_some(), "its attempt is in flight");
        let Answer::Next(step) = attempt.answered(StatusCode::UNAUTHORIZED, DOCUMENTED_BODY) else {
            panic!("the key was rejected");
        };
        assert!(
            watched.upgrade().is_some(),
            "the call keeps it, so as not to try it again"
        );
        let Step::Send(attempt) = step else {
            panic!("there is another key");
        };
        let rejected = attempt.call.rejected.clone();
        drop(attempt);
        assert!(watched.upgrade().is_none());
        assert_eq!(rejected.len(), 1, "the answer is kept without the key");
    }
}
