//! `ap api`: one raw call, authenticated unless asked otherwise.

use ap_core::{CallError, Product};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, header};

use crate::call::{self, Signing};
use crate::cli::{Api, Global};
use crate::exit::Failure;
use crate::keys::Prompt;
use crate::output::{self, Printed};
use crate::setup::Setup;
use crate::{body, target};

pub(crate) fn run(global: &Global, api: &Api) -> Result<Printed, Failure> {
    // Everything that can be wrong with the arguments is found before a key is asked for.
    let headers = headers(&api.headers)?;
    let method = method(api)?;
    let mut setup = Setup::new(global)?;
    let (service, path) = target::read(&api.target, api.product, setup.client.origins())?;
    let mut request = setup
        .client
        .request(service, method, &path)
        .map_err(|error| Failure::of_request(&error))?;
    if api.data.is_some() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    for name in headers.keys() {
        request.headers_mut().remove(name);
    }
    request.headers_mut().extend(headers.clone());
    setup.check(&request)?;
    if let Some(data) = &api.data {
        *request.body_mut() = body::read(data, &headers)?;
    }

    let signing = if api.no_auth {
        Signing::Unsigned
    } else {
        let stdin_is_body = api.data.as_deref().is_some_and(body::is_standard_input);
        setup.unlock(if stdin_is_body {
            Prompt::Never
        } else {
            Prompt::Allowed
        })?;
        Signing::Signed
    };
    let outcome = call::send(&setup, request, signing);
    finish(&setup, api, service.product(), &outcome)
}

fn finish(
    setup: &Setup,
    api: &Api,
    product: Product,
    outcome: &Result<Response<Bytes>, CallError>,
) -> Result<Printed, Failure> {
    let (response, failure) = match outcome {
        Ok(response) => (
            Some(response),
            Failure::of_status(product, response.status(), response.body()),
        ),
        Err(error @ CallError::Auth(refusal)) => {
            (refusal.response(), Some(Failure::of_call(product, error)))
        }
        Err(error) => (None, Some(Failure::of_call(product, error))),
    };
    let printed = match response {
        Some(response) => output::print(&shown(setup, api, response))?,
        None => Printed::All,
    };
    match failure {
        Some(failure) if matches!(printed, Printed::All) => Err(failure),
        // The one who reads has what was wanted, and a complaint would be noise.
        _ => Ok(printed),
    }
}

fn shown(setup: &Setup, api: &Api, response: &Response<Bytes>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if api.include {
        let status = response.status();
        bytes.extend_from_slice(format!("{:?} {status}\n", response.version()).as_bytes());
        for (name, value) in response.headers() {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            if api.show_secrets {
                bytes.extend_from_slice(value.as_bytes());
            } else {
                bytes.extend_from_slice(&setup.secrets.out_of_text(value.as_bytes()));
            }
            bytes.push(b'\n');
        }
        bytes.push(b'\n');
    }
    if api.show_secrets {
        bytes.extend_from_slice(response.body());
    } else {
        bytes.extend_from_slice(&setup.secrets.out_of_body(response.body()));
    }
    bytes
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
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| wrong("has a name that is not a header's"))?;
        let value = HeaderValue::from_str(value.trim_matches([' ', '\t']))
            .map_err(|_| wrong("has a value with a character that a header cannot hold"))?;
        headers.append(name, value);
    }
    Ok(headers)
}
