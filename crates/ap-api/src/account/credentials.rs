//! Credentials of integrations. They are for the services of others, not ActiveProspect keys.

use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Secret, Time, UnixSeconds};

operation! {
    /// Returns every credential.
    GET "/credentials" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Credential>

    /// Creates a credential. The status is 201.
    POST "/credentials" errors []
    source "https://developers.activeprospect.com/api-reference/account/create-a-new-credential"
    Create {} json { credential: Credential } -> Credential

    /// Returns a credential.
    GET "/credentials/{id}" errors []
    source "https://developers.activeprospect.com/api-reference/account/get-a-credential"
    Get { id: Id } -> Credential

    /// Replaces a credential.
    PUT "/credentials/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Update { id: Id } json { credential: Credential } -> Credential

    /// Deletes a credential, and returns it as it was.
    DELETE "/credentials/{id}" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Delete { id: Id } -> Credential
}

open_enum! {
    /// The type of a credential.
    pub enum CredentialType {
        /// A user name and a password.
        User = "user",
        /// A token.
        Token = "token",
        /// OAuth 1.
        OAuth1 = "oauth1",
        /// OAuth 2.
        OAuth2 = "oauth2",
    }
}

object! {
    /// A credential. `kind` says which one, and each field which has it.
    #[derive(Default)]
    pub struct Credential {
        /// Its id.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// Its type.
        pub kind: Option<CredentialType> = "type",
        /// The integration package that uses it.
        pub package: Option<String>,
        /// The user name.
        pub username: Option<String>,
        /// The password. `User` has this.
        pub password: Option<Secret>,
        /// The token. `Token` has this.
        pub token: Option<Secret>,
        /// The access token. OAuth has this.
        pub access_token: Option<Secret>,
        /// The refresh token. OAuth may have this.
        pub refresh_token: Option<Secret>,
        /// When the access token expires.
        pub expires_at: Option<UnixSeconds>,
        /// The user at the other service. OAuth may have this.
        pub user: Option<CredentialUser>,
        /// The organization at the other service. OAuth may have this.
        pub organization: Option<CredentialOrganization> = "org",
        /// When it was created. Read-only.
        pub created_at: Option<Time>,
        /// When it was last changed. Read-only.
        pub updated_at: Option<Time>,
    }

    /// A user at another service.
    pub struct CredentialUser {
        /// The id.
        pub id: Option<String>,
        /// The user name.
        pub username: Option<String>,
        /// The first name.
        pub first_name: Option<String>,
        /// The last name.
        pub last_name: Option<String>,
        /// The email address.
        pub email: Option<String>,
        /// The phone number.
        pub phone: Option<String>,
    }

    /// An organization at another service.
    pub struct CredentialOrganization {
        /// The id.
        pub id: Option<String>,
        /// The type.
        pub kind: Option<String> = "type",
        /// The name.
        pub name: Option<String>,
        /// The prefix.
        pub prefix: Option<String>,
    }
}

impl Credential {
    /// Creates a credential of a user name and a password.
    #[must_use]
    pub fn user(
        package: impl Into<String>,
        name: impl Into<String>,
        username: impl Into<String>,
        password: Secret,
    ) -> Self {
        Self {
            username: Some(username.into()),
            password: Some(password),
            ..Self::new(package, name, CredentialType::User)
        }
    }

    /// Creates a credential of a token.
    #[must_use]
    pub fn token(package: impl Into<String>, name: impl Into<String>, token: Secret) -> Self {
        Self {
            token: Some(token),
            ..Self::new(package, name, CredentialType::Token)
        }
    }

    /// Creates a credential without its secret. Set the members that its type needs.
    #[must_use]
    pub fn new(package: impl Into<String>, name: impl Into<String>, kind: CredentialType) -> Self {
        Self {
            package: Some(package.into()),
            name: Some(name.into()),
            kind: Some(kind),
            ..Self::default()
        }
    }
}
