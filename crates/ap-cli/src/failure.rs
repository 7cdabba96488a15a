//! [`Failure`]: what happened, what to do, and the exit code.

use activeprospect::ap_core::exchange::AuthErrorKind;
use activeprospect::http::{StatusCode, header};
use activeprospect::transport::{TlsError, TlsErrorKind};
use activeprospect::{
    Error, ErrorKind, Hint, InvalidOrigin, RequestError, TransportErrorKind, keys,
};

use crate::error_kind;
use crate::exit_code::{self, ExitCode};
use crate::retry_after;

/// A command that did not succeed.
///
/// Its texts repeat nothing that the server or the user wrote, because both may contain a key.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: ExitCode,
    /// A name that does not change.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) http_status: Option<u16>,
}

impl Failure {
    pub(crate) fn new(code: ExitCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            kind: code.kind(),
            message: message.into(),
            hint: hint.into(),
            http_status: None,
        }
    }

    /// Creates a failure of a command that was refused before anything was sent.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message, hint)
    }

    /// Says what to do if the product did not find what an argument names.
    pub(crate) fn hint_if_not_found(mut self, hint: &str) -> Self {
        if self.code == ExitCode::NotFound {
            hint.clone_into(&mut self.hint);
        }
        self
    }

    /// Says what to do if a source of leads wants a key, or another one. The product then says no more than 401.
    pub(crate) fn hint_of_source(mut self, is_signed: bool) -> Self {
        if self.code == ExitCode::Forbidden && self.http_status == Some(401) {
            self.hint = match is_signed {
                true => "the source does not accept this key; check it with `ap auth status`",
                false => "the source wants a key, and none was sent; add --with-key",
            }
            .to_owned();
        }
        self
    }

    pub(crate) fn no_key() -> Self {
        let failure = Self::new(
            ExitCode::NoAcceptedKey,
            "there is no API key",
            "run `ap auth login`, or set ACTIVEPROSPECT_API_KEY; --emulator needs no key",
        );
        Self {
            kind: "no_key",
            ..failure
        }
    }

    pub(crate) fn emulator_not_started(
        error: &ap_emulator::StartError,
        hint: impl Into<String>,
    ) -> Self {
        let cause = std::error::Error::source(error);
        let cause = cause.map_or_else(String::new, |cause| format!(" ({cause})"));
        let message = format!("the emulator could not start: {error}{cause}");
        Self::new(ExitCode::Other, message, hint)
    }
}

/// A key source that cannot be used.
impl From<keys::Error> for Failure {
    fn from(error: keys::Error) -> Self {
        Self::usage(error.message(), error.hint())
    }
}

/// A request that is not sent.
impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::from(Error::from(error))
    }
}

/// A call that failed.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let is_without_key = error
            .auth()
            .is_some_and(|auth| auth.kind() == AuthErrorKind::NoKey);
        if is_without_key {
            return Self::no_key();
        }
        Self {
            kind: error_kind::known(error.name()),
            http_status: error.status().map(|status| status.as_u16()),
            ..Self::new(ExitCode::of(&error), message(&error), hint(&error))
        }
    }
}

fn message(error: &Error) -> String {
    if let Some(RequestError::OriginNotAllowed(origin)) = error.request() {
        return format!("{origin} is not an allowed origin");
    }
    match (error.kind(), error.service()) {
        (ErrorKind::Transport(_), Some(service)) => match tls_kind(error) {
            Some(kind) => format!("{}: {error}: {kind}", service.product()),
            None => format!("{}: {error}", service.product()),
        },
        // Why the key source failed; an error does not repeat its source.
        (ErrorKind::Auth, _) => match std::error::Error::source(error) {
            Some(why) => format!("{error}: {why}"),
            None => error.to_string(),
        },
        (ErrorKind::Status(_), _) => match retry_after::of(error) {
            Some(wait) => format!("{error} and asks to wait {} s", wait.as_secs()),
            None => error.to_string(),
        },
        _ => error.to_string(),
    }
}

/// Returns why TLS failed.
fn tls_kind(error: &Error) -> Option<TlsErrorKind> {
    let source = std::error::Error::source(error)?;
    Some(source.downcast_ref::<TlsError>()?.kind())
}

