//! Checks which of the account's keys each product accepts. The newest key is tried first: after a reset, that
//! is the one that every product should accept.

use std::time::Duration;

use activeprospect::http::StatusCode;
use activeprospect::{ApiKey, Draft, Error, ErrorKind, Product, Service};
use ap_gateway::KEY_CHECKS;
use serde::Serialize;
use serde_json::Value;

use crate::call;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::retry_after;
use crate::session::Session;

/// How every key begins that an emulator makes. No product of the vendor accepts such a key.
const EMULATOR_KEY_PREFIX: &str = "emulator-";

/// If a product accepts a key. The names in JSON do not change, because programs read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    #[serde(rename = "takes")]
    Accepts,
    #[serde(rename = "refuses")]
    Rejects,
    /// The answer says nothing about the key.
    Unclear,
    Unreachable,
    NotSubscribed,
}

/// A product's answer to one key.
#[derive(Debug)]
pub(super) struct KeyCheck {
    /// The key's index in the session's list.
    pub(super) key: usize,
    pub(super) verdict: Verdict,
    pub(super) status: Option<StatusCode>,
    /// How long the product asks to wait before the next call.
    retry_after: Option<Duration>,
    pub(super) failure: Option<Failure>,
}

/// A product's answers to the keys that it was asked with.
#[derive(Debug)]
pub(super) struct ProductCheck {
    pub(super) product: Product,
    /// `None` if it is not known.
    pub(super) is_subscribed: Option<bool>,
    /// The page on which a person logs in, so that the product accepts the newest key.
    pub(super) login_url: String,
    /// The newest key first.
    pub(super) keys: Vec<KeyCheck>,
}

/// The ids of products, and if the account subscribes to each, as far as that is known.
pub(super) type Subscriptions = Vec<(String, bool)>;

/// Checks every product. The client's keys are the same before and after.
pub(super) fn check_products(
    session: &Session,
    subscriptions: &mut Subscriptions,
) -> Result<Vec<ProductCheck>, Failure> {
    let mut checks = Vec::new();
    // LeadConduit comes first, because its answer says which products the account has.
    for (service, path) in KEY_CHECKS {
        let product = service.product();
        let is_subscribed = |subscriptions: &Subscriptions| {
            let found = subscriptions.iter().find(|(id, _)| id == product.id());
            found.map(|(_, is_subscribed)| *is_subscribed)
        };
        let mut keys = Vec::new();
        // LeadConduit is always asked, because its last answer may be out of date.
        if product == Product::LeadConduit || is_subscribed(subscriptions) != Some(false) {
            let (answers, body) = check_keys(session, service, path)?;
            keys = answers;
            if product == Product::LeadConduit
                && let Some(read) = body.as_ref().and_then(read_subscriptions)
            {
                *subscriptions = read;
            }
        }
        checks.push(ProductCheck {
            product,
            is_subscribed: is_subscribed(subscriptions),
            login_url: login_url(session, service),
            keys,
        });
    }
    session.sign_with(&session.keys)?;
    Ok(checks)
}

/// Returns the page on which a person logs in to a product: its website, or the emulator's page.
fn login_url(session: &Session, service: Service) -> String {
    let origin = session.client.origins().get(service);
    let is_emulators = |key: &ApiKey| key.expose().starts_with(EMULATOR_KEY_PREFIX);
    if origin.is_loopback() && session.keys.iter().any(is_emulators) {
        format!("{origin}/_emulator/")
    } else {
        origin.to_string()
    }
}

/// Checks one product with one key after the other, until the answer is known.
fn check_keys(
    session: &Session,
    service: Service,
    path: &str,
) -> Result<(Vec<KeyCheck>, Option<Value>), Failure> {
    let mut checks: Vec<KeyCheck> = Vec::new();
    for (index, key) in session.keys.iter().enumerate().rev() {
        let (check, body) = check_key(session, service, path, index, key)?;
        let depends_on_key = check.verdict == Verdict::Rejects || may_be_accepted(check.status);
        let is_accepted = check.verdict == Verdict::Accepts;
        checks.push(check);
        // An answer that does not depend on the key would be the same for another one.
        if is_accepted || !depends_on_key {
            return Ok((checks, body));
        }
    }
    Ok((checks, None))
}

