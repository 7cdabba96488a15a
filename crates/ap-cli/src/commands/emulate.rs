//! `ap emulate`: the emulator, until interrupted.

use ap_emulator::{Emulator, Product};
use serde::Serialize;

use crate::cli::Emulate;
use crate::exit::{Failure, OTHER};
use crate::output::{self, Printed};

/// The one line that is printed, members in this order.
#[derive(Serialize)]
struct Started<'a> {
    key: &'a str,
    lcx: &'a str,
    trustedform: &'a str,
    suppressionlist: &'a str,
    control: &'a str,
}

pub(crate) fn run(emulate: &Emulate) -> Result<Printed, Failure> {
    let mut builder = Emulator::builder();
    if let Some(port) = emulate.port {
        builder = builder.first_port(port);
    }
    let emulator = builder
        .start()
        .map_err(|error| not_started(&error, "choose another --port, or leave it out"))?;
    let started = Started {
        key: &emulator.key(),
        lcx: emulator.url(Product::LeadConduit),
        trustedform: emulator.url(Product::TrustedForm),
        suppressionlist: emulator.url(Product::SuppressionList),
        control: emulator.control_url(),
    };
    let line = output::json_line(&started)?;
    if let Printed::ReaderGone = output::print(line.as_bytes())? {
        // Nobody has its key, so nobody can use it.
        return Ok(Printed::ReaderGone);
    }
    // A signal ends the process, and the emulator with it.
    loop {
        std::thread::park();
    }
}

pub(crate) fn not_started(error: &ap_emulator::StartError, to_do: &str) -> Failure {
    let why = std::error::Error::source(error).map_or_else(String::new, |why| format!(" ({why})"));
    Failure::new(
        OTHER,
        format!("the emulator could not start: {error}{why}"),
        to_do,
    )
}
