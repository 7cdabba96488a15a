//! The request of each endpoint: method, path, query and body.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use ap_api::account::{company, credentials, user, user_settings};
use ap_api::leadconduit::{
    changelogs, destinations, entities, events, exports, fields, firehose, flows, leads, limits,
    packages, partners, reports, routers, submission, submission_docs, system,
};
use ap_api::rules::{Operator, Rule};
use ap_api::suppressionlist::{AddItems, CreateList, Exists, Lists, RemoveItems};
use ap_api::trustedform::certificates::{CertificateId, MatchLead, Retain, Run, Verify};
use ap_api::{Auth, FieldId, Id, ListName, PackageId, ReportKey, Secret, operations};
use ap_core::{Draft, Endpoint as _, Service};
use common::{CERTIFICATE, FLOW, SOURCE, id, line, prepare};

/// Every endpoint, and the line that its request is.
fn table() -> Vec<(Draft, String)> {
    let mut rows = Vec::new();
    let mut row = |draft: Draft, line: &str| rows.push((draft, line.replace("ID", FLOW)));
    let list = || ListName::parse("do_not_call").unwrap();
    let field = || FieldId::parse("loan_amount_acme").unwrap();
    let report = || ReportKey::from(id());
    let time = |text: &str| text.parse().unwrap();
    let (start, end) = (
        time("2026-11-25T00:00:00Z"),
        time("2026-11-25T23:59:59.999Z"),
    );

    row(events::List::new().draft(), "GET /events?sort=asc");
    row(
        events::List::new().after(id()).limit(1_000).draft(),
        "GET /events?after_id=ID&limit=1000&sort=asc",
    );
    row(
        events::List::new()
            .before(id())
            .newest_first()
            .exclude(["vars", "request"])
            .draft(),
        "GET /events?before_id=ID&exclude=vars&exclude=request&sort=desc",
    );
    row(
        events::List::new()
            .start(start)
            .end(end)
            .include(["outcome"])
            .draft(),
        "GET /events?start=2026-11-25T00%3A00%3A00Z&end=2026-11-25T23%3A59%3A59.999Z&include=outcome&include=id&sort=asc",
    );
    row(
        events::List::new()
            .rule(Rule::unary("reason", Operator::IsBlank))
            .draft(),
        "GET /events?rules=%5B%7B%22lhv%22%3A%22reason%22%2C%22op%22%3A%22is+blank%22%7D%5D&sort=asc",
    );
    row(
        events::List::new()
            .rule(Rule::unary("reason", Operator::IsBlank))
            .in_body()
            .draft(),
        r#"POST /events {"rules":[{"lhv":"reason","op":"is blank"}],"sort":"asc"}"#,
    );
    row(events::Get::new(id()).draft(), "GET /events/ID");
    row(events::Stats::new().draft(), "GET /events/stats");
    row(
        events::Stats::new()
            .kind(events::CountedKind::Recipient)
            .column(events::Column::Cost)
            .column(events::Column::Profit)
            .group_by("vars.source.name")
            .interval(events::Interval::Daily)
            .time_zone(events::TimeZone::Name("America/New_York".to_owned()))
            .start(start)
            .by_event()
            .draft(),
        "GET /events/stats?type=recipient&group_by=vars.source.name&interval=daily&timezone=America%2FNew_York\
         &start=2026-11-25T00%3A00%3A00Z&column=cost&column=profit&by_lead=false",
    );
    row(
        events::metrics::Median::new()
            .max_age(3_600)
            .target_property("wait_ms")
            .draft(),
        "GET /events/event-metrics/median?max_age=3600&target_property=wait_ms",
    );
    row(
        events::metrics::Funnel::new()
            .interval("daily")
            .time_zone(-18_000)
            .draft(),
        "GET /events/event-metrics/funnel?interval=daily&timezone=-18000",
    );
    let days = events::metrics::Timeframe::Named("this_14_days".to_owned());
    row(
        events::metrics::Count::new()
            .timeframe(days)
            .group_by("outcome")
            .draft(),
        "GET /events/event-metrics/count?group_by=outcome&timeframe=this_14_days",
    );
    row(
        events::metrics::CountUnique::new()
            .target_property("vars.lead.email")
            .draft(),
        "GET /events/event-metrics/count_unique?target_property=vars.lead.email",
    );
    row(
        events::metrics::SelectUnique::new()
            .target_property("vars.lead.city")
            .draft(),
        "GET /events/event-metrics/select_unique?target_property=vars.lead.city",
    );

    let certificate =
        || CertificateId::from_url(&format!("https://cert.trustedform.com/{CERTIFICATE}"));
    row(
        Run::new(certificate().unwrap())
            .match_lead(MatchLead::new().email("a@b.example").phone("5125550100"))
            .retain(Retain::new())
            .verify(Verify::new().advertiser_name("Acme"))
            .draft(),
        &format!(
            r#"POST /{CERTIFICATE} {{"match_lead":{{"email":"a@b.example","phone":"5125550100"}},"retain":{{}},"verify":{{"advertiser_name":"Acme"}}}}"#
        ),
    );

    row(Lists::new().draft(), "GET /lists");
    row(
        CreateList::new("Do not call").draft(),
        r#"POST /lists {"name":"Do not call","ttl":null}"#,
    );
    row(
        AddItems::new(list(), ["a", "b"]).and_to(list()).draft(),
        r#"POST /lists/do_not_call%7Cdo_not_call/items {"values":["a","b"]}"#,
    );
    row(
        AddItems::new(list(), ["Test@Email.com "])
            .since(start)
            .hashed()
            .draft(),
        r#"POST /lists/do_not_call/items {"values":["93942e96f5acd83e2e047ad8fe03114d"],"timestamp":"2026-11-25T00:00:00Z"}"#,
    );
    row(
        RemoveItems::new(list(), ["a"]).draft(),
        r#"DELETE /lists/do_not_call/items {"values":["a"]}"#,
    );
    row(
        Exists::new(list(), "a/b+c@d.example").draft(),
        "GET /exists/do_not_call/a%2Fb%2Bc%40d.example",
    );

    let source = || Id::parse(SOURCE).unwrap();
    row(
        submission::Submit::new(id(), source())
            .field("email", "a@b.example")
            .field("age", 40)
            .draft(),
        r#"POST /flows/ID/sources/5fd4371e940df5a34a3888b3/submit {"age":40,"email":"a@b.example"}"#,
    );
    row(
        submission::Submit::new(id(), source())
            .fields(&std::collections::BTreeMap::from([("a", "1&2")]))
            .as_form()
            .draft(),
        "POST /flows/ID/sources/5fd4371e940df5a34a3888b3/submit a=1%262",
    );
    row(
        submission::Ping::new(id(), source())
            .field("state", "TX")
            .draft(),
        r#"POST /flows/ID/sources/5fd4371e940df5a34a3888b3/ping {"state":"TX"}"#,
    );
    row(
        submission::Feedback::new(id(), submission::FeedbackType::Return)
            .reason("bad number")
            .draft(),
        r#"POST /feedback?event_id=ID {"type":"return","reason":"bad number"}"#,
    );
    row(
        leads::Search::new("a b").draft(),
        "GET /search/leads?query=a+b&from=0&limit=100",
    );
    row(
        leads::Search::new("a").newest_first().from(990).draft(),
        "GET /search/leads?query=a&sort_by=submission_timestamp&sort_dir=desc&from=990&limit=10",
    );

    row(flows::List::new().draft(), "GET /flows");
    let flow = r#"{"name":"Solar","enabled":true,"fields":[],"sources":[],"steps":[]}"#;
    row(
        flows::Create::new(flows::Flow::new("Solar")).draft(),
        &format!("POST /flows {flow}"),
    );
    row(flows::Get::new(id()).draft(), "GET /flows/ID");
    row(
        flows::Update::new(id(), flows::Flow::new("Solar")).draft(),
        &format!("PUT /flows/ID {flow}"),
    );
    row(flows::Delete::new(id()).draft(), "DELETE /flows/ID");
    row(flows::Deploy::new(id()).draft(), "POST /flows/ID/deploy");
    row(
        flows::Changelogs::new(id()).draft(),
        "GET /flows/ID/changelogs",
    );
    row(flows::Fields::new(id()).draft(), "GET /flows/ID/fields");
    row(
        flows::FieldUsage::new(id())
            .timeframe("previous_30_days")
            .draft(),
        "GET /flows/ID/fields/usage?timeframe=previous_30_days",
    );

    row(fields::List::new().draft(), "GET /fields");
    let new_field = || fields::Field::new(field(), "Loan", fields::TypeName::Number);
    let field_text = r#"{"id":"loan_amount_acme","name":"Loan","type":"number"}"#;
    row(
        fields::Create::new(new_field()).draft(),
        &format!("POST /fields {field_text}"),
    );
    row(
        fields::Get::new(field()).draft(),
        "GET /fields/loan_amount_acme",
    );
    row(
        fields::Update::new(field(), new_field()).draft(),
        &format!("PUT /fields/loan_amount_acme {field_text}"),
    );
    row(
        fields::Delete::new(field()).draft(),
        "DELETE /fields/loan_amount_acme",
    );
    row(
        fields::Changelogs::new(field()).draft(),
        "GET /fields/loan_amount_acme/changelogs",
    );
    row(fields::Types::new().draft(), "GET /types");
    row(
        fields::Variables::new()
            .flow(id())
            .flow(id())
            .exclude("examples")
            .draft(),
        "GET /vars?flow_id=ID&flow_id=ID&exclude=examples",
    );

    row(entities::List::new().draft(), "GET /entities");
    let entity = r#"{"name":"Acme","module_ids":[],"recipient":null,"source":null}"#;
    row(
        entities::Create::new(entities::Entity::new("Acme")).draft(),
        &format!("POST /entities {entity}"),
    );
    row(entities::Get::new(id()).draft(), "GET /entities/ID");
    row(
        entities::Update::new(id(), entities::Entity::new("Acme")).draft(),
        &format!("PUT /entities/ID {entity}"),
    );
    row(entities::Delete::new(id()).draft(), "DELETE /entities/ID");
    row(
        entities::Changelogs::new(id()).draft(),
        "GET /entities/ID/changelogs",
    );

    row(user::Get::new().draft(), "GET /user");
    row(
        user::Update::new(id(), user::UserUpdate::has_seen_free_account_modal(true)).draft(),
        r#"PUT /user/ID {"ui_state":{"has_seen_free_account_modal":true}}"#,
    );
    row(company::Get::new().draft(), "GET /account");
    let mut account = company::Account::default();
    account.data_retention_in_days = Some(30);
    row(
        company::Update::new(account).draft(),
        r#"PUT /account {"data_retention_in_days":30}"#,
    );
    row(company::Sync::new().draft(), "POST /account_sso_sync");
    let mut notifications = user_settings::Notifications::default();
    notifications.connection_invites = Some(user_settings::Notification::new(false));
    let settings = || user_settings::UserSettings::new(notifications.clone());
    let settings_text = r#"{"notifications":{"connection_invites":{"enabled":false}}}"#;
    row(
        user_settings::Create::new(settings()).draft(),
        &format!("POST /user_settings {settings_text}"),
    );
    row(
        user_settings::Get::new(id()).draft(),
        "GET /user_settings/ID",
    );
    row(
        user_settings::Update::new(id(), settings()).draft(),
        &format!("PUT /user_settings/ID {settings_text}"),
    );
    row(credentials::List::new().draft(), "GET /credentials");
    let token = || {
        credentials::Credential::token("leadconduit-example", "mine", Secret::new("placeholder"))
    };
    let token_text =
        r#"{"name":"mine","type":"token","package":"leadconduit-example","token":"placeholder"}"#;
    row(
        credentials::Create::new(token()).draft(),
        &format!("POST /credentials {token_text}"),
    );
    row(credentials::Get::new(id()).draft(), "GET /credentials/ID");
    row(
        credentials::Update::new(id(), token()).draft(),
        &format!("PUT /credentials/ID {token_text}"),
    );
    row(
        credentials::Delete::new(id()).draft(),
        "DELETE /credentials/ID",
    );

    row(destinations::List::new().draft(), "GET /destinations");
    row(
        destinations::List::new().with_flow_usages().draft(),
        "GET /destinations?include=flow_usages",
    );
    row(packages::List::new().draft(), "GET /packages");
    row(
        packages::Get::new(PackageId::parse("leadconduit-salesforce").unwrap()).draft(),
        "GET /packages/leadconduit-salesforce",
    );
    row(packages::PricingServices::new().draft(), "GET /services");
    row(
        limits::Caps::new().flow(id()).draft(),
        "GET /caps?flow_id=ID",
    );
    row(limits::GetCap::new(id()).draft(), "GET /caps/ID");
    row(limits::PingLimits::new().draft(), "GET /ping_limits");
    row(
        limits::GetPingLimit::new(id()).draft(),
        "GET /ping_limits/ID",
    );
    row(changelogs::List::new().draft(), "GET /changelogs");
    row(changelogs::Get::new(id()).draft(), "GET /changelogs/ID");

    let definition = || reports::Report::new("Costs", [events::Column::Cost]);
    let definition_text = r#"{"name":"Costs","columns":["cost"]}"#;
    row(reports::List::new().draft(), "GET /reports");
    row(
        reports::Create::new(definition()).draft(),
        &format!("POST /reports {definition_text}"),
    );
    row(reports::Get::new(id()).draft(), "GET /reports/ID");
    row(
        reports::Update::new(report(), definition()).draft(),
        &format!("PUT /reports/ID {definition_text}"),
    );
    row(reports::Delete::new(id()).draft(), "DELETE /reports/ID");
    row(reports::Share::new(id()).draft(), "PUT /reports/ID/share");
    row(
        reports::Unshare::new(id()).draft(),
        "PUT /reports/ID/unshare",
    );
    let span = "start=2026-11-25T00%3A00%3A00Z&end=2026-11-25T23%3A59%3A59.999Z";
    row(
        reports::Preview::new(definition(), start, end).draft(),
        &format!("POST /reports/preview?{span}&columns=cost {definition_text}"),
    );
    row(
        reports::Run::new(id(), start, end).draft(),
        &format!("GET /reports/ID/run?{span}"),
    );
    row(
        reports::Meta::shared(ReportKey::parse("a-token_1").unwrap()).draft(),
        "GET /reports/a-token_1/meta",
    );
    row(routers::List::new().draft(), "GET /routers");
    let router = || routers::Router::new("leadconduit-example.inbound.standard", []);
    let router_text = r#"{"module_id":"leadconduit-example.inbound.standard","routes":[]}"#;
    row(
        routers::Create::new(router()).draft(),
        &format!("POST /routers {router_text}"),
    );
    row(routers::Get::new(id()).draft(), "GET /routers/ID");
    row(
        routers::Update::new(id(), router()).draft(),
        &format!("PUT /routers/ID {router_text}"),
    );
    row(exports::List::new().draft(), "GET /exports");
    row(
        firehose::Check::aws("my-bucket", "placeholder-id", Secret::new("placeholder"))
            .without_file()
            .draft(),
        "GET /firehose?service=aws&access_key_id=placeholder-id&secret_access_key=placeholder&bucket=my-bucket&verification_file=false",
    );
    row(
        firehose::Check::azure("my-bucket", Secret::new("placeholder"))
            .flow(id())
            .draft(),
        "GET /firehose?service=azure&connection_string=placeholder&bucket=my-bucket&flow_id=ID",
    );
    let invitation = || partners::Invitation::new("a@b.example");
    row(
        partners::InviteSource::new(invitation()).draft(),
        r#"POST /invitations/source {"email":"a@b.example"}"#,
    );
    row(
        partners::InviteRecipient::new(invitation()).draft(),
        r#"POST /invitations/recipient {"email":"a@b.example"}"#,
    );
    row(
        partners::ResendInvitation::new(id()).draft(),
        "PUT /invitations/ID/resend",
    );
    row(
        partners::GetConnection::new(id()).draft(),
        "GET /connections/ID",
    );
    row(partners::Onboards::new().draft(), "GET /onboards");
    let onboard = r#"{"invitation_id":"ID"}"#;
    row(
        partners::CreateOnboard::new(partners::Onboard::new(id())).draft(),
        &format!("POST /onboards {onboard}"),
    );
    row(
        partners::UpdateOnboard::new(id(), partners::Onboard::new(id())).draft(),
        &format!("PUT /onboards/ID {onboard}"),
    );
    row(
        partners::CompleteBuyer::of_connection(id()).draft(),
        r#"POST /onboard/buyer {"connection_id":"ID"}"#,
    );
    row(
        submission_docs::List::new().show_hidden().draft(),
        "GET /submission_doc_access_logs?show_hidden=true",
    );
    let hidden = r#"{"hidden":true,"ui_state":{"hidden":true}}"#;
    let logs = "PUT /submission_doc_access_logs";
    row(
        submission_docs::HideAccount::new(id(), true).draft(),
        &format!("{logs}/account/ID {hidden}"),
    );
    row(
        submission_docs::HideFlow::new(id(), true).draft(),
        &format!("{logs}/flow/ID {hidden}"),
    );
    row(
        submission_docs::HideSource::new(id(), source(), true).draft(),
        &format!("{logs}/flow/ID/source/5fd4371e940df5a34a3888b3 {hidden}"),
    );
    row(system::Status::new().draft(), "GET /status");
    row(system::UiVersion::new().draft(), "GET /version/ui");
    rows
}

