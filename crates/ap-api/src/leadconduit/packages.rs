//! Integration packages, and the services that set prices.

use serde_json::Number;

use crate::operation::operation;
use crate::values::object::object;
use crate::values::open_enum::open_enum;
use crate::{Id, Money, PackageId, Time};

use super::flows::Integration;

operation! {
    /// Returns every integration package.
    GET "/packages" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    List {} -> Vec<Package>

    /// Returns an integration package. Its id is a name, for example `leadconduit-salesforce`.
    GET "/packages/{id}" errors [401]
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    Get { id: PackageId } -> Package

    /// Returns every service that sets prices.
    GET "/services" errors []
    source "https://github.com/activeprospect/kb/blob/d2dc400/openapi/openapi.yaml"
    PricingServices {} -> Vec<PricingService>
}

open_enum! {
    /// Which way a module's data goes.
    pub enum Direction {
        /// Into LeadConduit.
        Inbound = "inbound",
        /// Out of LeadConduit.
        Outbound = "outbound",
    }
}

object! {
    /// An integration package.
    pub struct Package {
        /// Its id.
        pub id: Option<PackageId>,
        /// Who provides it.
        pub provider: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// What it does.
        pub description: Option<String>,
        /// The ids of its modules.
        pub paths: Option<Vec<String>>,
        /// The provider's page.
        pub link: Option<String>,
        /// It has a user interface.
        pub ui: Option<bool>,
        /// It has images.
        pub images: Option<bool>,
        /// Its version.
        pub version: Option<String>,
        /// Its modules.
        pub integrations: Option<Vec<Module>>,
    }

    /// A module of an integration package.
    pub struct Module {
        /// Its id, `package.direction.name`.
        pub id: Option<String>,
        /// Its type.
        pub kind: Option<String> = "type",
        /// Which way its data goes.
        pub direction: Option<Direction>,
        /// Its name.
        pub name: Option<String>,
        /// What it does.
        pub description: Option<String>,
        /// Its tag.
        pub tag: Option<String>,
        /// It is one for feedback.
        pub feedback: Option<bool>,
        /// The median time that it waits, in milliseconds.
        pub median_wait_ms: Option<Number>,
        /// What it costs.
        pub pricing: Option<ModulePricing>,
        /// The variables that it reads.
        pub request_variables: Option<Vec<ModuleVariable>>,
        /// The variables that it sets.
        pub response_variables: Option<Vec<ModuleVariable>>,
        /// It can be configured in its user interface.
        pub editable: Option<bool>,
    }

    /// What a module costs.
    pub struct ModulePricing {
        /// The type.
        pub kind: Option<String> = "type",
        /// The unit.
        pub unit: Option<String>,
        /// Each call is billed.
        pub transaction: Option<bool>,
        /// The prices by quantity.
        pub tiers: Option<Vec<PricingTier>>,
    }

    /// A price for quantities in a range.
    pub struct PricingTier {
        /// The price, in US dollars.
        pub unit_price: Option<Money>,
        /// The smallest quantity.
        pub start_qty: Option<Number>,
        /// The greatest quantity.
        pub end_qty: Option<Number>,
    }

    /// A variable of a module.
    pub struct ModuleVariable {
        /// Its name, for example `lead.first_name`.
        pub name: Option<String>,
        /// What it is.
        pub description: Option<String>,
        /// It must be set.
        pub required: Option<bool>,
        /// Its type.
        pub kind: Option<String> = "type",
    }

    /// A service that sets prices.
    pub struct PricingService {
        /// Its id.
        pub id: Option<Id>,
        /// Its name.
        pub name: Option<String>,
        /// Its integration.
        pub integration: Option<Integration>,
        /// When it was created.
        pub created_at: Option<Time>,
        /// When it was last changed.
        pub updated_at: Option<Time>,
    }
}
