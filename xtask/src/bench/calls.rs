//! The transports and the bare libraries, in alternation, making the same calls.

use super::table::{Cell, Table};
use super::tools::{Server, Tools, spread};

/// The subjects, each with the bare library that makes the same call.
const SUBJECTS: [(&str, &str, &str); 7] = [
    ("hyper", "hyper, one connection a worker", "hyper"),
    ("hyper-pool", "hyper's pooled client", "hyper-pool"),
    ("reqwest", "reqwest with its basic auth", "reqwest"),
    ("ap-reqwest", "**ap-reqwest**", "reqwest"),
    ("ap-hyper", "**the example over hyper's pool**", "reqwest"),
    ("ureq", "ureq, its header made each time", "ureq"),
    ("ap-ureq", "**ap-ureq**", "ureq"),
];

const PATH: &str = "/flows?limit=100";
const WORKERS: [usize; 4] = [1, 8, 64, 512];

/// Where instructions are counted.
const COUNTED: [(bool, usize); 6] = [
    (false, 1),
    (false, 8),
    (false, 16),
    (false, 64),
    (false, 512),
    (true, 1),
];

/// Calls of one measurement, and how often it is made.
const CALLS: usize = 8_000;
const ROUNDS: usize = 5;

/// Calls of one count, in all and at least for each worker.
const COUNTED_CALLS: usize = 320;
const LEAST: usize = 4;

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let server = Server::start(tools)?;
    tables.push(counts(tools, &server)?);
    for (scheme, origin) in [("plain", &server.http), ("TLS", &server.https)] {
        for workers in WORKERS {
            tables.push(times(tools, &server, scheme, origin, workers)?);
        }
    }
    Ok(())
}

fn arguments(subject: &str, workers: usize, calls: usize, origin: &str) -> Vec<String> {
    let (workers, calls) = (workers.to_string(), calls.to_string());
    ["calls", subject, &workers, &calls, origin, PATH]
        .map(str::to_owned)
        .to_vec()
}

fn counts(tools: &Tools, server: &Server) -> Result<Table, String> {
    let mut columns = vec!["client", "ratio at 1", "ratio at 16"];
    let names: Vec<String> = COUNTED
        .iter()
        .map(|(tls, workers)| {
            let scheme = if *tls { ", TLS" } else { "" };
            format!("instructions at {workers}{scheme}")
        })
        .collect();
    columns.extend(names.iter().map(String::as_str));
    columns.extend(["allocations", "allocated bytes"]);
    let mut table = Table::new(
        "A call's instructions and allocations",
        "In user space, of one call, with so many in flight. The ratio is to the bare library below it; the \
         example's is to reqwest. The bare libraries run without a limit of time, ours with theirs.",
        &columns,
    );
    let mut all: Vec<(&str, Vec<Option<f64>>)> = Vec::new();
    for (subject, _, _) in SUBJECTS {
        let mut row = Vec::new();
        for (tls, workers) in COUNTED {
            let origin = if tls { &server.https } else { &server.http };
            let each = (COUNTED_CALLS / workers).max(LEAST);
            row.push(tools.instructions_each(
                &tools.program("ap-bench"),
                each,
                workers,
                |calls| arguments(subject, workers, calls, origin),
                &server.root_pem,
            )?);
        }
        all.push((subject, row));
    }
    for (subject, name, bare) in SUBJECTS {
        let of = |wanted: &str| {
            all.iter()
                .find(|(known, _)| *known == wanted)
                .map(|(_, row)| row)
        };
        let (Some(own), Some(bare)) = (of(subject), of(bare)) else {
            continue;
        };
        let ratio = |at: usize| Some(own.get(at).copied()?? / bare.get(at).copied()??);
        let calls = ["calls", subject, &server.http, PATH].map(str::to_owned);
        let (count, bytes) = tools.allocations(&calls, &server.root_pem)?;
        let mut row = vec![
            name.into(),
            Cell::number(ratio(0), 3),
            Cell::number(ratio(2), 3),
        ];
        row.extend(own.iter().map(|count| Cell::number(*count, 0)));
        row.extend([Cell::Number(count, 1), Cell::Number(bytes, 0)]);
        table.rows.push(row);
    }
    Ok(table)
}

#[derive(Default)]
struct Samples {
    cpu: Vec<f64>,
    ratio: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    peak: Vec<f64>,
    wall: Vec<f64>,
}

fn times(
    tools: &Tools,
    server: &Server,
    scheme: &str,
    origin: &str,
    workers: usize,
) -> Result<Table, String> {
    let mut samples: Vec<Samples> = SUBJECTS.iter().map(|_| Samples::default()).collect();
    for _ in 0..ROUNDS {
        for (at, (subject, _, bare)) in SUBJECTS.iter().enumerate() {
            let calls = (CALLS / workers).max(LEAST);
            let mut arguments = arguments(subject, workers, calls, origin);
            arguments.push("--timed".to_owned());
            let seen = tools.json(&arguments, &server.root_pem)?;
            let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
            let all = number("calls");
            samples[at].cpu.push(number("cpu_us") / all);
            samples[at].wall.push(number("wall_us") / all);
            samples[at].p50.push(number("p50_us"));
            samples[at].p99.push(number("p99_us"));
            samples[at].peak.push(number("peak_bytes") / 1024.0);
            // Of the same round: what else the machine did then, it did to both.
            let bare = SUBJECTS.iter().position(|(name, ..)| name == bare);
            let bare = bare.and_then(|bare| samples[bare].cpu.last().copied());
            if let (Some(own), Some(bare)) = (samples[at].cpu.last().copied(), bare) {
                samples[at].ratio.push(own / bare);
            }
        }
    }
    let mut table = Table::new(
        &format!("{workers} in flight, {scheme}"),
        &format!(
            "Of {ROUNDS} rounds in alternation the one in the middle; the ratio's least and most are its spread."
        ),
        &[
            "client",
            "ratio of CPU",
            "spread",
            "CPU µs a call",
            "wall µs a call",
            "p50 µs",
            "p99 µs",
            "peak memory KiB",
        ],
    );
    for ((_, name, _), samples) in SUBJECTS.iter().zip(&samples) {
        let middle = |values: &[f64]| spread(values).map(|(middle, ..)| middle);
        let (ratio, least, most) = spread(&samples.ratio).unwrap_or_default();
        table.rows.push(vec![
            (*name).into(),
            Cell::Number(ratio, 2),
            Cell::Text(format!("{least:.2} to {most:.2}")),
            Cell::number(middle(&samples.cpu), 1),
            Cell::number(middle(&samples.wall), 1),
            Cell::number(middle(&samples.p50), 0),
            Cell::number(middle(&samples.p99), 0),
            Cell::number(middle(&samples.peak), 0),
        ]);
    }
    Ok(table)
}