#[test]
fn each_request_is_as_documented() {
    for (draft, expected) in table() {
        let request = prepare(draft).unwrap_or_else(|error| panic!("{expected}: {error}"));
        assert_eq!(line(&request), expected);
    }
}

/// Returns `true` if a path is one of a template.
fn fits(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template
            .zip(path)
            .all(|(part, own)| part.starts_with('{') || part == own)
}

#[test]
fn every_operation_of_the_table_has_a_request_and_the_service_of_its_host() {
    let requests: Vec<_> = table()
        .into_iter()
        .map(|(draft, _)| {
            (
                draft.service(),
                draft.is_unsigned(),
                prepare(draft).unwrap(),
            )
        })
        .collect();
    for operation in operations::ALL {
        let own = requests.iter().find(|(service, _, request)| {
            *service == operation.service
                && request.method() == operation.method
                && fits(operation.path, request.uri().path())
        });
        let Some((_, is_unsigned, _)) = own else {
            panic!(
                "{} {} has no request in the table",
                operation.method, operation.path
            );
        };
        match operation.auth {
            Auth::Key => assert!(!is_unsigned, "{}", operation.path),
            Auth::NoKey => assert!(is_unsigned, "{}", operation.path),
            _ => {}
        }
    }
}

#[test]
fn the_table_has_each_operation_once_and_none_that_is_left_out() {
    let mut names: Vec<_> = operations::ALL
        .iter()
        .map(|operation| (operation.service, operation.method, operation.path))
        .collect();
    let count = names.len();
    names.sort_by_key(|(service, method, path)| (service.vendor_origin(), *path, *method));
    names.dedup();
    assert_eq!(names.len(), count);
    for left_out in operations::LEFT_OUT {
        let is_there = operations::ALL.iter().any(|operation| {
            (operation.product(), operation.method, operation.path)
                == (left_out.product, left_out.method, left_out.path)
        });
        assert!(!is_there, "{} {}", left_out.method, left_out.path);
        assert!(!left_out.reason.is_empty() && !left_out.reason.ends_with('.'));
    }
    // What the vendor documents: 93 operations of LeadConduit and the account.
    let of_lead_conduit = |service| service == Service::LeadConduit;
    let own = operations::ALL
        .iter()
        .filter(|one| of_lead_conduit(one.service))
        .count();
    let left_out = operations::LEFT_OUT
        .iter()
        .filter(|one| one.product == Service::LeadConduit.product())
        .count();
    assert_eq!(own + left_out, 93);
}

