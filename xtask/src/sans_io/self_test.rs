//! `cargo xtask sans-io --self-test`: proves that the check can fail.
//!
//! A copy of the core, a workspace of its own in a temporary folder, gets one offending line after the
//! other, and a dependency that is not on the list. Each must be found, and found by its name.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{names, tree};
use crate::{repo, verdict};

/// A family, a line of it, and what the report must say.
const OFFENCES: [(&str, &str, &str); 14] = [
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
];

/// Runs the self-test.
pub(crate) fn run() -> Result<ExitCode, String> {
    let copy = Copy::make()?;
    let mut faults = Vec::new();
    if let Some(report) = copy.names()? {
        faults.push(format!("the copy fails before it is changed: {report}"));
    }
    for (family, line, word) in OFFENCES {
        copy.write_library(line)?;
        match copy.names()? {
            Some(report) if report.contains(word) => println!("found ({family}): {line}"),
            Some(report) => faults.push(format!("failed without naming {word:?}: {report}")),
            None => faults.push(format!("not found ({family}): {line}")),
        }
    }
    copy.write_library("")?;

    let before = tree::names(&copy.root, "default")?.join("\n");
    copy.add_dependency()?;
    let changes = tree::changes(&before, &tree::names(&copy.root, "default")?);
    if changes == ["  + smuggled"] {
        println!("found (dependency): smuggled");
    } else {
        faults.push(format!("an added dependency shows as {changes:?}"));
    }
    Ok(verdict("sans-io --self-test", &faults))
}

/// The copy; its folder goes when this does.
struct Copy {
    root: PathBuf,
    library: String,
    target: PathBuf,
}

impl Copy {
    fn make() -> Result<Self, String> {
        let original = repo::root();
        let root = std::env::temp_dir().join(format!("ap-sans-io-{}", std::process::id()));
        let target = std::env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| original.join("target"), |folder| original.join(folder));
        let core = original.join("crates/ap-core");
        let library = repo::read(&core.join("src/lib.rs"))?;
        let copy = Self {
            root,
            library,
            target,
        };

        for file in repo::files(&core)? {
            copy.write(
                &Path::new("crates/ap-core").join(&file),
                &bytes(&core.join(&file))?,
            )?;
        }
        let manifest = repo::read(&core.join("Cargo.toml"))?;
        copy.write(
            Path::new("crates/ap-core/Cargo.toml"),
            without_tests(&manifest).as_bytes(),
        )?;
        let workspace = repo::read(&original.join("Cargo.toml"))?;
        copy.write(Path::new("Cargo.toml"), alone(&workspace).as_bytes())?;
        copy.write(
            Path::new("Cargo.lock"),
            &bytes(&original.join("Cargo.lock"))?,
        )?;
        Ok(copy)
    }

    fn write(&self, file: &Path, content: &[u8]) -> Result<(), String> {
        let path = self.root.join(file);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, content))
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }

    fn write_library(&self, line: &str) -> Result<(), String> {
        let text = format!("{}\n/// x\n{line}\n", self.library);
        self.write(Path::new("crates/ap-core/src/lib.rs"), text.as_bytes())
    }

    /// A crate that the list does not know, and the core that depends on it.
    fn add_dependency(&self) -> Result<(), String> {
        let manifest = "[package]\nname = \"smuggled\"\nversion = \"0.0.0\"\n";
        self.write(Path::new("smuggled/Cargo.toml"), manifest.as_bytes())?;
        self.write(Path::new("smuggled/src/lib.rs"), b"")?;
        let core = Path::new("crates/ap-core/Cargo.toml");
        let text = repo::read(&self.root.join(core))?;
        let with = text.replace(
            "[dependencies]",
            "[dependencies]\nsmuggled = { path = \"../../smuggled\" }",
        );
        self.write(core, with.as_bytes())
    }

    fn names(&self) -> Result<Option<String>, String> {
        let mut cargo = repo::cargo();
        cargo.env("CARGO_TARGET_DIR", &self.target);
        names::faults(cargo, &self.root, "default")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What is left in a temporary folder does no harm.
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
}

/// The workspace's manifest with the core as its only member.
fn alone(manifest: &str) -> String {
    manifest
        .lines()
        .map(|line| {
            if line.starts_with("members = ") {
                "members = [\"crates/ap-core\"]"
            } else {
                line
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// A manifest without what only tests, examples and benches need.
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
    use super::{alone, without_tests};

    #[test]
    fn the_copy_stands_alone() {
        assert_eq!(
            alone("[workspace]\nmembers = [\"crates/*\", \"xtask\"]\n"),
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
