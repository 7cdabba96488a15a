//! [`Results`]: what the operations on a certificate returned.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{OptInType, Property};
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Outcome, Secret, Time};

open_enum! {
    /// How a form was filled in.
    pub enum InputMethod {
        /// The browser did it.
        Autofill = "autofill",
        /// The text was pasted.
        Paste = "paste",
        /// The text was typed.
        Typing = "typing",
        /// The text was there before.
        PrePopulated = "pre-populated",
    }
}

/// One text, or a list of them, as the product wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ScanMatches {
    /// One text.
    One(String),
    /// A list.
    List(Vec<String>),
}

impl ScanMatches {
    /// Returns the texts.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::List(texts) => texts,
        }
    }
}

object! {
    /// What the operations returned. The `outcome` decides, not the status of the response.
    #[must_use = "the outcome decides, not the status of the response"]
    pub struct Results {
        /// `Success` if every operation was successful, `Failure` if one was not, `Error` if one could not be carried
        /// out.
        pub outcome: Outcome,
        /// Why not, for a person.
        pub reason: Option<String>,
        /// What matching the lead returned.
        pub match_lead: Option<MatchLeadResults>,
        /// What retaining returned.
        pub retain: Option<RetainResults>,
        /// The insights.
        pub insights: Option<InsightsResults>,
        /// What checking the consent returned.
        pub verify: Option<VerifyResults>,
    }

    /// What matching the lead returned.
    pub struct MatchLeadResults {
        /// The email address, or several, as they were sent.
        pub email: Option<ScanMatches>,
        /// The phone number, or several, as they were sent.
        pub phone: Option<ScanMatches>,
        /// The result.
        pub result: Option<MatchLeadResult>,
    }

    /// The result of matching the lead.
    pub struct MatchLeadResult {
        /// The email address matches; `None` if there was none.
        pub email_match: Option<bool>,
        /// The phone number matches; `None` if there was none.
        pub phone_match: Option<bool>,
        /// One of them matches.
        pub success: Option<bool>,
    }

    /// What retaining returned.
    pub struct RetainResults {
        /// The reference, as it was sent.
        pub reference: Option<String>,
        /// The vendor, as it was sent.
        pub vendor: Option<String>,
        /// The campaign, as it was sent.
        pub campaign_id: Option<String>,
        /// The result. It is there if the certificate is retained.
        pub results: Option<RetainResult>,
    }

    /// The result of retaining.
    pub struct RetainResult {
        /// When the stored certificate expires.
        pub expires_at: Option<Time>,
        /// The URL of the masked certificate, which hides the page. Not every account gets one.
        pub masked_cert_url: Option<String>,
        /// The certificate had been retained before: a boolean, or a text in the vendor's example. See
        /// [`was_retained_before`](Self::was_retained_before).
        pub previously_retained: Option<Value>,
        /// A URL that shows the certificate to anyone who has it.
        pub share_url: Option<Secret>,
    }

    /// The insights.
    pub struct InsightsResults {
        /// The properties.
        pub properties: Option<InsightsValues>,
        /// The search of the page.
        pub scans: Option<Scans>,
    }

    /// The properties of the event. One that the kind of certificate does not have is `None`.
    pub struct InsightsValues {
        /// Seconds since the last interaction.
        pub age_seconds: Option<i64>,
        /// Where the IP address approximately is.
        pub approx_ip_geo: Option<Geo>,
        /// A bot was detected.
        pub bot_detected: Option<bool>,
        /// The browser.
        pub browser: Option<Browser>,
        /// The account that owns the form, or a text that says how far it is known.
        pub confirmed_owner: Option<String>,
        /// When the certificate was created.
        pub created_at: Option<Time>,
        /// The domain of the page.
        pub domain: Option<String>,
        /// When the certificate expires.
        pub expires_at: Option<Time>,
        /// Keystrokes each minute.
        pub form_input_kpm: Option<Number>,
        /// How the form was filled in.
        pub form_input_method: Option<Vec<InputMethod>>,
        /// Words each minute.
        pub form_input_wpm: Option<Number>,
        /// The IP address.
        pub ip: Option<String>,
        /// The form was in a frame.
        pub in_frame: Option<bool> = "is_framed",
        /// The certificate is a masked one.
        pub is_masked: Option<bool>,
        /// The number of sensitive elements of the page's content.
        pub num_sensitive_content_elements: Option<Number>,
        /// The number of sensitive elements of the form.
        pub num_sensitive_form_elements: Option<Number>,
        /// The operating system.
        pub os: Option<OperatingSystem>,
        /// The URL of the page.
        pub page_url: Option<String>,
        /// The URL of the page around a frame.
        pub parent_page_url: Option<String>,
        /// Seconds on the page.
        pub seconds_on_page: Option<Number>,
    }

