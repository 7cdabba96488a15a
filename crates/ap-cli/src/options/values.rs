//! Parsers of options' values. Their errors do not repeat the value, which may be a key.

use std::time::Duration;

use activeprospect::ap_core::UnknownProduct;
use activeprospect::transport::Proxy;
use activeprospect::{InvalidOrigin, Origin, Product};

pub(crate) fn parse_product(text: &str) -> Result<Product, UnknownProduct> {
    text.parse()
}

/// Parses an origin that a key may be sent to: https anywhere, http only on loopback.
pub(crate) fn parse_origin(url: &str) -> Result<Origin, InvalidOrigin> {
    let origin = Origin::parse_any(url)?;
    if origin.is_https() || origin.is_loopback() {
        Ok(origin)
    } else {
        Err(InvalidOrigin::PlainHttp)
    }
}

/// Parses a proxy's URL, which has no password: other users can read arguments.
pub(crate) fn parse_proxy(url: &str) -> Result<Proxy, String> {
    Proxy::parse(url).map_err(|error| match error {
        InvalidOrigin::UserInformation => {
            "it contains a user name or a password; write them to a file, and name it with --proxy-auth-file"
                .to_owned()
        }
        error => explain_proxy(error),
    })
}

/// Says what is wrong with a proxy's URL. Other schemes, such as socks5, are not supported.
pub(crate) fn explain_proxy(error: InvalidOrigin) -> String {
    match error {
        InvalidOrigin::Scheme => "it does not begin with http:// or https://".to_owned(),
        error => error.to_string(),
    }
}

/// Parses a time of at most a day.
pub(crate) fn parse_seconds(text: &str) -> Result<Duration, &'static str> {
    const DAY: f64 = 86_400.0;
    // The standard library also parses a sign, an exponent and "inf".
    let is_plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match text.parse::<f64>() {
        // Less than a nanosecond would become zero.
        Ok(seconds) if is_plain && (1e-9..=DAY).contains(&seconds) => {
            Ok(Duration::from_secs_f64(seconds))
        }
        _ => Err("write a number of seconds, above 0 and at most 86400"),
    }
}

pub(crate) fn parse_event_count(text: &str) -> Result<u32, &'static str> {
    match text.parse() {
        Ok(count @ 0..=10_000_000) if text.bytes().all(|b| b.is_ascii_digit()) => Ok(count),
        _ => Err("write a whole number of events, at most 10000000"),
    }
}

/// Parses the first of three ports.
pub(crate) fn parse_first_port(text: &str) -> Result<u16, &'static str> {
    parse_plain(text, 65_533).ok_or("write a port from 1 to 65533, without a sign or leading zeros")
}

/// Parses the first of five ports.
pub(crate) fn parse_first_of_five_ports(text: &str) -> Result<u16, &'static str> {
    parse_plain(text, 65_531).ok_or("write a port from 1 to 65531, without a sign or leading zeros")
}

/// Parses how many calls are made at once.
pub(crate) fn parse_call_count(text: &str) -> Result<usize, &'static str> {
    parse_plain(text, 10_000).ok_or("write a number of calls from 1 to 10000")
}

/// Parses a size in MiB.
pub(crate) fn parse_mebibytes(text: &str) -> Result<usize, &'static str> {
    parse_plain(text, 1024).ok_or("write a whole number of MiB from 1 to 1024")
}

/// Parses a number from 1 to `most`, without a sign or leading zeros.
fn parse_plain<T: std::str::FromStr + PartialOrd>(text: &str, most: T) -> Option<T> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|number| is_plain && *number <= most)
}
