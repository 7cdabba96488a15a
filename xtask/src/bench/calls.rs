//! The same calls made by the transports and by the bare libraries, in alternation.

use super::table::{Cell, Table};
use super::tools::{Server, Tools, spread};

/// The subjects, each with the bare library that makes the same call.
const SUBJECTS: [(&str, &str, &str); 7] = [
    ("hyper", "hyper, one connection a worker", "hyper"),
    ("hyper-pool", "hyper's pooled client", "hyper-pool"),
    ("reqwest", "reqwest with its basic auth", "reqwest"),
    ("ap-reqwest", "**ap-reqwest**", "reqwest"),
    ("ap-hyper", "**ap-hyper**", "reqwest"),
    ("ureq", "ureq with a header made each time", "ureq"),
    ("ap-ureq", "**ap-ureq**", "ureq"),
];

const PATH: &str = "/flows?limit=100";
const WORKERS: [usize; 4] = [1, 8, 64, 512];

/// How many calls are in flight when instructions are counted, over plain connections and over TLS, and for which of
/// them a ratio is shown.
const COUNTED: [usize; 5] = [1, 8, 16, 64, 512];
const COUNTED_OVER_TLS: [usize; 2] = [1, 16];
const RATIOS: [usize; 2] = [1, 16];

/// The calls of one measurement, and how often it is repeated.
const CALLS: usize = 8_000;
const ROUNDS: usize = 5;

/// Returns how many calls each worker makes in one count. Workers that share a pool meet there by chance, so a few
/// of them need more calls for a stable count.
const fn counted_calls(workers: usize) -> usize {
    match workers {
        1 => 320,
        2..=8 => 80,
        9..=16 => 200,
        17..=64 => 20,
        _ => LEAST,
    }
}

/// The fewest calls that a worker makes.
const LEAST: usize = 4;

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let server = Server::start(tools)?;
    tables.push(counts(tools, &server, "plain", &COUNTED)?);
    tables.push(counts(tools, &server, "TLS", &COUNTED_OVER_TLS)?);
    for scheme in ["plain", "TLS"] {
        for workers in WORKERS {
            tables.push(times(tools, scheme, workers)?);
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

fn counts(
    tools: &Tools,
    server: &Server,
    scheme: &str,
    counted: &[usize],
) -> Result<Table, String> {
    let named = |what: &str, workers: usize| format!("{what} at {workers}");
    let mut columns = vec!["client".to_owned()];
    columns.extend(RATIOS.map(|workers| named("ratio", workers)));
    columns.extend(
        counted
            .iter()
            .map(|&workers| named("instructions", workers)),
    );
    columns.extend(["allocations", "allocated bytes"].map(str::to_owned));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(
        &format!("A call's instructions and allocations, {scheme}"),
        "Of one call in user space, with so many in flight. The ratio is to the bare library; that of ap-hyper is to \
         reqwest. The bare libraries run without a timeout, ours with theirs.",
        &columns,
    );
    let mut all: Vec<Vec<Option<f64>>> = Vec::new();
    for (subject, _, _) in SUBJECTS {
        let mut row = Vec::new();
        for &workers in counted {
            let each = tools.instructions_each(counted_calls(workers), |calls| {
                let server = Server::gathering(tools, workers)?;
                let arguments = arguments(subject, workers, calls, server.origin(scheme));
                tools.instructions(&tools.program("ap-bench"), &arguments, &server.root_pem)
            })?;
            row.push(each.map(|each| each / workers as f64));
        }
        all.push(row);
    }
    for ((subject, name, bare), own) in SUBJECTS.iter().zip(&all) {
        let bare = all.get(position(bare));
        let ratio = |workers: usize| {
            let at = counted.iter().position(|known| *known == workers)?;
            Some(own.get(at).copied()?? / bare?.get(at).copied()??)
        };
        let calls = ["calls", subject, server.origin(scheme), PATH].map(str::to_owned);
        let (count, bytes) = tools.allocations(&calls, &server.root_pem)?;
        let mut row = vec![(*name).into()];
        row.extend(RATIOS.map(|workers| Cell::number(ratio(workers), 3)));
        row.extend(own.iter().map(|count| Cell::number(*count, 0)));
        row.extend([Cell::Number(count, 1), Cell::Number(bytes, 0)]);
        table.rows.push(row);
    }
    Ok(table)
}

/// Returns the position of a subject in `SUBJECTS`.
fn position(subject: &str) -> usize {
    let place = SUBJECTS.iter().position(|(known, ..)| *known == subject);
    place.unwrap_or(SUBJECTS.len())
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

fn times(tools: &Tools, scheme: &str, workers: usize) -> Result<Table, String> {
    let mut samples: Vec<Samples> = SUBJECTS.iter().map(|_| Samples::default()).collect();
    for _ in 0..ROUNDS {
        for (at, (subject, _, bare)) in SUBJECTS.iter().enumerate() {
            let calls = (CALLS / workers).max(LEAST);
            let server = Server::gathering(tools, workers)?;
            let mut arguments = arguments(subject, workers, calls, server.origin(scheme));
            arguments.push("--timed".to_owned());
            let seen = tools.json(&arguments, &server.root_pem)?;
            let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
            let all = number("calls");
            samples[at].cpu.push(number("cpu_us") / all);
            samples[at].wall.push(number("wall_us") / all);
            samples[at].p50.push(number("p50_us"));
            samples[at].p99.push(number("p99_us"));
            samples[at].peak.push(number("peak_bytes") / 1024.0);
            // Both numbers are from the same round: other work on the machine slowed both.
            let last = |at: usize| samples.get(at)?.cpu.last().copied();
            if let (Some(own), Some(bare)) = (last(at), last(position(bare))) {
                samples[at].ratio.push(own / bare);
            }
        }
    }
    let mut table = Table::new(
        &format!("{workers} in flight, {scheme}"),
        &format!(
            "The median of {ROUNDS} rounds in alternation; the ratio's spread is from its least to its most."
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
            "over the bare, KiB for each in flight",
        ],
    );
    let middle = |values: &[f64]| spread(values).map(|(middle, ..)| middle);
    let peaks: Vec<_> = samples
        .iter()
        .map(|samples| middle(&samples.peak))
        .collect();
    for (((_, name, bare), samples), peak) in SUBJECTS.iter().zip(&samples).zip(&peaks) {
        let bare = peaks.get(position(bare)).copied().flatten();
        let more = peak
            .zip(bare)
            .map(|(own, bare)| (own - bare) / workers as f64);
        let (ratio, least, most) = spread(&samples.ratio).unwrap_or_default();
        table.rows.push(vec![
            (*name).into(),
            Cell::Number(ratio, 2),
            Cell::Text(format!("{least:.2} to {most:.2}")),
            Cell::number(middle(&samples.cpu), 1),
            Cell::number(middle(&samples.wall), 1),
            Cell::number(middle(&samples.p50), 0),
            Cell::number(middle(&samples.p99), 0),
            Cell::number(*peak, 0),
            Cell::number(more, 1),
        ]);
    }
    Ok(table)
}
