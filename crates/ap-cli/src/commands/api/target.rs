//! Where `ap api` sends its call: a path of a product, or a URL at one of the allowed origins.

use activeprospect::{Origins, Product, RequestError, Service};

use crate::failure::Failure;
use crate::options::values::parse_origin;

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
