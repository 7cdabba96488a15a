//! Invite partners, and connect with them.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::Serialize;

use super::entities::Entity;
use crate::body::Body;
use crate::operation::{Operation, debug_as_operation, operation};
use crate::values::PathSegment as _;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Time};

operation! {
    /// Invites a source by email. The status is 201, or 200 if the invitation exists already.
    POST "/invitations/source" errors [400, 401]
    source "https://developers.activeprospect.com/api-reference/invitations/create-a-source-invitation"
    InviteSource {} json { invitation: Invitation } -> Invited

    /// Invites a recipient by email. The status is 201, or 200 if the invitation exists already.
    POST "/invitations/recipient" errors [400, 401]
    source "https://developers.activeprospect.com/api-reference/invitations/create-a-recipient-invitation"
    InviteRecipient {} json { invitation: Invitation } -> Invited

    /// Sends an invitation again. The id is that of an entity that was invited.
    PUT "/invitations/{entity_id}/resend" errors []
    source "https://developers.activeprospect.com/api-reference/invitations/resend-an-invitation"
    ResendInvitation { entity: Id } -> Invited

    /// Returns a connection. The id is that of a connection, in LeadConduit or in all products, or that of an invitation.
    GET "/connections/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/connections/get-connection-by-id"
    GetConnection { id: Id } -> Connection

    /// Returns every onboarding.
    GET "/onboards" errors []
    source "https://developers.activeprospect.com/api-reference/onboards/list-all-onboards"
    Onboards {} -> Vec<Onboard>

    /// Creates an onboarding of an invitation.
    POST "/onboards" errors []
    source "https://developers.activeprospect.com/api-reference/onboards/create-a-new-onboard"
    CreateOnboard {} json { onboard: Onboard } -> Onboard

    /// Replaces an onboarding. The status `completed` sends emails to sellers.
    PUT "/onboards/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/onboards/update-an-existing-onboard"
    UpdateOnboard { id: Id } json { onboard: Onboard } -> Onboard
}

/// Completes the delivery to a buyer, for a connection or an invitation.
///
/// `POST /onboard/buyer`, documented:
/// <https://developers.activeprospect.com/api-reference/onboards/complete-buyer-delivery-setup>
///
/// Documented error statuses: none.
#[derive(Clone, Serialize)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct CompleteBuyer {
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_id: Option<Id>,
}

impl CompleteBuyer {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "POST",
        "/onboard/buyer",
        "https://developers.activeprospect.com/api-reference/onboards/complete-buyer-delivery-setup",
        &[],
    );

    /// Creates the endpoint for a connection.
    pub fn of_connection(id: impl Into<Id>) -> Self {
        Self {
            connection_id: Some(id.into()),
            invitation_id: None,
            flow_id: None,
        }
    }

    /// Creates the endpoint for an invitation.
    pub fn of_invitation(id: impl Into<Id>) -> Self {
        Self {
            connection_id: None,
            invitation_id: Some(id.into()),
            flow_id: None,
        }
    }

    /// Sets the flow.
    pub fn flow(mut self, id: impl Into<Id>) -> Self {
        self.flow_id = Some(id.into());
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }
}

impl Endpoint for CompleteBuyer {
    type Output = CompletedBuyer;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]).json(self);
        let ids = [&self.connection_id, &self.invitation_id, &self.flow_id];
        match ids.into_iter().flatten().find_map(|id| id.problem()) {
            Some(problem) => draft.refuse(problem),
            None => draft,
        }
    }

    fn decode(&self, response: Response) -> Result<CompletedBuyer, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(CompleteBuyer);

open_enum! {
    /// What the other account is in a connection.
    pub enum Relationship {
        /// It sells leads.
        Seller = "seller",
        /// It buys leads.
        Buyer = "buyer",
    }
}

object! {
    /// Who is invited.
    pub struct Invitation {
        /// The email address.
        pub email: String,
        /// A text for the email. Newer pages of the vendor do not have this member.
        pub description: Option<String>,
    }

    /// The answer to an invitation.
    pub struct Invited {
        /// A text for a person.
        pub message: Option<String>,
        /// The entity that was invited.
        pub entity: Option<Entity>,
    }

    /// A connection with another account.
    pub struct Connection {
        /// Its id.
        pub id: Option<Id>,
        /// The other account.
        pub connected_account: Option<ConnectedAccount>,
        /// Its id elsewhere.
        pub external_id: Option<String>,
        /// The invitation that it came from.
        pub invitation_id: Option<Id>,
        /// What the other account is.
        pub relationship_type: Option<Relationship>,
        /// When it was created.
        pub created_at: Option<Time>,
        /// When it was last changed.
        pub updated_at: Option<Time>,
        /// Who created it.
        pub created_by: Option<serde_json::Value>,
    }

    /// The other account of a connection.
    pub struct ConnectedAccount {
        /// Its id.
        pub id: Option<Id>,
        /// Its id in all products.
        pub sso_id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
    }

    /// An onboarding: the steps from an invitation to the first lead.
    #[derive(Default)]
    pub struct Onboard {
        /// Its id. Read-only.
        pub id: Option<Id>,
        /// The invitation.
        pub invitation_id: Option<Id>,
        /// The account.
        pub account_id: Option<Id>,
        /// The connection.
        pub connection_id: Option<Id>,
        /// The flow.
        pub flow_id: Option<Id>,
        /// Any text. Recommended are `created`, `in_progress` and `completed`.
        pub status: Option<String>,
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// The answer to [`CompleteBuyer`].
    pub struct CompletedBuyer {
        /// The page of the application to show next.
        pub redirect: Option<String>,
    }
}

impl Invitation {
    /// Creates an invitation.
    #[must_use]
    pub fn new(email: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            description: None,
            extra: crate::Extra::default(),
        }
    }
}

impl Onboard {
    /// Creates an onboarding of an invitation.
    #[must_use]
    pub fn new(invitation: impl Into<Id>) -> Self {
        Self {
            invitation_id: Some(invitation.into()),
            ..Self::default()
        }
    }
}
