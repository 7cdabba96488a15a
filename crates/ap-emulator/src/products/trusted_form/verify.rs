//! Verify: the consent that the page asked for.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};

use crate::example_data::certificates::{
    ADVERTISER, CONSENT, CONTRAST_RATIO, FONT_SIZE_PX, Kind, OPT_IN_TYPE,
};

#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Verify {
    #[serde(skip_serializing_if = "Option::is_none")]
    advertiser_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_contrast_ratio_required: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_font_size_px_required: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opt_in_types_allowed: Option<Vec<OptInType>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum OptInType {
    Manual,
    PreSelected,
    NonInteractive,
}

impl Verify {
    /// Returns the results, and why the operation failed. A member of the result is missing if it was not checked:
    /// the vendor documents null, and a type that cannot be null.
    pub(super) fn run(&self, kind: Kind) -> (Value, Option<String>) {
        let mut results = json!(self);
        // The pages of other certificates than those of web forms show no consent.
        let has_consent = kind.is_web();
        let languages = if has_consent {
            json!([{ "text": CONSENT }])
        } else {
            json!([])
        };
        let is_one_to_one = self
            .advertiser_name
            .as_deref()
            .map(|name| has_consent && is_advertiser(name));
        let mut result = Map::new();
        let checks = [
            (
                "min_contrast_ratio_satisfied",
                self.min_contrast_ratio_required
                    .as_ref()
                    .map(|least| is_at_least(CONTRAST_RATIO, least)),
            ),
            (
                "min_font_size_px_satisfied",
                self.min_font_size_px_required
                    .as_ref()
                    .map(|least| is_at_least(FONT_SIZE_PX, least)),
            ),
            (
                "opt_in_types_satisfied",
                self.opt_in_types_allowed.as_deref().map(allows_opt_in),
            ),
        ];
        let mut is_look_right = true;
        for (name, is_satisfied) in checks {
            if let Some(is_satisfied) = is_satisfied {
                let is_satisfied = is_satisfied && has_consent;
                is_look_right &= is_satisfied;
                result.insert(name.to_owned(), is_satisfied.into());
            }
        }
        let reason = if !has_consent {
            Some("Consent language not detected in the certificate.".to_owned())
        } else if is_one_to_one == Some(false) {
            let name = self.advertiser_name.as_deref().unwrap_or_default();
            Some(format!(
                "{name} was not granted consent in a one-to-one manner."
            ))
        } else if !is_look_right {
            Some("The consent does not look as required; the vendor's text for this is not documented.".to_owned())
        } else {
            None
        };
        result.insert("form_submitted".to_owned(), true.into());
        result.insert("language_approved".to_owned(), has_consent.into());
        result.insert("one_to_one".to_owned(), json!(is_one_to_one));
        result.insert("success".to_owned(), reason.is_none().into());
        results["languages"] = languages;
        results["result"] = Value::Object(result);
        (results, reason)
    }
}

/// Case, white space and everything but letters and digits are ignored.
fn is_advertiser(name: &str) -> bool {
    let letters = |text: &str| -> String {
        let kept = text.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    letters(name) == letters(ADVERTISER)
}

fn is_at_least(value: f64, least: &Number) -> bool {
    least.as_f64().is_some_and(|least| value >= least)
}

fn allows_opt_in(allowed: &[OptInType]) -> bool {
    allowed.iter().any(|allowed| json!(allowed) == OPT_IN_TYPE)
}
