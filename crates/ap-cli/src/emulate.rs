//! `ap emulate`: the emulator, until interrupted.

use ap_emulator::{Emulator, Product};
use serde_json::json;

use crate::cli::Emulate;
use crate::exit::{Failure, OTHER};
use crate::output;

pub(crate) fn run(emulate: &Emulate) -> Result<output::Printed, Failure> {
    let mut builder = Emulator::builder();
    if let Some(port) = emulate.port {
        builder = builder.first_port(port);
    }
    let emulator = builder.start().map_err(|error| {
        Failure::new(
            OTHER,
            format!("the emulator could not start: {error}"),
            "choose another --port",
        )
    })?;
    // One line, written by hand so that the members keep their order.
    let line = format!(
        "{{\"key\":{},\"lcx\":{},\"trustedform\":{},\"suppressionlist\":{},\"control\":{}}}\n",
        json!(emulator.key()),
        json!(emulator.url(Product::LeadConduit)),
        json!(emulator.url(Product::TrustedForm)),
        json!(emulator.url(Product::SuppressionList)),
        json!(emulator.control_url()),
    );
    output::print(line.as_bytes())?;
    // Ctrl-C ends the process, and the emulator with it.
    loop {
        std::thread::park();
    }
}
