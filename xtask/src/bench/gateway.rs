//! What `ap gateway` costs: instructions of a call through it beside reqwest's own call, and its processor time, its
//! slowest answers and its memory beside nginx, which adds a header as well.

mod proxy;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::proxy::Proxy;
use super::table::{Cell, Table};
use super::targets::{Limit, Target};
use super::tools::{Server, Tools, collected, spread};

const COUNTED: &str = "A call through the gateway";
const GET: &str = "`GET` through `ap gateway`";
const POST: &str = "`POST` through `ap gateway`";
const AT_1: &str = "ratio at 1";
const AT_16: &str = "ratio at 16";

const NGINX: &str = "The gateway beside nginx";
const AT_64: &str = "`ap gateway`, 64 connections";
const AT_512: &str = "`ap gateway`, 512 connections";
const PACE: &str = "calls to nginx's";
const P99_RATIO: &str = "p99 to nginx's";

const MEMORY: &str = "The gateway's memory";
const IDLE: &str = "idle connections, each used once";
const ALL: &str = "64 connections, all calls";
const GAINED: &str = "KiB gained";

const PATH: &str = "/flows?limit=100";

/// The calls that are counted: their names by the bare library and through the gateway, and their bodies in bytes.
const CALLS: [(&str, &str, usize); 2] = [
    ("`GET` by reqwest", GET, 0),
    ("`POST` by reqwest", POST, 200),
];

/// How many calls are in flight when instructions are counted, and how many each worker makes.
const IN_FLIGHT: [(usize, usize); 2] = [(1, 320), (16, 100)];

/// The connections to each proxy, and how many calls are made in a round, in how many rounds in alternation.
const CONNECTIONS: [(usize, &str); 2] = [(64, AT_64), (512, AT_512)];
const ROUND: usize = 50_000;
const ROUNDS: usize = 5;

const IDLE_CONNECTIONS: usize = 1_000;

/// The calls after which the memory is read for the last time, and over how many connections they are made.
const LAST: usize = 1_000_000;
const WORKERS: usize = 64;

/// The files that each process may open: the gateway serves fewer connections if there are fewer.
const FILES: u64 = 8_192;

/// What the project promises of the gateway.
pub(super) const TARGETS: [Target; 7] = [
    Target {
        what: "a `GET` through the gateway, instructions to reqwest's own call: 1 and 16 in flight",
        figures: &[(COUNTED, GET, AT_1), (COUNTED, GET, AT_16)],
        digits: 3,
        limit: Limit::AtMost(0.56),
    },
    Target {
        what: "a `POST` of 200 bytes: the same",
        figures: &[(COUNTED, POST, AT_1), (COUNTED, POST, AT_16)],
        digits: 3,
        limit: Limit::AtMost(0.68),
    },
    Target {
        what: "calls a second of processor time to nginx's: 64 connections",
        figures: &[(NGINX, AT_64, PACE)],
        digits: 2,
        limit: Limit::AtLeast(0.65),
    },
    Target {
        what: "the same: 512 connections",
        figures: &[(NGINX, AT_512, PACE)],
        digits: 2,
        limit: Limit::AtLeast(0.6),
    },
    Target {
        what: "p99 to nginx's: 64 and 512 connections",
        figures: &[(NGINX, AT_64, P99_RATIO), (NGINX, AT_512, P99_RATIO)],
        digits: 2,
        limit: Limit::AtMost(2.0),
    },
    Target {
        what: "1,000 idle connections, MiB",
        figures: &[(MEMORY, IDLE, "MiB")],
        digits: 1,
        limit: Limit::AtMost(24.0),
    },
    Target {
        what: "KiB gained from a tenth of 10⁶ calls to all",
        figures: &[(MEMORY, ALL, GAINED)],
        digits: 0,
        limit: Limit::AtMost(1024.0),
    },
];

/// Measures everything; quickly with a tenth of the calls, except for those that are counted.
pub(super) fn run(tools: &Tools, is_quick: bool, tables: &mut Vec<Table>) -> Result<(), String> {
    let part = if is_quick { 10 } else { 1 };
    allow_files()?;
    tables.push(counts(tools)?);
    match nginx() {
        Some((program, version)) => {
            tables.push(times(tools, &program, &version, ROUND / part)?);
        }
        None => tools.skip("nginx, which is not installed"),
    }
    tables.push(memory(tools, LAST / part)?);
    Ok(())
}

/// Allows this process and those that it starts to open enough files for all connections.
fn allow_files() -> Result<(), String> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|files| files >= FILES) {
        return Ok(());
    }
    let wanted = Rlimit {
        current: Some(FILES),
        ..limit
    };
    setrlimit(Resource::Nofile, wanted)
        .map_err(|error| format!("this system does not allow {FILES} open files: {error}"))
}

/// Returns the arguments of so many calls by each worker.
fn arguments(
    subject: &str,
    workers: usize,
    calls: usize,
    origin: &str,
    body: usize,
) -> Vec<String> {
    let (workers, calls) = (workers.to_string(), calls.to_string());
    let mut arguments = ["calls", subject, &workers, &calls, origin, PATH]
        .map(str::to_owned)
        .to_vec();
    if body > 0 {
        arguments.extend(["--post".to_owned(), body.to_string()]);
    }
    arguments
}

