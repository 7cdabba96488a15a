//! Counts what a thread allocates for one operation (`bench-allocations micro NAME`) or for one call
//! (`bench-allocations calls SUBJECT ORIGIN PATH`, with the root certificate on its input). Prints the number of
//! allocations and of bytes. It is a program of its own, because counting costs instructions.
#![forbid(unsafe_code)]

use std::io::Read as _;

use allocation_counter::measure;
use ap_bench::subject::Target;
use ap_bench::{Failure, load, micro};
use bytes::Bytes;

/// The first times allocate what later ones use again.
const WARM_UP: usize = 10;
const TIMES: usize = 200;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut operation: micro::Operation = match arguments.as_slice() {
        [kind, name] if kind == "micro" => micro::operation(name)?,
        [kind, subject, origin, path] if kind == "calls" => {
            let mut root_pem = String::new();
            std::io::stdin().read_to_string(&mut root_pem)?;
            let target = Target {
                origin: origin.clone(),
                path: path.clone(),
                root_pem,
                body: Bytes::new(),
            };
            let mut call = load::caller(subject.parse()?, &target)?;
            Box::new(move || call().map(|_| ()))
        }
        _ => return Err("usage: bench-allocations micro NAME | calls SUBJECT ORIGIN PATH".into()),
    };
    for _ in 0..WARM_UP {
        operation()?;
    }
    let mut outcome = Ok(());
    let counted = measure(|| {
        for _ in 0..TIMES {
            if outcome.is_ok() {
                outcome = operation();
            }
        }
    });
    outcome?;
    println!(
        "{} {}",
        counted.count_total as f64 / TIMES as f64,
        counted.bytes_total as f64 / TIMES as f64
    );
    Ok(())
}
