//! The example calls: `xtask/openapi/calls.txt`, one a line.
//!
//! ```text
//! PRODUCT METHOD PATH [NAME:VALUE] [BODY] [-> NAME=POINTER]
//! ```
//!
//! A header has no spaces. `{NAME}` in a path or a body is a value from an earlier answer, found there by its JSON
//! pointer.

use std::collections::BTreeMap;

use ap_client::ap_core::{Draft, Service};
use ap_client::{Blocking, Client};
use ap_emulator::Product;
use http::Method;
use serde_json::Value;

/// A call, as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The number of its line.
    pub(crate) line: usize,
    pub(crate) product: Product,
    pub(crate) method: String,
    /// With the query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    body: String,
    /// The names of values in the answer, with their JSON pointers.
    values: Vec<(String, String)>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(&self.body).map_err(|error| format!("the body is not JSON: {error}"))
    }
}

/// Values from earlier answers, by their names.
pub(crate) type Values = BTreeMap<String, String>;

/// Reads the calls.
pub(crate) fn parse(text: &str) -> Result<Vec<Call>, String> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()));
    let calls = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    calls
        .map(|(line, text)| {
            parse_call(line, text).ok_or_else(|| format!("line {line} is not a call"))
        })
        .collect()
}

fn parse_call(line: usize, text: &str) -> Option<Call> {
    let (call, values) = text.rsplit_once(" -> ").unwrap_or((text, ""));
    let mut rest = call.trim();
    let product = next_word(&mut rest)?.parse().ok()?;
    let method = next_word(&mut rest)?.to_owned();
    let target = next_word(&mut rest)?;
    let mut headers = Vec::new();
    while !rest.is_empty() && !rest.starts_with(['{', '[', '"']) {
        let (name, value) = next_word(&mut rest)?.split_once(':')?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    let values = values.split_whitespace().map(|value| {
        let (name, pointer) = value.split_once('=')?;
        Some((name.to_owned(), pointer.to_owned()))
    });
    target.starts_with('/').then_some(Call {
        line,
        product,
        method,
        target: target.to_owned(),
        headers,
        body: rest.to_owned(),
        values: values.collect::<Option<_>>()?,
    })
}

fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
    *rest = after.trim_start();
    (!word.is_empty()).then_some(word)
}

impl Call {
    /// Returns the path without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Makes the call, and keeps the values of its answer that later calls need.
    pub(crate) fn send(
        &self,
        client: &Client<Blocking>,
        values: &mut Values,
    ) -> Result<Answer, String> {
        let draft = self.draft(values)?;
        let response = client.send(draft).map_err(|error| error.to_string())?;
        let answer = Answer {
            status: response.status().as_u16(),
            body: response.bytes().to_vec(),
        };
        for (name, pointer) in &self.values {
            let json = answer.json()?;
            let value = json.pointer(pointer).ok_or_else(|| {
                format!(
                    "status {}: the answer has nothing at {pointer}",
                    answer.status
                )
            })?;
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            values.insert(name.clone(), value);
        }
        Ok(answer)
    }

    fn draft(&self, values: &Values) -> Result<Draft, String> {
        let service = match self.product {
            Product::TrustedForm if self.path() == "/account" => Service::TrustedFormApp,
            product => product.main_service(),
        };
        let method =
            Method::from_bytes(self.method.as_bytes()).map_err(|error| error.to_string())?;
        let target = fill(&self.target, values);
        if target.contains('{') {
            return Err(format!("no earlier answer has the value for {target}"));
        }
        let mut draft = Draft::new(service, method, target);
        for (name, value) in &self.headers {
            draft = draft.header(name.as_str(), value.as_str());
        }
        if !self.body.is_empty() {
            draft = draft
                .header("content-type", "application/json")
                .body(fill(&self.body, values));
        }
        Ok(draft)
    }
}

fn fill(text: &str, values: &Values) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use ap_emulator::Product;

    use super::{Values, fill, parse};

    #[test]
    fn a_line_is_a_call() {
        let text = "# a comment\n\nlcx POST /flows?a=b Api-Version:4.0 {\"a\": \"b c\"} -> flow=/id name=/a/0\nlcx GET /flows/{flow}\n";
        let calls = parse(text).unwrap();
        assert_eq!(calls.len(), 2);
        let call = &calls[0];
        assert_eq!((call.line, call.product), (3, Product::LeadConduit));
        assert_eq!(
            (call.path(), call.body.as_str()),
            ("/flows", "{\"a\": \"b c\"}")
        );
        assert_eq!(call.headers, [("Api-Version".to_owned(), "4.0".to_owned())]);
        assert_eq!(call.values.len(), 2);
        let values = Values::from([("flow".to_owned(), "x1".to_owned())]);
        assert_eq!(fill(&calls[1].target, &values), "/flows/x1");
        for wrong in [
            "lcx GET",
            "lcx GET flows",
            "nowhere GET /flows",
            "lcx GET /a b",
            "lcx GET /a -> b",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
