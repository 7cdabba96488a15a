//! [`read`]: the fields of a submission or of feedback, from the query and from a form, JSON or XML.

use super::{Refusal, plain_text};
use std::collections::BTreeMap;

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};
use quick_xml::events::{BytesStart, Event as XmlEvent};
use quick_xml::{Reader, XmlVersion};
use serde_json::Value;

use crate::json_object::{JsonObject, ParseError};

/// The media types of bodies and of responses.
pub(super) const TYPES: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "application/xml",
    "text/xml",
];

/// The fields, by name. What is nested has a name with dots.
pub(super) type Fields = BTreeMap<String, String>;

/// Reads the fields. The query wins over the body.
pub(super) fn read(query: &str, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let mut fields = match body.is_empty() {
        true => Fields::new(),
        false => read_body(headers, body)?,
    };
    fields.extend(read_form(query.as_bytes())?);
    let is_nested = |name: &String| {
        let below = format!("{name}.");
        let next = fields.range(below.clone()..).next();
        next.is_some_and(|(other, _)| other.starts_with(&below))
    };
    if let Some(name) = fields.keys().find(|name| is_nested(name)) {
        let short = name.get(..64).unwrap_or("a field");
        let reason = format!("Unable to parse body -- TypeError: {short} is a value and an object");
        return Err(plain_text(StatusCode::BAD_REQUEST, reason));
    }
    Ok(fields)
}

fn read_body(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let Some(content_type) = headers.get(CONTENT_TYPE) else {
        let reason = "Content-Type header is required".to_owned();
        return Err(plain_text(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
    };
    let content_type = content_type.to_str().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    match media_type.to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => read_form(body),
        "application/json" => read_json(body),
        "application/xml" | "text/xml" => read_xml(body).ok_or_else(|| {
            let reason =
                "Body does not contain XML or XML is unparseable -- it has no whole root element";
            plain_text(StatusCode::BAD_REQUEST, reason.to_owned())
        }),
        _ => {
            let reason = format!(
                "MIME type in Content-Type header is not supported. Use only {}.",
                TYPES.join(", ")
            );
            Err(plain_text(StatusCode::NOT_ACCEPTABLE, reason))
        }
    }
}

/// Of several values with one name, the first counts.
fn read_form(form: &[u8]) -> Result<Fields, Refusal> {
    let pairs: Vec<(String, String)> = serde_html_form::from_bytes(form).map_err(|_| {
        let reason = "Unable to parse body -- the form is not valid".to_owned();
        plain_text(StatusCode::BAD_REQUEST, reason)
    })?;
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.entry(name).or_insert(value);
    }
    Ok(fields)
}

fn read_json(body: &[u8]) -> Result<Fields, Refusal> {
    let refuse = |what: &str| {
        let reason = format!("Unable to parse JSON -- {what}");
        plain_text(StatusCode::BAD_REQUEST, reason)
    };
    // Line ends inside of a text are not JSON, and the vendor accepts them.
    let without_line_ends: Vec<u8>;
    let mut members = JsonObject::parse(body);
    if members == Err(ParseError::NotJson) {
        let is_kept = |byte: &u8| !matches!(byte, b'\r' | b'\n' | b'\t');
        without_line_ends = body.iter().copied().filter(is_kept).collect();
        members = JsonObject::parse(&without_line_ends);
    }
    let members = members.map_err(|error| match error {
        ParseError::NotJson => refuse("the body is not valid JSON"),
        ParseError::NotAnObject => refuse("the body is not an object"),
    })?;
    let mut fields = Fields::new();
    for (name, text) in members.iter() {
        // Objects and lists of objects are no values of a field.
        if !text.starts_with('{')
            && let Ok(value) = serde_json::from_str(text)
            && let Some(value) = scalar(value)
        {
            fields.insert(name.to_owned(), value);
        }
    }
    Ok(fields)
}

fn scalar(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Array(items) => items.into_iter().find_map(scalar),
        Value::Null | Value::Object(_) => None,
    }
}

