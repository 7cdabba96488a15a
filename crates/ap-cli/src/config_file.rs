//! The config file: settings of profiles, and never a key. It completes the options that were not given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use activeprospect::Service;
use activeprospect::ap_core::redact::is_secret_name;
use activeprospect::keys::{Readers, open_private};
use activeprospect::transport::Proxy;
use toml::{Table, Value};

use crate::failure::Failure;
use crate::keys::account::Account;
use crate::keys::file;
use crate::keys::profile::ProfileName;
use crate::options::values::{parse_proxy, parse_seconds};
use crate::options::{GlobalOptions, NamedOrigin, parse_named_origin};
use crate::possible_key::may_be_key;
use crate::{limited_read, output, proxy};

/// The variable that names a profile.
pub(crate) const PROFILE_VARIABLE: &str = "ACTIVEPROSPECT_PROFILE";

/// The table whose members are named by the user.
const PROFILES: &str = "profiles";

const LIMIT_MIB: u64 = 1;

const HINT: &str = "check its owner and mode, or set XDG_CONFIG_HOME to a folder of yours";

/// Completes the options by those of the profile, then by those of the config file's top.
pub(crate) fn complete(options: &mut GlobalOptions) -> Result<(), Failure> {
    if options.emulator {
        // It has a key, origins and an account of its own.
        return match options.profile {
            None => Ok(()),
            Some(_) => Err(Failure::usage(
                "--emulator and --profile cannot be used together",
                "leave one of them out",
            )),
        };
    }
    let mut config = Config::read()?;
    let profile = match &options.profile {
        Some(profile) => Some(profile.clone()),
        None => profile_of_variable()?.or_else(|| config.profile.take()),
    };
    let of_profile = profile
        .as_ref()
        .and_then(|profile| config.profiles.iter().position(|(name, _)| name == profile))
        .map(|index| config.profiles.swap_remove(index).1);
    options.account = Account::new(profile, options.profile.is_some());
    for settings in of_profile.into_iter().chain([config.settings]) {
        settings.complete(options);
    }
    Ok(())
}

/// Returns the names of all profiles: those of the config file and those with keys.
pub(crate) fn profiles() -> Vec<ProfileName> {
    let mut names = file::profiles();
    if let Ok(config) = Config::read() {
        names.extend(config.profiles.into_iter().map(|(name, _)| name));
    }
    names.sort();
    names.dedup();
    names
}

fn profile_of_variable() -> Result<Option<ProfileName>, Failure> {
    let Some(name) = std::env::var_os(PROFILE_VARIABLE).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let name = ProfileName::parse(&name.to_string_lossy());
    name.map(Some).map_err(|hint| {
        Failure::usage(
            format!("{PROFILE_VARIABLE} is not the name of a profile"),
            hint,
        )
    })
}

#[derive(Default)]
struct Config {
    /// The profile that is used if none is named.
    profile: Option<ProfileName>,
    settings: Settings,
    profiles: Vec<(ProfileName, Settings)>,
}

/// What a profile, or the file's top, says about the options of every command.
#[derive(Default)]
struct Settings {
    origins: Vec<NamedOrigin>,
    proxy: Option<Proxy>,
    proxy_auth_file: Option<PathBuf>,
    ca: Option<PathBuf>,
    timeout: Option<Duration>,
}

impl Settings {
    /// Sets the options that are not set yet.
    fn complete(self, options: &mut GlobalOptions) {
        for mut named in self.origins {
            let is_set = |service: &Service| {
                let mut given = options.origin.iter();
                given.any(|other| other.services.contains(service))
            };
            named.services.retain(|service| !is_set(service));
            if !named.services.is_empty() {
                options.origin.push(named);
            }
        }
        // A password belongs to the proxy beside it.
        if options.proxy.is_none() && !proxy::is_in_variable() && self.proxy.is_some() {
            options.proxy = self.proxy;
            options.proxy_auth_file = options.proxy_auth_file.take().or(self.proxy_auth_file);
        }
        options.ca = options.ca.take().or(self.ca);
        options.timeout = options.timeout.or(self.timeout);
    }
}

impl Config {
    /// Reads the file; without one, nothing is set.
    fn read() -> Result<Self, Failure> {
        let Ok(folder) = file::folder() else {
            return Ok(Self::default());
        };
        let path = folder.join("config.toml");
        let name = format!("the config file {}", output::display_path(&path));
        // Other users would choose where the key is sent.
        let Some(opened) = open_private(&path, Readers::Everyone, &name)? else {
            return Ok(Self::default());
        };
        let bytes = limited_read::read(Ok(opened), LIMIT_MIB, &name, HINT)?;
        Reader {
            name: &name,
            folder: &folder,
        }
        .parse(&bytes)
    }
}

/// Parses a file. Its errors name members that exist, and never repeat a value.
struct Reader<'a> {
    name: &'a str,
    folder: &'a Path,
}