fn counts(tools: &Tools) -> Result<Table, String> {
    let mut table = Table::new(
        COUNTED,
        "Instructions of one call in user space, with so many in flight: those of `ap gateway` alone, which answers a client \
         of hyper's, and those of reqwest with its basic auth, which calls the server itself. The ratio is to reqwest. The \
         `POST` has a body of 200 bytes.",
        &[
            "what",
            AT_1,
            AT_16,
            "instructions at 1",
            "instructions at 16",
        ],
    );
    for (bare_name, name, body) in CALLS {
        let (mut bare, mut ours) = (Vec::new(), Vec::new());
        for (workers, calls) in IN_FLIGHT {
            let each = tools.instructions_each(calls, |calls| {
                let server = Server::gathering(tools, workers)?;
                let arguments = arguments("reqwest", workers, calls, &server.http, body);
                tools.instructions(&tools.program("ap-bench"), &arguments, &server.root_pem)
            })?;
            bare.push(each.map(|each| each / workers as f64));
            let each = tools.instructions_each(calls, |calls| {
                let server = Server::gathering(tools, workers)?;
                let Some(mut gateway) = Proxy::counted_gateway(tools, &server.http)? else {
                    return Ok(None);
                };
                let arguments = arguments("hyper", workers, calls, &gateway.url, body);
                tools.json(&arguments, &server.root_pem)?;
                collected(&gateway.stop()?).map(Some)
            })?;
            ours.push(each.map(|each| each / workers as f64));
        }
        for (name, own) in [(bare_name, &bare), (name, &ours)] {
            let mut row = vec![name.into()];
            let pairs = own.iter().zip(&bare);
            row.extend(
                pairs.map(|(own, bare)| {
                    Cell::number(own.zip(*bare).map(|(own, bare)| own / bare), 3)
                }),
            );
            row.extend(own.iter().map(|count| Cell::number(*count, 0)));
            table.rows.push(row);
        }
    }
    Ok(table)
}

/// Returns the program of nginx and its version, if it is installed.
fn nginx() -> Option<(PathBuf, String)> {
    // The second is not in the `PATH` of everyone.
    ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find_map(|program| {
            let output = Command::new(program).arg("-v").output().ok()?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let (_, version) = said.lines().next()?.split_once(": ")?;
            Some((program.into(), version.to_owned()))
        })
}

