//! The account page, for people: the key, its reset, the logins, and the key that each product accepts.
//! Only this file renders it; the page's script fetches it again when something changed.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use jiff::Timestamp;

use crate::Product;
use crate::response::{self, Response};
use crate::state::Shared;
use crate::state::history::{CallCounts, Change, Event, History};
use crate::state::snapshot::State as Snapshot;

/// Browsers request this icon beside any address that they show, the control API included. It is
/// served here, so that it does not count as a product call without a key.
pub(crate) const ICON_PATH: &str = "/favicon.ico";

const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = include_str!("page.html");
const PRODUCT: &str = include_str!("product.html");
const CHANGE: &str = include_str!("change.html");

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
    response::with_type(StatusCode::OK, HTML, render(&shared, asks_for_reset))
}

fn render(shared: &Shared, asks_for_reset: bool) -> String {
    let state = shared.lock();
    let snapshot = state.snapshot();
    let key = state.account.newest().as_str();
    let secret_length = key.rsplit('-').next().map_or(0, str::len);
    let visible = &key[..key.len() - secret_length];
    let masked = format!("{visible}{}", "•".repeat(secret_length));
    let mut products = String::new();
    for product in Product::ALL {
        products += &product_row(shared.addresses.url(product), &snapshot, product);
    }
    fill(
        PAGE,
        &[
            ("key", key),
            ("masked", &masked),
            ("generation", &snapshot.generation.to_string()),
            ("summary", &summary(&snapshot)),
            ("open", if asks_for_reset { " open" } else { "" }),
            ("products", &products),
            ("changes", &change_rows(&state.history)),
        ],
    )
}

fn summary(snapshot: &Snapshot) -> String {
    let behind: Vec<Product> = Product::ALL
        .into_iter()
        .filter(|product| snapshot.product(*product).generation != snapshot.generation)
        .collect();
    match behind.as_slice() {
        [] => "All three products accept the current key.".to_owned(),
        [one] => {
            format!("{one} still accepts an older key. Log in to it to bring the current one.")
        }
        [one, two] => format!(
            "{one} and {two} still accept an older key. Log in to each to bring the current one."
        ),
        _ => "No product accepts the current key yet. Log in to each to bring it.".to_owned(),
    }
}

fn product_row(url: &str, snapshot: &Snapshot, product: Product) -> String {
    let state = snapshot.product(product);
    let key = state.generation;
    let (class, badge, accepts) = match snapshot.generation - key {
        0 => ("current", "Current key", format!("accepts key {key}")),
        behind => (
            "behind",
            if behind == 1 {
                "Previous key"
            } else {
                "Older key"
            },
            format!("accepts key {key} until you log in"),
        ),
    };
    fill(
        PRODUCT,
        &[
            ("id", product.id()),
            ("name", &product.to_string()),
            ("url", url),
            ("class", class),
            ("badge", badge),
            ("accepts", &accepts),
            ("accepted", &state.acceptances.to_string()),
            ("refused", &state.refusals.to_string()),
        ],
    )
}

fn change_rows(history: &History) -> String {
    let mut rows = String::new();
    let mut until = "since then";
    for change in history.newest_first() {
        rows += &fill(
            CHANGE,
            &[
                ("number", &change.number.to_string()),
                ("at", &change.at.as_second().to_string()),
                ("time", &time_of_day(change.at)),
                ("what", &sentence(change)),
                ("calls", &call_counts(change, until)),
            ],
        );
        until = "until the next change";
    }
    rows
}

fn sentence(change: &Change) -> String {
    let now = change.generation;
    match change.event {
        Event::Start => "The emulator started. Every product accepts key 1.".to_owned(),
        Event::Reset => {
            format!("The key was reset: key {now} is current. No product accepts it yet.")
        }
        Event::Login { product, previous } if previous == now => {
            format!("Logged in to {product}, which already accepted key {now}.")
        }
        Event::Login { product, previous } => {
            format!("Logged in to {product}. It now accepts key {now} and rejects key {previous}.")
        }
    }
}

fn call_counts(change: &Change, until: &str) -> String {
    let mut text = String::new();
    for product in Product::ALL {
        let CallCounts { accepted, refused } = change.calls(product);
        let counts = match (accepted, refused) {
            (0, 0) => continue,
            (_, 0) => format!("{accepted} accepted"),
            (0, _) => format!("{refused} refused"),
            _ => format!("{accepted} accepted, {refused} refused"),
        };
        let separator = if text.is_empty() { "" } else { "; " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{product} {counts}");
    }
    if text.is_empty() {
        format!("No calls {until}.")
    } else {
        format!("Calls {until}: {text}.")
    }
}

fn time_of_day(at: Timestamp) -> String {
    at.strftime("%H:%M:%S UTC").to_string()
}

/// Replaces each `{{name}}`. All values come from the emulator and contain nothing that HTML treats
/// as markup.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = template.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{{{name}}}}}"), value);
    }
    filled
}
