//! Cases as data.
//!
//! A case file is a list of cases of one group. [`reader`] reads a file, checks it, and makes one
//! [`Case`] of every variant; [`files`] contains the files of this crate.

mod call;
mod capability;
pub(crate) mod files;
mod level;
mod listener;
mod profile;
mod reader;
mod step;

use std::collections::BTreeMap;

use serde::Deserialize;

pub(crate) use call::{Call, ExpectedResult, OUTCOMES};
pub use capability::Capability;
pub use level::Level;
pub(crate) use listener::{Certificate, ExpectedRequests, Listener, Range};
pub use profile::Profile;
pub use reader::CaseError;
pub(crate) use step::{DOCUMENTED_401, Step, answering_script, default_script, unhex};

/// One case: a requirement, what the listeners do, the calls, and the result that they must have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// `group/behaviour`, stable.
    pub id: String,
    /// The id without a variant's name.
    #[serde(default, rename = "<family>")]
    pub family: String,
    pub title: String,
    /// The rule, in one sentence that says what a client must do.
    pub requirement: String,
    /// Where the rule comes from.
    pub source: String,
    pub level: Level,
    /// The profile that the case is part of, besides `all`.
    #[serde(default)]
    pub profile: Profile,
    /// What the subject must offer. The reader adds what follows from the rest of the case.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// Environment variables.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Files of the home directory.
    #[serde(default)]
    pub home: BTreeMap<String, String>,
    /// Names of files of the home directory that must be empty or not there when the case is over.
    #[serde(default)]
    pub home_lacks: Vec<String>,
    /// Names of the client's keys, oldest first.
    #[serde(default = "one_key")]
    pub keys: Vec<String>,
    /// Texts of keys by name, to replace the generated ones. Each `*` becomes the generated key.
    #[serde(default)]
    pub key_texts: BTreeMap<String, String>,
    /// The user name of the pair, if it is not the client's default.
    #[serde(default)]
    pub user: Option<String>,
    /// The product whose origin is the listener `target`.
    #[serde(default)]
    pub product: Product,
    /// Other products, each with the listener that is its origin. They may receive keys, like the
    /// target.
    #[serde(default)]
    pub products: BTreeMap<Product, String>,
    /// The hosts file of a process of its own.
    #[serde(default)]
    pub hosts: Option<String>,
    /// The target's host, if it is not 127.0.0.1.
    #[serde(default)]
    pub host: Option<String>,
    #[serde(default)]
    pub settings: CaseSettings,
    #[serde(default)]
    pub listeners: BTreeMap<String, Listener>,
    pub calls: Vec<Call>,
    /// Runs the case once for every offset in the bytes that the target sends first.
    #[serde(default)]
    pub sweep: Option<Sweep>,
}

fn one_key() -> Vec<String> {
    vec!["first".to_owned()]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Product {
    #[default]
    Lcx,
    TrustedForm,
    SuppressionList,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseSettings {
    pub timeout_ms: Option<u64>,
    pub connect_timeout_ms: Option<u64>,
    pub body_limit: Option<usize>,
    pub head_limit: Option<usize>,
    pub header_limit: Option<usize>,
    pub proxy: Option<String>,
    pub proxy_user: Option<String>,
    pub proxy_password: Option<String>,
    /// Leaves the suite's authority out of the roots.
    pub no_root: bool,
}

/// What happens at each offset of the first text that the target sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sweep {
    /// The bytes end there, and the connection is closed.
    CutFin,
    /// The bytes end there, and the connection is reset.
    CutRst,
    /// The bytes arrive in two pieces.
    Split,
}

impl Case {
    /// Returns the names of all keys that the client has at any time, each once.
    pub(crate) fn all_keys(&self) -> Vec<&str> {
        let installed = self
            .calls
            .iter()
            .flat_map(|call| call.install.iter().flatten());
        let mut names: Vec<&str> = Vec::new();
        for name in self.keys.iter().chain(installed) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    /// Returns `true` if the case needs a process with an environment of its own.
    pub(crate) fn needs_environment(&self) -> bool {
        let needs_home = !self.home.is_empty() || !self.home_lacks.is_empty();
        needs_home || !self.env.is_empty() || self.hosts.is_some()
    }

    /// Returns `true` if a listener is a product, which may receive keys.
    pub(crate) fn is_product(&self, listener: &str) -> bool {
        listener == "target" || self.products.values().any(|name| name == listener)
    }

    /// Returns the calls; one that is made several times is repeated.
    pub(crate) fn each_call(&self) -> impl Iterator<Item = &Call> {
        let calls = self.calls.iter();
        calls.flat_map(|call| std::iter::repeat_n(call, call.times))
    }

    /// Returns the byte offsets of the sweep, one for each run; `[None]` without a sweep.
    pub(crate) fn sweep_offsets(&self) -> Vec<Option<usize>> {
        if self.sweep.is_none() {
            return vec![None];
        }
        let target = self.listeners.get("target");
        let script = target.and_then(|target| target.script.as_ref());
        let text = script.and_then(|script| script.iter().find_map(Step::response_text));
        (0..text.map_or(0, |text| text.len())).map(Some).collect()
    }
}
