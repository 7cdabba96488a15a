//! The program that is measured. Each run does one thing:
//!
//! - `ap-bench serve [CONNECTIONS]` serves until its input ends. It prints its URLs and its root certificate as a
//!   line of JSON. It answers nothing until there are so many connections.
//! - `ap-bench calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed] [--post BYTES]` makes calls, and prints what it
//!   measured as a line of JSON. It reads the root certificate from its input.
//! - `ap-bench idle CONNECTIONS ORIGIN PATH` makes a call over each of so many plain connections, prints an empty line,
//!   and keeps them open until its input ends.
//! - `ap-bench micro NAME TIMES` does an operation of the core, or of a client, so many times.
//! - `ap-bench check ORIGIN LIST ROWS WORKERS` and `ap-bench export ORIGIN` make the calls of these bulk commands with
//!   hyper alone, and print what they measured as a line of JSON. They read the key from their input.
//! - `ap-bench list` prints these operations: for each of them its name, the operation whose cost is not part of it,
//!   and a description.
#![forbid(unsafe_code)]

use ap_bench::bulk::{self, Account};
use ap_bench::load::{self, Load};
use ap_bench::server::Server;
use ap_bench::subject::Target;
use ap_bench::{Failure, micro};
use bytes::Bytes;

const USAGE: &str = "usage: ap-bench serve [CONNECTIONS] | calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed] [--post BYTES] | idle CONNECTIONS ORIGIN PATH | micro NAME TIMES | check ORIGIN LIST ROWS WORKERS | export ORIGIN | list";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve"] => serve(1),
        ["serve", connections] => serve(connections.parse()?),
        ["calls", subject, workers, calls, origin, path, rest @ ..] => {
            let root_pem = std::io::read_to_string(std::io::stdin())?;
            let target = Target {
                origin: (*origin).to_owned(),
                path: (*path).to_owned(),
                root_pem,
                body: body(rest)?,
            };
            let load = Load {
                workers: workers.parse()?,
                calls: calls.parse()?,
                is_timed: rest.contains(&"--timed"),
            };
            println!("{}", load::run(subject.parse()?, &target, load)?.to_json());
            Ok(())
        }
        ["idle", connections, origin, path] => {
            let target = Target {
                origin: (*origin).to_owned(),
                path: (*path).to_owned(),
                root_pem: String::new(),
                body: Bytes::new(),
            };
            idle(&target, connections.parse()?)
        }
        ["micro", name, times] => {
            let mut operation = micro::operation(name)?;
            for _ in 0..times.parse::<usize>()? {
                operation()?;
            }
            Ok(())
        }
        ["check", origin, list, rows, workers] => {
            let (rows, workers) = (rows.parse()?, workers.parse()?);
            println!("{}", bulk::check(account(origin)?, list, rows, workers)?);
            Ok(())
        }
        ["export", origin] => {
            println!("{}", bulk::export(&account(origin)?)?);
            Ok(())
        }
        ["list"] => {
            for micro::Named {
                name,
                description,
                baseline,
            } in micro::ALL
            {
                println!("{name}\t{baseline}\t{description}");
            }
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// Returns the body that the options choose.
fn body(options: &[&str]) -> Result<Bytes, Failure> {
    let mut size = options.iter().skip_while(|option| **option != "--post");
    Ok(match size.nth(1) {
        Some(size) => vec![b'1'; size.parse()?].into(),
        None => Bytes::new(),
    })
}

/// Returns the account at an origin, with the key that the input has.
fn account(origin: &str) -> Result<Account, Failure> {
    Ok(Account {
        origin: origin.to_owned(),
        key: std::io::read_to_string(std::io::stdin())?.trim().to_owned(),
    })
}

fn idle(target: &Target, connections: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let connections = runtime.block_on(load::idle(target, connections))?;
    println!();
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    drop(connections);
    Ok(())
}

fn serve(connections: usize) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::listen().await?.gathering(connections);
        println!(
            "{}",
            serde_json::json!({
                "http": server.http, "https": server.https, "root_pem": server.root_pem
            })
        );
        let (stop, stopped) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = stop.send(());
        });
        tokio::select! {
            () = server.serve() => {}
            _ = stopped => {}
        }
        Ok(())
    })
}
