//! The account itself, which is that of a company.

use serde_json::{Map, Value};

use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Secret, Time};

operation! {
    /// Returns the account.
    GET "/account" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get {} -> Account

    /// Changes the account: `data_retention_in_days`, `data_truncated_at`, `subscriptions` and `features`.
    PUT "/account" errors []
    source "https://developers.activeprospect.com/api-reference/account/update-account"
    Update {} json { account: Account } -> Account

    /// Copies the account's data from the account pages. What it takes is not documented; nothing is sent.
    POST "/account_sso_sync" errors []
    source "https://developers.activeprospect.com/api-reference/account/sync-account-data-from-sso"
    Sync {} -> Synced
}

open_enum! {
    /// How the account is billed.
    pub enum BillingType {
        /// By contract.
        Contracted = "contracted",
        /// By self-service.
        SelfService = "self_service",
    }

    /// If the account is paid. Contracted accounts alone have this.
    pub enum FinancialState {
        /// It is.
        Paid = "paid",
        /// It is not.
        Unpaid = "unpaid",
    }

    /// The state of a subscription.
    pub enum SubscriptionState {
        /// It is active.
        Active = "active",
        /// It is not.
        Inactive = "inactive",
    }
}

object! {
    /// The account. All but four members are read-only: see [`Update`].
    #[derive(Default)]
    pub struct Account {
        /// Its id.
        pub id: Option<Id>,
        /// Its id in all products.
        pub sso_id: Option<Id>,
        /// The account's key. The vendor advises to use the user's.
        pub api_key: Option<Secret>,
        /// The company's name.
        pub name: Option<String>,
        /// Its time zone.
        pub time_zone: Option<String>,
        /// Its type.
        pub kind: Option<String> = "type",
        /// For how many days events are kept.
        pub data_retention_in_days: Option<i64>,
        /// Events before this time are deleted.
        pub data_truncated_at: Option<Time>,
        /// The analytics project.
        pub keen_project_id: Option<String>,
        /// The key for reading analytics.
        pub keen_read_api_key: Option<Secret>,
        /// The key for writing analytics.
        pub keen_write_api_key: Option<Secret>,
        /// What is billed.
        pub pricing_components: Option<Vec<Map<String, Value>>>,
        /// How it is billed.
        pub billing_type: Option<BillingType>,
        /// If it is paid.
        pub financial_state: Option<FinancialState>,
        /// Since when.
        pub financial_state_updated_at: Option<Time>,
        /// It may ping.
        pub lead_ping_enabled: Option<bool>,
        /// The product.
        pub product_id: Option<String>,
        /// The state.
        pub state: Option<String>,
        /// Buyers that it is connected with.
        pub connected_buyers: Option<Vec<Partner>>,
        /// Sellers that it is connected with.
        pub connected_sellers: Option<Vec<Partner>>,
        /// Buyers that were invited.
        pub pending_buyers: Option<Vec<Partner>>,
        /// Sellers that were invited.
        pub pending_sellers: Option<Vec<Partner>>,
        /// What it is subscribed to.
        pub subscriptions: Option<Subscriptions>,
        /// What it can do, by name.
        pub features: Option<Map<String, Value>>,
    }

    /// The answer to [`Sync`].
    pub struct Synced {
        /// It was successful.
        pub success: Option<bool>,
        /// The account.
        pub account: Option<Account>,
    }

    /// Another account.
    pub struct Partner {
        /// Its id.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// Its id in all products. Connected accounts have this.
        pub sso_id: Option<Id>,
        /// The invitation is too old. Invited accounts have this.
        pub expired: Option<bool>,
        /// When the invitation expires. Invited accounts have this.
        pub invitation_expires_at: Option<Time>,
    }

    /// What an account is subscribed to.
    #[derive(Default)]
    pub struct Subscriptions {
        /// The base plan.
        pub base: Option<Subscription>,
        /// The plan "Pro".
        pub pro: Option<Subscription>,
        /// The plan for partners.
        pub partner: Option<Subscription>,
    }

    /// A subscription.
    pub struct Subscription {
        /// Its id.
        pub id: Option<Id>,
        /// Its state.
        pub state: Option<SubscriptionState>,
        /// When it was created.
        pub created_at: Option<Time>,
        /// When it was last changed.
        pub updated_at: Option<Time>,
        /// When it became active.
        pub active_at: Option<Time>,
        /// When it became inactive.
        pub inactive_at: Option<Time>,
        /// What is subscribed to.
        pub product_offering_id: Option<String>,
        /// Which part of it: `base`, `pro`, `partner` or `addons`.
        pub product_offering_component: Option<String>,
    }
}
