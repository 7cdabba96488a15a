//! The environment of the command: the gateway's addresses and key instead of the account's key.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use ap_gateway::{service_from_name, service_name};

use crate::redact::Secrets;

/// Every variable of this project begins with this. The command gets none of ours, apart from those that are set here:
/// they may contain a key, the password of a proxy, or the command that prints keys.
const PREFIX: &str = "ACTIVEPROSPECT_";

const KEY_VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";
const GATEWAY_VARIABLE: &str = "ACTIVEPROSPECT_GATEWAY_URL";

/// The variables that keep calls to loopback off a proxy, in both spellings.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
const LOOPBACK: &str = "127.0.0.1,localhost";

/// The value that keeps all calls off a proxy. It has this meaning only alone.
const ALL_HOSTS: &str = "*";

/// The word for the key in a value of `--env`.
const KEY: &str = "key";

/// A value of `--env`: a variable, and what it shall contain.
#[derive(Clone, Debug)]
pub(super) struct NamedVariable {
    name: String,
    content: &'static str,
}

pub(super) fn parse_named_variable(text: &str) -> Result<NamedVariable, &'static str> {
    let (name, content) = text.split_once('=').ok_or("write it as NAME=SERVICE")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name) {
        return Err("the name of a variable has letters, digits and underscores");
    }
    let content = match content {
        KEY => KEY,
        service => service_from_name(service)
            .map(service_name)
            .ok_or("choose lcx, trustedform, trustedform-app, suppressionlist or key")?,
    };
    Ok(NamedVariable {
        name: name.to_owned(),
        content,
    })
}

/// What is set for the command.
pub(super) struct Environment {
    /// The names of `--env`, and their values.
    contents: Vec<(&'static str, String)>,
    gateway: String,
}

impl Environment {
    pub(super) fn new(local_key: &str) -> Self {
        Self {
            contents: vec![(KEY, local_key.to_owned())],
            gateway: String::new(),
        }
    }

    /// Adds the URL of a service.
    pub(super) fn add_url(&mut self, service: &'static str, url: String) {
        self.contents.push((service, url));
    }

    /// Adds the URL below which the first segment of a path is the service.
    pub(super) fn add_gateway(&mut self, url: String) {
        self.gateway = url;
    }

