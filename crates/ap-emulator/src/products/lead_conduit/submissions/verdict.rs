//! [`Verdict`]: the answer to a submission, a ping or feedback, in the form that the client accepts.

use super::{Refusal, plain_text};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{StatusCode, header};
use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::body::TYPES;
use crate::response::{self, Response};
use crate::scalar;
use crate::state::events::event::Outcome;

/// The answer to a submission, a ping or feedback.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    /// The members of the lead, which pings do not have.
    pub(super) lead: Vec<(&'static str, String)>,
    pub(super) price: Option<f64>,
    /// The reason is written even if there is none.
    pub(super) has_null_reason: bool,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Xml,
    TextXml,
    /// JSON, under the type of a form.
    Urlencoded,
}

impl Form {
    /// Chooses the form by `Accept`, or returns the response that refuses it.
    pub(super) fn accepted(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut ranges: Vec<(f32, String)> = Vec::new();
        for line in headers.get_all(header::ACCEPT) {
            for range in line.to_str().unwrap_or_default().split(',') {
                let mut parts = range.split(';').map(str::trim);
                let name = parts.next().unwrap_or_default().to_ascii_lowercase();
                let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
                ranges.push((weight.unwrap_or(1.0), name));
            }
        }
        if ranges.is_empty() {
            return Ok(Self::Json);
        }
        ranges.retain(|(weight, _)| *weight > 0.0);
        ranges.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let form = ranges.iter().find_map(|(_, range)| match range.as_str() {
            "*/*" | "application/*" | "application/json" => Some(Self::Json),
            "application/xml" => Some(Self::Xml),
            "text/xml" | "text/*" => Some(Self::TextXml),
            "application/x-www-form-urlencoded" => Some(Self::Urlencoded),
            _ => None,
        });
        form.ok_or_else(|| {
            let reason = format!(
                "Not capable of generating content according to the Accept header. Use one of {}.",
                TYPES.join(", ")
            );
            plain_text(StatusCode::NOT_ACCEPTABLE, reason)
        })
    }
}

impl Verdict {
    pub(super) fn response(&self, status: StatusCode, form: Form) -> Response {
        let content_type = match form {
            Form::Json => return response::json(status, &self.to_json()),
            Form::Urlencoded => {
                let mut response = response::json(status, &self.to_json());
                let content_type = HeaderValue::from_static(TYPES[0]);
                response.headers_mut().insert(CONTENT_TYPE, content_type);
                return response;
            }
            Form::Xml => "application/xml; charset=utf-8",
            Form::TextXml => "text/xml; charset=utf-8",
        };
        response::with_type(status, content_type, self.to_xml())
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("outcome".to_owned(), self.outcome.name().into());
        if self.reason.is_some() || self.has_null_reason {
            members.insert("reason".to_owned(), self.reason.clone().into());
        }
        if !self.lead.is_empty() {
            let lead = self.lead.iter();
            let lead = lead.map(|(name, value)| ((*name).to_owned(), value.clone().into()));
            members.insert("lead".to_owned(), Value::Object(lead.collect()));
        }
        if let Some(price) = self.price {
            members.insert("price".to_owned(), scalar::number(price));
        }
        Value::Object(members)
    }

    fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\"?>\n<result>");
        let mut add = |name: &str, content: &str| {
            xml.push_str(&format!("<{name}>{content}</{name}>"));
        };
        add("outcome", self.outcome.name());
        if let Some(reason) = &self.reason {
            add("reason", &escape(reason.as_str()));
        }
        if !self.lead.is_empty() {
            let lead = self.lead.iter();
            let lead: String = lead
                .map(|(name, value)| format!("<{name}>{}</{name}>", escape(value.as_str())))
                .collect();
            add("lead", &lead);
        }
        if let Some(price) = self.price {
            add("price", &scalar::number(price).to_string());
        }
        xml + "</result>"
    }
}
