//! The check that events could be written to a bucket. The emulator writes nothing, and keeps no secret of it.

use http::Uri;
use serde_json::json;

use crate::products::lead_conduit::handlers;
use crate::products::lead_conduit::query::Query;
use crate::products::lead_conduit::resource::Refusal;
use crate::response::Response;

pub(super) async fn check(uri: Uri) -> Result<Response, Refusal> {
    let query = Query::parse(&uri)?;
    let needed: &[&str] = match query.get("service") {
        None | Some("aws") => &["access_key_id", "secret_access_key", "bucket"],
        Some("azure") => &["connection_string", "bucket"],
        Some(_) => return Err(Refusal::bad_request("service is not aws or azure")),
    };
    if let Some(missing) = needed.iter().find(|name| query.get(name).is_none()) {
        return Err(Refusal::bad_request(format!("{missing} is needed")));
    }
    if !query.get("bucket").is_some_and(is_bucket) {
        let reason = "bucket is not 3 to 63 lower-case letters, digits and hyphens";
        return Err(Refusal::bad_request(reason));
    }
    let is_written = match query.get("verification_file") {
        None | Some("true") => true,
        Some("false") => false,
        Some(_) => {
            return Err(Refusal::bad_request(
                "verification_file is not true or false",
            ));
        }
    };
    let body = json!({ "validated": true, "verification_file": is_written });
    Ok(handlers::ok(&body))
}

fn is_bucket(name: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (3..=63).contains(&name.len())
        && name.bytes().all(is_allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
