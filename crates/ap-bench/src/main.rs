//! What is measured, one part a process:
//!
//! - `ap-bench serve [CONNECTIONS]`: serves until its input ends; its first line of output says where. The
//!   first answers wait until there are so many connections.
//! - `ap-bench calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed]`: makes calls, the root certificate on its
//!   input, and prints what it saw as a line of JSON.
//! - `ap-bench micro NAME TIMES`: does one of the core's operations so many times.
//! - `ap-bench list`: those operations, on each line its name, the one that is taken off, and what it is.

use std::io::Read as _;

use ap_bench::load::{self, Load};
use ap_bench::server::Server;
use ap_bench::subject::Place;
use ap_bench::{Failure, micro};

const USAGE: &str = "usage: ap-bench serve [CONNECTIONS] | calls SUBJECT WORKERS CALLS ORIGIN PATH [--timed] | micro NAME TIMES | list";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve"] => serve(1),
        ["serve", connections] => serve(connections.parse()?),
        ["calls", subject, workers, calls, origin, path, rest @ ..] => {
            let mut root_pem = String::new();
            std::io::stdin().read_to_string(&mut root_pem)?;
            let place = Place {
                origin: (*origin).to_owned(),
                path: (*path).to_owned(),
                root_pem,
            };
            let load = Load {
                workers: workers.parse()?,
                calls: calls.parse()?,
                timed: rest.contains(&"--timed"),
            };
            println!("{}", load::run(subject.parse()?, &place, load)?.to_json());
            Ok(())
        }
        ["micro", name, times] => {
            let mut operation = micro::operation(name)?;
            for _ in 0..times.parse::<usize>()? {
                operation()?;
            }
            Ok(())
        }
        ["list"] => {
            for micro::Named { name, about, less } in micro::ALL {
                println!("{name}\t{less}\t{about}");
            }
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
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