/// Returns what to do, in terms of this program's options; otherwise what the library says.
fn hint(error: &Error) -> String {
    let hint = match error.kind() {
        ErrorKind::Request => error.request().map(request_hint),
        ErrorKind::Transport(kind) => {
            tls_kind(error).map_or_else(|| transport_hint(kind), tls_hint)
        }
        ErrorKind::Status(_) if exit_code::is_bad_key(error) => {
            Some("this needs a key; leave out --no-auth")
        }
        ErrorKind::Status(StatusCode::FORBIDDEN) if may_be_key(error) => None,
        ErrorKind::Status(status) => status_hint(status),
        _ => None,
    };
    let library_hint = || match (error.hint(), retry_after::of(error)) {
        // Of a date without a `Date` beside it, which only a clock makes a time.
        (Hint::Wait(None), Some(wait)) if !wait.is_zero() => Hint::Wait(Some(wait)),
        (hint, _) => hint,
    };
    hint.map_or_else(|| library_hint().to_string(), str::to_owned)
}

/// Returns `true` if the library's own hint names the key as one possible cause.
fn may_be_key(error: &Error) -> bool {
    matches!(error.hint(), Hint::CheckKeyOrPlan(_))
}

fn request_hint(error: &RequestError) -> &'static str {
    match error {
        RequestError::OriginNotAllowed(_) => {
            "call one of the vendor's origins, or name your own with --origin PRODUCT=URL"
        }
        RequestError::Origin(InvalidOrigin::PlainHttp) => "write https:// instead of http://",
        RequestError::ReservedHeader(name) if *name == header::AUTHORIZATION => {
            "the key comes from ACTIVEPROSPECT_API_KEY, the keys file or a prompt"
        }
        RequestError::KeyInUrl => "reset the key, because it may be in this shell's history",
        _ => "nothing was sent; see the command's --help",
    }
}

fn transport_hint(kind: TransportErrorKind) -> Option<&'static str> {
    Some(match kind {
        TransportErrorKind::Setup => "check the options of every command",
        TransportErrorKind::Unsendable => "nothing was sent; write the path in another way",
        TransportErrorKind::Dns
        | TransportErrorKind::Connect
        | TransportErrorKind::ConnectTimeout => "check the network, and that the server is running",
        TransportErrorKind::Tls => "check the server's certificate and its TLS versions",
        TransportErrorKind::Proxy => {
            "check --proxy or ACTIVEPROSPECT_PROXY, and the password in --proxy-auth-file"
        }
        TransportErrorKind::Timeout => "try again, or allow more time with --timeout",
        TransportErrorKind::TooLarge => "request less at once",
        _ => return None,
    })
}

fn tls_hint(kind: TlsErrorKind) -> Option<&'static str> {
    Some(match kind {
        TlsErrorKind::Expired => "renew it; check this machine's clock too",
        TlsErrorKind::NotYetValid => "check this machine's clock too",
        TlsErrorKind::OtherName => "call the name that the certificate is for",
        TlsErrorKind::UnknownIssuer => "trust a private authority with --ca FILE",
        TlsErrorKind::OfAuthority => {
            "give the server a certificate that is no authority's (CA:FALSE), and trust what signs it with --ca FILE"
        }
        TlsErrorKind::NotTls => "check the port; https:// needs a server that speaks TLS",
        _ => "check the server's certificate and its TLS versions",
    })
}

fn status_hint(status: StatusCode) -> Option<&'static str> {
    Some(match status.as_u16() {
        304 => "nothing has changed since; leave out headers such as If-None-Match",
        300..=399 => "redirects are not followed; -i shows where this one points",
        402 => "the account is unpaid or has no funds left; see its billing",
        403 => "the key is not allowed to do this, or the Accept header excludes JSON",
        404 => "check the path and the ids in it",
        400..=499 if !matches!(status.as_u16(), 401 | 407 | 408 | 425 | 429) => {
            "change the request; the answer says what is wrong with it"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use activeprospect::blocking::ClientBuilder;
    use activeprospect::{ApiKey, KeySource, KeySourceError, Service, fake};
    use std::time::Duration;

    use super::*;

    struct Locked;

    impl KeySource for Locked {
        fn keys(&self, _: Option<Duration>) -> Result<Vec<ApiKey>, KeySourceError> {
            Err(KeySourceError::new("the store is locked"))
        }
    }

    #[test]
    fn a_message_says_once_why_the_keys_could_not_be_read_again() {
        let key = ApiKey::parse("placeholder-key").unwrap();
        let client = ClientBuilder::new()
            .key(key.with_label("first"))
            .key_source(Locked)
            .build_with(fake(|_| (401, r#"{"error":"authentication failed"}"#)))
            .unwrap();
        let error = client.get(Service::LeadConduit, "/flows").send();
        assert_eq!(
            Failure::from(error.unwrap_err()).message,
            r#"LeadConduit rejected the API key: "first"; the key source failed: the store is locked"#
        );
    }
}
