//! [`lead_fields`]: the values of a submission in the normal forms of their types.

use super::body::Fields;
use crate::state::events::lead::LeadField;

/// Returns the fields that the flow knows. The others are dropped, as the vendor does.
pub(super) fn lead_fields(submitted: Fields, known: &[String], is_ping: bool) -> Vec<LeadField> {
    let mut submitted = submitted;
    rename_certificate(&mut submitted, is_ping);
    let fields = submitted.into_iter();
    let fields = fields.filter(|(name, value)| known.contains(name) && !value.trim().is_empty());
    fields.map(|(name, raw)| lead_field(name, raw)).collect()
}

/// The script of TrustedForm names its fields in its own way. A ping prefers the URL that is for pings.
fn rename_certificate(fields: &mut Fields, is_ping: bool) {
    let mut take = |wanted: &str| {
        let is_it = |name: &&String| name.eq_ignore_ascii_case(wanted);
        let name = fields.keys().find(is_it).cloned()?;
        fields.remove(&name)
    };
    let for_ping = take("xxTrustedFormPingUrl").or_else(|| take("trustedform_ping_url"));
    let certificate = take("xxTrustedFormCertUrl");
    let chosen = for_ping.filter(|_| is_ping).or(certificate);
    if let Some(url) = chosen {
        fields.insert("trustedform_cert_url".to_owned(), url);
    }
}

fn lead_field(name: String, raw: String) -> LeadField {
    let (normal, is_valid) = normalize(&name, raw.trim());
    LeadField {
        name: name.into(),
        raw: (normal != raw).then(|| raw.into()),
        normal: normal.into(),
        is_valid,
    }
}

/// Returns the normal form, and `true` if the value has the form of its type. The types of the standard
/// fields follow from their names; other fields are texts.
fn normalize(name: &str, raw: &str) -> (String, bool) {
    match name {
        "email" => {
            let email = raw.to_lowercase();
            let is_valid = is_email(&email);
            (email, is_valid)
        }
        "phone_1" | "phone_2" | "phone_3" => phone(raw),
        "state" if raw.len() == 2 => (raw.to_ascii_uppercase(), true),
        "postal_code" => (raw.to_ascii_uppercase(), is_postal_code(raw)),
        "trustedform_cert_url" => (raw.to_owned(), raw.starts_with("https://")),
        _ => (raw.to_owned(), true),
    }
}

fn is_email(email: &str) -> bool {
    let has_space = email.contains(char::is_whitespace);
    email.split_once('@').is_some_and(|(user, host)| {
        let labels_fill_it = host.split('.').all(|label| !label.is_empty());
        !user.is_empty()
            && host.contains('.')
            && labels_fill_it
            && !host.contains('@')
            && !has_space
    })
}

/// Numbers of the United States. One that is masked with asterisks is valid.
fn phone(raw: &str) -> (String, bool) {
    let digits: String = raw
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '*')
        .collect();
    let number = match digits.strip_prefix('1') {
        Some(rest) if rest.len() == 10 => rest,
        _ => &digits,
    };
    let starts_well = |part: Option<&str>| {
        part.is_some_and(|part| part.starts_with(|c| matches!(c, '2'..='9' | '*')))
    };
    let is_valid =
        number.len() == 10 && starts_well(number.get(..3)) && starts_well(number.get(3..));
    match is_valid {
        true => (number.to_owned(), true),
        false => (raw.to_owned(), false),
    }
}

/// Of the United States, Canada or the United Kingdom.
fn is_postal_code(text: &str) -> bool {
    let letters = text.chars().filter(char::is_ascii_alphabetic).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    match letters {
        0 => digits == 5 || digits == 9,
        _ => digits > 0 && (5..=7).contains(&(letters + digits)),
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn values_have_normal_forms() {
        for (name, raw, normal, is_valid) in [
            ("email", "A@B.Example", "a@b.example", true),
            ("email", "a@b", "a@b", false),
            ("email", "a b@c.example", "a b@c.example", false),
            ("email", "@c.example", "@c.example", false),
            ("phone_1", "(512) 555-0123", "5125550123", true),
            ("phone_1", "+1 512 555 0123", "5125550123", true),
            ("phone_1", "555-0123", "555-0123", false),
            ("phone_1", "112 555 0123", "112 555 0123", false),
            ("phone_1", "512*******", "512*******", true),
            ("state", "tx", "TX", true),
            ("postal_code", "78704-1234", "78704-1234", true),
            ("postal_code", "k1a 0b1", "K1A 0B1", true),
            ("postal_code", "787", "787", false),
            ("first_name", "Ann", "Ann", true),
        ] {
            assert_eq!(
                normalize(name, raw),
                (normal.to_owned(), is_valid),
                "{name} {raw}"
            );
        }
    }
}
