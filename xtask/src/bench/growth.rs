//! Cost and memory as the number of calls grows, and the size of bodies.

use super::table::{Cell, Table};
use super::tools::{Server, Tools, spread};

const CLIENTS: [(&str, &str); 3] = [
    ("ap-reqwest", "ap-reqwest"),
    ("ap-ureq", "ap-ureq"),
    ("ap-hyper", "ap-hyper"),
];

const BODIES: [(&str, usize); 6] = [
    ("0", 0),
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
    ("16 MiB", 16 << 20),
    ("64 MiB", 64 << 20),
];

/// How often the calls with each body are repeated.
const ROUNDS: usize = 5;

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let server = Server::start(tools)?;
    tables.push(calls(tools, &server)?);
    tables.push(bodies(tools, &server)?);
    Ok(())
}

fn arguments(subject: &str, calls: usize, server: &Server, path: &str) -> Vec<String> {
    [
        "calls",
        subject,
        "1",
        &calls.to_string(),
        &server.http,
        path,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn calls(tools: &Tools, server: &Server) -> Result<Table, String> {
    let mut table = Table::new(
        "As calls grow in number",
        "One in flight. The instructions of a call among the first thousand and among the next nine thousand; the most \
         memory after so many calls.",
        &[
            "client",
            "ratio",
            "instructions to 10³",
            "instructions to 10⁴",
            "KiB at 10⁴",
            "KiB at 10⁵",
            "KiB at 10⁶",
            "KiB gained to 10⁶",
        ],
    );
    for (subject, name) in CLIENTS {
        let count = |calls: usize| {
            tools.instructions(
                &tools.program("ap-bench"),
                &arguments(subject, calls, server, "/flows"),
                &server.root_pem,
            )
        };
        let (few, first, all) = (count(100)?, count(1_000)?, count(10_000)?);
        let first_each = few.zip(first).map(|(few, first)| (first - few) / 900.0);
        let later_each = first.zip(all).map(|(first, all)| (all - first) / 9_000.0);
        let ratio = first_each
            .zip(later_each)
            .map(|(first, later)| later / first);
        let mut row = vec![
            name.into(),
            Cell::number(ratio, 3),
            Cell::number(first_each, 0),
            Cell::number(later_each, 0),
        ];
        let mut peaks = Vec::new();
        for calls in [10_000, 100_000, 1_000_000] {
            let arguments = arguments(subject, calls, server, "/flows");
            let seen = tools.json(&arguments, &server.root_pem)?;
            peaks.push(seen["peak_bytes"].as_f64().map(|bytes| bytes / 1024.0));
        }
        row.extend(peaks.iter().map(|peak| Cell::number(*peak, 0)));
        let first_and_last = peaks
            .first()
            .copied()
            .flatten()
            .zip(peaks.last().copied().flatten());
        let gained = first_and_last.map(|(first, last)| last - first);
        row.push(Cell::number(gained, 0));
        table.rows.push(row);
    }
    Ok(table)
}

fn bodies(tools: &Tools, server: &Server) -> Result<Table, String> {
    let mut table = Table::new(
        "As bodies grow",
        "One in flight, with responses of this size: processor time of a call, and the most memory. The median of 5 \
         rounds in alternation.",
        &[
            "client",
            "body",
            "ratio of CPU to the bare library",
            "CPU µs a call",
            "peak memory KiB",
            "bare: peak memory KiB",
        ],
    );
    for (subject, bare) in [("ap-reqwest", "reqwest"), ("ap-ureq", "ureq")] {
        for (name, size) in BODIES {
            let calls = (64 * 1024 * 1024 / size.max(1)).clamp(4, 2_000);
            let seen = |subject: &str| {
                let path = format!("/bytes/{size}");
                let mut arguments = arguments(subject, calls, server, &path);
                arguments.push("--timed".to_owned());
                let seen = tools.json(&arguments, &server.root_pem)?;
                let number = |name: &str| seen[name].as_f64().unwrap_or(f64::NAN);
                Ok::<_, String>((
                    number("cpu_us") / number("calls"),
                    number("peak_bytes") / 1024.0,
                ))
            };
            let (mut times, mut ratios, mut peaks, mut bare_peaks) =
                (vec![], vec![], vec![], vec![]);
            for _ in 0..ROUNDS {
                let ((cpu, peak), (bare_cpu, bare_peak)) = (seen(subject)?, seen(bare)?);
                times.push(cpu);
                ratios.push(cpu / bare_cpu);
                peaks.push(peak);
                bare_peaks.push(bare_peak);
            }
            let middle = |values: &[f64]| spread(values).map(|(middle, ..)| middle);
            table.rows.push(vec![
                subject.into(),
                name.into(),
                Cell::number(middle(&ratios), 2),
                Cell::number(middle(&times), 1),
                Cell::number(middle(&peaks), 0),
                Cell::number(middle(&bare_peaks), 0),
            ]);
        }
    }
    Ok(table)
}
