//! What each answer is decoded into by the typed endpoints, and that writing it again loses nothing.

use std::collections::BTreeMap;

use ap_api::account::{company, credentials, user, user_settings};
use ap_api::leadconduit::{
    changelogs, destinations, entities, events, exports, fields, firehose, flows, leads, limits,
    packages, partners, reports, routers, submission, submission_docs, system,
};
use ap_api::suppressionlist as lists;
use ap_api::trustedform::certificates;
use ap_api::{FieldId, Operation};
use ap_emulator::Product;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Decodes an answer. The error says why it cannot be decoded, or which member is lost.
pub(crate) type Decoder = fn(&Value) -> Result<(), String>;

/// The type into which each operation's answer is decoded.
macro_rules! decoders {
    ($($($endpoint:ident)::+ -> $type:ty;)*) => {
        &[$(row($($endpoint)::+::OPERATION, round_trip::<$type>)),*]
    };
}

const fn row(operation: Operation, decoder: Decoder) -> (Operation, Decoder) {
    (operation, decoder)
}

const DECODERS: &[(Operation, Decoder)] = decoders![
    user::Get -> user::User;
    user::Update -> user::User;
    company::Get -> company::Account;
    company::Update -> company::Account;
    company::Sync -> company::Synced;
    user_settings::Create -> user_settings::UserSettings;
    user_settings::Get -> user_settings::UserSettings;
    user_settings::Update -> user_settings::UserSettings;
    credentials::List -> Option<Vec<credentials::Credential>>;
    credentials::Create -> credentials::Credential;
    credentials::Get -> credentials::Credential;
    credentials::Update -> credentials::Credential;
    credentials::Delete -> credentials::Credential;
    flows::List -> Option<Vec<flows::Flow>>;
    flows::Create -> flows::Flow;
    flows::Get -> flows::Flow;
    flows::Update -> flows::Flow;
    flows::Delete -> flows::Flow;
    flows::Deploy -> flows::Deployed;
    flows::Changelogs -> Option<Vec<changelogs::Changelog>>;
    flows::Fields -> Option<Vec<fields::Field>>;
    flows::FieldUsage -> BTreeMap<FieldId, u64>;
    submission::Submit -> submission::Verdict;
    submission::Ping -> submission::Bid;
    submission::Feedback -> submission::Verdict;
    events::List -> Option<Vec<events::Event>>;
    events::Get -> events::Event;
    events::Stats -> Option<Vec<events::Row>>;
    events::metrics::Median -> events::metrics::Medians;
    events::metrics::Funnel -> events::metrics::FunnelResult;
    events::metrics::Count -> events::metrics::Counts;
    events::metrics::CountUnique -> events::metrics::Counts;
    events::metrics::SelectUnique -> events::metrics::UniqueValues;
    leads::Search -> leads::SearchResult;
    fields::List -> Option<Vec<fields::Field>>;
    fields::Create -> fields::Field;
    fields::Get -> fields::Field;
    fields::Update -> fields::Field;
    fields::Delete -> fields::DeletedField;
    fields::Changelogs -> Option<Vec<changelogs::Changelog>>;
    fields::Types -> Option<Vec<fields::DataType>>;
    fields::Variables -> Option<Vec<fields::Variable>>;
    entities::List -> Option<Vec<entities::Entity>>;
    entities::Create -> entities::Entity;
    entities::Get -> entities::Entity;
    entities::Update -> entities::Entity;
    entities::Delete -> entities::Entity;
    entities::Changelogs -> Option<Vec<changelogs::Changelog>>;
    destinations::List -> Option<Vec<destinations::Destination>>;
    packages::List -> Option<Vec<packages::Package>>;
    packages::Get -> packages::Package;
    packages::PricingServices -> Option<Vec<packages::PricingService>>;
    limits::Caps -> Option<Vec<limits::CapCounter>>;
    limits::GetCap -> limits::CapCounter;
    limits::PingLimits -> Option<Vec<flows::PingLimit>>;
    limits::GetPingLimit -> flows::PingLimit;
    changelogs::List -> Option<Vec<changelogs::Changelog>>;
    changelogs::Get -> changelogs::Changelog;
    reports::List -> Option<Vec<reports::Report>>;
    reports::Create -> reports::Report;
    reports::Get -> reports::Report;
    reports::Update -> reports::Report;
    reports::Delete -> reports::Report;
    reports::Share -> reports::ShareToken;
    reports::Unshare -> reports::ShareToken;
    reports::Preview -> Option<Vec<events::Row>>;
    reports::Run -> Option<Vec<events::Row>>;
    reports::Meta -> reports::ReportMeta;
    routers::List -> Option<Vec<routers::Router>>;
    routers::Create -> Option<Vec<routers::Router>>;
    routers::Get -> routers::Router;
    routers::Update -> Option<Vec<routers::Router>>;
    exports::List -> Option<Vec<exports::Export>>;
    firehose::Check -> firehose::Checked;
    partners::InviteSource -> partners::Invited;
    partners::InviteRecipient -> partners::Invited;
    partners::ResendInvitation -> partners::Invited;
    partners::GetConnection -> partners::Connection;
    partners::Onboards -> Option<Vec<partners::Onboard>>;
    partners::CreateOnboard -> partners::Onboard;
    partners::UpdateOnboard -> partners::Onboard;
    partners::CompleteBuyer -> partners::CompletedBuyer;
    submission_docs::List -> Option<Vec<submission_docs::AccessLog>>;
    system::Status -> system::Version;
    system::UiVersion -> system::Version;
    certificates::Run -> certificates::Results;
    lists::Lists -> Option<Vec<lists::SuppressionList>>;
    lists::CreateList -> lists::SuppressionList;
    lists::AddItems -> lists::AddedItems;
    lists::RemoveItems -> lists::RemovedItems;
    lists::Exists -> lists::ExistsAnswer;
];