impl Reader<'_> {
    fn parse(&self, bytes: &[u8]) -> Result<Config, Failure> {
        let text = std::str::from_utf8(bytes).map_err(|_| self.invalid("is not UTF-8"))?;
        let mut table: Table = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text
                .bytes()
                .take(start)
                .filter(|byte| *byte == b'\n')
                .count()
                + 1;
            self.invalid(&format!("is not TOML (line {line})"))
        })?;
        if has_secret(&table) {
            return Err(Failure::usage(
                format!("{} has what may be a key or a password", self.name),
                "no secret belongs there: store a key with `ap auth login`, a proxy's password in a file of its own",
            ));
        }
        let mut config = Config::default();
        if let Some(name) = table.remove("profile") {
            config.profile = Some(self.profile(name.as_str().unwrap_or_default())?);
        }
        if let Some(profiles) = table.remove(PROFILES) {
            for (name, settings) in self.table(profiles, PROFILES)? {
                let name = self.profile(&name)?;
                let settings = self.table(settings, "a profile")?;
                config.profiles.push((name, self.settings(settings)?));
            }
        }
        config.settings = self.settings(table)?;
        Ok(config)
    }

    fn settings(&self, table: Table) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        for (name, value) in table {
            match name.as_str() {
                "origins" => {
                    for (product, url) in self.table(value, "origins")? {
                        let url = self.text(url, "origins")?;
                        let origin = parse_named_origin(&format!("{product}={url}"));
                        settings.origins.push(self.valid(origin, "origins")?);
                    }
                    // A part of a product comes before the whole, which leaves it out then.
                    settings.origins.sort_by_key(|named| named.services.len());
                    without_repetition(&mut settings.origins);
                }
                "proxy" => {
                    let url = self.text(value, "proxy")?;
                    settings.proxy = Some(self.valid(parse_proxy(&url), "proxy")?);
                }
                "proxy_auth_file" => {
                    let file = self.text(value, "proxy_auth_file")?;
                    settings.proxy_auth_file = Some(self.folder.join(file));
                }
                "ca" => settings.ca = Some(self.folder.join(self.text(value, "ca")?)),
                "timeout" => {
                    let seconds = match value {
                        Value::Integer(seconds) => seconds.to_string(),
                        Value::Float(seconds) => seconds.to_string(),
                        _ => String::new(),
                    };
                    settings.timeout = Some(self.valid(parse_seconds(&seconds), "timeout")?);
                }
                _ => {
                    return Err(Failure::usage(
                        format!("{} has a member that does not exist", self.name),
                        "use profile, profiles, origins, proxy, proxy_auth_file, ca and timeout",
                    ));
                }
            }
        }
        Ok(settings)
    }

    fn table(&self, value: Value, member: &str) -> Result<Table, Failure> {
        match value {
            Value::Table(table) => Ok(table),
            _ => Err(self.invalid(&format!("has no table where {member} is"))),
        }
    }

    fn text(&self, value: Value, member: &str) -> Result<String, Failure> {
        match value {
            Value::String(text) => Ok(text),
            _ => Err(self.invalid(&format!("has no text where {member} is"))),
        }
    }

    fn profile(&self, name: &str) -> Result<ProfileName, Failure> {
        self.valid(ProfileName::parse(name), "the name of a profile")
    }

    fn valid<T>(
        &self,
        parsed: Result<T, impl std::fmt::Display>,
        member: &str,
    ) -> Result<T, Failure> {
        parsed.map_err(|error| {
            Failure::usage(
                format!("{}: {member} is not valid: {error}", self.name),
                "see the config file in docs/cli.md",
            )
        })
    }

    fn invalid(&self, what: &str) -> Failure {
        Failure::usage(
            format!("{} {what}", self.name),
            "see the config file in docs/cli.md",
        )
    }
}

/// Leaves out the services that an earlier one has.
fn without_repetition(origins: &mut [NamedOrigin]) {
    let mut seen: Vec<Service> = Vec::new();
    for named in origins {
        named.services.retain(|service| !seen.contains(service));
        seen.extend(&named.services);
    }
}

/// Returns `true` if the name of a setting says that its value is secret, or if a value may be a key. A profile may have
/// any name.
fn has_secret(file: &Table) -> bool {
    let is_secret_profile = |(name, value): (&String, &Value)| match value {
        Value::Table(settings) => settings.iter().any(is_secret),
        _ => is_secret((name, value)),
    };
    file.iter().any(|(name, value)| match value {
        Value::Table(profiles) if name == PROFILES => profiles.iter().any(is_secret_profile),
        _ => is_secret((name, value)),
    })
}

fn is_secret((name, value): (&String, &Value)) -> bool {
    is_secret_name(name)
        || name.to_ascii_lowercase().contains("key")
        || match value {
            Value::Table(table) => table.iter().any(is_secret),
            Value::String(text) => may_be_key(text),
            _ => false,
        }
}
