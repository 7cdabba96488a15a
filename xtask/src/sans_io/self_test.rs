//! `cargo xtask sans-io --self-test`: proves that the check can fail.
//!
//! A copy of the core, a workspace of its own in a temporary folder, gets one offending line after the other, and
//! two dependencies that it must not have. Each must be found and named.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{lock, names, tree};
use crate::output::verdict;
use crate::repo;

/// A kind of offence, a line that commits it, and what the report must contain.
const OFFENCES: [(&str, &str, &str); 26] = [
    (
        "clock",
        "pub fn smuggled() { let _ = std::time::Instant::now(); }",
        "std::time::Instant",
    ),
    (
        "clock",
        "pub use std::time::SystemTime as Smuggled;",
        "std::time::SystemTime",
    ),
    (
        "file",
        "pub fn smuggled() { let _ = std::fs::read(\"x\"); }",
        "std::fs::read",
    ),
    (
        "file",
        "pub fn smuggled(p: &std::path::Path) -> bool { p.exists() }",
        "std::path::Path::exists",
    ),
    (
        "environment",
        "pub fn smuggled() { let _ = std::env::var(\"X\"); }",
        "std::env::var",
    ),
    (
        "thread",
        "pub fn smuggled() { std::thread::spawn(|| ()); }",
        "std::thread::spawn",
    ),
    (
        "thread",
        "pub fn smuggled() { std::thread::sleep(std::time::Duration::ZERO); }",
        "std::thread::sleep",
    ),
    (
        "socket",
        "pub fn smuggled() { let _ = std::net::TcpStream::connect(\"x:1\"); }",
        "std::net::TcpStream",
    ),
    (
        "socket",
        "pub fn smuggled() { use std::net::ToSocketAddrs as _; let _ = \"x:1\".to_socket_addrs(); }",
        "ToSocketAddrs",
    ),
    (
        "process",
        "pub fn smuggled() { std::process::exit(1); }",
        "std::process::exit",
    ),
    (
        "console",
        "pub fn smuggled() { println!(\"x\"); }",
        "use of `println!`",
    ),
    (
        "console",
        "pub fn smuggled() { let _ = std::io::stdin(); }",
        "std::io::stdin",
    ),
    (
        "console",
        "#[allow(clippy::print_stderr)]\npub fn smuggled() { eprintln!(\"x\"); }",
        "allow(clippy::print_stderr)",
    ),
    (
        "foreign",
        "unsafe extern \"C\" { pub fn getpid() -> i32; }",
        "unsafe",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::Mutex<u8> = std::sync::Mutex::new(1);",
        "std::sync::Mutex",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::Condvar = std::sync::Condvar::new();",
        "std::sync::Condvar",
    ),
    (
        "lock",
        "pub fn smuggled() { std::sync::Barrier::new(2).wait(); }",
        "std::sync::Barrier",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::Once = std::sync::Once::new();",
        "`std::sync::Once`",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::OnceLock<u8> = std::sync::OnceLock::new();",
        "std::sync::OnceLock",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::LazyLock<u8> = std::sync::LazyLock::new(|| 1);",
        "std::sync::LazyLock",
    ),
    (
        "lock",
        "pub static SMUGGLED: std::sync::RwLock<u8> = std::sync::RwLock::new(1);",
        "lib.rs: names `RwLock`",
    ),
    (
        "channel",
        "pub fn smuggled() { let _ = std::sync::mpsc::channel::<u8>(); }",
        "std::sync::mpsc::channel",
    ),
    (
        "channel",
        "pub fn smuggled() { let _ = std::sync::mpsc::sync_channel::<u8>(1); }",
        "std::sync::mpsc::sync_channel",
    ),
    (
        "channel",
        "pub fn smuggled(sender: &std::sync::mpsc::Sender<u8>) { let _ = sender.send(1); }",
        "std::sync::mpsc::Sender",
    ),
    (
        "waiting",
        "pub fn smuggled() { std::thread::park(); }",
        "std::thread::park",
    ),
    (
        "waiting",
        "pub fn smuggled() { std::thread::park_timeout(std::time::Duration::ZERO); }",
        "std::thread::park_timeout",
    ),
];

/// Runs the self-test on a copy of the crate in a folder of the workspace.
pub(super) fn run(root: &Path, core: &str) -> Result<ExitCode, String> {
    let copy = Copy::new(root, core)?;
    let mut problems = Vec::new();
    if let Some(report) = copy.report()? {
        problems.push(format!("the copy fails before it is changed: {report}"));
    }
    for (kind, line, named) in OFFENCES {
        copy.write_library(line)?;
        match copy.report()? {
            Some(report) if report.contains(named) => {
                println!("found ({kind}): {}", line.replace('\n', " "));
            }
            Some(report) => problems.push(format!("failed without naming {named:?}: {report}")),
            None => problems.push(format!("not found ({kind}): {line}")),
        }
    }
    copy.write_library("")?;

    let before = tree::dependencies(&copy.root)?.join("\n");
    copy.add_dependencies(&["flume", "smuggled"])?;
    let after = tree::dependencies(&copy.root)?;
    let changes = tree::changes(&before, &after);
    if changes == ["  + flume", "  + smuggled"] {
        println!("found (dependency): flume, smuggled");
    } else {
        problems.push(format!("two added dependencies show as {changes:?}"));
    }
    if tree::refused(&after)
        .iter()
        .any(|line| line.contains("flume"))
    {
        println!("found (refused dependency): flume");
    } else {
        problems.push("a refused dependency was not found: flume".to_owned());
    }
    Ok(verdict("sans-io --self-test", &problems))
}

