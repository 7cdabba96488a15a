//! Asks each product which of the keys it takes, the newest first: after a reset that is the one it
//! should take.

use ap_core::{ApiKey, CallError, Product, Service};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::call::{self, Signing};
use crate::exit::{Failure, LATER, OTHER};
use crate::setup::Setup;

/// Where each product says whether it takes the key: reading these changes nothing. LeadConduit comes
/// first, because its answer says which products the account has.
const PROBES: [(Service, &str); 3] = [
    (Service::LeadConduit, "/user"),
    (Service::TrustedFormApp, "/account"),
    (Service::SuppressionList, "/lists"),
];

/// Whether a product takes a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Takes,
    Refuses,
    /// It answered something that says nothing about the key.
    Unclear,
    Unreachable,
    NotSubscribed,
}

/// What a product said to one key.
#[derive(Debug)]
pub(crate) struct Asked {
    pub key: usize,
    pub verdict: Verdict,
    pub status: Option<StatusCode>,
    pub failure: Option<Failure>,
}

/// What one product said.
#[derive(Debug)]
pub(crate) struct Look {
    pub product: Product,
    pub subscribed: Option<bool>,
    /// Where somebody logs in, so that the product takes the newest key.
    pub log_in_at: String,
    /// What it said to each key that it was asked with, the newest first.
    pub asked: Vec<Asked>,
}

/// Which products the account has, by id, as far as it is known.
pub(crate) type Subscriptions = Vec<(String, bool)>;

/// Asks every product with the client's keys, which are as before afterwards.
pub(crate) fn all(setup: &Setup, subscriptions: &mut Subscriptions) -> Result<Vec<Look>, Failure> {
    let mut looks = Vec::new();
    for (service, path) in PROBES {
        let product = service.product();
        let known = |subscriptions: &Subscriptions| {
            let of_product = subscriptions.iter().find(|(id, _)| id == product.id());
            of_product.map(|(_, subscribed)| *subscribed)
        };
        let mut asked = Vec::new();
        // LeadConduit itself is asked all the same: what it said last may have changed.
        if product == Product::LeadConduit || known(subscriptions) != Some(false) {
            let (answers, body) = ask_with_each(setup, service, path)?;
            asked = answers;
            if product == Product::LeadConduit
                && let Some(said) = body.as_ref().and_then(read_subscriptions)
            {
                *subscriptions = said;
            }
        }
        looks.push(Look {
            product,
            subscribed: known(subscriptions),
            log_in_at: setup.client.origins().get(service).as_str().to_owned(),
            asked,
        });
    }
    setup.sign_with(&setup.keys)?;
    Ok(looks)
}

fn ask_with_each(
    setup: &Setup,
    service: Service,
    path: &str,
) -> Result<(Vec<Asked>, Option<Value>), Failure> {
    let mut asked: Vec<Asked> = Vec::new();
    for (number, key) in setup.keys.iter().enumerate().rev() {
        let (answer, body) = ask(setup, service, path, number, key)?;
        let is_told_apart = answer.verdict == Verdict::Refuses || has_passed(answer.status);
        let takes = answer.verdict == Verdict::Takes;
        asked.push(answer);
        // Where no key can be told from another, another one tells no more.
        if takes || !is_told_apart {
            return Ok((asked, body));
        }
    }
    Ok((asked, None))
}

/// Asks one product with one key. What it says of itself comes with it, when that is JSON.
fn ask(
    setup: &Setup,
    service: Service,
    path: &str,
    number: usize,
    key: &ApiKey,
) -> Result<(Asked, Option<Value>), Failure> {
    let product = service.product();
    setup.sign_with(std::slice::from_ref(key))?;
    let request = setup.client.request(service, Method::GET, path);
    let request = request.map_err(|error| Failure::of_request(&error))?;
    let (verdict, status, failure, body) = match call::send(setup, request, Signing::Signed) {
        Ok(response) => {
            let (verdict, failure, body) = read(product, &response);
            (verdict, Some(response.status()), failure, body)
        }
        Err(error @ CallError::Request(_)) => return Err(Failure::of_call(product, &error)),
        Err(CallError::Auth(refusal)) => {
            let status = refusal.response().map(Response::status);
            let failure = Failure::of_call(product, &CallError::Auth(refusal));
            (Verdict::Refuses, status, Some(failure), None)
        }
        Err(error) => {
            let failure = Failure::of_call(product, &error);
            (Verdict::Unreachable, None, Some(failure), None)
        }
    };
    let asked = Asked {
        key: number,
        verdict,
        status,
        failure,
    };
    Ok((asked, body))
}

