//! [`ALL`]: the table of operations, and [`LEFT_OUT`]: those that have no endpoint, with the reason.
//!
//! ```
//! for operation in ap_api::operations::ALL {
//!     println!("{} {} {}", operation.method, operation.path, operation.trust.name());
//! }
//! ```

use ap_core::Product;

use crate::operation::Operation;
use crate::{account, leadconduit, suppressionlist, trustedform};

use account::{company, credentials, user, user_settings};
use leadconduit::{
    changelogs, destinations, entities, events, exports, fields, firehose, flows, leads, limits,
    packages, partners, reports, routers, submission, submission_docs, system,
};
use trustedform::certificates;

/// Every operation that has an endpoint, in the order of products, then of resources.
pub const ALL: &[Operation] = &[
    user::Get::OPERATION,
    user::Update::OPERATION,
    company::Get::OPERATION,
    company::Update::OPERATION,
    company::Sync::OPERATION,
    user_settings::Create::OPERATION,
    user_settings::Get::OPERATION,
    user_settings::Update::OPERATION,
    credentials::List::OPERATION,
    credentials::Create::OPERATION,
    credentials::Get::OPERATION,
    credentials::Update::OPERATION,
    credentials::Delete::OPERATION,
    flows::List::OPERATION,
    flows::Create::OPERATION,
    flows::Get::OPERATION,
    flows::Update::OPERATION,
    flows::Delete::OPERATION,
    flows::Deploy::OPERATION,
    flows::Changelogs::OPERATION,
    flows::Fields::OPERATION,
    flows::FieldUsage::OPERATION,
    submission::Submit::OPERATION,
    submission::Ping::OPERATION,
    submission::Feedback::OPERATION,
    events::List::OPERATION,
    events::List::IN_BODY,
    events::Get::OPERATION,
    events::Stats::OPERATION,
    events::metrics::Median::OPERATION,
    events::metrics::Funnel::OPERATION,
    events::metrics::Count::OPERATION,
    events::metrics::CountUnique::OPERATION,
    events::metrics::SelectUnique::OPERATION,
    leads::Search::OPERATION,
    fields::List::OPERATION,
    fields::Create::OPERATION,
    fields::Get::OPERATION,
    fields::Update::OPERATION,
    fields::Delete::OPERATION,
    fields::Changelogs::OPERATION,
    fields::Types::OPERATION,
    fields::Variables::OPERATION,
    entities::List::OPERATION,
    entities::Create::OPERATION,
    entities::Get::OPERATION,
    entities::Update::OPERATION,
    entities::Delete::OPERATION,
    entities::Changelogs::OPERATION,
    destinations::List::OPERATION,
    packages::List::OPERATION,
    packages::Get::OPERATION,
    packages::PricingServices::OPERATION,
    limits::Caps::OPERATION,
    limits::GetCap::OPERATION,
    limits::PingLimits::OPERATION,
    limits::GetPingLimit::OPERATION,
    changelogs::List::OPERATION,
    changelogs::Get::OPERATION,
    reports::List::OPERATION,
    reports::Create::OPERATION,
    reports::Get::OPERATION,
    reports::Update::OPERATION,
    reports::Delete::OPERATION,
    reports::Share::OPERATION,
    reports::Unshare::OPERATION,
    reports::Preview::OPERATION,
    reports::Run::OPERATION,
    reports::Meta::OPERATION,
    routers::List::OPERATION,
    routers::Create::OPERATION,
    routers::Get::OPERATION,
    routers::Update::OPERATION,
    exports::List::OPERATION,
    firehose::Check::OPERATION,
    partners::InviteSource::OPERATION,
    partners::InviteRecipient::OPERATION,
    partners::ResendInvitation::OPERATION,
    partners::GetConnection::OPERATION,
    partners::Onboards::OPERATION,
    partners::CreateOnboard::OPERATION,
    partners::UpdateOnboard::OPERATION,
    partners::CompleteBuyer::OPERATION,
    submission_docs::List::OPERATION,
    submission_docs::HideAccount::OPERATION,
    submission_docs::HideFlow::OPERATION,
    submission_docs::HideSource::OPERATION,
    system::Status::OPERATION,
    system::UiVersion::OPERATION,
    certificates::Run::OPERATION,
    suppressionlist::Lists::OPERATION,
    suppressionlist::CreateList::OPERATION,
    suppressionlist::AddItems::OPERATION,
    suppressionlist::RemoveItems::OPERATION,
    suppressionlist::Exists::OPERATION,
];

/// An operation that has no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftOut {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with `{name}` for each parameter in it.
    pub path: &'static str,
    /// The product.
    pub product: Product,
    /// Why there is none.
    pub reason: &'static str,
}

const fn left_out(
    product: Product,
    method: &'static str,
    path: &'static str,
    reason: &'static str,
) -> LeftOut {
    LeftOut {
        method,
        path,
        product,
        reason,
    }
}

/// The reason for a `GET` that does what a `POST` does.
const UNSAFE_GET: &str =
    "it does what the POST does, but a GET may be repeated or cached on its way; use the POST";

/// The reason for TrustedForm's older versions.
const OLD_VERSION: &str =
    "the vendor deprecated versions 2.0 and 3.0 of the certificate API; use version 4.0";

/// The reason for operations that only the vendor's own integrations can call.
const VENDOR_ONLY: &str = "only the vendor's own integrations can call it";

/// The operations that are documented or known, and have no endpoint.
///
/// Claims and insights of versions 2.0 and 3.0 of TrustedForm's certificate API are left out too. They have the method and
/// path of [`Run`](crate::trustedform::certificates::Run), so they have no row here.
pub const LEFT_OUT: &[LeftOut] = &[
    left_out(
        Product::LeadConduit,
        "PUT",
        "/flows",
        "it is for the vendor's own users, and neither its body nor its response is documented",
    ),
    left_out(
        Product::LeadConduit,
        "GET",
        "/flows/{flow_id}/sources/{source_id}/submit",
        UNSAFE_GET,
    ),
    left_out(
        Product::LeadConduit,
        "GET",
        "/flows/{flow_id}/sources/{source_id}/ping",
        UNSAFE_GET,
    ),
    left_out(Product::LeadConduit, "GET", "/feedback", UNSAFE_GET),
    left_out(
        Product::TrustedForm,
        "GET",
        "/{cert_id}",
        "it returns the certificate as a page for people, or as a record of version 3.0, which is deprecated",
    ),
    left_out(
        Product::TrustedForm,
        "POST",
        "/{cert_id}/check_in",
        OLD_VERSION,
    ),
    left_out(Product::TrustedForm, "POST", "/{cert_id}/ping", OLD_VERSION),
    left_out(Product::TrustedForm, "GET", "/{cert_id}/ping", OLD_VERSION),
    left_out(
        Product::TrustedForm,
        "GET",
        "/{cert_id}/ping_url",
        OLD_VERSION,
    ),
    left_out(Product::TrustedForm, "POST", "/{cert_id}/peek", VENDOR_ONLY),
    left_out(Product::TrustedForm, "GET", "/account", VENDOR_ONLY),
    left_out(
        Product::SuppressionList,
        "DELETE",
        "/lists/{list}/items/{values}",
        "the vendor's own code replaced it by the form with the values in the body",
    ),
];
