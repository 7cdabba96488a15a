//! A table of every endpoint, for all tests that go through all of them, also those of other crates.
#![allow(clippy::unwrap_used, clippy::type_complexity)]

use ap_api::account::{company, credentials, user, user_settings};
use ap_api::leadconduit::{
    changelogs, destinations, entities, events, exports, fields, firehose, flows, leads, limits,
    packages, partners, reports, routers, submission, submission_docs, system,
};
use ap_api::rules::{Operator, Rule};
use ap_api::suppressionlist::{AddItems, CreateList, Exists, Lists, RemoveItems};
use ap_api::trustedform::certificates::{CertificateId, MatchLead, Retain, Run, Verify};
use ap_api::{FieldId, Id, ListName, PackageId, ReportKey, Secret};
use ap_core::{Draft, Endpoint, Error, Response};

/// The id of everything in [`Ids::examples`] that has one of this form.
pub(crate) const EXAMPLE_ID: &str = "5fd4371e940df5a34a3888b2";

/// Whose output nobody needs: an endpoint of any type.
#[allow(
    dead_code,
    reason = "some tests send no request, and some decode no response"
)]
pub(crate) struct AnyEndpoint {
    draft: Draft,
    decode: Box<dyn Fn(Response) -> Result<(), Error>>,
}

impl AnyEndpoint {
    fn new<E: Endpoint + 'static>(endpoint: E) -> Self {
        Self {
            draft: endpoint.draft(),
            decode: Box::new(move |response| endpoint.decode(response).map(drop)),
        }
    }
}

impl Endpoint for AnyEndpoint {
    type Output = ();

    fn draft(&self) -> Draft {
        self.draft.clone()
    }

    fn decode(&self, response: Response) -> Result<(), Error> {
        (self.decode)(response)
    }
}

/// The ids of what the endpoints are about.
pub(crate) struct Ids {
    pub(crate) account: Id,
    pub(crate) user: Id,
    pub(crate) user_settings: Id,
    pub(crate) credential: Id,
    pub(crate) flow: Id,
    /// The entity of one of the flow's sources.
    pub(crate) source: Id,
    pub(crate) entity: Id,
    pub(crate) event: Id,
    /// An event of a recipient that accepts feedback.
    pub(crate) recipient_event: Id,
    pub(crate) cap: Id,
    pub(crate) ping_limit: Id,
    pub(crate) changelog: Id,
    pub(crate) report: Id,
    pub(crate) shared_report: ReportKey,
    pub(crate) router: Id,
    pub(crate) package: PackageId,
    /// An entity that was invited.
    pub(crate) invited: Id,
    pub(crate) invitation: Id,
    pub(crate) connection: Id,
    pub(crate) onboard: Id,
    pub(crate) certificate: CertificateId,
}

impl Ids {
    /// Returns ids of the documented forms. Nothing has them.
    pub(crate) fn examples() -> Self {
        let id = || Id::parse(EXAMPLE_ID).unwrap();
        Self {
            account: id(),
            user: id(),
            user_settings: id(),
            credential: id(),
            flow: id(),
            source: Id::parse("5fd4371e940df5a34a3888b3").unwrap(),
            entity: id(),
            event: id(),
            recipient_event: id(),
            cap: id(),
            ping_limit: id(),
            changelog: id(),
            report: id(),
            shared_report: ReportKey::parse("a-token_1").unwrap(),
            router: id(),
            package: PackageId::parse("leadconduit-salesforce").unwrap(),
            invited: id(),
            invitation: id(),
            connection: id(),
            onboard: id(),
            certificate: "0123456789abcdef0123456789abcdef01234567".parse().unwrap(),
        }
    }
}

