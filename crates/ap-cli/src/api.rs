//! `ap api`: one raw call, authenticated unless asked otherwise.

use std::io::Read as _;
use std::time::Instant;

use ap_core::{ApiKey, CallError, Product, Service};
use ap_ureq::Client;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use serde::de::IgnoredAny;

use crate::cli::{Api, Global, read_origin};
use crate::exit::{Failure, USAGE};
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::redact;
use crate::setup::Setup;

pub(crate) fn run(global: &Global, api: &Api) -> Result<Printed, Failure> {
    // Everything that can be wrong with the arguments is found before a key is asked for.
    let headers = headers(&api.headers)?;
    let method = method(api)?;
    let body = body(api, &headers)?;

    let setup = if api.no_auth {
        Setup::without_keys(global)?
    } else {
        let stdin_is_body = api.data.as_deref() == Some("-");
        Setup::with_keys(
            global,
            if stdin_is_body {
                Prompt::Never
            } else {
                Prompt::Allowed
            },
        )?
    };
    let client = &setup.client;
    let (service, path) = target(client, api)?;
    let mut request = client
        .request(service, method, &path)
        .map_err(|error| Failure::of_request(&error))?;
    if let Some(body) = body {
        *request.body_mut() = body;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    for name in headers.keys() {
        request.headers_mut().remove(name);
    }
    request.headers_mut().extend(headers);

    let key = client.keys().first(service.product());
    let (line, sent_headers) = (
        format!("{} {}", request.method(), origin_of(&request)),
        request.headers().clone(),
    );
    let begun = Instant::now();
    let outcome = if api.no_auth {
        client.send_unsigned(request)
    } else {
        client.send(request)
    };
    if global.verbose {
        tell(&line, &sent_headers, !api.no_auth, begun, &outcome);
    }
    finish(api, service.product(), key.as_ref(), outcome)
}

fn finish(
    api: &Api,
    product: Product,
    key: Option<&ApiKey>,
    outcome: Result<Response<Bytes>, CallError>,
) -> Result<Printed, Failure> {
    let (response, failure) = match &outcome {
        Ok(response) => (
            Some(response),
            Failure::of_status(product, response.status(), response.body()),
        ),
        Err(error @ CallError::Auth(refusal)) => {
            (refusal.response(), Some(Failure::of_call(error)))
        }
        Err(error) => (None, Some(Failure::of_call(error))),
    };
    let printed = response.map_or(Ok(Printed::All), |response| show(api, key, response))?;
    match failure {
        Some(failure) if matches!(printed, Printed::All) => Err(failure),
        // The one who reads has what was wanted, and a complaint would be noise.
        _ => Ok(printed),
    }
}

fn show(api: &Api, key: Option<&ApiKey>, response: &Response<Bytes>) -> Result<Printed, Failure> {
    let key = if api.show_secrets { None } else { key };
    let mut bytes = Vec::new();
    if api.include {
        let status = response.status();
        bytes.extend_from_slice(format!("{:?} {status}\n", response.version()).as_bytes());
        for (name, value) in response.headers() {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(&redact::header(value.as_bytes(), key));
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
    }
    if api.show_secrets {
        bytes.extend_from_slice(response.body());
    } else {
        bytes.extend_from_slice(&redact::body(response.body(), key));
    }
    output::print(&bytes)
}

/// The service and path that a path or a URL names.
fn target(client: &Client, api: &Api) -> Result<(Service, String), Failure> {
    if api.target.starts_with('/') {
        let service = match api.product.unwrap_or(Product::LeadConduit) {
            Product::LeadConduit => Service::LeadConduit,
            Product::TrustedForm => Service::TrustedForm,
            Product::SuppressionList => Service::SuppressionList,
        };
        return Ok((service, api.target.clone()));
    }
    let Some((scheme, rest)) = api.target.split_once("://") else {
        return Err(Failure::usage(
            "the target is neither a path nor a URL",
            "a path begins with a slash, a URL with https://",
        ));
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let origin = read_origin(&format!("{scheme}://{authority}"))
        .map_err(|why| Failure::usage(why, "nothing was sent; see `ap api --help`"))?;
    let service = Service::ALL
        .into_iter()
        .find(|service| *client.origins().get(*service) == origin)
        .ok_or_else(|| Failure::of_request(&ap_core::RequestError::OriginNotListed(origin)))?;
    if api
        .product
        .is_some_and(|product| product != service.product())
    {
        return Err(Failure::usage(
            format!(
                "the URL belongs to {}, not to the product given with --product",
                service.product()
            ),
            "leave --product out",
        ));
    }
    Ok((
        service,
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("/{path}")
        },
    ))
}

fn method(api: &Api) -> Result<Method, Failure> {
    match &api.method {
        Some(text) => Method::from_bytes(text.as_bytes()).map_err(|_| {
            Failure::usage(
                "the method given with -X is not one",
                "such as GET, POST, PUT or DELETE",
            )
        }),
        None if api.data.is_some() => Ok(Method::POST),
        None => Ok(Method::GET),
    }
}

fn headers(given: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for (number, line) in given.iter().enumerate() {
        let wrong = |what: &str| {
            Failure::usage(
                format!("header {} given with -H {what}", number + 1),
                "it is written 'Name: value'",
            )
        };
        let (name, value) = line.split_once(':').ok_or_else(|| wrong("has no colon"))?;
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|_| wrong("has a name that is not a header's"))?;
        let value = HeaderValue::from_str(value.trim())
            .map_err(|_| wrong("has a value with a character that a header cannot hold"))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(api: &Api, headers: &HeaderMap) -> Result<Option<Bytes>, Failure> {
    let Some(data) = &api.data else {
        return Ok(None);
    };
    let (bytes, what) = match data.strip_prefix('@') {
        Some(file) => (
            std::fs::read(file).map_err(|error| {
                Failure::usage(
                    format!("the file {file} cannot be read ({})", error.kind()),
                    "nothing was sent",
                )
            })?,
            format!("the file {file}"),
        ),
        None if data == "-" => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .lock()
                .read_to_end(&mut bytes)
                .map_err(|error| {
                    Failure::usage(
                        format!("standard input cannot be read ({})", error.kind()),
                        "nothing was sent",
                    )
                })?;
            (bytes, "standard input".to_owned())
        }
        None => (
            data.clone().into_bytes(),
            "the data given with -d".to_owned(),
        ),
    };
    let is_json = headers.get(header::CONTENT_TYPE).is_none_or(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.to_ascii_lowercase().contains("json"))
    });
    if is_json && let Err(error) = serde_json::from_slice::<IgnoredAny>(&bytes) {
        return Err(Failure::new(
            USAGE,
            format!(
                "{what} is not JSON (line {}, column {})",
                error.line(),
                error.column()
            ),
            "mend it, or name another type with -H 'Content-Type: …'",
        ));
    }
    Ok(Some(bytes.into()))
}

fn origin_of(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or_default(),
        uri.authority().map_or("", |a| a.as_str())
    )
}

/// What `-v` says: nothing of the path, which may hold ids, and of the key that there is one.
fn tell(
    line: &str,
    headers: &HeaderMap,
    signed: bool,
    begun: Instant,
    outcome: &Result<Response<Bytes>, CallError>,
) {
    eprintln!("> {line}");
    for (name, value) in headers {
        eprintln!("> {name}: {}", value.to_str().unwrap_or("[not text]"));
    }
    if signed {
        eprintln!("> authorization: Basic [redacted]");
    }
    let status = match outcome {
        Ok(response) => response.status().to_string(),
        Err(CallError::Auth(refusal)) => refusal
            .response()
            .map_or_else(|| "no call".to_owned(), |r| r.status().to_string()),
        Err(_) => "no answer".to_owned(),
    };
    eprintln!("< {status} in {} ms", begun.elapsed().as_millis());
}
