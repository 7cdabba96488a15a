//! The typed endpoints of LeadConduit's resources, against the emulator: what one creates, the others read, change
//! and delete, and no member is lost.
#![allow(clippy::unwrap_used, clippy::panic)]

use activeprospect::ApiKey;
use activeprospect::ap_core::Endpoint;
use activeprospect::api::account::{company, credentials, user, user_settings};
use activeprospect::api::leadconduit::{
    changelogs, destinations, entities, exports, fields, flows, limits, packages, partners,
    reports, routers, submission_docs, system,
};
use activeprospect::api::{FieldId, Id, ReportKey, Secret};
use activeprospect::blocking::{Client, ClientBuilder};
use ap_emulator::Emulator;
use serde_json::json;

const FLOW: &str = "65e0b2000000000000000001";
const USER: &str = "65e0a1000000000000000002";
const UNKNOWN: &str = "65e0ff000000000000000009";

struct Api {
    client: Client,
    _emulator: Emulator,
}

impl Api {
    fn start() -> Self {
        let emulator = Emulator::start().unwrap();
        let builder = ClientBuilder::new().key(ApiKey::parse(emulator.key()).unwrap());
        Self {
            client: builder.origins(emulator.origins()).build().unwrap(),
            _emulator: emulator,
        }
    }

    fn call<E: Endpoint>(&self, endpoint: E) -> E::Output {
        self.client.call(endpoint).unwrap()
    }

    /// Calls something that does not exist.
    fn missing<E: Endpoint>(&self, endpoint: E) {
        let Err(error) = self.client.call(endpoint) else {
            panic!("it was found");
        };
        assert_eq!(error.status().unwrap(), 404, "{error}");
    }
}

fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

/// Creates, lists, reads, changes and deletes one item. The change is of `$name`, and an unknown member is kept.
macro_rules! lives {
    ($api:ident, $module:ident, $item:expr, $name:ident) => {{
        let mut item = $item;
        item.extra.insert("unknown".to_owned(), json!({"kept": 1}));
        let created = $api.call($module::Create::new(item));
        let own = created.id.clone().unwrap();
        assert_eq!($api.call($module::Get::new(own.clone())), created);
        assert_eq!($api.call($module::List::new()).last(), Some(&created));
        let mut changed = created.clone();
        changed.$name = Some("Changed".into());
        let updated = $api.call($module::Update::new(own.clone(), changed.clone()));
        changed.updated_at = updated.updated_at.clone();
        assert_eq!(updated, changed);
        assert_eq!(updated.extra["unknown"], json!({"kept": 1}));
        let deleted = $api.call($module::Delete::new(own.clone()));
        let [deleted, updated] = [serde_json::to_value(deleted), serde_json::to_value(updated)];
        assert_eq!(deleted.unwrap(), updated.unwrap());
        $api.missing($module::Get::new(own.clone()));
        $api.missing($module::Update::new(own.clone(), changed));
        $api.missing($module::Delete::new(own));
    }};
}

#[test]
fn resources_are_created_read_changed_and_deleted_without_a_loss() {
    let api = Api::start();
    lives!(api, entities, entities::Entity::new("Own"), name);
    let token = credentials::Credential::token("example", "Own", Secret::new("placeholder"));
    lives!(api, credentials, token, name);
    let password = Secret::new("placeholder");
    let user = credentials::Credential::user("example", "Own", "robin", password);
    lives!(api, credentials, user, name);
    lives!(
        api,
        reports,
        reports::Report::new("Own", ["cost".into()]),
        name
    );
    let kind = fields::TypeName::Number;
    let field = FieldId::parse("own_acme").unwrap();
    lives!(api, fields, fields::Field::new(field, "Own", kind), name);
}

#[test]
fn a_flow_is_changed_and_deployed_without_a_loss() {
    let api = Api::start();
    let mut flow = api.call(flows::Get::new(id(FLOW)));
    assert_eq!(api.call(flows::List::new()).first(), Some(&flow));
    flow.name = "Changed".to_owned();
    flow.extra.insert("level".to_owned(), json!("pro"));
    let changed = api.call(flows::Update::new(id(FLOW), flow.clone()));
    flow.updated_at = changed.updated_at.clone();
    assert_eq!(changed, flow);
    let deployed = api.call(flows::Deploy::new(id(FLOW)));
    assert!(deployed.message.is_some());
    assert_eq!(
        api.call(flows::Fields::new(id(FLOW))).len(),
        flow.fields.len()
    );
    assert_eq!(
        api.call(flows::FieldUsage::new(id(FLOW))).len(),
        flow.fields.len()
    );

    let changes = api.call(flows::Changelogs::new(id(FLOW)));
    assert_eq!(api.call(changelogs::List::new()), changes);
    let change = &changes[0];
    assert_eq!(change.kind, Some(changelogs::ChangedType::Flow));
    assert_eq!(change.action, Some(changelogs::ChangeAction::Update));
    let delta = change.delta_from_last_revision.as_ref().unwrap();
    assert_eq!(delta["level"], json!(["pro"]));
    let same = api.call(changelogs::Get::new(change.id.clone().unwrap()));
    assert_eq!(&same, change);

    let copy = flows::Flow::new("Copy");
    let copy = api.call(flows::Create::new(copy));
    let own = copy.id.clone().unwrap();
    assert_eq!(api.call(flows::Delete::new(own.clone())), copy);
    api.missing(flows::Get::new(own));
}

