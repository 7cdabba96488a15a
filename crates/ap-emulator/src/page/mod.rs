//! The account page: the key, its reset, the logins, and what each product takes, for people. It is
//! rendered here alone; its script only fetches it again when something changed.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, LOCATION,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{Method, Request, StatusCode};

use crate::response::{self, Answer};
use crate::router::accept;
use crate::state::history::{Calls, Change, Event};
use crate::state::{Shared, World};
use crate::{Product, State as Seen};

/// Browsers look for this next to whatever they show, the JSON of the control calls included. To
/// the product it would be a call, which nobody made, and one without a key.
pub(crate) const ICON: &str = "/favicon.ico";

const HTML: &str = "text/html; charset=utf-8";
const PAGE: &str = include_str!("page.html");
const PRODUCT: &str = include_str!("product.html");
const CHANGE: &str = include_str!("change.html");

static PROTECTION: [(HeaderName, &str); 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (CACHE_CONTROL, "no-store"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // Without any referrer, browsers would also hide the origin that the forms are checked by.
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
        .route(ICON, icon)
}

fn asset(kind: &'static str, text: &'static str) -> axum::routing::MethodRouter {
    get(move || async move { response::typed(StatusCode::OK, kind, text) })
}

/// What the page may load, who may keep or frame it: for every answer next to it, since the one to
/// a reset holds the key as well.
pub(crate) fn protect(headers: &mut HeaderMap) {
    for (name, value) in &PROTECTION {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether a browser sent a form of the page without its script, and has to be led back to it.
pub(crate) fn is_form(request: &Request<Body>) -> bool {
    request.method() == Method::POST && accept::wants_html(request.headers())
}

/// To the page, whose address is relative so that it stays on the port that was asked.
pub(crate) fn redirect(status: StatusCode) -> Answer {
    let mut answer = response::typed(status, HTML, "");
    answer
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static("/_emulator/"));
    answer
}

async fn page(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Answer {
    let confirm = query.as_deref() == Some("confirm=reset");
    response::typed(StatusCode::OK, HTML, render(&shared, confirm))
}

fn render(shared: &Shared, confirm: bool) -> String {
    let world = shared.world();
    let seen = world.state();
    let key = world.account.newest().reveal();
    let secret = key.rsplit('-').next().map_or(0, str::len);
    let shown = &key[..key.len() - secret];
    let masked = format!("{shown}{}", "•".repeat(secret));
    let mut products = String::new();
    for product in Product::ALL {
        products += &product_row(shared, &seen, product);
    }
    fill(
        PAGE,
        &[
            ("key", key),
            ("masked", &masked),
            ("generation", &seen.generation.to_string()),
            ("summary", &summary(&seen)),
            ("open", if confirm { " open" } else { "" }),
            ("products", &products),
            ("changes", &changes(&world)),
        ],
    )
}

fn summary(seen: &Seen) -> String {
    let behind: Vec<&str> = Product::ALL
        .into_iter()
        .filter(|product| seen.product(*product).generation != seen.generation)
        .map(Product::name)
        .collect();
    match behind.as_slice() {
        [] => "All three products take the current key.".to_owned(),
        [one] => format!("{one} still takes an older key. Log in to it to bring the current one."),
        [one, two] => format!(
            "{one} and {two} still take an older key. Log in to each to bring the current one."
        ),
        _ => "No product takes the current key yet. Log in to each to bring it.".to_owned(),
    }
}

fn product_row(shared: &Shared, seen: &Seen, product: Product) -> String {
    let here = seen.product(product);
    let generation = here.generation;
    let (class, badge, told) = match seen.generation - generation {
        0 => ("current", "Current key", format!("takes key {generation}")),
        behind => (
            "behind",
            if behind == 1 {
                "Previous key"
            } else {
                "Older key"
            },
            format!("takes key {generation} until you log in"),
        ),
    };
    fill(
        PRODUCT,
        &[
            ("code", product.code()),
            ("name", product.name()),
            ("url", shared.addresses.url(product)),
            ("class", class),
            ("badge", badge),
            ("told", &told),
            ("accepted", &here.acceptances.to_string()),
            ("refused", &here.refusals.to_string()),
        ],
    )
}

fn changes(world: &World) -> String {
    let mut all = String::new();
    let mut until = "since then";
    for change in world.history.newest_first() {
        all += &fill(
            CHANGE,
            &[
                ("nth", &change.nth.to_string()),
                ("at", &change.at.to_string()),
                ("time", &time_of_day(change.at)),
                ("what", &sentence(change)),
                ("calls", &calls(change, until)),
            ],
        );
        until = "until the next change";
    }
    all
}

fn sentence(change: &Change) -> String {
    let now = change.generation;
    match change.event {
        Event::Started => "The emulator started. Every product takes key 1.".to_owned(),
        Event::Reset => {
            format!("The key was reset: key {now} is current. No product takes it yet.")
        }
        Event::Login(product, before) if before == now => {
            format!(
                "Logged in to {}, which took key {now} already.",
                product.name()
            )
        }
        Event::Login(product, before) => format!(
            "Logged in to {}. It takes key {now} now and refuses key {before}.",
            product.name()
        ),
    }
}

fn calls(change: &Change, until: &str) -> String {
    let mut told = String::new();
    for product in Product::ALL {
        let Calls { accepted, refused } = change.calls(product);
        let counts = match (accepted, refused) {
            (0, 0) => continue,
            (_, 0) => format!("{accepted} accepted"),
            (0, _) => format!("{refused} refused"),
            _ => format!("{accepted} accepted, {refused} refused"),
        };
        let separator = if told.is_empty() { "" } else { "; " };
        // Writing to a string does not fail.
        let _ = write!(told, "{separator}{} {counts}", product.name());
    }
    if told.is_empty() {
        format!("No calls {until}.")
    } else {
        format!("Calls {until}: {told}.")
    }
}

fn time_of_day(seconds: u64) -> String {
    let second = seconds % 86_400;
    format!(
        "{:02}:{:02}:{:02} UTC",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// Everything that is filled in was made by the emulator, and holds nothing that HTML would read.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = template.to_owned();
    for (name, value) in values {
        filled = filled.replace(&format!("{{{{{name}}}}}"), value);
    }
    filled
}