/// Checks one product with one key. Returns the answer's body too, if it is JSON.
fn check_key(
    session: &Session,
    service: Service,
    path: &str,
    index: usize,
    key: &ApiKey,
) -> Result<(KeyCheck, Option<Value>), Failure> {
    session.sign_with(std::slice::from_ref(key))?;
    let result = call::send(session, Draft::get(service, path));
    let status = match &result {
        Ok(response) => Some(response.status()),
        Err(error) => error.status(),
    };
    let read = result
        .and_then(|response| response.error_for_status())
        .and_then(|response| response.json::<Value>());
    let retry_after = read.as_ref().err().and_then(retry_after::of);
    let (verdict, failure, body) = match read {
        Ok(body) => (Verdict::Accepts, None, Some(body)),
        Err(error) if matches!(error.kind(), ErrorKind::Build | ErrorKind::Request) => {
            return Err(error.into());
        }
        Err(error) => {
            let verdict = match error.kind() {
                ErrorKind::Auth => Verdict::Rejects,
                ErrorKind::Transport(_) => Verdict::Unreachable,
                _ => Verdict::Unclear,
            };
            (verdict, Some(failure_of(session, error)), None)
        }
    };
    let check = KeyCheck {
        key: index,
        verdict,
        status,
        retry_after,
        failure,
    };
    Ok((check, body))
}

fn failure_of(session: &Session, error: Error) -> Failure {
    match (error.kind(), error.service(), error.status()) {
        // A gateway's page may have the status 200 too.
        (ErrorKind::Decode, Some(service), Some(status)) => Failure::new(
            ExitCode::Other,
            format!(
                "{} answered {status} with a body that is not JSON",
                service.product()
            ),
            "something between here and the vendor may have answered; check proxies and gateways",
        ),
        _ => session.failure(error),
    }
}

/// Reads `products` of the answer to `GET /user`: their ids, and if the account subscribes to each.
fn read_subscriptions(user: &Value) -> Option<Subscriptions> {
    let read = |product: &Value| {
        let id = product.get("id")?.as_str()?.to_owned();
        Some((id, product.get("subscribed")?.as_bool()?))
    };
    let products = user.get("products")?.as_array()?;
    Some(products.iter().filter_map(read).collect())
}

/// Returns `true` for an error status that shows that the product accepted the key, provided that it rejected
/// another key for the same request. The key ring has the same rule.
fn may_be_accepted(status: Option<StatusCode>) -> bool {
    status.is_some_and(|status| {
        status.is_client_error()
            && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 421 | 425 | 429)
    })
}

impl ProductCheck {
    /// Returns the index of the key that the product accepts.
    pub(super) fn accepted_key(&self) -> Option<usize> {
        let mut accepts = self.keys.iter();
        if let Some(check) = accepts.find(|check| check.verdict == Verdict::Accepts) {
            return Some(check.key);
        }
        let mut others = self
            .keys
            .iter()
            .filter(|check| check.verdict != Verdict::Rejects);
        match (others.next(), others.next()) {
            (Some(check), None) if self.keys.len() > 1 && may_be_accepted(check.status) => {
                Some(check.key)
            }
            _ => None,
        }
    }

    /// Returns the verdict on the product as a whole.
    pub(super) fn verdict(&self) -> Verdict {
        match self.decisive() {
            None => Verdict::NotSubscribed,
            Some(_) if self.accepted_key().is_some() => Verdict::Accepts,
            Some(check) => check.verdict,
        }
    }

    /// Returns the status of the decisive answer.
    pub(super) fn status(&self) -> Option<StatusCode> {
        self.decisive()?.status
    }

    /// Returns why the product accepts no key, as far as that is known.
    pub(super) fn failure(&self) -> Option<&Failure> {
        match self.accepted_key() {
            Some(_) => None,
            None => self.decisive()?.failure.as_ref(),
        }
    }

