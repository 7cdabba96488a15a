//! What the tests of all endpoints need: clients, and what the endpoints are about.

use ap_api::account::{credentials, user};
use ap_api::leadconduit::{
    changelogs, entities, events, limits, packages, partners, reports, routers, submission,
    submission_docs,
};
use ap_api::{Id, Operation, ReportKey, Secret, operations};
use ap_core::{ApiKey, Draft, Endpoint, Origins};
use ap_tests::{Settings, TestClient};
use http::Method;

use crate::endpoints::{self, AnyEndpoint, Ids, table};

const FLOW: &str = "65e0b2000000000000000001";
const BUYER: &str = "65e0a1000000000000000003";
const SELLER: &str = "65e0a1000000000000000004";
const CERTIFICATE: &str = "65e0e50100000000000000000000000000000001";

pub(crate) type Row = (AnyEndpoint, String);

pub(crate) fn clients(key: &str, origins: &Origins) -> [TestClient; 2] {
    let settings = Settings::new([ApiKey::parse(key).unwrap()], origins);
    settings.clients().unwrap()
}

/// Returns the method and the path of a row, with ID in place of each example.
pub(crate) fn name(line: &str) -> String {
    let path = line.split(['?', '{']).next().unwrap().trim_end();
    path.replace(endpoints::EXAMPLE_ID, "ID")
}

/// Makes what the endpoints are about, and returns the ids of it.
pub(crate) fn prepare(client: &TestClient) -> Ids {
    fn id(value: &Option<Id>) -> Id {
        value.clone().unwrap()
    }
    let token = credentials::Credential::token("example", "Own", Secret::new("placeholder"));
    let entity = client.call(entities::Create::new(entities::Entity::new("Own")));
    let invitation = partners::Invitation::new("partner@example.com");
    let invited = client.call(partners::InviteSource::new(invitation));
    let onboard = client.call(partners::Onboards::new()).unwrap().remove(0);
    let log = client.call(submission_docs::List::new()).unwrap().remove(0);
    let document = log.submission_doc.unwrap();
    let reports = client.call(reports::List::new()).unwrap();
    let shared = client.call(reports::Share::new(id(&reports[0].id)));
    let flow = Id::parse(FLOW).unwrap();
    let source = Id::parse(SELLER).unwrap();
    let submit = submission::Submit::new(&flow, &source).field("email", "robin@example.com");
    assert!(client.call(submit).unwrap().outcome.is_success());
    let events = client.call(events::List::new().limit(1_000));
    let events = events.unwrap().items;
    let event = |is_wanted: fn(&events::Event) -> bool| {
        let event = events.iter().find(|event| is_wanted(event));
        event.unwrap().id.clone()
    };
    let is_recipient = |event: &events::Event| event.kind == Some(events::EventKind::Recipient);
    Ids {
        document_account: Id::parse(BUYER).unwrap(),
        document_flow: id(&document.flow.unwrap().id),
        user: id(&client.call(user::Get::new()).unwrap().id),
        user_settings: id(&client.call(user::Get::new()).unwrap().id),
        credential: id(&client.call(credentials::Create::new(token)).unwrap().id),
        flow,
        source,
        entity: id(&entity.unwrap().id),
        event: event(|_| true),
        recipient_event: event(is_recipient),
        cap: id(&client.call(limits::Caps::new()).unwrap()[0].id),
        ping_limit: id(&client.call(limits::PingLimits::new()).unwrap()[0].id),
        changelog: id(&client.call(changelogs::List::new()).unwrap()[0].id),
        report: id(&reports[1].id),
        shared_report: ReportKey::parse(shared.unwrap().token.unwrap().expose()).unwrap(),
        router: id(&client.call(routers::List::new()).unwrap()[0].id),
        package: client.call(packages::List::new()).unwrap()[0]
            .id
            .clone()
            .unwrap(),
        invited: id(&invited.unwrap().entity.unwrap().id),
        invitation: id(&onboard.invitation_id),
        connection: id(&onboard.connection_id),
        onboard: id(&onboard.id),
        certificate: CERTIFICATE.parse().unwrap(),
    }
}

/// Returns the operation of a row.
pub(crate) fn operation(draft: &Draft) -> Operation {
    let (request, _) = draft.clone().prepare(&Origins::vendor(), None).unwrap();
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), request.uri().path().split('/'));
        template.clone().count() == path.clone().count()
            && template
                .zip(path)
                .all(|(part, own)| part.starts_with('{') || part == own)
    };
    // `/events/stats` fits `/events/{id}` too.
    let parameters = |operation: &&Operation| operation.path.matches('{').count();
    let found = operations::ALL.iter().filter(|operation| {
        operation.service == draft.service()
            && request.method() == operation.method
            && fits(operation.path)
    });
    *found.min_by_key(parameters).unwrap()
}

/// Returns the rows in an order in which what one deletes is not needed by a later one.
pub(crate) fn rows(ids: &Ids) -> Vec<Row> {
    let mut rows = table(ids);
    rows.sort_by_key(|(endpoint, _)| {
        let (request, _) = endpoint.draft().prepare(&Origins::vendor(), None).unwrap();
        request.method() == Method::DELETE
    });
    rows
}

/// Returns a path with `{}` for each parameter.
pub(crate) fn without_names(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "{}",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Returns the method and the path of an operation.
pub(crate) fn name_of(operation: &Operation) -> String {
    format!("{} {}", operation.method, operation.path)
}

pub(crate) fn operation_named(name: &str) -> Operation {
    let mut all = operations::ALL.iter();
    *all.find(|operation| name_of(operation) == name).unwrap()
}