/// What was measured of a proxy, round by round.
#[derive(Default)]
struct Samples {
    per_cpu_second: Vec<f64>,
    per_second: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Samples {
    /// Makes calls through a proxy that was just started.
    fn add(
        &mut self,
        tools: &Tools,
        proxy: &Proxy,
        workers: usize,
        calls: usize,
    ) -> Result<(), String> {
        let before = proxy.cpu()?;
        let mut arguments = arguments("hyper", workers, calls / workers, &proxy.url, 0);
        arguments.push("--timed".to_owned());
        let seen = tools.json(&arguments, "")?;
        let cpu = proxy.cpu()? - before;
        let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
        self.per_cpu_second.push(number("made") / cpu);
        self.per_second
            .push(number("calls") * 1e6 / number("wall_us"));
        self.p50.push(number("p50_us"));
        self.p99.push(number("p99_us"));
        Ok(())
    }
}

fn times(tools: &Tools, nginx: &Path, version: &str, calls: usize) -> Result<Table, String> {
    let mut table = Table::new(
        NGINX,
        &format!(
            "Each is one process between a client of hyper's and the same server, and keeps its connections; {version} adds \
             a fixed `Authorization`. The median of {ROUNDS} rounds of {calls} calls in alternation; the ratios are taken \
             within a round."
        ),
        &[
            "what",
            PACE,
            "spread",
            P99_RATIO,
            "calls a second of processor time",
            "calls a second",
            "p50 µs",
            "p99 µs",
        ],
    );
    for (connections, name) in CONNECTIONS {
        let (mut ours, mut theirs) = (Samples::default(), Samples::default());
        for _ in 0..ROUNDS {
            let server = Server::gathering(tools, connections)?;
            let gateway = Proxy::gateway(tools, &server.http)?;
            ours.add(tools, &gateway, connections, calls)?;
            drop((gateway, server));
            let server = Server::gathering(tools, connections)?;
            let proxy = Proxy::nginx(nginx, &server.http)?;
            theirs.add(tools, &proxy, connections, calls)?;
        }
        let nginx_name = format!("{version}, {connections} connections");
        for (name, own) in [(name, &ours), (&nginx_name, &theirs)] {
            let middle = |values: &[f64]| spread(values).map(|(middle, ..)| middle);
            let ratios = |own: &[f64], other: &[f64]| -> Vec<f64> {
                own.iter()
                    .zip(other)
                    .map(|(own, other)| own / other)
                    .collect()
            };
            let pace = ratios(&own.per_cpu_second, &theirs.per_cpu_second);
            let (_, least, most) = spread(&pace).unwrap_or_default();
            table.rows.push(vec![
                name.into(),
                Cell::number(middle(&pace), 2),
                Cell::Text(format!("{least:.2} to {most:.2}")),
                Cell::number(middle(&ratios(&own.p99, &theirs.p99)), 2),
                Cell::number(middle(&own.per_cpu_second), 0),
                Cell::number(middle(&own.per_second), 0),
                Cell::number(middle(&own.p50), 0),
                Cell::number(middle(&own.p99), 0),
            ]);
        }
    }
    Ok(table)
}

fn memory(tools: &Tools, last: usize) -> Result<Table, String> {
    let mut table = Table::new(
        MEMORY,
        "What is in use in the process of `ap gateway`. The calls are made in two runs, and the memory is read after each.",
        &["what", "connections", "calls", "MiB", GAINED],
    );
    let mut row = |name: &str, connections: usize, calls: usize, kib: f64, gained: Cell| {
        table.rows.push(vec![
            name.into(),
            Cell::Number(connections as f64, 0),
            Cell::Number(calls as f64, 0),
            Cell::Number(kib / 1024.0, 1),
            gained,
        ]);
    };
    let server = Server::start(tools)?;
    let gateway = Proxy::gateway(tools, &server.http)?;
    row("at its start", 0, 0, gateway.resident()?, Cell::Missing);
    let kib = idle(tools, &gateway)?;
    row(IDLE, IDLE_CONNECTIONS, IDLE_CONNECTIONS, kib, Cell::Missing);
    drop((gateway, server));

    let server = Server::start(tools)?;
    let gateway = Proxy::gateway(tools, &server.http)?;
    let call = |calls: usize| {
        let arguments = arguments("hyper", WORKERS, calls / WORKERS, &gateway.url, 0);
        tools.json(&arguments, "")?;
        gateway.resident()
    };
    let first = call(last / 10)?;
    row(
        "64 connections, a tenth of the calls",
        WORKERS,
        last / 10,
        first,
        Cell::Missing,
    );
    let all = call(last - last / 10)?;
    row(ALL, WORKERS, last, all, Cell::Number(all - first, 0));
    Ok(table)
}

/// Returns the memory of a gateway with idle connections, in KiB.
fn idle(tools: &Tools, gateway: &Proxy) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("cannot hold idle connections: {error}");
    let mut child = Command::new(tools.program("ap-bench"))
        .args(["idle", &IDLE_CONNECTIONS.to_string(), &gateway.url, PATH])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let mut line = [0];
    let read = child.stdout.take().map(|mut stdout| stdout.read(&mut line));
    let kib = gateway.resident();
    // It ends with its input.
    drop(stdin);
    let output = child.wait_with_output().map_err(failed)?;
    match read {
        Some(Ok(1)) => kib,
        _ => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Err(format!("cannot hold idle connections: {}", said.trim()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        AT_1, AT_16, AT_64, AT_512, COUNTED, GAINED, GET, IDLE, MEMORY, NGINX, P99_RATIO, PACE,
        POST, TARGETS,
    };
    use crate::bench::table::{Cell, Table};
    use crate::bench::targets::judged;

    /// A table with rows of figures.
    fn table(title: &str, columns: &[&str], rows: &[(&str, &[f64])]) -> Table {
        let mut table = Table::new(title, "", columns);
        for (name, figures) in rows {
            let mut row = vec![(*name).into()];
            row.extend(figures.iter().map(|figure| Cell::Number(*figure, 3)));
            table.rows.push(row);
        }
        table
    }

    fn held(tables: &[Table]) -> Vec<String> {
        let judged = judged("", &TARGETS, tables, true).unwrap();
        let last = judged.rows.iter().filter_map(|row| row.last());
        last.map(Cell::text).collect()
    }

    #[test]
    fn each_target_of_the_gateway_is_held_at_its_limit_and_not_beyond() {
        let counted = |get, post| {
            let rows: &[(&str, &[f64])] = &[(GET, &[0.5, get]), (POST, &[0.5, post])];
            table(COUNTED, &["what", AT_1, AT_16], rows)
        };
        let nginx = |few, many, p99| {
            let rows: &[(&str, &[f64])] = &[(AT_64, &[few, 1.0]), (AT_512, &[many, p99])];
            table(NGINX, &["what", PACE, P99_RATIO], rows)
        };
        let memory = |idle, gained| {
            let rows: &[(&str, &[f64])] = &[(IDLE, &[idle, 0.0]), (super::ALL, &[1.0, gained])];
            table(MEMORY, &["what", "MiB", GAINED], rows)
        };
        let at = [
            counted(0.56, 0.68),
            nginx(0.65, 0.6, 2.0),
            memory(24.0, 1024.0),
        ];
        assert_eq!(held(&at), ["yes"; 7]);
        let beyond = [
            counted(0.561, 0.681),
            nginx(0.64, 0.59, 2.01),
            memory(24.1, 1025.0),
        ];
        assert_eq!(held(&beyond), ["no"; 7]);
    }

    #[test]
    fn without_nginx_or_valgrind_their_targets_are_open() {
        assert_eq!(held(&[]), ["–"; 7]);
    }
}