#[test]
fn operations_without_a_key_send_one_only_if_asked() {
    let submit = submission::Submit::new(id(), id()).field("a", 1);
    assert!(submit.draft().is_unsigned());
    assert!(!submit.with_key().draft().is_unsigned());
    let ping = submission::Ping::new(id(), id()).field("a", 1);
    assert!(ping.draft().is_unsigned());
    assert!(!ping.with_key().draft().is_unsigned());
    assert!(
        submission::Feedback::new(id(), submission::FeedbackType::Return)
            .draft()
            .is_unsigned()
    );
    let token = || ReportKey::parse("token").unwrap();
    assert!(reports::Get::shared(token()).draft().is_unsigned());
    assert!(!reports::Get::new(id()).draft().is_unsigned());
}

#[test]
fn only_what_changes_nothing_when_sent_twice_may_be_repeated() {
    let called = |draft: Draft| draft.prepare(&ap_core::Origins::vendor(), None).unwrap().1;
    let secret = Secret::new("placeholder");
    for draft in [
        submission::Submit::new(id(), id()).field("a", 1).draft(),
        submission::Ping::new(id(), id()).field("a", 1).draft(),
        submission::Feedback::new(id(), submission::FeedbackType::Return).draft(),
        firehose::Check::azure("bucket", secret).draft(),
    ] {
        assert!(called(draft.clone()).is_at_most_once() && !called(draft).is_repeatable());
    }
    let create = called(flows::Create::new(flows::Flow::new("a")).draft());
    assert!(!create.is_repeatable() && !create.is_at_most_once());
    for draft in [
        flows::Update::new(id(), flows::Flow::new("a")).draft(),
        events::List::new().in_body().draft(),
    ] {
        assert!(called(draft.clone()).is_repeatable() && !called(draft).is_at_most_once());
    }
}

#[test]
fn certificates_are_asked_for_version_4_and_csv_by_its_media_type() {
    let id: CertificateId = CERTIFICATE.parse().unwrap();
    let run = Run::new(id).verify(Verify::new());
    assert_eq!(
        prepare(run.draft()).unwrap().headers()["api-version"],
        "4.0"
    );
    let csv = events::Stats::new().as_csv();
    assert_eq!(
        prepare(csv.draft()).unwrap().headers()["accept"],
        "text/csv"
    );
}

#[test]
fn debug_of_an_endpoint_shows_no_value() {
    let submit = submission::Submit::new(id(), id()).field("email", "a@b.example");
    assert_eq!(
        format!("{submit:?}"),
        "POST /flows/{flow_id}/sources/{source_id}/submit"
    );
    let exists = Exists::new(ListName::parse("a").unwrap(), "5125550100");
    assert_eq!(format!("{exists:?}"), "GET /exists/{list}/{value}");
    let match_lead = MatchLead::new().email("a@b.example");
    assert!(!format!("{match_lead:?}").contains("example"));
}
