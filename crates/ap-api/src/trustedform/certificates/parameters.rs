//! The parameters of the four operations.

use serde::{Serialize, Serializer};

use crate::hash;
use crate::values::open_enum::open_enum;

/// The email addresses and phone numbers of the lead, at least one, and at most three of each.
///
/// They are sent as they are, or as SHA-1. The product compares hashes of normalised values either way.
#[derive(Clone, Default, Serialize)]
#[must_use]
pub struct MatchLead {
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_list")]
    email: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "one_or_list")]
    phone: Vec<String>,
}

impl MatchLead {
    /// Creates parameters without a value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an email address, plain or as SHA-1.
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email.push(email.into());
        self
    }

    /// Adds a phone number, plain or as SHA-1.
    pub fn phone(mut self, phone: impl Into<String>) -> Self {
        self.phone.push(phone.into());
        self
    }

    /// Adds the SHA-1 of an email address, computed here.
    pub fn hashed_email(self, email: &str) -> Self {
        self.email(hash::sha1_of_email(email))
    }

    /// Adds the SHA-1 of a phone number, computed here.
    pub fn hashed_phone(self, phone: &str) -> Self {
        self.phone(hash::sha1_of_phone(phone))
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        let values = || self.email.iter().chain(&self.phone);
        if values().next().is_none() {
            Some("matching the lead needs an email address or a phone number")
        } else if values().any(|value| value.trim().is_empty()) {
            Some("an email address or phone number to match is empty")
        } else if self.email.len() > 3 || self.phone.len() > 3 {
            Some("more than three email addresses or phone numbers are to be matched")
        } else {
            None
        }
    }
}

/// What to store with a retained certificate. All of it is optional.
#[derive(Clone, Default, Serialize)]
#[must_use]
pub struct Retain {
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign_id: Option<String>,
}

impl Retain {
    /// Creates parameters without a value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a text of yours by which you find the lead again.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Sets who the lead came from. Reports are grouped by it.
    pub fn vendor(mut self, vendor: impl Into<String>) -> Self {
        self.vendor = Some(vendor.into());
        self
    }

    /// Sets the campaign of the lead.
    pub fn campaign_id(mut self, id: impl Into<String>) -> Self {
        self.campaign_id = Some(id.into());
        self
    }
}

open_enum! {
    /// A property of the event that a certificate is about. Each one that is returned is billed.
    pub enum Property {
        /// Seconds since the last interaction.
        AgeSeconds = "age_seconds",
        /// Where the IP address approximately is.
        ApproxIpGeo = "approx_ip_geo",
        /// A bot was detected.
        BotDetected = "bot_detected",
        /// The browser. It is missing in the vendor's list, and present everywhere else.
        Browser = "browser",
        /// The account that owns the form.
        ConfirmedOwner = "confirmed_owner",
        /// When the certificate was created.
        CreatedAt = "created_at",
        /// The domain of the page.
        Domain = "domain",
        /// When the certificate expires.
        ExpiresAt = "expires_at",
        /// Keystrokes each minute.
        FormInputKpm = "form_input_kpm",
        /// How the form was filled in.
        FormInputMethod = "form_input_method",
        /// Words each minute.
        FormInputWpm = "form_input_wpm",
        /// The IP address.
        Ip = "ip",
        /// The form was in a frame.
        IsFramed = "is_framed",
        /// The certificate is a masked one.
        IsMasked = "is_masked",
        /// The number of sensitive elements of the page's content.
        NumSensitiveContentElements = "num_sensitive_content_elements",
        /// The number of sensitive elements of the form.
        NumSensitiveFormElements = "num_sensitive_form_elements",
        /// The operating system.
        Os = "os",
        /// The URL of the page.
        PageUrl = "page_url",
        /// The URL of the page around a frame.
        ParentPageUrl = "parent_page_url",
        /// Seconds on the page.
        SecondsOnPage = "seconds_on_page",
    }

    /// How consent was given in the form.
    pub enum OptInType {
        /// The person chose it.
        Manual = "manual",
        /// It was chosen in advance.
        PreSelected = "pre-selected",
        /// There was nothing to choose.
        NonInteractive = "non-interactive",
    }
}

