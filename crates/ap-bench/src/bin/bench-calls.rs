//! Makes calls: `bench-calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed]`, the root certificate on its input.
//! Prints what it saw as one line of JSON.

use std::io::Read as _;

use ap_bench::Failure;
use ap_bench::load::{self, Load};
use ap_bench::subject::Place;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [subject, workers, calls, origin, path, rest @ ..] = arguments.as_slice() else {
        return Err("usage: bench-calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed]".into());
    };
    let mut root_pem = String::new();
    std::io::stdin().read_to_string(&mut root_pem)?;
    let place = Place {
        origin: origin.clone(),
        path: path.clone(),
        root_pem,
    };
    let load = Load {
        workers: workers.parse()?,
        calls: calls.parse()?,
        timed: rest.iter().any(|flag| flag == "--timed"),
    };
    let seen = load::run(subject.parse()?, &place, load)?;
    println!("{}", seen.to_json());
    Ok(())
}
