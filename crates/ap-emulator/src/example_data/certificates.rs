//! The invented certificates. The beginning of an id says which kind of certificate it is, so that there are as
//! many of each kind as a test needs. They all show the same lead.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// The email address and the phone number of the lead, as the API compares them.
pub(crate) const EMAIL: &str = "robin@example.com";
pub(crate) const PHONE: &str = "2025550142";
/// The only advertiser that the text of consent names.
pub(crate) const ADVERTISER: &str = "Example Home Services";
pub(crate) const CONSENT: &str = "By pressing Get my quote, you agree that Example Home Services may call or text \
    you at this number. You need not agree in order to buy.";
/// The contrast of the text of consent, and the size of its font.
pub(crate) const CONTRAST_RATIO: f64 = 8.2;
pub(crate) const FONT_SIZE_PX: f64 = 16.0;
/// How consent is given.
pub(crate) const OPT_IN_TYPE: &str = "manual";
/// The text of the page, apart from that of consent.
pub(crate) const PAGE_TEXT: &str = "Roof repair: get a free quote. How old is your roof? First name, last name, \
    email address, phone number, postal code. Get my quote";

const IP: &str = "192.0.2.42";
const PAGE_URL: &str = "https://forms.example.com/roof-repair";
const PARENT_PAGE_URL: &str = "https://www.example.com/roofs";
const SECONDS_ON_PAGE: i64 = 75;
const KEYSTROKES_A_MINUTE: f64 = 190.0;
/// The id of the page.
pub(crate) const PAGE_ID: &str = "65e0f6000000000000000001";

/// The kinds of certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Web,
    /// One that hides the page of another one.
    Masked,
    Expired,
    /// One that cannot be retained.
    Sandbox,
    ClaimedTooOften,
    Mobile,
    /// One of Meta Lead Ads.
    LeadAd,
}

/// How the ids of each kind begin. The digits after that are of no meaning.
const KINDS: [(&str, Kind); 7] = [
    (WEB, Kind::Web),
    (MASKED, Kind::Masked),
    ("65e0e503", Kind::Expired),
    ("65e0e504", Kind::Sandbox),
    ("65e0e505", Kind::ClaimedTooOften),
    ("65e0e506", Kind::Mobile),
    ("0.65e0e507", Kind::LeadAd),
];
const WEB: &str = "65e0e501";
const MASKED: &str = "65e0e502";

/// The length of an id of a web form, and of one of an app.
const WEB_LENGTH: usize = 40;
const MOBILE_LENGTH: usize = 80;
/// The length of the longest id.
const MAX_LENGTH: usize = 255;

/// A certificate, known or not.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    pub(crate) id: String,
    /// `None` for one that this emulator does not have.
    pub(crate) kind: Option<Kind>,
}

impl Certificate {
    /// Returns `None` if the id has none of the documented forms.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_valid = match id.strip_prefix("0.") {
            Some(rest) => {
                !rest.is_empty()
                    && id.len() <= MAX_LENGTH
                    && rest.bytes().all(|byte| byte == b'.' || is_allowed(byte))
            }
            None => matches!(id.len(), WEB_LENGTH | MOBILE_LENGTH) && id.bytes().all(is_allowed),
        };
        is_valid.then(|| Self {
            id: id.to_owned(),
            kind: kind(id),
        })
    }

    /// Returns the id of the masked certificate that belongs to this one.
    pub(crate) fn masked_id(&self) -> Option<String> {
        match self.kind? {
            Kind::Web => Some(format!("{MASKED}{}", self.id.strip_prefix(WEB)?)),
            Kind::Masked => Some(self.id.clone()),
            _ => None,
        }
    }
}

fn kind(id: &str) -> Option<Kind> {
    let (_, kind) = KINDS.iter().find(|(start, _)| id.starts_with(start))?;
    let is_length_right = match kind {
        Kind::Mobile => id.len() == MOBILE_LENGTH,
        Kind::LeadAd => true,
        _ => id.len() == WEB_LENGTH,
    };
    is_length_right.then_some(*kind)
}

