//! [`GlobalOptions`]: the options of every command. The parsers of options' values are in `values`.

pub(crate) mod values;

use std::path::PathBuf;
use std::time::Duration;

use activeprospect::transport::Proxy;
use activeprospect::{Origin, Product, Service};
use clap::Args;

use values::{parse_origin, parse_proxy, parse_seconds};

/// The options of every command.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalOptions {
    /// Start an emulator only for this command, and use its key.
    #[arg(long, global = true)]
    pub(crate) emulator: bool,
    /// Call another origin. PRODUCT is lcx, trustedform, trustedform-app or suppressionlist.
    #[arg(long, global = true, value_name = "PRODUCT=URL", value_parser = parse_named_origin)]
    pub(crate) origin: Vec<NamedOrigin>,
    /// Also trust the root certificates in this PEM file.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Call through this proxy, http:// or https://; calls to loopback never do.
    #[arg(long, global = true, value_name = "URL", value_parser = parse_proxy)]
    pub(crate) proxy: Option<Proxy>,
    /// The proxy's user:password, on one line of a file that only you can read.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) proxy_auth_file: Option<PathBuf>,
    /// How long a whole call may take [default: 60].
    #[arg(long, global = true, value_name = "SECONDS", value_parser = parse_seconds, allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,
    /// Print to standard error what is called and how long it takes.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// A value of `--origin`: the services that get another origin.
#[derive(Clone, Debug)]
pub(crate) struct NamedOrigin {
    pub(crate) services: Vec<Service>,
    pub(crate) origin: Origin,
}

fn parse_named_origin(text: &str) -> Result<NamedOrigin, String> {
    let (name, url) = text.split_once('=').ok_or("write it as PRODUCT=URL")?;
    let services = if name == "trustedform-app" {
        vec![Service::TrustedFormApp]
    } else {
        name.parse::<Product>()
            .map_err(|_| "choose lcx, trustedform, trustedform-app or suppressionlist")?
            .services()
            .collect()
    };
    let origin = parse_origin(url).map_err(|error| error.to_string())?;
    Ok(NamedOrigin { services, origin })
}