/// Any root element will do. Attributes are fields too. Entities of the document's own are not resolved.
fn read_xml(body: &[u8]) -> Option<Fields> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut fields = Fields::new();
    let mut names: Vec<String> = Vec::new();
    let mut is_root_whole = false;
    loop {
        match reader.read_event().ok()? {
            XmlEvent::Start(element) => {
                if is_root_whole || names.len() >= 32 {
                    return None;
                }
                open(&mut fields, &mut names, &element)?;
            }
            XmlEvent::Empty(element) => {
                if is_root_whole {
                    return None;
                }
                open(&mut fields, &mut names, &element)?;
                names.pop();
                is_root_whole = names.is_empty();
            }
            XmlEvent::End(_) => {
                names.pop()?;
                is_root_whole = names.is_empty();
            }
            XmlEvent::Text(text) => add(&mut fields, &names, &text.xml10_content())?,
            XmlEvent::CData(text) => add(&mut fields, &names, &text.xml10_content())?,
            XmlEvent::GeneralRef(reference) => {
                let resolved = match reference.resolve_char_ref().ok()? {
                    Some(char) => char.to_string(),
                    None => {
                        let name = reference.xml10_content();
                        quick_xml::escape::resolve_predefined_entity(&name)?.to_owned()
                    }
                };
                add(&mut fields, &names, &resolved)?;
            }
            XmlEvent::Eof => break,
            XmlEvent::Decl(_) | XmlEvent::PI(_) | XmlEvent::DocType(_) | XmlEvent::Comment(_) => {}
        }
    }
    fields.retain(|_, value| {
        let trimmed = value.trim();
        if trimmed.len() != value.len() {
            *value = trimmed.to_owned();
        }
        !value.is_empty()
    });
    is_root_whole.then_some(fields)
}

fn open(fields: &mut Fields, names: &mut Vec<String>, element: &BytesStart<'_>) -> Option<()> {
    names.push(checked_name(element.name().into_inner())?);
    for attribute in element.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        names.push(checked_name(attribute.key.into_inner())?);
        add(fields, names, &value)?;
        names.pop();
    }
    Some(())
}

/// A long name would be repeated for everything below it.
fn checked_name(name: &str) -> Option<String> {
    (name.len() <= 256).then(|| name.to_owned())
}

/// Text outside of the root is only white space. The root itself has no name.
fn add(fields: &mut Fields, names: &[String], text: &str) -> Option<()> {
    match names {
        [] => text.trim().is_empty().then_some(()),
        [_] => Some(()),
        [_, names @ ..] => {
            fields.entry(names.join(".")).or_default().push_str(text);
            Some(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, read_json, read_xml};

    fn shown(fields: &Fields) -> String {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("|")
    }

    #[test]
    fn xml_becomes_fields() {
        for (xml, expected) in [
            ("<lead><a>1</a><b/></lead>", Some("a=1")),
            (
                "<?xml version=\"1.0\"?>\n<x y='2'>t<a> 1&amp;&#50; </a></x>\n",
                Some("a=1&2|y=2"),
            ),
            (
                "<lead><a><b>1</b></a><c><![CDATA[<>]]></c></lead>",
                Some("a.b=1|c=<>"),
            ),
            ("<lead/>", Some("")),
            ("", None),
            ("text", None),
            ("<lead>", None),
            ("<lead></a>", None),
            ("<lead/><lead/>", None),
            ("<lead><a>&own;</a></lead>", None),
        ] {
            let fields = read_xml(xml.as_bytes()).map(|fields| shown(&fields));
            assert_eq!(fields.as_deref(), expected, "{xml}");
        }
    }

    #[test]
    fn json_becomes_fields() {
        for (json, expected) in [
            (
                r#"{"a":"x","b":1.5,"c":true,"d":null,"e":{"f":1},"g":["y","z"]}"#,
                Some("a=x|b=1.5|c=true|g=y"),
            ),
            ("{\"a\":\"x\ny\"}", Some("a=xy")),
            ("[]", None),
            ("{", None),
        ] {
            let fields = read_json(json.as_bytes()).ok().map(|fields| shown(&fields));
            assert_eq!(fields.as_deref(), expected, "{json}");
        }
    }
}