    /// Returns `true` if nothing says that the account subscribes to the product. LeadConduit also serves the
    /// account itself, so every account has an answer there.
    pub(super) fn may_be_unsubscribed(&self) -> bool {
        self.is_subscribed.is_none() && self.product != Product::LeadConduit
    }

    /// Returns `true` if a later check may succeed although nobody does anything.
    pub(super) fn is_transient(&self) -> bool {
        self.verdict() == Verdict::Unreachable
            || self
                .failure()
                .is_some_and(|failure| failure.code == ExitCode::TryLater)
    }

    /// Returns how long the product asks to wait, if a later check may succeed.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        if self.is_transient() {
            self.decisive()?.retry_after
        } else {
            None
        }
    }

    /// Says what an answer means that is not about a key.
    pub(super) fn describe_without_key(&self) -> String {
        match (self.verdict(), self.status()) {
            (Verdict::NotSubscribed, _) => "is not subscribed to".to_owned(),
            (Verdict::Unreachable, _) => "cannot be reached".to_owned(),
            (_, Some(StatusCode::FORBIDDEN)) if self.product == Product::TrustedForm => {
                "answered 403 Forbidden, for the key or for the account's plan".to_owned()
            }
            (_, Some(status)) => {
                let answer = format!("answered {status}, which says nothing about the key");
                match self.retry_after() {
                    Some(time) => format!("{answer}, and asks to wait {} s", time.as_secs()),
                    None => answer,
                }
            }
            (_, None) => "gave no clear answer".to_owned(),
        }
    }

    /// Returns the answer to the accepted key, or the last one.
    fn decisive(&self) -> Option<&KeyCheck> {
        match self.accepted_key() {
            Some(key) => self.keys.iter().find(|check| check.key == key),
            None => self.keys.last(),
        }
    }
}

/// Returns the key's label.
pub(super) fn label(key: &ApiKey) -> &str {
    key.label().unwrap_or("without a label")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A product's answers to two keys, the newest first: a status, or 401 for a known bad-key answer.
    fn check(answers: &[u16]) -> ProductCheck {
        let keys = (0..answers.len()).rev().zip(answers).map(|(key, status)| {
            let verdict = match status {
                200 => Verdict::Accepts,
                401 => Verdict::Rejects,
                0 => Verdict::Unreachable,
                _ => Verdict::Unclear,
            };
            let failure = || Failure::new(ExitCode::Other, "", "");
            KeyCheck {
                key,
                verdict,
                status: StatusCode::from_u16(*status).ok(),
                retry_after: None,
                failure: (verdict != Verdict::Accepts).then(failure),
            }
        });
        ProductCheck {
            product: Product::SuppressionList,
            is_subscribed: None,
            login_url: String::new(),
            keys: keys.collect(),
        }
    }

    #[test]
    fn a_key_is_accepted_if_its_answer_is_no_rejection_and_those_to_the_others_are() {
        for (answers, accepted, verdict) in [
            (&[200][..], Some(0), Verdict::Accepts),
            (&[401], None, Verdict::Rejects),
            (&[402], None, Verdict::Unclear),
            (&[401, 200], Some(0), Verdict::Accepts),
            (&[402, 401], Some(1), Verdict::Accepts),
            (&[401, 404], Some(0), Verdict::Accepts),
            (&[402, 402], None, Verdict::Unclear),
            (&[401, 403], None, Verdict::Unclear),
            (&[401, 429], None, Verdict::Unclear),
            (&[401, 0], None, Verdict::Unreachable),
            (&[401, 401], None, Verdict::Rejects),
            (&[], None, Verdict::NotSubscribed),
        ] {
            let check = check(answers);
            assert_eq!(
                (check.accepted_key(), check.verdict()),
                (accepted, verdict),
                "{answers:?}"
            );
            assert_eq!(
                check.failure().is_some(),
                accepted.is_none() && !answers.is_empty()
            );
        }
    }
}
