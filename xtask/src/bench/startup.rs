//! What the program costs to start, and how much there is to build and to install.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::repo;

use super::table::{Cell, Table};
use super::tools::{self, KEY, Tools, children_cpu, spread, version};

const ROUNDS: usize = 15;

/// A package that users build, with a feature that they choose.
struct Package {
    name: &'static str,
    feature: Option<&'static str>,
}

impl Package {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            feature: None,
        }
    }

    const fn with_feature(name: &'static str, feature: &'static str) -> Self {
        Self {
            name,
            feature: Some(feature),
        }
    }

    /// Returns the arguments by which cargo chooses it.
    fn arguments(&self) -> Vec<&'static str> {
        let mut arguments = vec!["-p", self.name];
        arguments.extend(
            self.feature
                .iter()
                .flat_map(|feature| ["--features", feature]),
        );
        arguments
    }

    /// Returns its name as tables show it.
    fn text(&self) -> String {
        match self.feature {
            Some(feature) => format!("`{}` with `{feature}`", self.name),
            None => format!("`{}`", self.name),
        }
    }
}

const PROGRAM: Package = Package::new("activeprospect-cli");

const LIBRARIES: [Package; 7] = [
    Package::new("ap-core"),
    Package::new("ap-client"),
    Package::new("ap-ureq"),
    Package::new("ap-reqwest"),
    Package::new("ap-hyper"),
    Package::with_feature("activeprospect", "blocking"),
    Package::with_feature("activeprospect", "async"),
];

/// How long a program may take to send its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn run(tools: &Tools, tables: &mut Vec<Table>) -> Result<(), String> {
    let ap = tools.program("ap");
    let mut table = Table::new(
        "Starting",
        &format!("From the start of the program. The median of {ROUNDS} times."),
        &["what", "milliseconds", "instructions"],
    );
    let flag = ["--version".to_owned()];
    let instructions = tools.instructions(&ap, &flag, "")?;
    table.rows.push(vec![
        "`ap --version`".into(),
        Cell::Number(version_time(Path::new("ap"), &ap)?, 2),
        Cell::number(instructions, 0),
    ]);
    if version("curl", "--version").is_some() {
        let curl = PathBuf::from("curl");
        table.rows.push(vec![
            "`curl --version`".into(),
            Cell::Number(version_time(&curl, &curl)?, 2),
            Cell::number(tools.instructions(&curl, &flag, "")?, 0),
        ]);
    } else {
        tools.skip("curl, which is not installed");
    }
    for (scheme, name) in [
        ("http", "`ap api`, to the first byte of its request"),
        ("https", "`ap api`, to the first byte of TLS"),
    ] {
        let time = first_byte(&ap, scheme)?;
        table
            .rows
            .push(vec![name.into(), Cell::Number(time, 2), Cell::Missing]);
    }
    tables.push(table);

    let mut weight = Table::new(
        "Weight",
        "The crates that a user builds, the crate itself included.",
        &["what", "crates", "MiB"],
    );
    let size = std::fs::metadata(&ap)
        .map_err(|error| format!("ap: {error}"))?
        .len();
    let size = Cell::Number(size as f64 / 1024.0 / 1024.0, 2);
    weight.rows.push(vec![
        "`ap`, the stripped program".into(),
        Cell::Number(crates(&PROGRAM)?, 0),
        size,
    ]);
    for package in &LIBRARIES {
        weight.rows.push(vec![
            Cell::Text(package.text()),
            Cell::Number(crates(package)?, 0),
            Cell::Missing,
        ]);
    }
    tables.push(weight);
    if tools.is_cold {
        tables.push(cold()?);
    } else {
        tools.skip("building from nothing, which takes minutes: `--cold` measures it");
    }
    Ok(())
}

/// Returns how long `--version` takes from start to end, in milliseconds.
fn version_time(name: &Path, program: &Path) -> Result<f64, String> {
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        tools::run(Command::new(program).arg("--version"), "")?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let (middle, ..) = spread(&times).ok_or_else(|| format!("{} was never run", name.display()))?;
    Ok(middle)
}

/// Returns how long it takes until a listener receives the first byte, in milliseconds.
fn first_byte(ap: &Path, scheme: &str) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("cannot listen on loopback: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let host = if scheme == "https" {
        "localhost"
    } else {
        "127.0.0.1"
    };
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut child = Command::new(ap)
            .args(["api", "/flows", "--origin"])
            .arg(format!("lcx={scheme}://{host}:{port}"))
            .env("ACTIVEPROSPECT_API_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start ap: {error}"))?;
        let received = receive_first_byte(&listener);
        times.push(start.elapsed().as_secs_f64() * 1e3);
        // The connection was closed without a response, so the program ends with an error, as expected.
        let ended = child.wait();
        received.map_err(|error| format!("`ap api` sent nothing: {error}"))?;
        ended.map_err(|error| format!("cannot wait for ap: {error}"))?;
    }
    Ok(spread(&times).map_or(f64::NAN, |(middle, ..)| middle))
}

fn receive_first_byte(listener: &TcpListener) -> std::io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(FIRST_BYTE_TIMEOUT))?;
    stream.read_exact(&mut [0])
}

/// Returns how many crates there are in a package's tree.
fn crates(package: &Package) -> Result<f64, String> {
    let tree = repo::output(
        repo::cargo()
            .args(["tree", "--locked", "-e", "normal"])
            .args(package.arguments())
            .args(["--prefix", "none", "--format", "{p}"])
            .current_dir(repo::root()),
    )?;
    let mut lines: Vec<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|line| !line.is_empty())
        .collect();
    lines.sort_unstable();
    lines.dedup();
    Ok(lines.len() as f64)
}

/// Measures what it costs to build each crate from nothing, with everything that it needs.
fn cold() -> Result<Table, String> {
    let mut table = Table::new(
        "Building from nothing",
        "A release build of the crate and its whole tree into an empty folder.",
        &["crate", "seconds", "seconds of CPU"],
    );
    for package in LIBRARIES.iter().chain([&PROGRAM]) {
        let folder = std::env::temp_dir().join(format!("ap-bench-cold-{}", std::process::id()));
        let (start, before) = (Instant::now(), children_cpu());
        let built = repo::output(
            repo::cargo()
                .args(["build", "--release", "--locked", "--quiet"])
                .args(package.arguments())
                .arg("--target-dir")
                .arg(&folder)
                .current_dir(repo::root()),
        );
        let wall = start.elapsed().as_secs_f64();
        let cpu = children_cpu()
            .zip(before)
            .map(|(after, before)| after - before);
        // Files that stay in a temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&folder);
        built?;
        table.rows.push(vec![
            Cell::Text(package.text()),
            Cell::Number(wall, 0),
            Cell::number(cpu, 0),
        ]);
    }
    Ok(table)
}
