//! [`Query`]: the parameters of a request's query.

use http::Uri;
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::resource::Refusal;
use crate::rules::{Rule, RuleText};

/// The parameters of a request. A list repeats its name, with or without `[]`.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(uri: &Uri) -> Result<Self, Refusal> {
        let query = uri.query().unwrap_or_default();
        let pairs = serde_html_form::from_str(query);
        pairs
            .map(Self)
            .map_err(|_| Refusal::bad_request("the query is not valid"))
    }

    pub(super) fn get<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.0.iter();
        let pairs = pairs.filter(move |(own, _)| own.strip_suffix("[]").unwrap_or(own) == name);
        pairs
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.all(name).map(str::to_owned).collect()
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let number = self.get(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::bad_request(format!("{name} is not a whole number")))
    }

    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        self.get(name).map(|text| time(name, text)).transpose()
    }

    /// Returns the rules of a parameter that can be repeated, each as JSON.
    pub(super) fn rules(&self, name: &str) -> Result<Rule, Refusal> {
        let texts = self.all(name).map(serde_json::from_str::<RuleText>);
        let texts: Result<Vec<_>, _> = texts.collect();
        let texts =
            texts.map_err(|_| Refusal::bad_request(format!("a {name} is not JSON of a rule")))?;
        Rule::compile_all(&texts).map_err(Refusal::bad_request)
    }
}

/// Parses a time. One without an offset is in UTC.
pub(super) fn time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let in_utc = || {
        let time: civil::DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(time).ok()
    };
    let parsed = text.parse().ok().or_else(in_utc);
    parsed.ok_or_else(|| {
        Refusal::bad_request(format!(
            "{name} is not a time, for example 2026-11-25T00:00:00Z"
        ))
    })
}
