//! `ap auth status`: shows which product accepts which key.

use serde::Serialize;

use super::product_check::{self, ProductCheck, Verdict, label};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::{self, Printed};
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The JSON that is printed.
#[derive(Serialize)]
struct Report<'a> {
    /// The newest key.
    key: &'a str,
    /// Oldest first.
    keys: &'a [&'a str],
    behind: bool,
    products: &'a [ProductReport<'a>],
}

/// What is printed about one product.
#[derive(Debug, Serialize)]
struct ProductReport<'a> {
    product: &'static str,
    subscribed: Option<bool>,
    status: Verdict,
    /// The label of the key that the product accepts.
    key: Option<&'a str>,
    /// If that is an older key than the newest.
    behind: bool,
    http_status: Option<u16>,
    what_to_do: Option<String>,
    keys: Vec<KeyReport<'a>>,
    #[serde(skip)]
    code: Option<ExitCode>,
}

/// A product's answer to one key.
#[derive(Debug, Serialize)]
struct KeyReport<'a> {
    key: &'a str,
    /// `None` if the product was not asked, because it accepts a newer key.
    status: Option<Verdict>,
}

pub(super) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    let mut session = Session::without_keys(options)?;
    session.find_keys(Prompt::Allowed)?;
    let labels: Vec<&str> = session.keys.iter().map(label).collect();
    let checks = product_check::check_products(&session, &mut Vec::new())?;
    let products: Vec<_> = checks.iter().map(|check| report(check, &labels)).collect();
    let text = if args.json {
        output::json_line(&Report {
            key: labels.last().copied().unwrap_or_default(),
            keys: &labels,
            behind: products.iter().any(|product| product.behind),
            products: &products,
        })?
    } else {
        table(&labels, &checks, &products)
    };
    let printed = output::print(text.as_bytes())?;
    let code = ExitCode::most_serious(products.iter().filter_map(|product| product.code));
    match (code, printed) {
        (Some(code), Printed::All) => Err(failure(code, &checks, &products)),
        (_, printed) => Ok(printed),
    }
}

fn failure(code: ExitCode, checks: &[ProductCheck], products: &[ProductReport<'_>]) -> Failure {
    let names: Vec<_> = checks
        .iter()
        .zip(products)
        .filter(|(_, product)| product.code == Some(code))
        .map(|(check, _)| check.product.to_string())
        .collect();
    let names = names.join(", ");
    let message = match code {
        ExitCode::NoAcceptedKey => format!("the key is rejected by {names}"),
        ExitCode::Transport => format!("no answer from {names}"),
        ExitCode::Behind => format!("an older key is accepted by {names}"),
        _ => format!("no clear answer from {names}"),
    };
    Failure::new(code, message, "what to do is shown for each product above")
}

fn report<'a>(check: &ProductCheck, labels: &[&'a str]) -> ProductReport<'a> {
    let accepted = check.accepted_key();
    let behind = accepted.is_some_and(|key| key + 1 < labels.len());
    let what_to_do = if behind {
        Some(format!(
            "log in to {} at {}, so that it accepts the newest key",
            check.product, check.login_url
        ))
    } else {
        check.failure().map(|failure| failure.hint.clone())
    };
    let keys = labels.iter().enumerate().map(|(index, key)| {
        let asked = check.keys.iter().find(|asked| asked.key == index);
        let status = asked.map(|asked| match accepted {
            Some(accepted) if accepted == index => Verdict::Accepts,
            _ => asked.verdict,
        });
        KeyReport { key, status }
    });
    ProductReport {
        product: check.product.id(),
        subscribed: check.is_subscribed,
        status: check.verdict(),
        key: accepted.and_then(|key| labels.get(key).copied()),
        behind,
        http_status: check.status().map(|status| status.as_u16()),
        what_to_do,
        keys: keys.collect(),
        code: match check.failure() {
            Some(failure) => Some(failure.code),
            None => behind.then_some(ExitCode::Behind),
        },
    }
}

fn table(labels: &[&str], checks: &[ProductCheck], products: &[ProductReport<'_>]) -> String {
    let has_several = labels.len() > 1;
    let mut text = String::new();
    for (number, label) in (1..).zip(labels) {
        text.push_str(&match () {
            () if !has_several => format!("key: {label}\n"),
            () if number == labels.len() => format!("key {number}: {label} (the newest)\n"),
            () => format!("key {number}: {label}\n"),
        });
    }
    for (check, product) in checks.iter().zip(products) {
        let description = match product.status {
            Verdict::Accepts => match check.accepted_key() {
                Some(key) if product.behind => {
                    format!("accepts key {}, and not yet the newest", key + 1)
                }
                Some(key) if has_several => format!("accepts key {}", key + 1),
                _ => "accepts the key".to_owned(),
            },
            Verdict::Rejects if has_several => "rejects every key".to_owned(),
            Verdict::Rejects => "rejects the key".to_owned(),
            _ => check.describe_without_key(),
        };
        text.push_str(&format!("{:<16} {description}\n", check.product));
        if let Some(what_to_do) = &product.what_to_do {
            text.push_str(&format!("{:<16} {what_to_do}\n", ""));
        }
    }
    text
}
