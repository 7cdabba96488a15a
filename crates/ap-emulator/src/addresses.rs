//! Where the emulator listens, and which hosts and web origins are its own.

use std::net::{IpAddr, SocketAddr};

use crate::Product;

#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    urls: [String; 3],
    control: String,
    hosts: [[String; 2]; 3],
}

impl Addresses {
    pub(crate) fn new(ip: IpAddr, ports: [u16; 3]) -> Self {
        let urls = ports.map(|port| format!("http://{}", SocketAddr::new(ip, port)));
        let control = format!("{}/_emulator/", urls[0]);
        let hosts = ports.map(|port| {
            let by_address = SocketAddr::new(ip, port).to_string();
            [by_address, format!("localhost:{port}")].map(|host| without_port_80(&host).to_owned())
        });
        Self {
            urls,
            control,
            hosts,
        }
    }

    pub(crate) fn url(&self, product: Product) -> &str {
        &self.urls[product.index()]
    }

    pub(crate) fn control(&self) -> &str {
        &self.control
    }

    /// Whether a `Host` names the port of `product`.
    pub(crate) fn is_own_host(&self, product: Product, host: &str) -> bool {
        let host = without_port_80(host);
        self.hosts[product.index()]
            .iter()
            .any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether an `Origin` is that of the pages on the port of `product`.
    pub(crate) fn is_own_origin(&self, product: Product, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .is_some_and(|host| self.hosts[product.index()].iter().any(|own| own == host))
    }
}

/// Browsers leave the default port out.
fn without_port_80(host: &str) -> &str {
    host.strip_suffix(":80").unwrap_or(host)
}
