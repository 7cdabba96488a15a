//! `ap emulate`: runs the emulator until interrupted.

use std::io::{self, IsTerminal as _};

use ap_emulator::{Emulator, Product};
use serde::Serialize;

use crate::failure::Failure;
use crate::options::values::{parse_event_count, parse_first_port};
use crate::output::{self, Printed};
use crate::session::EXAMPLE_EVENTS;

#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Use ports N, N+1 and N+2 for LeadConduit, TrustedForm and SuppressionList [default: free ports].
    #[arg(long, value_name = "N", value_parser = parse_first_port, allow_hyphen_values = true)]
    port: Option<u16>,
    /// Start with N invented LeadConduit events over the last 90 days; none with 0.
    #[arg(long, value_name = "N", value_parser = parse_event_count, allow_hyphen_values = true, default_value_t = EXAMPLE_EVENTS)]
    events: u32,
}

/// The one line on standard output, with its members in this order.
#[derive(Serialize)]
struct Started<'a> {
    key: &'a str,
    lcx: &'a str,
    trustedform: &'a str,
    suppressionlist: &'a str,
    control: &'a str,
}

pub(crate) fn run(args: &Args) -> Result<Printed, Failure> {
    let mut builder = Emulator::builder().events(args.events);
    if let Some(port) = args.port {
        builder = builder.first_port(port);
    }
    let emulator = builder.start().map_err(|error| {
        Failure::emulator_not_started(&error, "choose another --port, or leave it out")
    })?;
    let line = output::json_line(&Started {
        key: &emulator.key(),
        lcx: emulator.url(Product::LeadConduit),
        trustedform: emulator.url(Product::TrustedForm),
        suppressionlist: emulator.url(Product::SuppressionList),
        control: emulator.control_url(),
    })?;
    if let Printed::ReaderGone = output::print(line.as_bytes())? {
        // Nobody has its key, so nobody can use it.
        return Ok(Printed::ReaderGone);
    }
    if io::stderr().is_terminal() {
        output::eprintln(&format!(
            "ap: to see the emulator's page, open {} in a browser\n     press Ctrl-C to stop the emulator",
            emulator.control_url()
        ));
    }
    // A signal ends the process, and the emulator with it.
    loop {
        std::thread::park();
    }
}
