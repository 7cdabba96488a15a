//! Where the emulator listens, and which host names and web origins are its own.

use std::net::{IpAddr, SocketAddr};

use ap_core::{Origin, Origins, Service};

use crate::Product;
use crate::per_product::PerProduct;

#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    urls: PerProduct<String>,
    control_url: String,
    origins: Origins,
    /// For each port, its address and its name in the form of a `Host` header.
    hosts: PerProduct<[String; 2]>,
}

impl Addresses {
    /// Returns `None` if `ip` is not a loopback address.
    pub(crate) fn new(ip: IpAddr, ports: PerProduct<u16>) -> Option<Self> {
        let socket = |product| SocketAddr::new(ip, *ports.get(product));
        let urls = PerProduct::from_fn(|product| format!("http://{}", socket(product)));
        Some(Self {
            control_url: format!("{}/_emulator/", urls.get(Product::LeadConduit)),
            origins: origins(&urls)?,
            hosts: PerProduct::from_fn(|product| {
                let socket = socket(product);
                [socket.to_string(), format!("localhost:{}", socket.port())]
                    .map(|host| without_port_80(&host).to_owned())
            }),
            urls,
        })
    }

    pub(crate) fn url(&self, product: Product) -> &str {
        self.urls.get(product)
    }

    pub(crate) fn control_url(&self) -> &str {
        &self.control_url
    }

    pub(crate) const fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Returns `true` if a `Host` names the port of `product`.
    pub(crate) fn is_own_host(&self, product: Product, host: &str) -> bool {
        let host = without_port_80(host);
        let own = self.hosts.get(product);
        own.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Returns `true` if an `Origin` is the one of the pages on the port of `product`.
    pub(crate) fn is_own_origin(&self, product: Product, origin: &str) -> bool {
        let own = self.hosts.get(product);
        origin
            .strip_prefix("http://")
            .is_some_and(|host| own.iter().any(|own| own == host))
    }
}

/// Every service at the port of its product.
fn origins(urls: &PerProduct<String>) -> Option<Origins> {
    let mut here = Vec::with_capacity(Service::ALL.len());
    for service in Service::ALL {
        let origin = Origin::parse_loopback(urls.get(service.product())).ok()?;
        here.push((service, origin));
    }
    Origins::vendor().with_all(here).ok()
}

/// Browsers leave out the default port.
fn without_port_80(host: &str) -> &str {
    host.strip_suffix(":80").unwrap_or(host)
}
