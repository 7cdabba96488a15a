//! `ap auth`: store a key, ask each product whether it takes it, forget it.

use ap_core::{CallError, Product, Service};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::cli::{Auth, Global};
use crate::exit::{FORBIDDEN, Failure, KEY, LATER, NOT_FOUND, OTHER, TRANSPORT};
use crate::keys::{self, Prompt};
use crate::output::{self, Printed};
use crate::setup::Setup;

pub(crate) fn run(global: &Global, auth: &Auth) -> Result<Printed, Failure> {
    match auth {
        Auth::Login => login(),
        Auth::Logout => logout(),
        Auth::Status { json } => status(global, *json),
    }
}

fn login() -> Result<Printed, Failure> {
    let path = keys::file_path()?;
    let key = keys::ask_or_read()?;
    keys::store(&path, &key)?;
    eprintln!("ap: the key is stored in {}", path.display());
    if std::env::var_os(keys::VARIABLE).is_some_and(|value| !value.is_empty()) {
        eprintln!(
            "    {} is set and comes first: unset it to use the file",
            keys::VARIABLE
        );
    }
    Ok(Printed::All)
}

fn logout() -> Result<Printed, Failure> {
    let path = keys::file_path()?;
    if keys::forget(&path)? {
        eprintln!("ap: the key in {} is forgotten", path.display());
    } else {
        eprintln!("ap: there was no key in {}", path.display());
    }
    if std::env::var_os(keys::VARIABLE).is_some_and(|value| !value.is_empty()) {
        eprintln!("    {} is still set", keys::VARIABLE);
    }
    Ok(Printed::All)
}

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

#[derive(Debug, Serialize)]
struct Line {
    product: &'static str,
    subscribed: Option<bool>,
    status: Verdict,
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

/// Where each product says whether it takes the key: reading these changes nothing.
const PROBES: [(Service, &str); 3] = [
    (Service::LeadConduit, "/user"),
    (Service::TrustedFormApp, "/account"),
    (Service::SuppressionList, "/lists"),
];

fn status(global: &Global, json: bool) -> Result<Printed, Failure> {
    let setup = Setup::with_keys(global, Prompt::Allowed)?;
    let mut subscribed: Option<Vec<(String, bool)>> = None;
    let mut lines = Vec::new();
    for (service, path) in PROBES {
        let product = service.product();
        let of_product = subscribed.as_ref().and_then(|known| {
            known
                .iter()
                .find(|(id, _)| id == product.id())
                .map(|(_, subscribed)| *subscribed)
        });
        let line = if of_product == Some(false) {
            Line::new(product, of_product, Verdict::NotSubscribed, None, None)
        } else {
            let (line, body) = ask(&setup, service, path, of_product)?;
            if product == Product::LeadConduit {
                subscribed = body.as_ref().and_then(subscriptions);
            }
            line
        };
        lines.push(line);
    }
    if let (Some(known), Some(first)) = (&subscribed, lines.first_mut()) {
        first.subscribed = known
            .iter()
            .find(|(id, _)| id == first.product)
            .map(|(_, is)| *is);
    }

    let key = setup.client.keys().first(Product::LeadConduit);
    let label = key
        .as_ref()
        .and_then(ap_core::ApiKey::label)
        .unwrap_or("without a label");
    let text = if json {
        let report = Report {
            key: label,
            products: &lines,
        };
        serde_json::to_string_pretty(&report)
            .map_err(|_| Failure::new(OTHER, "the report cannot be written as JSON", ""))?
            + "\n"
    } else {
        table(label, &lines)
    };
    let printed = output::print(text.as_bytes())?;
    // The worst first: a refused key is what this command looks for.
    let worst = [KEY, TRANSPORT, FORBIDDEN, LATER, NOT_FOUND, OTHER]
        .into_iter()
        .find(|code| lines.iter().any(|line| line.code == *code));
    match (worst, printed) {
        (Some(code), Printed::All) => {
            let names: Vec<_> = lines
                .iter()
                .filter(|line| line.code == code)
                .map(|line| line.name.to_string())
                .collect();
            let happened = match code {
                KEY => format!("the key is refused by {}", names.join(", ")),
                TRANSPORT => format!("no answer from {}", names.join(", ")),
                _ => format!("no clear answer from {}", names.join(", ")),
            };
            Err(Failure::new(
                code,
                happened,
                "what to do stands beside each product above",
            ))
        }
        (_, printed) => Ok(printed),
    }
}

impl Line {
    fn new(
        name: Product,
        subscribed: Option<bool>,
        status: Verdict,
        http_status: Option<StatusCode>,
        failure: Option<Failure>,
    ) -> Self {
        let code = failure.as_ref().map_or(0, |failure| failure.code);
        Self {
            product: name.id(),
            subscribed,
            status,
            http_status: http_status.map(|status| status.as_u16()),
            what_to_do: failure.map(|failure| failure.to_do),
            name,
            code,
        }
    }
}

fn ask(
    setup: &Setup,
    service: Service,
    path: &str,
    subscribed: Option<bool>,
) -> Result<(Line, Option<Value>), Failure> {
    let product = service.product();
    let request = setup.client.request(service, Method::GET, path);
    let request = request.map_err(|error| Failure::of_request(&error))?;
    Ok(match setup.client.send(request) {
        Ok(response) => {
            let status = response.status();
            let failure = Failure::of_status(product, status, response.body());
            let takes = if failure.is_none() {
                Verdict::Takes
            } else {
                Verdict::Unclear
            };
            let body = failure
                .is_none()
                .then(|| serde_json::from_slice(response.body()).ok());
            (
                Line::new(product, subscribed, takes, Some(status), failure),
                body.flatten(),
            )
        }
        Err(error @ CallError::Request(_)) => return Err(Failure::of_call(&error)),
        Err(error) => {
            let (takes, status) = match &error {
                CallError::Auth(refusal) => (
                    Verdict::Refuses,
                    refusal.response().map(http::Response::status),
                ),
                _ => (Verdict::Unreachable, None),
            };
            (
                Line::new(
                    product,
                    subscribed,
                    takes,
                    status,
                    Some(Failure::of_call(&error)),
                ),
                None,
            )
        }
    })
}

/// The `products` of the answer to `GET /user`: ids, and whether the account subscribes.
fn subscriptions(user: &Value) -> Option<Vec<(String, bool)>> {
    let of_one = |product: &Value| {
        Some((
            product["id"].as_str()?.to_owned(),
            product["subscribed"].as_bool().unwrap_or(true),
        ))
    };
    Some(
        user["products"]
            .as_array()?
            .iter()
            .filter_map(of_one)
            .collect(),
    )
}

fn table(label: &str, lines: &[Line]) -> String {
    let mut text = format!("key: {label}\n");
    for line in lines {
        let said = match line.status {
            Verdict::Takes => "takes the key".to_owned(),
            Verdict::Refuses => "refuses the key".to_owned(),
            Verdict::Unclear => match line.http_status {
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
