//! Where `ap api` calls: a path of a product, or a URL at one of the origins.

use ap_core::{Origins, Product, RequestError, Service};

use crate::cli::read_origin;
use crate::exit::Failure;

/// The service and the path that a path or a URL names.
pub(crate) fn read(
    target: &str,
    product: Option<Product>,
    origins: &Origins,
) -> Result<(Service, String), Failure> {
    if target.starts_with('/') {
        let service = match product.unwrap_or(Product::LeadConduit) {
            Product::LeadConduit => Service::LeadConduit,
            Product::TrustedForm => Service::TrustedForm,
            Product::SuppressionList => Service::SuppressionList,
        };
        return Ok((service, target.to_owned()));
    }
    let Some((scheme, rest)) = target.split_once("://") else {
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
        .find(|service| *origins.get(*service) == origin)
        .ok_or_else(|| Failure::of_request(&RequestError::OriginNotListed(origin)))?;
    if product.is_some_and(|product| product != service.product()) {
        return Err(Failure::usage(
            format!(
                "the URL belongs to {}, not to the product given with --product",
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
