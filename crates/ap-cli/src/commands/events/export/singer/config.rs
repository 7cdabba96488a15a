//! [`Config`]: what to export, from the file of `--config`.

use std::path::Path;

use activeprospect::ap_core::redact::is_secret_name;
use activeprospect::api::rules::Rule;
use activeprospect::{Origin, Product};
use jiff::Timestamp;
use serde_json::Value;

use super::file::Kind;
use crate::bulk::options::parse_rate;
use crate::commands::events::parse_time;
use crate::failure::Failure;
use crate::options::values::parse_origin;
use crate::options::{GlobalOptions, NamedOrigin};

const FILE: Kind = Kind {
    name: "config",
    hint: "write a JSON object with start_date, end_date, rules, rate or origin, or with none of them",
};

/// What to export.
#[derive(Default)]
pub(super) struct Config {
    /// Only events of this time or later, unless a state says where to continue.
    pub(super) start: Option<Timestamp>,
    /// Only events of this time or earlier.
    pub(super) end: Option<Timestamp>,
    /// Only events that pass these rules.
    pub(super) rules: Vec<Rule>,
    /// The most calls a second.
    pub(super) rate: Option<f64>,
    /// Where to call LeadConduit.
    origin: Option<Origin>,
}

impl Config {
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(FILE.read(path)?)
    }

    fn parse(value: Option<Value>) -> Result<Self, Failure> {
        let Some(Value::Object(members)) = value else {
            return Err(FILE.problem("is not a JSON object"));
        };
        let mut config = Self::default();
        // A host writes null for a setting without a value.
        for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            let invalid = || FILE.problem(&format!("has a {name} that is not valid"));
            let text = || value.as_str().ok_or_else(invalid);
            let time = || parse_time(text()?).map_err(|why| invalid_because(name, why));
            match name.as_str() {
                "start_date" => config.start = Some(time()?),
                "end_date" => config.end = Some(time()?),
                "rules" => {
                    let rules = serde_json::from_value(value.clone());
                    config.rules = rules.map_err(|_| invalid())?;
                }
                "rate" => {
                    let rate = parse_rate(&value.to_string());
                    config.rate = Some(rate.map_err(|why| invalid_because(name, why))?);
                }
                "origin" => {
                    let origin = parse_origin(text()?);
                    let origin = origin.map_err(|error| invalid_because(name, &error.to_string()));
                    config.origin = Some(origin?);
                }
                name if is_secret_name(name) => return Err(has_key()),
                _ => return Err(FILE.problem("has a member that this tap does not know")),
            }
        }
        Ok(config)
    }

    /// Returns the options of the command, with the origin.
    pub(super) fn options(&self, options: &GlobalOptions) -> Result<GlobalOptions, Failure> {
        let mut options = options.clone();
        if let Some(origin) = &self.origin {
            if options.emulator || !options.origin.is_empty() {
                return Err(Failure::usage(
                    "the config has an origin, and so have the arguments",
                    "leave one of them out",
                ));
            }
            options.origin.push(NamedOrigin {
                services: Product::LeadConduit.services().collect(),
                origin: origin.clone(),
            });
        }
        Ok(options)
    }
}

fn invalid_because(name: &str, why: &str) -> Failure {
    FILE.problem(&format!("has a {name} that is not valid: {why}"))
}

/// Hosts copy a config to files of their own and into logs.
fn has_key() -> Failure {
    Failure::usage(
        "the config contains a secret, and hosts copy it to other files",
        "leave it out, and put the key into ACTIVEPROSPECT_API_KEY or store it with `ap auth login`",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Config;

    #[test]
    fn what_a_config_says_is_read() {
        let config = Config::parse(Some(json!({
            "start_date": "2026-11-01", "end_date": "2026-11-30T23:59:59Z", "rate": 2.5,
            "rules": [{"lhv": "type", "op": "is equal to", "rhv": "source"}],
            "origin": null,
        })));
        let config = config.ok().unwrap();
        assert_eq!(config.start.unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(config.end.unwrap().to_string(), "2026-11-30T23:59:59Z");
        assert_eq!((config.rate, config.rules.len()), (Some(2.5), 1));
    }

    #[test]
    fn what_a_config_must_not_say_is_refused_without_repeating_it() {
        for (value, message) in [
            (json!([]), "the config is not a JSON object"),
            (
                json!({"start_date": "yesterday"}),
                "the config has a start_date that is not valid: write a time such as 2026-11-01 or 2026-11-01T08:30:00Z",
            ),
            (
                json!({"start_date": 5}),
                "the config has a start_date that is not valid",
            ),
            (
                json!({"rules": "x"}),
                "the config has a rules that is not valid",
            ),
            (
                json!({"rate": "fast"}),
                "the config has a rate that is not valid: write a number of calls a second, from 0.001 to 100000",
            ),
            (
                json!({"origin": "http://example.com"}),
                "the config has a origin that is not valid",
            ),
            (
                json!({"start_data": "2026-11-01"}),
                "the config has a member that this tap does not know",
            ),
            (
                json!({"api_key": "x"}),
                "the config contains a secret, and hosts copy it to other files",
            ),
            (
                json!({"password": "x"}),
                "the config contains a secret, and hosts copy it to other files",
            ),
        ] {
            let failure = Config::parse(Some(value)).err().unwrap();
            assert!(failure.message.starts_with(message), "{}", failure.message);
        }
    }
}
