//! The table of documented error statuses: what provokes each at the emulator, and the documented body.

use ap_api::Id;
use ap_api::leadconduit::submission;
use ap_api::trustedform::certificates::{CertificateId, MatchLead, Retain, Run};
use ap_core::{Draft, Endpoint, Product, Service};
use ap_emulator::{Fault, Plan};
use ap_tests::TestClient;
use serde_json::Value;

use crate::endpoints::{EXAMPLE_ID, Ids};
use crate::setup::{operation_named, prepare};

/// Documented statuses that the emulator does not answer with, and why.
pub(crate) const LEFT_OUT: [(&str, u16, &str); 2] = [
    (
        "POST /{cert_id}",
        406,
        "one article has it for a malformed id; the API description has 400, and so has the emulator",
    ),
    (
        "GET /exists/{list}/{value}",
        400,
        "it is known from the vendor's code, and nothing says which request gets it",
    ),
];

/// The operations that document the refusal of a key.
const WITH_A_KEY: [&str; 26] = [
    "GET /flows",
    "GET /fields",
    "POST /fields",
    "GET /fields/{id}",
    "PUT /fields/{id}",
    "DELETE /fields/{id}",
    "GET /events",
    "POST /events",
    "GET /events/{id}",
    "GET /events/event-metrics/median",
    "GET /events/event-metrics/funnel",
    "GET /events/event-metrics/count",
    "GET /events/event-metrics/count_unique",
    "GET /events/event-metrics/select_unique",
    "GET /search/leads",
    "GET /destinations",
    "GET /packages",
    "GET /packages/{id}",
    "GET /firehose",
    "POST /invitations/source",
    "POST /invitations/recipient",
    "GET /lists",
    "POST /lists",
    "POST /lists/{list}/items",
    "DELETE /lists/{list}/items",
    "GET /exists/{list}/{value}",
];

/// The operations that free accounts do not have.
const NOT_FREE: [&str; 7] = [
    "GET /flows",
    "GET /fields",
    "POST /fields",
    "GET /fields/{id}",
    "PUT /fields/{id}",
    "DELETE /fields/{id}",
    "GET /search/leads",
];

const RUN: &str = "POST /{cert_id}";
const ADD: &str = "POST /lists/{list}/items";
const FEEDBACK: &str = "POST /feedback";

/// What makes the emulator answer with a status.
pub(crate) enum Cause {
    /// A key that it does not accept.
    WrongKey,
    /// What the account pays for.
    Plan(Plan),
    /// A fault, because the vendor documents it for its own failures.
    Fault(fn(Product) -> Fault),
    /// This request, instead of the endpoint's.
    Request(Change),
}

/// Makes a request from what is known and the endpoint's request.
pub(crate) type Change = Box<dyn Fn(&Known, Draft) -> Draft>;

