//! `ap api`: makes one call and prints the answer.

pub(super) mod body;
mod headers;
mod target;

use activeprospect::ap_core::redact::is_secret_name;
use activeprospect::http::{Method, StatusCode, header};
use activeprospect::{Draft, Error, Product, Response};

use crate::call;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::options::values::parse_product;
use crate::output::{self, Printed};
use crate::possible_key::may_be_key;
use crate::redact::{MARK, Secrets};
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A path, such as flows or /flows, or a URL at one of the products' origins.
    #[arg(value_name = "PATH|URL")]
    target: String,
    /// The method [default: GET, or POST with -d].
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// A header, `Name: value`; can be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A JSON body: the text itself, @FILE for a file, or - for standard input.
    #[arg(short, long, value_name = "DATA|@FILE|-", allow_hyphen_values = true)]
    data: Option<String>,
    /// Print the answer's status and headers before its body.
    #[arg(short, long)]
    include: bool,
    /// The product that a path belongs to: lcx, trustedform or suppressionlist [default: lcx].
    #[arg(long, value_name = "PRODUCT", value_parser = parse_product)]
    product: Option<Product>,
    /// Send no key.
    #[arg(long)]
    no_auth: bool,
    /// Print passwords, tokens and keys in the answer as they are.
    #[arg(long)]
    show_secrets: bool,
}

pub(crate) fn run(args: &Args, options: &GlobalOptions) -> Result<Printed, Failure> {
    // All arguments are checked before a key is needed.
    let headers = headers::parse(&args.headers)?;
    let method = method(args)?;
    let mut session = Session::without_keys(options)?;
    let (service, path) = target::parse(&args.target, args.product, session.client.origins())?;
    let mut draft = Draft::new(service, method, path);
    if args.data.is_some() {
        draft = draft.header(header::CONTENT_TYPE, "application/json");
    }
    draft = draft.headers(headers.clone());
    session.check(&draft)?;
    if let Some(data) = &args.data {
        draft = draft.body(body::read(data, &headers)?);
    }

    if args.no_auth {
        draft = draft.unsigned();
    } else {
        let is_stdin_free = !args.data.as_deref().is_some_and(body::is_standard_input);
        session.find_keys(if is_stdin_free {
            Prompt::Allowed
        } else {
            Prompt::Never
        })?;
    }
    let result = call::send(&session, draft);
    let response = match &result {
        Ok(response) => Some(response.clone()),
        Err(error) => error.response().cloned(),
    };
    let printed = match response {
        Some(response) => print(&response, args, &session.secrets)?,
        None => Printed::All,
    };
    if let Printed::ReaderGone = printed {
        // The reader has all that it wanted, so nothing has failed.
        return Ok(printed);
    }
    match result.and_then(Response::error_for_status) {
        Ok(_) => Ok(printed),
        Err(error) if args.no_auth => Err(unsigned_failure(error, &session)),
        Err(error) => Err(session.failure(error)),
    }
}

/// Describes the failure of a call that had no key.
fn unsigned_failure(error: Error, session: &Session) -> Failure {
    let status = error.status();
    let mut failure = session.failure(error);
    if status == Some(StatusCode::UNAUTHORIZED) {
        failure.code = ExitCode::NoAcceptedKey;
        failure.hint = "this needs a key; leave out --no-auth".to_owned();
    } else if status == Some(StatusCode::FORBIDDEN) {
        failure.hint = "no key was sent; if this needs one, leave out --no-auth".to_owned();
    }
    failure
}

/// Prints a response without its secrets, unless they are asked for.
fn print(response: &Response, args: &Args, secrets: &Secrets) -> Result<Printed, Failure> {
    let head = args.include.then(|| head(response, args, secrets));
    let head = head.as_deref().unwrap_or_default();
    let body = response.bytes();
    if args.show_secrets {
        output::print_pieces([head, body])
    } else {
        output::print_pieces([head].into_iter().chain(secrets.redact(body)))
    }
}

/// Returns the status line and the headers as they are printed.
fn head(response: &Response, args: &Args, secrets: &Secrets) -> Vec<u8> {
    let head = response.clone().into_http();
    let mut text = format!("{:?} {}\n", head.version(), head.status()).into_bytes();
    for (name, value) in head.headers() {
        let (name, value) = (name.as_str().as_bytes(), value.as_bytes());
        let (name, value) = if args.show_secrets {
            (name.into(), value.into())
        } else if is_secret_name(&String::from_utf8_lossy(name)) {
            (secrets.redact_text(name), MARK.as_bytes().into())
        } else {
            (secrets.redact_text(name), secrets.redact_text(value))
        };
        text.extend([&*name, b": ", &*value, b"\n"].concat());
    }
    text.push(b'\n');
    text
}

fn method(args: &Args) -> Result<Method, Failure> {
    match &args.method {
        Some(text) => Method::from_bytes(text.as_bytes())
            .ok()
            .filter(|_| !may_be_key(text))
            .ok_or_else(|| {
                Failure::usage(
                    "the value of -X is not a method",
                    "use GET, POST, PUT, DELETE or another method",
                )
            }),
        None if args.data.is_some() => Ok(Method::POST),
        None => Ok(Method::GET),
    }
}