impl Kind {
    pub(crate) const fn is_web(self) -> bool {
        !matches!(self, Self::Mobile | Self::LeadAd)
    }

    /// Returns `false` for a property that this kind of certificate does not show.
    pub(crate) fn has_property(self, name: &str) -> bool {
        const LEAD_AD: [&str; 4] = ["age_seconds", "confirmed_owner", "created_at", "expires_at"];
        const PAGE: [&str; 3] = ["domain", "page_url", "parent_page_url"];
        const MOBILE: [&str; 5] = ["approx_ip_geo", "ip", "is_masked", "os", "seconds_on_page"];
        match self {
            Self::LeadAd => LEAD_AD.contains(&name),
            Self::Mobile => LEAD_AD.contains(&name) || MOBILE.contains(&name),
            Self::Masked => !PAGE.contains(&name),
            _ => true,
        }
    }
}

/// The moments that a certificate shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) now: Timestamp,
}

impl Times {
    /// Returns the seconds since the last interaction.
    pub(crate) fn age_seconds(self) -> i64 {
        let last = self.created_at + SignedDuration::from_secs(SECONDS_ON_PAGE);
        self.now.duration_since(last).as_secs().max(0)
    }
}

/// Returns the account as TrustedForm's application shows it.
pub(crate) fn account() -> Value {
    json!({
        "id": super::ACCOUNT_ID,
        "name": ADVERTISER,
        "product_components": ["retain", "insights", "verify"],
    })
}

