//! `ap api`: makes one call, or one for each page, and prints the answer.

pub(super) mod body;
mod headers;
mod pages;
mod target;

use std::borrow::Cow;

use activeprospect::ap_core::redact::is_secret_name;
use activeprospect::http::{HeaderMap, Method, StatusCode, header};
use activeprospect::{Draft, Error, Product, Response};

use crate::call;
use crate::commands::members::{MemberOptions, Members, pairs_of};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::jq;
use crate::json_layout::Style;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::options::values::parse_product;
use crate::output::{self, Printed};
use crate::possible_key::may_be_key;
use crate::preview::{self, PreviewOptions};
use crate::redact::{MARK, Secrets};
use crate::session::Session;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// A path, such as flows or /flows, or a URL at one of the products' origins.
    #[arg(value_name = "PATH|URL")]
    target: String,
    /// The method [default: GET, or POST with -d, -f or -F].
    #[arg(short = 'X', long, value_name = "METHOD")]
    method: Option<String>,
    /// A header, `Name: value`; can be repeated.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
    /// A JSON body: the text itself, @FILE for a file, or - for standard input.
    #[arg(
        short,
        long,
        value_name = "DATA|@FILE|-",
        allow_hyphen_values = true,
        conflicts_with_all = ["texts", "typed"]
    )]
    data: Option<String>,
    #[command(flatten)]
    members: MemberOptions,
    /// A parameter of the query, which is encoded; can be repeated.
    #[arg(short, long, value_name = "NAME=VALUE")]
    query: Vec<String>,
    #[command(flatten)]
    preview: PreviewOptions,
    /// Make a call for each page of events or of a search, and print all items as one list.
    #[arg(long, conflicts_with_all = ["include", "data"])]
    paginate: bool,
    /// Print what a filter in the language of jq makes of the answer, of each page with --paginate.
    #[arg(long, value_name = "FILTER", value_parser = jq::Filter::parse, conflicts_with = "include")]
    jq: Option<jq::Filter>,
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
    let query = pairs_of("-q", &args.query)?;
    let mut session = Session::without_keys(options)?;
    let (service, path) = target::parse(&args.target, args.product, session.client.origins())?;
    let members = args.members.parse()?;
    let mut draft = Draft::new(service, method.clone(), path).query(&query);
    let is_in_query = matches!(method, Method::GET | Method::HEAD);
    if is_in_query {
        draft = draft.query(&members.pairs());
    }
    if args.data.is_some() {
        draft = draft.header(header::CONTENT_TYPE, body::JSON);
    }
    draft = draft.headers(headers.clone());
    session.check(&draft)?;
    if let Some(data) = &args.data {
        draft = draft.body(body::read(data, &headers)?);
    } else if !is_in_query && !args.members.is_empty() {
        draft = body_of(members, draft, &headers)?;
    }
    let pages = if args.paginate {
        pages::Paging::of(&session, &draft)?
    } else {
        None
    };

    if args.no_auth {
        draft = draft.unsigned();
    }
    if args.preview.is_wanted() {
        preview::find_keys_to_hide(&mut session)?;
        let file = args.data.as_deref().and_then(body::file);
        let printed = args.preview.show(&draft, file, &session)?;
        args.preview.say_not_sent();
        return Ok(printed);
    }
    if !args.no_auth {
        session.find_keys(if is_stdin_free(args) {
            Prompt::Allowed
        } else {
            Prompt::Never
        })?;
    }
    match pages {
        Some(paging) => pages::run(&paging, &headers, args, &session),
        None => call(draft, args, &session),
    }
}

/// Makes the members the body: JSON, or a form if a header says so.
fn body_of(members: Members, draft: Draft, headers: &HeaderMap) -> Result<Draft, Failure> {
    match body::Type::of(headers) {
        body::Type::Json => {
            let draft = draft.header(header::CONTENT_TYPE, body::JSON);
            let draft = draft.headers(headers.clone());
            Ok(draft.body(members.build()?.into_json()?))
        }
        body::Type::Form => Ok(draft.form(&members.pairs())),
        body::Type::Other => Err(Failure::usage(
            "-f and -F make JSON or a form, and a header names another type",
            "give the body with -d, or leave the header out",
        )),
    }
}

/// Makes one call.
fn call(draft: Draft, args: &Args, session: &Session) -> Result<Printed, Failure> {
    let result = call::send(session, draft);
    let response = match &result {
        Ok(response) => Some(response.clone()),
        Err(error) => error.response().cloned(),
    };
    let printed = match response {
        Some(response) => print(&response, args, session)?,
        None => Printed::All,
    };
    if let Printed::ReaderGone = printed {
        // The reader has all that it wanted, so nothing has failed.
        return Ok(printed);
    }
    match result.and_then(Response::error_for_status) {
        Ok(_) => Ok(printed),
        Err(error) => Err(failure(error, args, session)),
    }
}

fn failure(error: Error, args: &Args, session: &Session) -> Failure {
    if args.no_auth {
        unsigned_failure(error, session)
    } else {
        session.failure(error)
    }
}

fn is_stdin_free(args: &Args) -> bool {
    let is_data = args.data.as_deref().is_some_and(body::is_standard_input);
    !is_data && !args.members.read_standard_input()
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
fn print(response: &Response, args: &Args, session: &Session) -> Result<Printed, Failure> {
    let known = session.secrets.now();
    let secrets = (!args.show_secrets).then_some(&*known);
    let body = response.bytes();
    // The answer of a failure is no input for a filter.
    if let Some(filter) = args.jq.filter(|_| response.status().is_success()) {
        let body = without_secrets(body, secrets);
        return filter.print(body.into_owned(), session.timeout(), secrets);
    }
    let head = args.include.then(|| head(response, args, &known));
    let head = head.as_deref().unwrap_or_default();
    let style = Style::of_stdout();
    if style.is_laid_out() {
        let body = without_secrets(body, secrets);
        let printed = output::print_pieces([head])?;
        return match style.lay_out(&body) {
            _ if printed.is_reader_gone() => Ok(printed),
            Some(shown) => output::print_shown(&shown),
            None => output::print_pieces([body]),
        };
    }
    match secrets {
        None => output::print_pieces([head, body]),
        Some(secrets) => output::print_pieces([head].into_iter().chain(secrets.redact(body))),
    }
}

/// Returns a body without secrets, or as it is.
fn without_secrets<'a>(body: &'a [u8], secrets: Option<&'a Secrets>) -> Cow<'a, [u8]> {
    match secrets {
        Some(secrets) => secrets.redact_text(body),
        None => Cow::Borrowed(body),
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
        } else if is_secret_name(name) {
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
        None if has_body(args) => Ok(Method::POST),
        None => Ok(Method::GET),
    }
}

fn has_body(args: &Args) -> bool {
    args.data.is_some() || !args.members.is_empty()
}