    /// Sets the variables of a command. Returns the names of those that it does not get, because they are ours or
    /// because they contain one of the account's keys in any spelling, such as base64.
    pub(super) fn apply(
        &self,
        command: &mut Command,
        named: &[NamedVariable],
        inherited: impl Iterator<Item = (OsString, OsString)>,
        keys: &Secrets,
    ) -> Vec<OsString> {
        let mut removed = Vec::new();
        let mut no_proxy = [None, None];
        for (name, value) in inherited {
            if is_ours(&name) || keys.has_key(value.as_encoded_bytes()) {
                command.env_remove(&name);
                removed.push(name);
            } else if let Some(at) = NO_PROXY.iter().position(|other| name == *other) {
                no_proxy[at] = Some(value);
            }
        }
        // A program that reads one spelling first must find there what it found in the other one.
        for at in 0..NO_PROXY.len() {
            let value = no_proxy[at].as_ref().or(no_proxy[1 - at].as_ref());
            command.env(NO_PROXY[at], with_loopback(value));
        }
        for (content, value) in &self.contents {
            command.env(variable(content), value);
        }
        command.env(GATEWAY_VARIABLE, &self.gateway);
        for NamedVariable { name, content } in named {
            let mut contents = self.contents.iter();
            if let Some((_, value)) = contents.find(|(other, _)| other == content) {
                command.env(name, value);
            }
        }
        removed
    }
}

/// Returns the variable of a service's URL or of the key, as in the libraries of this project.
fn variable(content: &str) -> String {
    match content {
        KEY => KEY_VARIABLE.to_owned(),
        service => format!(
            "{PREFIX}{}_URL",
            service.to_ascii_uppercase().replace('-', "_")
        ),
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// Returns a list of the hosts that need no proxy, with loopback.
fn with_loopback(hosts: Option<&OsString>) -> OsString {
    let mut hosts = hosts.cloned().unwrap_or_default();
    if hosts != ALL_HOSTS {
        if !hosts.is_empty() {
            hosts.push(",");
        }
        hosts.push(LOOPBACK);
    }
    hosts
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use activeprospect::ApiKey;

    use super::*;

    #[test]
    fn the_command_gets_the_gateway_instead_of_the_key() {
        let mut environment = Environment::new("placeholder-local-key");
        environment.add_url("trustedform-app", "http://127.0.0.1:1".to_owned());
        environment.add_gateway("http://127.0.0.1:2".to_owned());
        let named =
            ["TF=trustedform-app", "TOKEN=key"].map(|text| parse_named_variable(text).unwrap());
        let key = ApiKey::parse("placeholder-account-key").unwrap();
        let inherited = [
            ("PATH", "/bin"),
            ("ACTIVEPROSPECT_API_KEY", "placeholder-account-key"),
            ("ACTIVEPROSPECT_KEY_COMMAND", "print it"),
            ("ACTIVEPROSPECT_PROXY", "http://a:b@proxy.example"),
            ("ACTIVEPROSPECT_OF_LATER", "1"),
            ("MY_HEADER", "Bearer placeholder-account-key"),
            ("TF", "https://cert.trustedform.com"),
            ("MY_PAIR", "Basic WDpwbGFjZWhvbGRlci1hY2NvdW50LWtleQ=="),
            ("MY_URL", "https://x:placeholder%2daccount-key@api.example/"),
        ];
        let inherited = inherited.map(|(name, value)| (name.into(), value.into()));
        let mut command = Command::new("true");
        let keys = Secrets::new(&[key]).unwrap();
        let removed = environment.apply(&mut command, &named, inherited.into_iter(), &keys);
        assert_eq!(removed.len(), 7, "{removed:?}");
        let text = |text: &OsStr| text.to_str().unwrap().to_owned();
        let set: BTreeMap<_, _> = command
            .get_envs()
            .map(|(name, value)| (text(name), value.map_or_else(|| "removed".to_owned(), text)))
            .collect();
        for (name, value) in [
            ("ACTIVEPROSPECT_API_KEY", "placeholder-local-key"),
            ("ACTIVEPROSPECT_GATEWAY_URL", "http://127.0.0.1:2"),
            ("ACTIVEPROSPECT_KEY_COMMAND", "removed"),
            ("ACTIVEPROSPECT_OF_LATER", "removed"),
            ("ACTIVEPROSPECT_PROXY", "removed"),
            ("ACTIVEPROSPECT_TRUSTEDFORM_APP_URL", "http://127.0.0.1:1"),
            ("MY_HEADER", "removed"),
            ("MY_PAIR", "removed"),
            ("MY_URL", "removed"),
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("TF", "http://127.0.0.1:1"),
            ("TOKEN", "placeholder-local-key"),
            ("no_proxy", "127.0.0.1,localhost"),
        ] {
            assert_eq!(set.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!set.contains_key("PATH"), "it is inherited unchanged");
    }

    #[test]
    fn both_spellings_of_no_proxy_keep_what_either_says() {
        const LOOPBACK_TOO: &str = "a.example,127.0.0.1,localhost";
        for (upper, lower, expected) in [
            (None, None, [LOOPBACK, LOOPBACK]),
            (Some("a.example"), None, [LOOPBACK_TOO; 2]),
            (None, Some("a.example"), [LOOPBACK_TOO; 2]),
            (Some("a.example"), Some(""), [LOOPBACK_TOO, LOOPBACK]),
            (Some("*"), None, ["*"; 2]),
            (None, Some("*"), ["*"; 2]),
            (Some("*"), Some("a.example"), ["*", LOOPBACK_TOO]),
        ] {
            let inherited = NO_PROXY.into_iter().zip([upper, lower]);
            let inherited =
                inherited.filter_map(|(name, value)| Some((name.into(), value?.into())));
            let mut command = Command::new("true");
            Environment::new("").apply(&mut command, &[], inherited, &Secrets::default());
            let value = |name| {
                let (_, value) = command.get_envs().find(|(other, _)| *other == name)?;
                value?.to_str()
            };
            assert_eq!(
                NO_PROXY.map(value),
                expected.map(Some),
                "{upper:?} {lower:?}"
            );
        }
    }

    #[test]
    fn a_value_of_env_names_a_variable_and_a_service() {
        for text in ["TF", "=lcx", "A B=lcx", "A=other", "A=", "A=LCX"] {
            assert!(parse_named_variable(text).is_err(), "{text}");
        }
    }
}