/// The documented body of an error.
#[derive(Debug)]
pub(crate) enum Body {
    /// This JSON.
    Json(&'static str),
    /// A JSON object with a reason under this name, and nothing else.
    Reason(&'static str),
    /// Plain text that begins like this.
    Text(&'static str),
    /// The vendor documents none.
    Any,
}

/// One status of one operation.
pub(crate) struct Row {
    pub(crate) operation: String,
    pub(crate) status: u16,
    pub(crate) cause: Cause,
    pub(crate) body: Body,
    /// The endpoint's output has it. It is no error.
    pub(crate) is_answer: bool,
}

/// What a request may be about.
pub(crate) struct Known {
    pub(crate) ids: Ids,
    /// An event of a recipient that accepts no feedback.
    event_without_feedback: Id,
}

impl Known {
    pub(crate) fn new(client: &TestClient) -> Self {
        let ids = prepare(client);
        let event_without_feedback = event_without_feedback(client, &ids);
        Self {
            ids,
            event_without_feedback,
        }
    }

    /// Returns the path of a submission or a ping from a source.
    fn path(&self, source: &str, call: &str) -> String {
        format!("/flows/{}/sources/{source}/{call}", self.ids.flow)
    }
}

/// Submits a lead to a flow like the example, whose step accepts no feedback.
fn event_without_feedback(client: &TestClient, ids: &Ids) -> Id {
    let json = |draft: Draft| client.send(draft).unwrap().json::<Value>().unwrap();
    let of = |path: String| Draft::get(Service::LeadConduit, path);
    let post = |path: String| Draft::post(Service::LeadConduit, path);
    let mut flow = json(of(format!("/flows/{}", ids.flow)));
    flow.as_object_mut().unwrap().remove("id");
    for step in flow["steps"].as_array_mut().unwrap() {
        step.as_object_mut().unwrap().remove("feedback");
    }
    let made = json(post("/flows".to_owned()).json(&flow));
    let id = Id::parse(made["id"].as_str().unwrap()).unwrap();
    json(post(format!("/flows/{id}/deploy")));
    let submit = submission::Submit::new(&id, &ids.source).field("email", "robin@example.com");
    assert!(client.call(submit).unwrap().outcome.is_success());
    let events = json(of("/events?sort=desc&limit=5".to_owned()));
    let mut events = events.as_array().unwrap().iter();
    let event = events.find(|event| event["type"] == "recipient").unwrap();
    Id::parse(event["id"].as_str().unwrap()).unwrap()
}

fn error(operation: &str, status: u16, cause: Cause, body: Body) -> Row {
    Row {
        operation: operation.to_owned(),
        status,
        cause,
        body,
        is_answer: false,
    }
}

fn answer(operation: &str, status: u16, cause: Cause, body: Body) -> Row {
    Row {
        is_answer: true,
        ..error(operation, status, cause, body)
    }
}

/// The endpoint's own request, changed.
fn changed(change: impl Fn(Draft) -> Draft + 'static) -> Cause {
    Cause::Request(Box::new(move |_, draft| change(draft)))
}

fn with_body(body: &'static str) -> Cause {
    changed(move |draft| draft.body(body))
}

fn other(request: impl Fn(&Known) -> Draft + 'static) -> Cause {
    Cause::Request(Box::new(move |known, _| request(known)))
}

/// Retains this certificate.
fn run(certificate: &str) -> Draft {
    let certificate: CertificateId = certificate.parse().unwrap();
    let lead = MatchLead::new().email("robin@example.com");
    let run = Run::new(certificate).match_lead(lead);
    run.retain(Retain::new()).draft()
}

const UNKNOWN: &str = "0123456789abcdef0123456789abcdef01234567";
const EXPIRED: &str = "65e0e50300000000000000000000000000000001";
const OF_THE_SANDBOX: &str = "65e0e50400000000000000000000000000000001";
const CLAIMED_TOO_OFTEN: &str = "65e0e50500000000000000000000000000000001";
const SOURCE_WITH_KEY: &str = "65e0a100000000000000000a";

/// The refusal of a key by a service.
const fn bad_key(service: Service) -> Body {
    match service {
        Service::TrustedForm => Body::Json(r#"{"outcome":"error","reason":"Unauthorized"}"#),
        Service::SuppressionList => Body::Json(r#"{"message":"HTTP Basic: Access denied"}"#),
        _ => Body::Json(r#"{"error":"authentication failed"}"#),
    }
}

/// The table: an operation, a status, what provokes it, and the body.
pub(crate) fn documented() -> Vec<Row> {
    let malformed = Body::Json(
        r#"{"errors":{"detail":"Malformed certificate id"},"message":"Malformed certificate id","outcome":"error","reason":"Malformed certificate id"}"#,
    );
    let inactive = Body::Json(r#"{"outcome":"error","reason":"Account is inactive"}"#);
    let not_in_plan = Body::Json(r#"{"outcome":"error","reason":"Unavailable product requested"}"#);
    let gone = r#"{"outcome":"error","reason":"TrustedForm certificate has expired or could not be found"}"#;
    let sandbox = Body::Json(r#"{"outcome":"error","reason":"Certificate is not claimable"}"#);
    let too_often =
        Body::Json(r#"{"outcome":"error","reason":"Certificate has been claimed too many times"}"#);
    let malformed_id =
        other(|_| Draft::post(Service::TrustedForm, "/malformed").json(&Value::Null));
    let of_old_version = |_: &Known| run(EXPIRED).header("api-version", "3.0").body("{}");
    let about = |certificate| other(move |_| run(certificate));
    let mut rows = vec![
        error(RUN, 400, malformed_id, malformed),
        error(RUN, 401, Cause::WrongKey, bad_key(Service::TrustedForm)),
        error(RUN, 402, Cause::Plan(Plan::Unpaid), inactive),
        error(RUN, 403, Cause::Plan(Plan::Free), not_in_plan),
        answer(RUN, 404, about(UNKNOWN), Body::Json(gone)),
        answer(RUN, 404, about(EXPIRED), Body::Json(gone)),
        answer(RUN, 405, about(OF_THE_SANDBOX), sandbox),
        error(RUN, 410, other(of_old_version), Body::Json("{}")),
        answer(RUN, 422, about(CLAIMED_TOO_OFTEN), too_often),
        error(ADD, 400, with_body(r#"{"values":"#), Body::Reason("error")),
        error(
            ADD,
            422,
            with_body(r#"{"values":["a"],"timestamp":"not a time"}"#),
            Body::Any,
        ),
        error(
            "DELETE /lists/{list}/items",
            400,
            with_body("{}"),
            Body::Reason("error"),
        ),
        answer(
            "GET /exists/{list}/{value}",
            404,
            changed(|draft| draft),
            Body::Json(
                r#"{"specified_lists":["do_not_call"],"key":"a/b+c@d.example","found":false}"#,
            ),
        ),
    ];
    for operation in WITH_A_KEY {
        let service = operation_named(operation).service;
        rows.push(error(operation, 401, Cause::WrongKey, bad_key(service)));
        if service == Service::SuppressionList {
            let unpaid = Body::Json(r#"{"message":"Unpaid account"}"#);
            rows.push(error(operation, 402, Cause::Plan(Plan::Unpaid), unpaid));
        }
    }
    for operation in NOT_FREE {
        let not_authorized = Body::Json(r#"{"error":"not authorized"}"#);
        rows.push(error(
            operation,
            401,
            Cause::Plan(Plan::Free),
            not_authorized,
        ));
    }
    for role in ["source", "recipient"] {
        let operation = format!("POST /invitations/{role}");
        let without_email = with_body(r#"{"name":"Somebody"}"#);
        rows.push(error(&operation, 400, without_email, Body::Reason("error")));
    }
    for path in [
        "account/{account_id}",
        "flow/{flow_id}",
        "flow/{flow_id}/source/{source_id}",
    ] {
        let operation = format!("PUT /submission_doc_access_logs/{path}");
        rows.push(error(&operation, 400, with_body("{}"), Body::Any));
        let no_boolean = with_body(r#"{"hidden":"yes"}"#);
        rows.push(error(&operation, 400, no_boolean, Body::Any));
    }
    for call in ["submit", "ping"] {
        rows.extend(of_submissions(call));
    }
    rows.extend(of_feedback());
    rows
}

/// The rows of submissions, or of pings.
fn of_submissions(call: &'static str) -> Vec<Row> {
    let operation = format!("POST /flows/{{flow_id}}/sources/{{source_id}}/{call}");
    let error = |status, cause, body| error(&operation, status, cause, body);
    let path = move |known: &Known| known.path(known.ids.source.as_str(), call);
    let post = |path: String| Draft::post(Service::LeadConduit, path).unsigned();
    let put = move |known: &Known| Draft::put(Service::LeadConduit, path(known)).unsigned();
    let from_source_with_key = move |known: &Known| {
        post(known.path(SOURCE_WITH_KEY, call)).form(&[("email", "a@b.example")])
    };
    let to_deleted_flow =
        move |_: &Known| post(format!("/flows/{EXAMPLE_ID}/sources/{EXAMPLE_ID}/{call}"));
    let untyped = move |known: &Known| post(path(known)).body("email=a");
    let typed = |name: &'static str| changed(move |draft| draft.header("content-type", name));
    let redirect =
        move |known: &Known| post(path(known)).query(&[("redir_url", "ftp://a.example")]);
    vec![
        error(400, with_body("{"), Body::Text("Unable to parse JSON -- ")),
        error(
            400,
            changed(|draft| draft.header("content-type", "text/xml").body("<lead>")),
            Body::Text("Body does not contain XML or XML is unparseable -- "),
        ),
        error(400, other(redirect), Body::Text("Invalid redir_url")),
        error(
            401,
            other(from_source_with_key),
            Body::Json(r#"{"error":"Unauthorized source"}"#),
        ),
        error(404, other(to_deleted_flow), Body::Reason("error")),
        error(405, other(put), Body::Text("The PUT method is not allowed")),
        error(
            406,
            changed(|draft| draft.header("accept", "text/html")),
            Body::Text(""),
        ),
        error(
            406,
            typed("text/csv"),
            Body::Text("MIME type in Content-Type header is not supported"),
        ),
        error(
            415,
            other(untyped),
            Body::Text("Content-Type header is required"),
        ),
        error(502, Cause::Fault(Fault::bad_gateway), Body::Any),
        error(503, Cause::Fault(Fault::unavailable), Body::Any),
        error(504, Cause::Fault(Fault::gateway_timeout), Body::Any),
    ]
}

fn of_feedback() -> Vec<Row> {
    let path = |event: &Id| format!("/feedback?event_id={event}");
    let put = move |known: &Known| {
        Draft::put(Service::LeadConduit, path(&known.ids.recipient_event)).unsigned()
    };
    let forbidden = move |known: &Known| {
        let draft = Draft::post(Service::LeadConduit, path(&known.event_without_feedback));
        draft.unsigned().form(&[("type", "return")])
    };
    let to_html = changed(|draft| draft.header("accept", "text/html"));
    vec![
        error(
            FEEDBACK,
            400,
            with_body("{"),
            Body::Text("Unable to parse JSON -- "),
        ),
        error(
            FEEDBACK,
            400,
            with_body(r#"{"type":"praise"}"#),
            Body::Text(""),
        ),
        error(FEEDBACK, 406, to_html, Body::Text("")),
        answer(FEEDBACK, 409, other(forbidden), Body::Any),
        error(FEEDBACK, 415, other(put), Body::Text("")),
    ]
}
