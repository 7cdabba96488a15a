//! The account page, for people: the key and its reset, a first call, the products with their logins, the plan,
//! the faults, and the changes. Each part of the page is a file here. The page's script fetches the page again
//! every second and replaces what is different.

mod changes;
pub(crate) mod fault_form;
mod first_call;
mod plan_and_faults;
mod product_rows;
mod template;

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use self::template::fill;
use crate::Product;
use crate::response::{self, Response};
use crate::state::{EmulatorState, Shared};

/// Browsers request this icon beside any address that they show, the control API included. It is
/// served here, so that it does not count as a product call without a key.
pub(crate) const ICON_PATH: &str = "/favicon.ico";

const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = include_str!("page.html");

static SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // With `no-referrer`, browsers would also hide the origin, by which the forms are checked.
    (REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    let script = "text/javascript; charset=utf-8";
    let icon = asset("image/svg+xml", include_str!("icon.svg"));
    Router::new()
        .route("/_emulator/", get(page))
        .with_state(shared)
        .route(
            "/_emulator",
            get(|| async { redirect(StatusCode::PERMANENT_REDIRECT) }),
        )
        .route(
            "/_emulator/page.css",
            asset("text/css; charset=utf-8", include_str!("page.css")),
        )
        .route("/_emulator/page.js", asset(script, include_str!("page.js")))
        .route("/_emulator/icon.svg", icon.clone())
        .route(ICON_PATH, icon)
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter {
    get(move || async move { response::with_type(StatusCode::OK, kind, text) })
}

/// Adds the headers that say what the page may load, and who may keep or frame it. The control API's
/// responses get them as well, because the one to a reset contains the key.
pub(crate) fn add_security_headers(headers: &mut HeaderMap) {
    for (name, value) in &SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Redirects to the page, by a relative address, so that the browser stays on the same port.
pub(crate) fn redirect(status: StatusCode) -> Response {
    let mut response = response::with_type(status, HTML, "");
    response
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static("/_emulator/"));
    response
}

async fn page(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let asks_for_reset = query.as_deref() == Some("confirm=reset");
    let html = render(&shared, &shared.lock(), asks_for_reset);
    response::with_type(StatusCode::OK, HTML, html)
}

fn render(shared: &Shared, state: &EmulatorState, asks_for_reset: bool) -> String {
    let snapshot = state.snapshot();
    let key = state.account.newest().as_str();
    let masked = masked(key);
    let lead_conduit = shared.addresses.url(Product::LeadConduit);
    fill(
        PAGE,
        &[
            ("key", key),
            ("masked", &masked),
            ("curl", &first_call::command(lead_conduit, key)),
            ("curl_masked", &first_call::command(lead_conduit, &masked)),
            ("curl_note", first_call::note(&snapshot)),
            ("generation", &snapshot.generation.to_string()),
            ("open", if asks_for_reset { " open" } else { "" }),
            ("summary", &product_rows::summary(&snapshot)),
            (
                "products",
                &product_rows::rows(&shared.addresses, &snapshot, state),
            ),
            ("plan", plan_and_faults::plan(snapshot.plan)),
            ("faults", &plan_and_faults::queued(state)),
            ("product_options", &plan_and_faults::product_options()),
            ("kind_options", &plan_and_faults::kind_options()),
            ("changes", &changes::rows(&state.history)),
        ],
    )
}

/// The key with a dot for each secret character.
fn masked(key: &str) -> String {
    let secret_length = key.rsplit('-').next().map_or(0, str::len);
    let visible = &key[..key.len() - secret_length];
    format!("{visible}{}", "•".repeat(secret_length))
}