#[test]
fn a_report_is_shared_and_run() {
    let api = Api::start();
    let reports = api.call(reports::List::new());
    let own = reports[1].id.clone().unwrap();
    let token = api.call(reports::Share::new(own.clone())).token.unwrap();
    let token = ReportKey::parse(token.expose()).unwrap();
    let [start, end] =
        ["2024-11-01T00:00:00Z", "2024-11-22T00:00:00Z"].map(|time| time.parse().unwrap());
    let shared = api.call(reports::Get::shared(token.clone()));
    assert_eq!(shared, api.call(reports::Get::new(own.clone())));
    assert_eq!(
        api.call(reports::Run::shared(token.clone(), start, end))
            .len(),
        1
    );
    assert_eq!(
        api.call(reports::Preview::new(
            reports::Report::new("Own", ["cost".into()]),
            start,
            end
        ))
        .len(),
        1
    );
    let meta = api.call(reports::Meta::shared(token.clone()));
    assert!(
        meta.flows
            .unwrap()
            .iter()
            .any(|flow| flow.id == Some(id(FLOW)))
    );
    assert!(api.call(reports::Unshare::new(own)).token.is_none());
    api.missing(reports::Get::new(token));
}

#[test]
fn the_other_resources_have_their_types() {
    let api = Api::start();
    let router = api.call(routers::List::new()).remove(0);
    let created = api.call(routers::Create::new(router)).remove(0);
    let own = created.id.clone().unwrap();
    assert_eq!(api.call(routers::Get::new(own.clone())), created);
    assert_eq!(api.call(routers::Update::new(own, created)).len(), 1);

    let user = user::UserUpdate::has_seen_free_account_modal(true);
    let user = api.call(user::Update::new(id(USER), user));
    assert_eq!(api.call(user::Get::new()), user);
    let mut account = api.call(company::Get::new());
    account.data_retention_in_days = Some(30);
    assert_eq!(api.call(company::Update::new(account.clone())), account);
    assert_eq!(api.call(company::Sync::new()).account, Some(account));
    let settings = user_settings::UserSettings::new(user_settings::Notifications::default());
    let settings = api.call(user_settings::Create::new(settings));
    assert_eq!(api.call(user_settings::Get::new(id(USER))), settings);
    api.call(user_settings::Update::new(id(USER), settings));

    let invitation = partners::Invitation::new("partner@example.com");
    let invited = api
        .call(partners::InviteSource::new(invitation.clone()))
        .entity
        .unwrap();
    let again = api.call(partners::ResendInvitation::new(invited.id.clone().unwrap()));
    assert_eq!(again.entity, Some(invited));
    api.call(partners::InviteRecipient::new(invitation));
    let onboard = api.call(partners::Onboards::new()).remove(0);
    let invitation = onboard.invitation_id.clone().unwrap();
    let connection = api.call(partners::GetConnection::new(invitation.clone()));
    assert_eq!(connection.id, onboard.connection_id);
    let own = onboard.id.clone().unwrap();
    api.call(partners::UpdateOnboard::new(own, onboard));
    api.call(partners::CreateOnboard::new(partners::Onboard::new(
        invitation,
    )));
    let redirect = api.call(partners::CompleteBuyer::of_connection(
        connection.id.unwrap(),
    ));
    assert!(redirect.redirect.is_some());

    let log = api.call(submission_docs::List::new()).remove(0);
    let flow = log.submission_doc.unwrap().flow.unwrap().id.unwrap();
    api.call(submission_docs::HideFlow::new(flow, true));
    assert_eq!(api.call(submission_docs::List::new()).len(), 1);
    assert_eq!(
        api.call(submission_docs::List::new().show_hidden()).len(),
        2
    );

    let caps = api.call(limits::Caps::new().flow(id(FLOW)));
    assert_eq!(
        api.call(limits::GetCap::new(caps[0].id.clone().unwrap())),
        caps[0]
    );
    let pings = api.call(limits::PingLimits::new());
    assert_eq!(
        api.call(limits::GetPingLimit::new(pings[0].id.clone().unwrap())),
        pings[0]
    );
    api.missing(limits::GetCap::new(id(UNKNOWN)));
    let packages = api.call(packages::List::new());
    assert_eq!(
        api.call(packages::Get::new(packages[0].id.clone().unwrap())),
        packages[0]
    );
    assert_eq!(api.call(packages::PricingServices::new()).len(), 1);
    assert_eq!(
        api.call(destinations::List::new().with_flow_usages()).len(),
        1
    );
    assert_eq!(api.call(exports::List::new()).len(), 2);
    assert!(!api.call(fields::Types::new()).is_empty());
    assert!(!api.call(fields::Variables::new().flow(id(FLOW))).is_empty());
    assert!(api.call(system::Status::new()).version.is_some());
    assert!(api.call(system::UiVersion::new()).version.is_some());
    assert!(
        api.call(entities::Changelogs::new(id("65e0a1000000000000000003")))
            .is_empty()
    );
}
