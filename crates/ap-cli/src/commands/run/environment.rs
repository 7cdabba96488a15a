//! The environment of the command: the gateway's addresses and key instead of the account's key.

use std::ffi::{OsStr, OsString};
use std::process::Command;

use activeprospect::ApiKey;
use ap_gateway::{service_from_name, service_name};
use memchr::memmem;

/// Every variable of this project begins with this. The command gets none of ours, apart from those that are set here:
/// they may contain a key, the password of a proxy, or the command that prints keys.
const PREFIX: &str = "ACTIVEPROSPECT_";

const KEY_VARIABLE: &str = "ACTIVEPROSPECT_API_KEY";
const GATEWAY_VARIABLE: &str = "ACTIVEPROSPECT_GATEWAY_URL";

/// The variables that keep calls to loopback off a proxy, in both spellings.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
const LOOPBACK: &str = "127.0.0.1,localhost";

/// The shortest key that is searched for in variables. A shorter one may be part of any word.
const MIN_SEARCHED_LEN: usize = 8;

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
    /// because they contain one of the account's keys.
    pub(super) fn apply(
        &self,
        command: &mut Command,
        named: &[NamedVariable],
        inherited: impl Iterator<Item = (OsString, OsString)>,
        keys: &[ApiKey],
    ) -> Vec<OsString> {
        let mut removed = Vec::new();
        let mut no_proxy = NO_PROXY.map(|_| OsString::new());
        for (name, value) in inherited {
            if let Some(at) = NO_PROXY.iter().position(|other| name == *other) {
                no_proxy[at] = value;
            } else if is_ours(&name) || contains_key(&value, keys) {
                command.env_remove(&name);
                removed.push(name);
            }
        }
        for (name, mut value) in NO_PROXY.into_iter().zip(no_proxy) {
            if !value.is_empty() {
                value.push(",");
            }
            value.push(LOOPBACK);
            command.env(name, value);
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

fn contains_key(value: &OsStr, keys: &[ApiKey]) -> bool {
    let contains = |key: &ApiKey| {
        let key = key.expose().as_bytes();
        key.len() >= MIN_SEARCHED_LEN && memmem::find(value.as_encoded_bytes(), key).is_some()
    };
    keys.iter().any(contains)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
            ("no_proxy", "example.com"),
        ];
        let inherited = inherited.map(|(name, value)| (name.into(), value.into()));
        let mut command = Command::new("true");
        let removed = environment.apply(&mut command, &named, inherited.into_iter(), &[key]);
        assert_eq!(removed.len(), 5, "{removed:?}");
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
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("TF", "http://127.0.0.1:1"),
            ("TOKEN", "placeholder-local-key"),
            ("no_proxy", "example.com,127.0.0.1,localhost"),
        ] {
            assert_eq!(set.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert!(!set.contains_key("PATH"), "it is inherited unchanged");
    }

    #[test]
    fn a_value_of_env_names_a_variable_and_a_service() {
        for text in ["TF", "=lcx", "A B=lcx", "A=other", "A=", "A=LCX"] {
            assert!(parse_named_variable(text).is_err(), "{text}");
        }
    }
}