fn read(product: Product, response: &Response<Bytes>) -> (Verdict, Option<Failure>, Option<Value>) {
    let status = response.status();
    if let Some(failure) = Failure::of_status(product, status, response.body()) {
        return (Verdict::Unclear, Some(failure), None);
    }
    match serde_json::from_slice(response.body()) {
        Ok(body) => (Verdict::Takes, None, Some(body)),
        // A page of a gateway says 200 as well.
        Err(_) => {
            let failure = Failure::new(
                OTHER,
                format!("{product} answered {status} with something that is not JSON"),
                "something between here and the vendor may have answered: check proxies and gateways",
            );
            (Verdict::Unclear, Some(failure), None)
        }
    }
}

/// The `products` of the answer to `GET /user`: ids, and whether the account subscribes. One that says
/// nothing of the kind is asked.
fn read_subscriptions(user: &Value) -> Option<Subscriptions> {
    let of_one = |product: &Value| {
        let id = product.get("id")?.as_str()?.to_owned();
        Some((id, product.get("subscribed")?.as_bool()?))
    };
    let products = user.get("products")?.as_array()?;
    Some(products.iter().filter_map(of_one).collect())
}

/// Whether an answer that is no success shows all the same that the key was looked at and taken, if the
/// same request with another one was refused: the ring's own rule.
fn has_passed(status: Option<StatusCode>) -> bool {
    status.is_some_and(|status| {
        status.is_client_error()
            && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 421 | 425 | 429)
    })
}

impl Look {
    /// The key that the product takes, by its place in the list.
    pub(crate) fn taken(&self) -> Option<usize> {
        let takes = self.asked.iter().find(|one| one.verdict == Verdict::Takes);
        if let Some(one) = takes {
            return Some(one.key);
        }
        let mut others = self
            .asked
            .iter()
            .filter(|one| one.verdict != Verdict::Refuses);
        match (others.next(), others.next()) {
            (Some(one), None) if self.asked.len() > 1 && has_passed(one.status) => Some(one.key),
            _ => None,
        }
    }

    /// What there is to say of the product as a whole.
    pub(crate) fn verdict(&self) -> Verdict {
        match self.decisive() {
            None => Verdict::NotSubscribed,
            Some(_) if self.taken().is_some() => Verdict::Takes,
            Some(one) => one.verdict,
        }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.decisive()?.status
    }

    /// Why the product takes no key, as far as anybody can tell.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self.taken() {
            Some(_) => None,
            None => self.decisive()?.failure.as_ref(),
        }
    }

    /// Whether asking again may well bring another answer, without anybody's doing.
    pub(crate) fn is_away(&self) -> bool {
        self.verdict() == Verdict::Unreachable
            || self.failure().is_some_and(|failure| failure.code == LATER)
    }

    /// The answer that counts: of the key that is taken, else the last one.
    fn decisive(&self) -> Option<&Asked> {
        match self.taken() {
            Some(key) => self.asked.iter().find(|one| one.key == key),
            None => self.asked.last(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a product says to two keys, the newest first: a status, 401 for a known bad-key answer.
    fn look(answers: &[u16]) -> Look {
        let asked = (0..answers.len()).rev().zip(answers).map(|(key, status)| {
            let verdict = match status {
                200 => Verdict::Takes,
                401 => Verdict::Refuses,
                0 => Verdict::Unreachable,
                _ => Verdict::Unclear,
            };
            let failed = || Failure::new(OTHER, "", "");
            Asked {
                key,
                verdict,
                status: StatusCode::from_u16(*status).ok(),
                failure: (verdict != Verdict::Takes).then(failed),
            }
        });
        Look {
            product: Product::SuppressionList,
            subscribed: None,
            log_in_at: String::new(),
            asked: asked.collect(),
        }
    }

    #[test]
    fn a_key_is_taken_if_its_answer_is_no_refusal_and_that_of_the_others_is() {
        for (answers, taken, verdict) in [
            (&[200][..], Some(0), Verdict::Takes),
            (&[401], None, Verdict::Refuses),
            (&[402], None, Verdict::Unclear),
            (&[401, 200], Some(0), Verdict::Takes),
            (&[402, 401], Some(1), Verdict::Takes),
            (&[401, 404], Some(0), Verdict::Takes),
            (&[402, 402], None, Verdict::Unclear),
            (&[401, 403], None, Verdict::Unclear),
            (&[401, 429], None, Verdict::Unclear),
            (&[401, 0], None, Verdict::Unreachable),
            (&[401, 401], None, Verdict::Refuses),
            (&[], None, Verdict::NotSubscribed),
        ] {
            let look = look(answers);
            assert_eq!(
                (look.taken(), look.verdict()),
                (taken, verdict),
                "{answers:?}"
            );
            assert_eq!(
                look.failure().is_some(),
                taken.is_none() && !answers.is_empty()
            );
        }
    }
}
