//! `ap auth status`: which product takes which key.

use ap_core::ApiKey;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::{self, BEHIND, Failure, KEY, TRANSPORT};
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::probe::{self, Look, Verdict};
use crate::setup::Setup;

/// What is said of one product; of these the JSON is made.
#[derive(Debug, Serialize)]
struct Line<'a> {
    product: &'static str,
    subscribed: Option<bool>,
    status: Verdict,
    /// The label of the key that the product takes.
    key: Option<&'a str>,
    /// Whether that is an older one than the newest.
    behind: bool,
    http_status: Option<u16>,
    what_to_do: Option<String>,
    keys: Vec<OfKey<'a>>,
    #[serde(skip)]
    code: u8,
}

/// What a product said to one key.
#[derive(Debug, Serialize)]
struct OfKey<'a> {
    key: &'a str,
    /// None if it was not asked, because it takes a newer one.
    status: Option<Verdict>,
}

#[derive(Serialize)]
struct Report<'a> {
    /// The newest.
    key: &'a str,
    /// Oldest first.
    keys: &'a [&'a str],
    behind: bool,
    products: &'a [Line<'a>],
}

pub(crate) fn run(global: &Global, json: bool) -> Result<Printed, Failure> {
    let mut setup = Setup::new(global)?;
    setup.unlock(Prompt::Allowed)?;
    let labels: Vec<&str> = setup.keys.iter().map(label).collect();
    let looks = probe::all(&setup, &mut Vec::new())?;
    let lines: Vec<_> = looks.iter().map(|look| line(look, &labels)).collect();
    let text = if json {
        output::json_line(&Report {
            key: labels.last().copied().unwrap_or_default(),
            keys: &labels,
            behind: lines.iter().any(|line| line.behind),
            products: &lines,
        })?
    } else {
        table(&labels, &looks, &lines)
    };
    let printed = output::print(text.as_bytes())?;
    match (exit::worst(lines.iter().map(|line| line.code)), printed) {
        (Some(code), Printed::All) => Err(failure(code, &looks, &lines)),
        (_, printed) => Ok(printed),
    }
}

pub(crate) fn label(key: &ApiKey) -> &str {
    key.label().unwrap_or("without a label")
}

fn failure(code: u8, looks: &[Look], lines: &[Line<'_>]) -> Failure {
    let names: Vec<_> = looks
        .iter()
        .zip(lines)
        .filter(|(_, line)| line.code == code)
        .map(|(look, _)| look.product.to_string())
        .collect();
    let names = names.join(", ");
    let happened = match code {
        KEY => format!("the key is refused by {names}"),
        TRANSPORT => format!("no answer from {names}"),
        BEHIND => format!("an older key is taken by {names}"),
        _ => format!("no clear answer from {names}"),
    };
    let to_do = "what to do stands beside each product above";
    Failure::new(code, happened, to_do)
}

fn line<'a>(look: &Look, labels: &[&'a str]) -> Line<'a> {
    let taken = look.taken();
    let behind = taken.is_some_and(|key| key + 1 < labels.len());
    let what_to_do = if behind {
        Some(format!(
            "log in to {} at {}, so that it takes the newest key",
            look.product, look.log_in_at
        ))
    } else {
        look.failure().map(|failure| failure.to_do.clone())
    };
    let of_key = |(number, key): (usize, &&'a str)| {
        let asked = look.asked.iter().find(|one| one.key == number);
        let status = asked.map(|one| match taken {
            Some(taken) if taken == number => Verdict::Takes,
            _ => one.verdict,
        });
        OfKey { key, status }
    };
    Line {
        product: look.product.id(),
        subscribed: look.subscribed,
        status: look.verdict(),
        key: taken.and_then(|key| labels.get(key).copied()),
        behind,
        http_status: look.status().map(|status| status.as_u16()),
        what_to_do,
        keys: labels.iter().enumerate().map(of_key).collect(),
        code: match look.failure() {
            Some(failure) => failure.code,
            None if behind => BEHIND,
            None => 0,
        },
    }
}

fn table(labels: &[&str], looks: &[Look], lines: &[Line<'_>]) -> String {
    let several = labels.len() > 1;
    let mut text = String::new();
    for (number, label) in (1..).zip(labels) {
        text.push_str(&match () {
            () if !several => format!("key: {label}\n"),
            () if number == labels.len() => format!("key {number}: {label} (the newest)\n"),
            () => format!("key {number}: {label}\n"),
        });
    }
    for (look, line) in looks.iter().zip(lines) {
        let said = match line.status {
            Verdict::Takes => match look.taken() {
                Some(key) if line.behind => {
                    format!("takes key {}, and not yet the newest", key + 1)
                }
                Some(key) if several => format!("takes key {}", key + 1),
                _ => "takes the key".to_owned(),
            },
            Verdict::Refuses if several => "refuses every key".to_owned(),
            Verdict::Refuses => "refuses the key".to_owned(),
            other => without_key(look, other),
        };
        text.push_str(&format!("{:<16} {said}\n", look.product));
        if let Some(to_do) = &line.what_to_do {
            text.push_str(&format!("{:<16} {to_do}\n", ""));
        }
    }
    text
}

/// What a product said that is not about a key.
pub(crate) fn without_key(look: &Look, verdict: Verdict) -> String {
    match (verdict, look.status()) {
        (Verdict::NotSubscribed, _) => "is not subscribed to".to_owned(),
        (Verdict::Unreachable, _) => "cannot be reached".to_owned(),
        (_, Some(status)) => format!("answered {status}, which says nothing about the key"),
        (_, None) => "gave no clear answer".to_owned(),
    }
}
