//! Which emails a user gets.

use crate::operation::operation;
use crate::values::object::object;
use crate::{Id, Time};

operation! {
    /// Creates the settings of the user. The status is 201.
    POST "/user_settings" errors []
    source "https://developers.activeprospect.com/api-reference/account/create-user-settings"
    Create {} json { settings: UserSettings } -> UserSettings

    /// Returns the settings of a user. The id is the user's.
    GET "/user_settings/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/account/get-a-user-settings"
    Get { id: Id } -> UserSettings

    /// Replaces the settings of a user. The id is the user's.
    PUT "/user_settings/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/account/update-a-user-settings"
    Update { id: Id } json { settings: UserSettings } -> UserSettings
}

object! {
    /// The settings of a user.
    #[derive(Default)]
    pub struct UserSettings {
        /// The user's id. Read-only.
        pub id: Option<Id>,
        /// Which emails the user gets.
        pub notifications: Option<Notifications>,
        /// When they were created. Read-only.
        pub created_at: Option<Time>,
        /// When they were last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// Which emails a user gets.
    #[derive(Default)]
    pub struct Notifications {
        /// On changed instructions for submissions.
        pub submission_doc_updates: Option<Notification>,
        /// On invitations.
        pub connection_invites: Option<Notification>,
    }

    /// If a user gets these emails.
    #[derive(Default)]
    pub struct Notification {
        /// The user gets them.
        pub enabled: Option<bool>,
        /// When the user asked to get them no more.
        pub unsubscribed_at: Option<Time>,
    }
}

impl UserSettings {
    /// Creates settings.
    #[must_use]
    pub fn new(notifications: Notifications) -> Self {
        Self {
            notifications: Some(notifications),
            ..Self::default()
        }
    }
}

impl Notification {
    /// Creates a setting.
    #[must_use]
    pub fn new(is_enabled: bool) -> Self {
        Self {
            enabled: Some(is_enabled),
            ..Self::default()
        }
    }
}
