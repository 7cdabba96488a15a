//! The user whose key it is.

use serde_json::{Map, Value};

use super::company::Account;
use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Secret, Time};

operation! {
    /// Returns the user whose key it is. The cheapest way to check that LeadConduit accepts a key.
    GET "/user" errors []
    source "https://developers.activeprospect.com/api-reference/account/get-user"
    Get {} -> User

    /// Changes what the user interface remembers of the user. For the user, or a user administrator.
    PUT "/user/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/account/update-user"
    Update { id: Id } json { update: UserUpdate } -> User
}

open_enum! {
    /// A product.
    pub enum ProductCode {
        /// LeadConduit.
        LeadConduit = "lcx",
        /// TrustedForm.
        TrustedForm = "trustedform",
        /// SuppressionList.
        SuppressionList = "suppressionlist",
        /// The account pages.
        Account = "account",
    }
}

object! {
    /// A user.
    pub struct User {
        /// The id.
        pub id: Option<Id>,
        /// The id in all products.
        pub sso_id: Option<String>,
        /// The user's key.
        pub api_key: Option<Secret>,
        /// The user is one of the vendor's.
        pub superuser: Option<bool>,
        /// The user may manage other users.
        pub user_admin: Option<bool>,
        /// The user may manage subscriptions.
        pub subscription_admin: Option<bool>,
        /// The role. Unused.
        pub role_string: Option<String>,
        /// The first name.
        pub first_name: Option<String>,
        /// The last name.
        pub last_name: Option<String>,
        /// The email address.
        pub email: Option<String>,
        /// The phone number.
        pub phone: Option<String>,
        /// The accounts.
        pub accounts: Option<Vec<Account>>,
        /// The products, with their addresses.
        pub products: Option<Vec<ProductAccess>>,
        /// The product that answered.
        pub product_code: Option<ProductCode>,
        /// The company's name.
        pub company_name: Option<String>,
        /// When the session ends.
        pub expires: Option<Time>,
        /// What the account is subscribed to.
        pub subscriptions: Option<Vec<UserSubscription>>,
        /// A token for the vendor's support site.
        pub zendesk_jwt: Option<Secret>,
        /// The membership.
        pub membership: Option<Map<String, Value>>,
        /// The permissions.
        pub permissions: Option<Map<String, Value>>,
        /// When the user was created.
        pub created_at: Option<Time>,
    }

    /// A product of the user.
    pub struct ProductAccess {
        /// Its code.
        pub id: Option<ProductCode>,
        /// Its name.
        pub name: Option<String>,
        /// Its address.
        pub base_url: Option<String>,
        /// A page about it.
        pub marketing_url: Option<String>,
        /// The account is subscribed to it.
        pub subscribed: Option<bool>,
    }

    /// A subscription, as users see it.
    pub struct UserSubscription {
        /// Its id.
        pub id: Option<String>,
        /// Its state.
        pub state: Option<String>,
        /// The account.
        pub account_id: Option<Id>,
        /// What is subscribed to.
        pub product_offering_id: Option<String>,
        /// What is subscribed to, with its name.
        pub product_offering: Option<ProductOffering>,
        /// When it was created.
        pub created_at: Option<Time>,
        /// When it was last changed.
        pub updated_at: Option<Time>,
        /// When it became active.
        pub active_at: Option<Time>,
        /// When it became inactive.
        pub inactive_at: Option<Time>,
    }

    /// What can be subscribed to.
    pub struct ProductOffering {
        /// Its id.
        pub id: Option<String>,
        /// The product.
        pub product_id: Option<String>,
        /// Which part of it.
        pub component: Option<String>,
        /// Its name.
        pub name: Option<String>,
    }

    /// A change of what the user interface remembers.
    #[derive(Default)]
    pub struct UserUpdate {
        /// What it remembers.
        pub ui_state: Option<UiState>,
    }

    /// What the user interface remembers.
    #[derive(Default)]
    pub struct UiState {
        /// The user has seen the notice for free accounts. A boolean in requests, a time or `null` in responses.
        pub has_seen_free_account_modal: Option<Value>,
    }
}

impl UserUpdate {
    /// Says if the user has seen the notice for free accounts.
    #[must_use]
    pub fn has_seen_free_account_modal(has_seen: bool) -> Self {
        let ui_state = UiState {
            has_seen_free_account_modal: Some(Value::Bool(has_seen)),
            ..UiState::default()
        };
        Self {
            ui_state: Some(ui_state),
            ..Self::default()
        }
    }
}