/// Which insights to return: properties, or a search of the page, or both.
#[derive(Clone, Default, Serialize)]
#[must_use]
pub struct Insights {
    properties: Vec<Property>,
    #[serde(skip_serializing_if = "Scans::is_empty")]
    scans: Scans,
}

#[derive(Clone, Default, Serialize)]
struct Scans {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    forbidden: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delimiter: Option<String>,
}

impl Scans {
    fn is_empty(&self) -> bool {
        self.required.is_empty() && self.forbidden.is_empty() && self.delimiter.is_none()
    }
}

impl Insights {
    /// Creates parameters with these properties.
    pub fn new(properties: impl IntoIterator<Item = Property>) -> Self {
        Self {
            properties: properties.into_iter().collect(),
            scans: Scans::default(),
        }
    }

    /// Adds a text that the page must contain. Case and repeated white space are ignored.
    pub fn require_text(mut self, text: impl Into<String>) -> Self {
        self.scans.required.push(text.into());
        self
    }

    /// Adds a text that the page must not contain. Case and repeated white space are ignored.
    pub fn forbid_text(mut self, text: impl Into<String>) -> Self {
        self.scans.forbidden.push(text.into());
        self
    }

    /// Sets what stands around wildcards in the texts, for example `|`. No white space.
    pub fn delimiter(mut self, delimiter: impl Into<String>) -> Self {
        self.scans.delimiter = Some(delimiter.into());
        self
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        let Scans {
            required,
            forbidden,
            delimiter,
        } = &self.scans;
        if self.properties.is_empty() && required.is_empty() && forbidden.is_empty() {
            return Some("insights need a property, or a text to search for");
        }
        let delimiter = delimiter.as_deref()?;
        (delimiter.is_empty() || delimiter.contains(char::is_whitespace))
            .then_some("the delimiter of the search is empty or contains white space")
    }
}

/// What consent must look like. What is not set here comes from the account's settings.
#[derive(Clone, Default, Serialize)]
#[must_use]
pub struct Verify {
    #[serde(skip_serializing_if = "Option::is_none")]
    advertiser_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_contrast_ratio_required: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_font_size_px_required: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    opt_in_types_allowed: Vec<OptInType>,
}

impl Verify {
    /// Creates parameters without a value.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the advertiser that must have been given consent by itself ("one to one").
    pub fn advertiser_name(mut self, name: impl Into<String>) -> Self {
        self.advertiser_name = Some(name.into());
        self
    }

    /// Sets the smallest allowed contrast ratio, for example 7. It is from 1 to 21.
    pub fn min_contrast_ratio(mut self, ratio: f64) -> Self {
        self.min_contrast_ratio_required = Some(ratio);
        self
    }

    /// Sets the smallest allowed size of the font, in pixels.
    pub fn min_font_size_px(mut self, pixels: f64) -> Self {
        self.min_font_size_px_required = Some(pixels);
        self
    }

    /// Allows consent of this type. Repeat it for several.
    pub fn allow_opt_in(mut self, kind: OptInType) -> Self {
        self.opt_in_types_allowed.push(kind);
        self
    }

    pub(super) fn problem(&self) -> Option<&'static str> {
        // The range of the contrast ratio: WCAG 2.2.
        if self
            .min_contrast_ratio_required
            .is_some_and(|ratio| !(1.0..=21.0).contains(&ratio))
        {
            Some("the contrast ratio is not from 1 to 21")
        } else if self
            .min_font_size_px_required
            .is_some_and(|pixels| !(pixels.is_finite() && pixels >= 0.0))
        {
            Some("the size of the font is not a positive number")
        } else {
            None
        }
    }
}

/// One value is documented as a text. A list is known from the product's error texts.
fn one_or_list<S: Serializer>(values: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match values {
        [one] => serializer.serialize_str(one),
        several => serializer.collect_seq(several),
    }
}

/// Personal data is not shown.
macro_rules! debug_without_values {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_values!(MatchLead, Retain, Insights, Verify);
