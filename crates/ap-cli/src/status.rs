//! `ap auth status`: which product takes the key.

use ap_core::{ApiKey, CallError, Product, Service};
use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::call::{self, Signing};
use crate::cli::Global;
use crate::exit::{FORBIDDEN, Failure, KEY, LATER, NOT_FOUND, OTHER, TRANSPORT, USAGE};
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::setup::Setup;

/// Where each product says whether it takes the key: reading these changes nothing. LeadConduit comes
/// first, because its answer says which products the account has.
const PROBES: [(Service, &str); 3] = [
    (Service::LeadConduit, "/user"),
    (Service::TrustedFormApp, "/account"),
    (Service::SuppressionList, "/lists"),
];

/// The exit codes from the worst on: a refused key is what this command looks for.
const WORST_FIRST: [u8; 7] = [KEY, TRANSPORT, FORBIDDEN, LATER, NOT_FOUND, OTHER, USAGE];

/// Whether a product takes the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Takes,
    Refuses,
    /// It answered something that says nothing about the key.
    Unclear,
    Unreachable,
    NotSubscribed,
}

/// What is said of one product; of these the JSON is made.
#[derive(Debug, Serialize)]
struct Line {
    product: &'static str,
    subscribed: Option<bool>,
    status: Verdict,
    /// The label of the key that the product takes, which with several may differ between products.
    key: Option<String>,
    http_status: Option<u16>,
    what_to_do: Option<String>,
    #[serde(skip)]
    name: Product,
    #[serde(skip)]
    code: u8,
}

#[derive(Serialize)]
struct Report<'a> {
    key: &'a str,
    products: &'a [Line],
}

pub(crate) fn run(global: &Global, json: bool) -> Result<Printed, Failure> {
    let mut setup = Setup::new(global)?;
    setup.unlock(Prompt::Allowed)?;
    let label = label(&setup, Product::LeadConduit);
    let lines = ask_all(&setup)?;
    let text = if json {
        output::json_line(&Report {
            key: &label,
            products: &lines,
        })?
    } else {
        table(&label, &lines)
    };
    let printed = output::print(text.as_bytes())?;
    let worst = WORST_FIRST
        .into_iter()
        .find(|code| lines.iter().any(|line| line.code == *code));
    match (worst, printed) {
        (Some(code), Printed::All) => Err(failure(code, &lines)),
        (_, printed) => Ok(printed),
    }
}

fn failure(code: u8, lines: &[Line]) -> Failure {
    let names: Vec<_> = lines
        .iter()
        .filter(|line| line.code == code)
        .map(|line| line.name.to_string())
        .collect();
    let names = names.join(", ");
    let happened = match code {
        KEY => format!("the key is refused by {names}"),
        TRANSPORT => format!("no answer from {names}"),
        _ => format!("no clear answer from {names}"),
    };
    Failure::new(
        code,
        happened,
        "what to do stands beside each product above",
    )
}

fn label(setup: &Setup, product: Product) -> String {
    let key = setup.client.keys().first(product);
    let label = key.as_ref().and_then(ApiKey::label);
    label.unwrap_or("without a label").to_owned()
}

fn ask_all(setup: &Setup) -> Result<Vec<Line>, Failure> {
    let mut subscriptions = Vec::new();
    let mut lines = Vec::new();
    for (service, path) in PROBES {
        let product = service.product();
        let known = |subscriptions: &[(String, bool)]| {
            let of_product = subscriptions.iter().find(|(id, _)| id == product.id());
            of_product.map(|(_, subscribed)| *subscribed)
        };
        let mut line = if known(&subscriptions) == Some(false) {
            Line::of(product, Verdict::NotSubscribed)
        } else {
            let (line, body) = ask(setup, service, path)?;
            if product == Product::LeadConduit {
                subscriptions = body
                    .as_ref()
                    .and_then(read_subscriptions)
                    .unwrap_or_default();
            }
            line
        };
        line.subscribed = known(&subscriptions);
        lines.push(line);
    }
    Ok(lines)
}

/// Asks one product. What it says of itself comes with it, when that is JSON.
fn ask(setup: &Setup, service: Service, path: &str) -> Result<(Line, Option<Value>), Failure> {
    let product = service.product();
    let request = setup.client.request(service, Method::GET, path);
    let request = request.map_err(|error| Failure::of_request(&error))?;
    let (verdict, status, failure, body) = match call::send(setup, request, Signing::Signed) {
        Ok(response) => {
            let (verdict, failure, body) = read(product, &response);
            (verdict, Some(response.status()), failure, body)
        }
        Err(error @ CallError::Request(_)) => return Err(Failure::of_call(&error)),
        Err(CallError::Auth(refusal)) => {
            let status = refusal.response().map(Response::status);
            let failure = Failure::of_call(&CallError::Auth(refusal));
            (Verdict::Refuses, status, Some(failure), None)
        }
        Err(error) => {
            let failure = Failure::of_call(&error);
            (Verdict::Unreachable, None, Some(failure), None)
        }
    };
    let mut line = Line::of(product, verdict);
    line.key = (verdict == Verdict::Takes).then(|| label(setup, product));
    line.http_status = status.map(|status| status.as_u16());
    line.code = failure.as_ref().map_or(0, |failure| failure.code);
    line.what_to_do = failure.map(|failure| failure.to_do);
    Ok((line, body))
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
fn read_subscriptions(user: &Value) -> Option<Vec<(String, bool)>> {
    let of_one = |product: &Value| {
        let id = product.get("id")?.as_str()?.to_owned();
        Some((id, product.get("subscribed")?.as_bool()?))
    };
    let products = user.get("products")?.as_array()?;
    Some(products.iter().filter_map(of_one).collect())
}

impl Line {
    fn of(name: Product, status: Verdict) -> Self {
        Self {
            product: name.id(),
            subscribed: None,
            status,
            key: None,
            http_status: None,
            what_to_do: None,
            name,
            code: 0,
        }
    }
}

fn table(label: &str, lines: &[Line]) -> String {
    let mut text = format!("key: {label}\n");
    for line in lines {
        let said = match line.status {
            Verdict::Takes => match &line.key {
                Some(key) if key != label => format!("takes the key ({key})"),
                _ => "takes the key".to_owned(),
            },
            Verdict::Refuses => "refuses the key".to_owned(),
            Verdict::Unclear => match line.http_status.and_then(|s| StatusCode::from_u16(s).ok()) {
                Some(status) => format!("answered {status}, which says nothing about the key"),
                None => "gave no clear answer".to_owned(),
            },
            Verdict::Unreachable => "cannot be reached".to_owned(),
            Verdict::NotSubscribed => "is not subscribed to".to_owned(),
        };
        text.push_str(&format!("{:<16} {said}\n", line.name));
        if let Some(to_do) = &line.what_to_do {
            text.push_str(&format!("{:<16} {to_do}\n", ""));
        }
    }
    text
}