/// Returns the decoder of an operation that has a typed endpoint with an output.
pub(crate) fn of(product: Product, method: &str, path: &str) -> Option<Decoder> {
    // The list of events with its parameters in the body has the same output.
    let method = if path == "/events" { "GET" } else { method };
    let mut decoders = DECODERS.iter();
    let found = decoders.find(|(operation, _)| {
        operation.product() == product && operation.method == method && operation.path == path
    });
    found.map(|(_, decoder)| *decoder)
}

fn round_trip<T: DeserializeOwned + Serialize>(answer: &Value) -> Result<(), String> {
    // From text, as clients decode: a number can be another one when it comes from a value.
    let decoded: T =
        serde_json::from_str(&answer.to_string()).map_err(|error| error.to_string())?;
    let written = serde_json::to_value(&decoded).map_err(|error| error.to_string())?;
    lost(answer, &written, "").map_or(Ok(()), Err)
}

/// Returns which member was lost or changed, if one was. Lists that were absent may be empty.
fn lost(read: &Value, written: &Value, pointer: &str) -> Option<String> {
    match (read, written) {
        (Value::Object(read), Value::Object(written)) => {
            let empty = Value::Array(Vec::new());
            let added = written
                .iter()
                .find(|(name, value)| !read.contains_key(*name) && **value != empty);
            if let Some((name, _)) = added {
                return Some(format!("{pointer}/{name} was not there"));
            }
            read.iter().find_map(|(name, value)| {
                let pointer = format!("{pointer}/{name}");
                match written.get(name) {
                    Some(other) => lost(value, other, &pointer),
                    None => Some(format!("{pointer} is lost")),
                }
            })
        }
        (Value::Array(read), Value::Array(written)) if read.len() == written.len() => {
            let pairs = read.iter().zip(written).enumerate();
            pairs
                .into_iter()
                .find_map(|(at, (read, written))| lost(read, written, &format!("{pointer}/{at}")))
        }
        _ => (read != written).then(|| format!("{pointer} is written differently")),
    }
}

#[cfg(test)]
mod tests {
    use ap_api::operations::ALL;
    use serde_json::{Value, json};

    use super::{DECODERS, lost, of};

    #[test]
    fn every_typed_operation_has_a_decoder_but_those_without_an_output() {
        let without: Vec<&str> = ALL
            .iter()
            .filter(|operation| of(operation.product(), operation.method, operation.path).is_none())
            .map(|operation| operation.path)
            .collect();
        let hide = "/submission_doc_access_logs/";
        assert!(
            without.iter().all(|path| path.starts_with(hide)),
            "{without:?}"
        );
        assert_eq!(without.len(), 3);
        assert_eq!(DECODERS.len() + without.len() + 1, ALL.len());
    }

    #[test]
    fn a_lost_member_is_found() {
        let read = json!({"a": [{"b": 1}, {}], "c": null});
        for (written, expected) in [
            (read.clone(), None),
            (json!({"a": [{"b": 1}, {"d": []}], "c": null}), None),
            (json!({"a": [{"b": 1}, {}]}), Some("/c is lost")),
            (json!({"a": [{}, {}], "c": null}), Some("/a/0/b is lost")),
            (
                json!({"a": [{"b": 1}], "c": null}),
                Some("/a is written differently"),
            ),
            (
                json!({"a": [{"b": 1}, {"d": 1}], "c": null}),
                Some("/a/1/d was not there"),
            ),
            (Value::Null, Some(" is written differently")),
        ] {
            assert_eq!(lost(&read, &written, "").as_deref(), expected);
        }
    }
}