/// Formats a time as TrustedForm does: ISO 8601, in UTC, in whole seconds.
pub(crate) fn iso_8601(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// Returns every property that version 4.0 can show of a certificate.
pub(crate) fn properties(kind: Kind, times: Times) -> Map<String, Value> {
    let all = json!({
        "age_seconds": times.age_seconds(),
        "approx_ip_geo": geo(),
        "bot_detected": false,
        "browser": browser(),
        "confirmed_owner": "ActiveProspect Verified Account",
        "created_at": iso_8601(times.created_at),
        "domain": "forms.example.com",
        "expires_at": iso_8601(times.expires_at),
        "form_input_kpm": KEYSTROKES_A_MINUTE,
        "form_input_method": ["typing"],
        "form_input_wpm": KEYSTROKES_A_MINUTE / 5.0,
        "ip": IP,
        "is_framed": true,
        "is_masked": kind == Kind::Masked,
        "num_sensitive_content_elements": 0,
        "num_sensitive_form_elements": 0,
        "os": operating_system(kind),
        "page_url": PAGE_URL,
        "parent_page_url": PARENT_PAGE_URL,
        "seconds_on_page": SECONDS_ON_PAGE,
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}

/// Returns the `cert` of version 3.0.
pub(crate) fn record_v3(certificate: &Certificate, times: Times) -> Value {
    let kind = certificate.kind.unwrap_or(Kind::Web);
    json!({
        "age_seconds": times.age_seconds(),
        "approx_ip_geo": geo(),
        "browser": browser(),
        "cert_id": certificate.id,
        "created_at": iso_8601(times.created_at),
        "domain": "forms.example.com",
        "event_duration_ms": SECONDS_ON_PAGE * 1000,
        "expires_at": iso_8601(times.expires_at),
        "form_input_method": ["typing"],
        "ip": IP,
        "is_framed": true,
        "is_mobile": kind == Kind::Mobile,
        "kpm": KEYSTROKES_A_MINUTE,
        "operating_system": operating_system(kind),
        "page_id": PAGE_ID,
        "page_url": PAGE_URL,
        "parent_page_url": PARENT_PAGE_URL,
        "user_agent": USER_AGENT,
        "wpm": KEYSTROKES_A_MINUTE / 5.0,
    })
}

/// Returns the `cert` of version 2.0.
pub(crate) fn record_v2(certificate: &Certificate, times: Times) -> Value {
    let kind = certificate.kind.unwrap_or(Kind::Web);
    json!({
        "browser": browser(),
        "claims": [],
        "created_at": iso_8601(times.created_at),
        "event_duration": SECONDS_ON_PAGE * 1000,
        "expires_at": iso_8601(times.expires_at),
        "framed": true,
        "geo": geo(),
        "ip": IP,
        "location": PAGE_URL,
        "operating_system": operating_system(kind),
        "parent_location": PARENT_PAGE_URL,
        "snapshot_url": null,
        "token": certificate.id,
        "user_agent": USER_AGENT,
    })
}

/// Returns what a ping of version 2.0 shows.
pub(crate) fn ping_v2(certificate: &Certificate, times: Times) -> Value {
    json!({
        "age": times.age_seconds() * 1000,
        "client": { "geo": geo(), "ip": IP, "user_agent": USER_AGENT },
        "created_at": iso_8601(times.created_at),
        "location": { "framed": true, "parent_url": PARENT_PAGE_URL, "url": PAGE_URL },
        "time_on_page": SECONDS_ON_PAGE * 1000,
        "type": match certificate.kind {
            Some(Kind::Masked) => "masked",
            Some(Kind::LeadAd) => "facebook",
            _ => "standard",
        },
    })
}

const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn geo() -> Value {
    json!({
        "city": "Springfield",
        "country_code": "US",
        "lat": 39.8017,
        "lon": -89.6437,
        "postal_code": "62701",
        "state": "Illinois",
        "time_zone": "America/Chicago",
    })
}

fn browser() -> Value {
    json!({
        "full": "Firefox 140.0",
        "name": "Firefox",
        "user_agent": USER_AGENT,
        "version": { "full": "140.0", "major": "140", "minor": "0", "patch": "0" },
    })
}

fn operating_system(kind: Kind) -> Value {
    let name = if kind == Kind::Mobile {
        "Android"
    } else {
        "Linux"
    };
    json!({
        "full": format!("{name} 16.0.0"),
        "is_mobile": kind == Kind::Mobile,
        "name": name,
        "version": { "full": "16.0.0", "major": "16", "minor": "0", "patch": "0" },
    })
}

#[cfg(test)]
mod tests {
    use super::{Certificate, Kind};

    #[test]
    fn the_beginning_of_an_id_tells_the_kind() {
        let long = "a".repeat(72);
        for (id, expected) in [
            ("65e0e50100000000000000000000000000000001", Some(Kind::Web)),
            (
                "65e0e502-_000000000000000000000000000Zz1",
                Some(Kind::Masked),
            ),
            (
                "65e0e50300000000000000000000000000000001",
                Some(Kind::Expired),
            ),
            (
                "65e0e50400000000000000000000000000000001",
                Some(Kind::Sandbox),
            ),
            (
                "65e0e50500000000000000000000000000000001",
                Some(Kind::ClaimedTooOften),
            ),
            (&format!("65e0e506{long}"), Some(Kind::Mobile)),
            ("0.65e0e507.a-_", Some(Kind::LeadAd)),
            ("65e0e50600000000000000000000000000000001", None),
            (&format!("65e0e501{long}"), None),
            ("0123456789abcdef0123456789abcdef01234567", None),
            ("0.x", None),
        ] {
            assert_eq!(Certificate::parse(id).unwrap().kind, expected, "{id}");
        }
        let too_long = format!("0.{}", "a".repeat(254));
        for id in [
            "",
            "0.",
            "65e0e501",
            "65e0e5010000000000000000000000000000000.",
            &too_long,
        ] {
            assert!(Certificate::parse(id).is_none(), "{id}");
        }
    }

    #[test]
    fn only_web_certificates_have_a_masked_one() {
        for (id, expected) in [
            (
                "65e0e501000000000000000000000000000000a7",
                Some("65e0e502000000000000000000000000000000a7"),
            ),
            (
                "65e0e502000000000000000000000000000000a7",
                Some("65e0e502000000000000000000000000000000a7"),
            ),
            ("65e0e504000000000000000000000000000000a7", None),
            ("0.65e0e507", None),
        ] {
            assert_eq!(
                Certificate::parse(id).unwrap().masked_id().as_deref(),
                expected
            );
        }
    }
}
