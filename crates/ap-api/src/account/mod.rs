//! The account: the user, the account's own settings, credentials of integrations.
//!
//! LeadConduit serves these. To check that a key works, call [`user::Get`].

pub mod company;
pub mod credentials;
pub mod user;
pub mod user_settings;