/// A copy of the core that is a workspace of its own; its folder is removed when it is dropped.
struct Copy {
    root: PathBuf,
    core: PathBuf,
    library: String,
    target: PathBuf,
}

impl Copy {
    fn new(original: &Path, core: &str) -> Result<Self, String> {
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| original.join("target"), |folder| original.join(folder));
        let copy = Self {
            root: std::env::temp_dir().join(format!("ap-sans-io-{}", std::process::id())),
            core: core.into(),
            library: repo::read(&original.join(core).join("src/lib.rs"))?,
            target,
        };
        for file in repo::files(&original.join(core))? {
            let path = copy.core.join(&file);
            copy.write(&path, &bytes(&original.join(&path))?)?;
        }
        let manifest = copy.core.join("Cargo.toml");
        let text = repo::read(&original.join(&manifest))?;
        copy.write(&manifest, without_tests(&text).as_bytes())?;
        let workspace = repo::read(&original.join("Cargo.toml"))?;
        let workspace = with_one_member(&workspace, core);
        copy.write(Path::new("Cargo.toml"), workspace.as_bytes())?;
        copy.write(
            Path::new("Cargo.lock"),
            &bytes(&original.join("Cargo.lock"))?,
        )?;
        Ok(copy)
    }

    fn write(&self, file: &Path, content: &[u8]) -> Result<(), String> {
        let path = self.root.join(file);
        let created = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        created
            .and_then(|()| std::fs::write(&path, content))
            .map_err(|error| format!("cannot write {}: {error}", path.display()))
    }

    /// Writes the core's `lib.rs` with one line more.
    fn write_library(&self, line: &str) -> Result<(), String> {
        let text = format!("{}\n/// x\n{line}\n", self.library);
        self.write(&self.core.join("src/lib.rs"), text.as_bytes())
    }

    /// Makes the core depend on empty crates with these names.
    fn add_dependencies(&self, crates: &[&str]) -> Result<(), String> {
        let manifest = self.core.join("Cargo.toml");
        let mut text = repo::read(&self.root.join(&manifest))?;
        for name in crates {
            let folder = self.root.join("added").join(name);
            let package = format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\n");
            self.write(&folder.join("Cargo.toml"), package.as_bytes())?;
            self.write(&folder.join("src/lib.rs"), b"")?;
            let path = folder.display();
            text = text.replacen(
                "[dependencies]",
                &format!(
                    "[dependencies]\n{name} = {{ path = {:?} }}",
                    path.to_string()
                ),
                1,
            );
        }
        self.write(&manifest, text.as_bytes())
    }

    /// Runs the checks of the sources and returns their reports if they found something.
    fn report(&self) -> Result<Option<String>, String> {
        let mut cargo = repo::cargo();
        cargo.env("CARGO_TARGET_DIR", &self.target);
        let mut reports = lock::problems(&self.root.join(&self.core).join("src"))?;
        reports.extend(names::problems(cargo, &self.root)?);
        Ok((!reports.is_empty()).then(|| reports.join("\n")))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Files that stay in a temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Returns the workspace's manifest with a single member.
fn with_one_member(manifest: &str, member: &str) -> String {
    let one = format!("members = [{member:?}]");
    manifest
        .lines()
        .map(|line| {
            if line.starts_with("members = ") {
                one.as_str()
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns a manifest without what only tests, examples and benches need.
fn without_tests(manifest: &str) -> String {
    let mut kept = String::new();
    let mut keeping = true;
    for line in manifest.lines() {
        if line.starts_with('[') {
            keeping = !matches!(
                line.trim(),
                "[dev-dependencies]" | "[[test]]" | "[[example]]" | "[[bench]]"
            );
        }
        if keeping {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{with_one_member, without_tests};

    #[test]
    fn the_copy_is_a_workspace_of_one_crate() {
        assert_eq!(
            with_one_member(
                "[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n",
                "crates/ap-core"
            ),
            "[workspace]\nmembers = [\"crates/ap-core\"]"
        );
        assert_eq!(
            without_tests(
                "[dependencies]\na = 1\n[dev-dependencies]\nb = 1\n[[test]]\nname = 1\n[lints]\nc = 1\n"
            ),
            "[dependencies]\na = 1\n[lints]\nc = 1\n"
        );
    }
}
