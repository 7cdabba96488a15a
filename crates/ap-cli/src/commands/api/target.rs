//! Where `ap api` sends its call: a path of a product, or a URL at one of the allowed origins.

use activeprospect::{Origins, Product, RequestError, Service};

use crate::failure::Failure;
use crate::options::values::parse_origin;
use crate::possible_key::may_be_key;

/// Returns the service and the path of a target.
///
/// A URL is split here, and not by a library, so that a path in it is checked and encoded like any other.
pub(super) fn parse(
    target: &str,
    product: Option<Product>,
    origins: &Origins,
) -> Result<(Service, String), Failure> {
    if target.starts_with('/') {
        let product = product.unwrap_or(Product::LeadConduit);
        return Ok((product.main_service(), target.to_owned()));
    }
    if is_windows_path(target) {
        return Err(Failure::usage(
            "the target is a path of Windows, which Git Bash makes of an argument that begins with a slash",
            "leave out the first slash, as in `ap api flows`",
        ));
    }
    let word = first_word(target);
    if may_be_key(target) || may_be_key(word) {
        return Err(Failure::usage(
            "the target is no path, and may be a key",
            "if it is one, reset it, because other users can read arguments; begin a path with a slash",
        ));
    }
    if is_plain_word(word) {
        let product = product.unwrap_or(Product::LeadConduit);
        return Ok((product.main_service(), format!("/{target}")));
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(Failure::usage(
            "the target is neither a path nor a URL",
            "begin a path with a slash, and a URL with https://",
        ));
    };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let origin = parse_origin(&format!("{scheme}://{authority}")).map_err(RequestError::Origin)?;
    let service = Service::ALL
        .into_iter()
        .find(|service| *origins.get(*service) == origin)
        .ok_or(RequestError::OriginNotAllowed(origin))?;
    if product.is_some_and(|product| product != service.product()) {
        return Err(Failure::usage(
            format!(
                "the URL belongs to {}, which is not the product given with --product",
                service.product()
            ),
            "leave --product out",
        ));
    }
    let path = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    Ok((service, path))
}

/// Returns `true` for a path that begins with a drive's letter.
fn is_windows_path(target: &str) -> bool {
    matches!(target.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

/// Returns what comes before the first slash or question mark.
fn first_word(target: &str) -> &str {
    let end = target.find(['/', '?', '#', '\\']).unwrap_or(target.len());
    &target[..end]
}

/// Returns `true` for the first word of a path whose first slash is left out, such as `flows/ID?limit=1`. A host's name
/// is none.
fn is_plain_word(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    word.starts_with(|first: char| first.is_ascii_alphanumeric()) && word.bytes().all(is_plain)
}