    /// Where an IP address approximately is.
    pub struct Geo {
        /// The city.
        pub city: Option<String>,
        /// The country, by its code.
        pub country_code: Option<String>,
        /// The latitude, in degrees.
        pub lat: Option<Number>,
        /// The longitude, in degrees.
        pub lon: Option<Number>,
        /// The postal code.
        pub postal_code: Option<String>,
        /// The state, by its name or its code.
        pub state: Option<String>,
        /// The time zone.
        pub time_zone: Option<String>,
    }

    /// A browser.
    pub struct Browser {
        /// Its name and version.
        pub full: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// The header `User-Agent`.
        pub user_agent: Option<String>,
        /// Its version.
        pub version: Option<Version>,
    }

    /// An operating system.
    pub struct OperatingSystem {
        /// Its name and version.
        pub full: Option<String>,
        /// It is one of a mobile device.
        pub is_mobile: Option<bool>,
        /// Its name.
        pub name: Option<String>,
        /// Its version.
        pub version: Option<Version>,
    }

    /// A version.
    pub struct Version {
        /// The whole version.
        pub full: Option<String>,
        /// The first number.
        pub major: Option<String>,
        /// The second number.
        pub minor: Option<String>,
        /// The third number.
        pub patch: Option<String>,
    }

    /// The search of the page.
    pub struct Scans {
        /// What stands around wildcards.
        pub delimiter: Option<String>,
        /// The texts that the page must contain.
        pub required: Option<ScanMatches>,
        /// The texts that the page must not contain.
        pub forbidden: Option<ScanMatches>,
        /// The result.
        pub result: Option<ScansResult>,
    }

    /// The result of a search.
    pub struct ScansResult {
        /// The required texts.
        pub required: Option<ScanResult>,
        /// The forbidden texts.
        pub forbidden: Option<ScanResult>,
        /// All required texts were found, and no forbidden one.
        pub success: Option<bool>,
    }

    /// Which texts were found.
    pub struct ScanResult {
        /// Those that were found.
        pub found: Option<ScanMatches>,
        /// Those that were not found.
        pub not_found: Option<ScanMatches>,
    }

    /// What checking the consent returned.
    pub struct VerifyResults {
        /// The advertiser, as it was sent.
        pub advertiser_name: Option<String>,
        /// The smallest allowed contrast ratio, as it was sent or is set in the account.
        pub min_contrast_ratio_required: Option<Number>,
        /// The smallest allowed size of the font, as it was sent or is set in the account.
        pub min_font_size_px_required: Option<Number>,
        /// The allowed types of consent, as they were sent or are set in the account.
        pub opt_in_types_allowed: Option<Vec<OptInType>>,
        /// The texts of consent that were found.
        pub languages: Option<Vec<Language>>,
        /// The result.
        pub result: Option<VerifyResult>,
    }

    /// A text of consent.
    pub struct Language {
        /// The text.
        pub text: Option<String>,
    }

    /// The result of checking the consent. What was not checked is `None`.
    pub struct VerifyResult {
        /// The form was submitted.
        pub form_submitted: Option<bool>,
        /// The text of consent is an approved one.
        pub language_approved: Option<bool>,
        /// The contrast is large enough.
        pub min_contrast_ratio_satisfied: Option<bool>,
        /// The font is large enough.
        pub min_font_size_px_satisfied: Option<bool>,
        /// Consent was given to the advertiser alone.
        pub one_to_one: Option<bool>,
        /// The type of consent is an allowed one.
        pub opt_in_types_satisfied: Option<bool>,
        /// All of it.
        pub success: Option<bool>,
    }
}

impl Results {
    /// Returns `true` if the response says that the certificate is retained: it has the results of retaining.
    ///
    /// This can be so with the outcome [`Failure`](Outcome::Failure), for example if the lead does not match.
    #[must_use]
    pub fn is_retained(&self) -> bool {
        let retain = self.retain.as_ref();
        retain.is_some_and(|retain| retain.results.is_some())
    }

    /// Returns `true` if the lead matches; `None` if it was not compared.
    #[must_use]
    pub fn lead_matches(&self) -> Option<bool> {
        self.match_lead.as_ref()?.result.as_ref()?.success
    }
}

impl RetainResult {
    /// Returns `true` if the certificate had been retained before.
    #[must_use]
    pub fn was_retained_before(&self) -> Option<bool> {
        let value = self.previously_retained.as_ref()?;
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }
}

impl InsightsValues {
    /// Returns a property that this version does not know.
    #[must_use]
    pub fn other(&self, property: &Property) -> Option<&Value> {
        self.extra.get(property.as_str())
    }
}
