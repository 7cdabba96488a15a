//! Other clients, if they are installed: the same server, the same call, and their versions.

use std::process::Command;

use super::table::{Cell, Table};
use super::tools::{self, KEY, Server, Tools, children_cpu, version};

const PATH: &str = "/flows?limit=100";
const CALLS: usize = 6_000;

/// Python clients: the module that each needs, how many calls are in flight, and the program. The program reads the URL
/// and the number of calls from the environment, and the key from standard input.
const PYTHON: [(&str, usize, &str); 4] = [
    ("http.client", 1, include_str!("peers/http_client.py")),
    ("requests", 1, include_str!("peers/requests.py")),
    ("httpx", 1, include_str!("peers/httpx.py")),
    ("aiohttp", 64, include_str!("peers/aiohttp.py")),
];

const NODE: [(&str, usize, &str); 2] = [
    ("http", 64, include_str!("peers/http.js")),
    ("fetch", 64, include_str!("peers/fetch.js")),
];

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let mut table = Table::new(
        "Other clients",
        "Processor time of a call over plain keep-alive, with what each takes to start. The ratio is to \
         ap-reqwest with 64 in flight.",
        &["client", "in flight", "ratio", "CPU µs a call"],
    );
    if children_cpu().is_none() {
        tools.skip(
            "other clients, because this system does not report the processor time of a program",
        );
        return Ok(());
    }
    let server = Server::start(tools)?;
    let url = format!("{}{PATH}", server.http);
    let mut rows: Vec<(String, usize, f64)> = Vec::new();
    for (subject, workers) in [
        ("ap-reqwest", 64),
        ("ap-reqwest", 1),
        ("ap-ureq", 64),
        ("ap-ureq", 1),
    ] {
        let calls = CALLS * 4;
        let mut command = Command::new(tools.program("ap-bench"));
        command.args(["calls", subject, &workers.to_string()]);
        command.args([&(calls / workers).to_string(), &server.http, PATH]);
        let cost = cost(&mut command, &server.root_pem, calls)?;
        rows.push((format!("**{subject}**"), workers, cost));
    }
    match version("curl", "--version") {
        Some(version) => {
            let name = version.split(" (").next().unwrap_or(&version).to_owned();
            let config = format!(
                "url = \"{url}&n=[1-{CALLS}]\"\nuser = \"API:{KEY}\"\n\
                 header = \"Accept: application/json\"\noutput = \"/dev/null\"\nsilent\n"
            );
            let mut command = Command::new("curl");
            command.args(["--disable", "--config", "-"]);
            rows.push((name, 1, cost(&mut command, &config, CALLS)?));
        }
        None => tools.skip("curl, which is not installed"),
    }
    wrk(tools, &url, &mut rows)?;
    scripts(tools, "python3", &PYTHON, &url, &mut rows)?;
    scripts(tools, "node", &NODE, &url, &mut rows)?;
    let base = rows.first().map_or(f64::NAN, |(_, _, cost)| *cost);
    for (name, workers, cost) in rows {
        table.rows.push(vec![
            Cell::Text(name),
            Cell::Number(workers as f64, 0),
            Cell::Number(cost / base, 1),
            Cell::Number(cost, 1),
        ]);
    }
    tables.push(table);
    Ok(())
}

/// Returns the processor time of each call of a program, in microseconds.
fn cost(command: &mut Command, input: &str, calls: usize) -> Result<f64, String> {
    let before = children_cpu().unwrap_or_default();
    tools::run(command, input)?;
    let after = children_cpu().unwrap_or_default();
    Ok((after - before) * 1e6 / calls as f64)
}

fn wrk(tools: &Tools, url: &str, rows: &mut Vec<(String, usize, f64)>) -> Result<(), String> {
    // It prints its version with its usage, and its exit code says that it failed.
    let Ok(output) = Command::new("wrk").arg("--version").output() else {
        tools.skip("wrk, which is not installed");
        return Ok(());
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = text.split(" [").next().unwrap_or("wrk").trim().to_owned();
    let before = children_cpu().unwrap_or_default();
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c64", "-d2s", "-H", "Accept: application/json", url]);
    let output = tools::run(&mut command, "")?;
    let after = children_cpu().unwrap_or_default();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let calls = printed
        .lines()
        .find_map(|line| line.split_once(" requests in"))
        .and_then(|(count, _)| count.trim().parse::<f64>().ok());
    match calls {
        Some(calls) => rows.push((name, 64, (after - before) * 1e6 / calls)),
        None => tools.skip("wrk, which did not print how many calls it made"),
    }
    Ok(())
}

fn scripts(
    tools: &Tools,
    program: &str,
    scripts: &[(&str, usize, &str)],
    url: &str,
    rows: &mut Vec<(String, usize, f64)>,
) -> Result<(), String> {
    let Some(version) = version(program, "--version") else {
        tools.skip(&format!("{program}, which is not installed"));
        return Ok(());
    };
    for (module, workers, script) in scripts {
        let flag = if program == "node" { "-e" } else { "-c" };
        let mut command = Command::new(program);
        command.args([flag, script]);
        command
            .env("BENCH_URL", url)
            .env("BENCH_CALLS", CALLS.to_string());
        let name = if program == "python3" {
            // A module of the standard library has no version of its own.
            let ask = format!("import {module} as m; print(getattr(m, '__version__', ''))");
            let Ok(printed) = tools::run(Command::new(program).args(["-c", &ask]), "") else {
                tools.skip(&format!("Python's {module}, which is not installed"));
                continue;
            };
            let own = String::from_utf8_lossy(&printed.stdout).trim().to_owned();
            format!("{version}, {module} {own}").trim_end().to_owned()
        } else {
            format!("Node {version}, {module}")
        };
        rows.push((name, *workers, cost(&mut command, KEY, CALLS)?));
    }
    Ok(())
}
