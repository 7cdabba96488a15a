//! Where the emulator listens, and which web origins are its own.

use std::net::{IpAddr, SocketAddr};

use crate::Product;

#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    urls: [String; 3],
    control: String,
    own_origins: Vec<String>,
}

impl Addresses {
    pub(crate) fn new(ip: IpAddr, ports: [u16; 3]) -> Self {
        let urls = ports.map(|port| format!("http://{}", SocketAddr::new(ip, port)));
        let control = format!("{}/_emulator/", urls[0]);
        let by_name = ports.map(|port| format!("http://localhost:{port}"));
        let own_origins = urls
            .iter()
            .chain(&by_name)
            .map(|origin| without_port_80(origin))
            .collect();
        Self {
            urls,
            control,
            own_origins,
        }
    }

    pub(crate) fn url(&self, product: Product) -> &str {
        &self.urls[product.index()]
    }

    pub(crate) fn control(&self) -> &str {
        &self.control
    }

    pub(crate) fn is_own_origin(&self, origin: &str) -> bool {
        self.own_origins.iter().any(|own| own == origin)
    }
}

/// Browsers leave the default port out of an origin.
fn without_port_80(origin: &str) -> String {
    origin.strip_suffix(":80").unwrap_or(origin).to_owned()
}