/// Every endpoint with these ids, and the line that its request is with those of [`Ids::examples`].
pub(crate) fn table(ids: &Ids) -> Vec<(AnyEndpoint, String)> {
    let mut rows = Vec::new();
    macro_rules! row {
        ($endpoint:expr, $line:expr $(,)?) => {
            rows.push((AnyEndpoint::new($endpoint), $line.replace("ID", EXAMPLE_ID)))
        };
    }
    let list = || ListName::parse("do_not_call").unwrap();
    let field = || FieldId::parse("loan_amount_acme").unwrap();
    let report = || ReportKey::from(&ids.report);
    let time = |text: &str| text.parse().unwrap();
    let (start, end) = (
        time("2026-11-25T00:00:00Z"),
        time("2026-11-25T23:59:59.999Z"),
    );

    row!(events::List::new(), "GET /events?sort=asc");
    row!(
        events::List::new().after(&ids.event).limit(1_000),
        "GET /events?after_id=ID&limit=1000&sort=asc",
    );
    row!(
        events::List::new()
            .before(&ids.event)
            .newest_first()
            .exclude(["vars", "request"]),
        "GET /events?before_id=ID&exclude=vars&exclude=request&sort=desc",
    );
    row!(
        events::List::new()
            .start(start)
            .end(end)
            .include(["outcome"]),
        "GET /events?start=2026-11-25T00%3A00%3A00Z&end=2026-11-25T23%3A59%3A59.999Z&include=outcome&include=id&sort=asc",
    );
    row!(
        events::List::new().rule(Rule::unary("reason", Operator::IsBlank)),
        "GET /events?rules=%5B%7B%22lhv%22%3A%22reason%22%2C%22op%22%3A%22is+blank%22%7D%5D&sort=asc",
    );
    row!(
        events::List::new()
            .rule(Rule::unary("reason", Operator::IsBlank))
            .in_body(),
        r#"POST /events {"rules":[{"lhv":"reason","op":"is blank"}],"sort":"asc"}"#,
    );
    row!(events::Get::new(&ids.event), "GET /events/ID");
    row!(events::Stats::new(), "GET /events/stats");
    row!(
        events::Stats::new()
            .kind(events::CountedKind::Recipient)
            .column(events::Column::Cost)
            .column(events::Column::Profit)
            .group_by("vars.source.name")
            .interval(events::Interval::Daily)
            .time_zone(events::TimeZone::Name("America/New_York".to_owned()))
            .start(start)
            .by_event(),
        "GET /events/stats?type=recipient&group_by=vars.source.name&interval=daily&timezone=America%2FNew_York\
         &start=2026-11-25T00%3A00%3A00Z&column=cost&column=profit&by_lead=false",
    );
    row!(
        events::metrics::Median::new()
            .max_age(3_600)
            .target_property("wait_ms"),
        "GET /events/event-metrics/median?max_age=3600&target_property=wait_ms",
    );
    row!(
        events::metrics::Funnel::new()
            .interval("daily")
            .time_zone(-18_000),
        "GET /events/event-metrics/funnel?interval=daily&timezone=-18000",
    );
    let days = events::metrics::Timeframe::Named("this_14_days".to_owned());
    row!(
        events::metrics::Count::new()
            .timeframe(days)
            .group_by("outcome"),
        "GET /events/event-metrics/count?group_by=outcome&timeframe=this_14_days",
    );
    row!(
        events::metrics::CountUnique::new().target_property("vars.lead.email"),
        "GET /events/event-metrics/count_unique?target_property=vars.lead.email",
    );
    row!(
        events::metrics::SelectUnique::new().target_property("vars.lead.city"),
        "GET /events/event-metrics/select_unique?target_property=vars.lead.city",
    );

    row!(
        Run::new(ids.certificate.clone())
            .match_lead(MatchLead::new().email("a@b.example").phone("5125550100"))
            .retain(Retain::new())
            .verify(Verify::new().advertiser_name("Acme")),
        r#"POST /0123456789abcdef0123456789abcdef01234567 {"match_lead":{"email":"a@b.example","phone":"5125550100"},"retain":{},"verify":{"advertiser_name":"Acme"}}"#,
    );

    row!(Lists::new(), "GET /lists");
    row!(
        CreateList::new("Do not call"),
        r#"POST /lists {"name":"Do not call","ttl":null}"#,
    );
    row!(
        AddItems::new(list(), ["a", "b"]).and_to(list()),
        r#"POST /lists/do_not_call%7Cdo_not_call/items {"values":["a","b"]}"#,
    );
    row!(
        AddItems::new(list(), ["Test@Email.com "])
            .since(start)
            .hashed(),
        r#"POST /lists/do_not_call/items {"values":["93942e96f5acd83e2e047ad8fe03114d"],"timestamp":"2026-11-25T00:00:00Z"}"#,
    );
    row!(
        RemoveItems::new(list(), ["a"]),
        r#"DELETE /lists/do_not_call/items {"values":["a"]}"#,
    );
    row!(
        Exists::new(list(), "a/b+c@d.example"),
        "GET /exists/do_not_call/a%2Fb%2Bc%40d.example",
    );

    row!(
        submission::Submit::new(&ids.flow, &ids.source)
            .field("email", "a@b.example")
            .field("age", 40),
        r#"POST /flows/ID/sources/5fd4371e940df5a34a3888b3/submit {"age":40,"email":"a@b.example"}"#,
    );
    row!(
        submission::Submit::new(&ids.flow, &ids.source)
            .fields(&std::collections::BTreeMap::from([("a", "1&2")]))
            .as_form(),
        "POST /flows/ID/sources/5fd4371e940df5a34a3888b3/submit a=1%262",
    );
    row!(
        submission::Ping::new(&ids.flow, &ids.source).field("state", "TX"),
        r#"POST /flows/ID/sources/5fd4371e940df5a34a3888b3/ping {"state":"TX"}"#,
    );
    row!(
        submission::Feedback::new(&ids.recipient_event, submission::FeedbackType::Return)
            .reason("bad number"),
        r#"POST /feedback?event_id=ID {"type":"return","reason":"bad number"}"#,
    );
    row!(
        leads::Search::new("a b"),
        "GET /search/leads?query=a+b&from=0&limit=100",
    );
    row!(
        leads::Search::new("a").newest_first().from(990),
        "GET /search/leads?query=a&sort_by=submission_timestamp&sort_dir=desc&from=990&limit=10",
    );

    row!(flows::List::new(), "GET /flows");
    let flow = r#"{"name":"Solar","enabled":true,"fields":[],"sources":[],"steps":[]}"#;
    row!(
        flows::Create::new(flows::Flow::new("Solar")),
        &format!("POST /flows {flow}"),
    );
    row!(flows::Get::new(&ids.flow), "GET /flows/ID");
    row!(
        flows::Update::new(&ids.flow, flows::Flow::new("Solar")),
        &format!("PUT /flows/ID {flow}"),
    );
    row!(flows::Delete::new(&ids.flow), "DELETE /flows/ID");
    row!(flows::Deploy::new(&ids.flow), "POST /flows/ID/deploy");
    row!(
        flows::Changelogs::new(&ids.flow),
        "GET /flows/ID/changelogs",
    );
    row!(flows::Fields::new(&ids.flow), "GET /flows/ID/fields");
    row!(
        flows::FieldUsage::new(&ids.flow).timeframe("previous_30_days"),
        "GET /flows/ID/fields/usage?timeframe=previous_30_days",
    );

    row!(fields::List::new(), "GET /fields");
    let new_field = || fields::Field::new(field(), "Loan", fields::TypeName::Number);
    let field_text = r#"{"id":"loan_amount_acme","name":"Loan","type":"number"}"#;
    row!(
        fields::Create::new(new_field()),
        &format!("POST /fields {field_text}"),
    );
    row!(fields::Get::new(field()), "GET /fields/loan_amount_acme",);
    row!(
        fields::Update::new(field(), new_field()),
        &format!("PUT /fields/loan_amount_acme {field_text}"),
    );
    row!(
        fields::Delete::new(field()),
        "DELETE /fields/loan_amount_acme",
    );
    row!(
        fields::Changelogs::new(field()),
        "GET /fields/loan_amount_acme/changelogs",
    );
    row!(fields::Types::new(), "GET /types");
    row!(
        fields::Variables::new()
            .flow(&ids.flow)
            .flow(&ids.flow)
            .exclude("examples"),
        "GET /vars?flow_id=ID&flow_id=ID&exclude=examples",
    );

    row!(entities::List::new(), "GET /entities");
    let entity = r#"{"name":"Acme","module_ids":[],"recipient":null,"source":null}"#;
    row!(
        entities::Create::new(entities::Entity::new("Acme")),
        &format!("POST /entities {entity}"),
    );
    row!(entities::Get::new(&ids.entity), "GET /entities/ID");
    row!(
        entities::Update::new(&ids.entity, entities::Entity::new("Acme")),
        &format!("PUT /entities/ID {entity}"),
    );
    row!(entities::Delete::new(&ids.entity), "DELETE /entities/ID");
    row!(
        entities::Changelogs::new(&ids.entity),
        "GET /entities/ID/changelogs",
    );

    row!(user::Get::new(), "GET /user");
    row!(
        user::Update::new(
            &ids.user,
            user::UserUpdate::has_seen_free_account_modal(true)
        ),
        r#"PUT /user/ID {"ui_state":{"has_seen_free_account_modal":true}}"#,
    );
    row!(company::Get::new(), "GET /account");
    let mut account = company::Account::default();
    account.data_retention_in_days = Some(30);
    row!(
        company::Update::new(account),
        r#"PUT /account {"data_retention_in_days":30}"#,
    );
    row!(company::Sync::new(), "POST /account_sso_sync");
    let mut notifications = user_settings::Notifications::default();
    notifications.connection_invites = Some(user_settings::Notification::new(false));
    let settings = || user_settings::UserSettings::new(notifications.clone());
    let settings_text = r#"{"notifications":{"connection_invites":{"enabled":false}}}"#;
    row!(
        user_settings::Create::new(settings()),
        &format!("POST /user_settings {settings_text}"),
    );
    row!(
        user_settings::Get::new(&ids.user_settings),
        "GET /user_settings/ID",
    );
    row!(
        user_settings::Update::new(&ids.user_settings, settings()),
        &format!("PUT /user_settings/ID {settings_text}"),
    );
    row!(credentials::List::new(), "GET /credentials");
    let token = || {
        credentials::Credential::token("leadconduit-example", "mine", Secret::new("placeholder"))
    };
    let token_text =
        r#"{"name":"mine","type":"token","package":"leadconduit-example","token":"placeholder"}"#;
    row!(
        credentials::Create::new(token()),
        &format!("POST /credentials {token_text}"),
    );
    row!(
        credentials::Get::new(&ids.credential),
        "GET /credentials/ID"
    );
    row!(
        credentials::Update::new(&ids.credential, token()),
        &format!("PUT /credentials/ID {token_text}"),
    );
    row!(
        credentials::Delete::new(&ids.credential),
        "DELETE /credentials/ID",
    );

    row!(destinations::List::new(), "GET /destinations");
    row!(
        destinations::List::new().with_flow_usages(),
        "GET /destinations?include=flow_usages",
    );
    row!(packages::List::new(), "GET /packages");
    row!(
        packages::Get::new(&ids.package),
        "GET /packages/leadconduit-salesforce",
    );
    row!(packages::PricingServices::new(), "GET /services");
    row!(limits::Caps::new().flow(&ids.flow), "GET /caps?flow_id=ID",);
    row!(limits::GetCap::new(&ids.cap), "GET /caps/ID");
    row!(limits::PingLimits::new(), "GET /ping_limits");
    row!(
        limits::GetPingLimit::new(&ids.ping_limit),
        "GET /ping_limits/ID",
    );
    row!(changelogs::List::new(), "GET /changelogs");
    row!(changelogs::Get::new(&ids.changelog), "GET /changelogs/ID");

    let definition = || reports::Report::new("Costs", [events::Column::Cost]);
    let definition_text = r#"{"name":"Costs","columns":["cost"]}"#;
    row!(reports::List::new(), "GET /reports");
    row!(
        reports::Create::new(definition()),
        &format!("POST /reports {definition_text}"),
    );
    row!(reports::Get::new(&ids.report), "GET /reports/ID");
    row!(
        reports::Update::new(report(), definition()),
        &format!("PUT /reports/ID {definition_text}"),
    );
    row!(reports::Delete::new(&ids.report), "DELETE /reports/ID");
    row!(reports::Share::new(&ids.report), "PUT /reports/ID/share");
    row!(
        reports::Unshare::new(&ids.report),
        "PUT /reports/ID/unshare",
    );
    let span = "start=2026-11-25T00%3A00%3A00Z&end=2026-11-25T23%3A59%3A59.999Z";
    row!(
        reports::Preview::new(definition(), start, end),
        &format!("POST /reports/preview?{span}&columns=cost {definition_text}"),
    );
    row!(
        reports::Run::new(&ids.report, start, end),
        &format!("GET /reports/ID/run?{span}"),
    );
    row!(
        reports::Meta::shared(&ids.shared_report),
        "GET /reports/a-token_1/meta",
    );
    row!(routers::List::new(), "GET /routers");
    let router = || routers::Router::new("leadconduit-example.inbound.standard", []);
    let router_text = r#"{"module_id":"leadconduit-example.inbound.standard","routes":[]}"#;
    row!(
        routers::Create::new(router()),
        &format!("POST /routers {router_text}"),
    );
    row!(routers::Get::new(&ids.router), "GET /routers/ID");
    row!(
        routers::Update::new(&ids.router, router()),
        &format!("PUT /routers/ID {router_text}"),
    );
    row!(exports::List::new(), "GET /exports");
    row!(
        firehose::Check::aws("my-bucket", "placeholder-id", Secret::new("placeholder"))
            .without_file(),
        "GET /firehose?service=aws&access_key_id=placeholder-id&secret_access_key=placeholder&bucket=my-bucket&verification_file=false",
    );
    row!(
        firehose::Check::azure("my-bucket", Secret::new("placeholder")).flow(&ids.flow),
        "GET /firehose?service=azure&connection_string=placeholder&bucket=my-bucket&flow_id=ID",
    );
    let invitation = || partners::Invitation::new("a@b.example");
    row!(
        partners::InviteSource::new(invitation()),
        r#"POST /invitations/source {"email":"a@b.example"}"#,
    );
    row!(
        partners::InviteRecipient::new(invitation()),
        r#"POST /invitations/recipient {"email":"a@b.example"}"#,
    );
    row!(
        partners::ResendInvitation::new(&ids.invited),
        "PUT /invitations/ID/resend",
    );
    row!(
        partners::GetConnection::new(&ids.connection),
        "GET /connections/ID",
    );
    row!(partners::Onboards::new(), "GET /onboards");
    let onboard = r#"{"invitation_id":"ID"}"#;
    row!(
        partners::CreateOnboard::new(partners::Onboard::new(&ids.invitation)),
        &format!("POST /onboards {onboard}"),
    );
    row!(
        partners::UpdateOnboard::new(&ids.onboard, partners::Onboard::new(&ids.invitation)),
        &format!("PUT /onboards/ID {onboard}"),
    );
    row!(
        partners::CompleteBuyer::of_connection(&ids.connection),
        r#"POST /onboard/buyer {"connection_id":"ID"}"#,
    );
    row!(
        submission_docs::List::new().show_hidden(),
        "GET /submission_doc_access_logs?show_hidden=true",
    );
    let hidden = r#"{"hidden":true,"ui_state":{"hidden":true}}"#;
    let logs = "PUT /submission_doc_access_logs";
    row!(
        submission_docs::HideAccount::new(&ids.account, true),
        &format!("{logs}/account/ID {hidden}"),
    );
    row!(
        submission_docs::HideFlow::new(&ids.flow, true),
        &format!("{logs}/flow/ID {hidden}"),
    );
    row!(
        submission_docs::HideSource::new(&ids.flow, &ids.source, true),
        &format!("{logs}/flow/ID/source/5fd4371e940df5a34a3888b3 {hidden}"),
    );
    row!(system::Status::new(), "GET /status");
    row!(system::UiVersion::new(), "GET /version/ui");
    rows
}
