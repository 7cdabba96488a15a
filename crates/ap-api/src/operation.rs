//! [`Operation`]: what is known of an operation. The macro [`operation!`] makes the endpoints that have only ids and a
//! body.

use ap_core::{Draft, Product, Service};
use http::Method;

use crate::values::PathSegment;

/// What is known of one operation: data, for tables and tests. Each endpoint has its own as `OPERATION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// The method, in capitals.
    pub method: &'static str,
    /// The path, with `{name}` for each parameter in it.
    pub path: &'static str,
    /// The service that it is called on.
    pub service: Service,
    /// Which authentication it needs.
    pub auth: Auth,
    /// The page or the public source code that describes it.
    pub source: &'static str,
    /// How it is known.
    pub trust: Trust,
    /// The error statuses that are documented, or known from the vendor's own code.
    pub errors: &'static [u16],
}

/// Which authentication an operation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Auth {
    /// The API key.
    Key,
    /// None. The endpoint has a setter for sources that want a key.
    OptionalKey,
    /// None.
    NoKey,
}

/// How an operation is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Trust {
    /// The vendor documents it.
    Documented,
    /// It was read in the vendor's public source code, or derived from a documented one.
    Observed,
}

impl Auth {
    /// Returns its name in tables: `key`, `optional` or `none`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::OptionalKey => "optional",
            Self::NoKey => "none",
        }
    }
}

impl Trust {
    /// Returns its name in tables: `documented` or `observed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
        }
    }
}

impl Operation {
    /// Creates a documented operation of LeadConduit that needs the key.
    pub(crate) const fn new(
        method: &'static str,
        path: &'static str,
        source: &'static str,
        errors: &'static [u16],
    ) -> Self {
        Self {
            method,
            path,
            service: Service::LeadConduit,
            auth: Auth::Key,
            source,
            trust: Trust::Documented,
            errors,
        }
    }

    pub(crate) const fn of(mut self, service: Service) -> Self {
        self.service = service;
        self
    }

    pub(crate) const fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    pub(crate) const fn observed(mut self) -> Self {
        self.trust = Trust::Observed;
        self
    }

    /// Returns the product.
    #[must_use]
    pub const fn product(&self) -> Product {
        self.service.product()
    }

    /// Returns a draft for this operation. The parameters of the path come in their order.
    pub(crate) fn draft(&self, parameters: &[&dyn PathSegment]) -> Draft {
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or_default();
        let mut draft = Draft::new(self.service, method, "/");
        let mut parameters = parameters.iter();
        for part in self.path.split('/').skip(1) {
            let parameter = match part.starts_with('{') {
                true => parameters.next(),
                false => None,
            };
            draft = match parameter {
                Some(parameter) => {
                    if let Some(problem) = parameter.problem() {
                        draft = draft.refuse(problem);
                    }
                    draft.path_segment(parameter.segment())
                }
                None => draft.path_segment(part),
            };
        }
        match self.auth {
            Auth::Key => draft,
            Auth::OptionalKey | Auth::NoKey => draft.unsigned(),
        }
    }
}

/// Shows an endpoint as its operation alone: its parameters are ids and personal data.
macro_rules! debug_as_operation {
    ($($name:ident $(<$parameter:ident>)?),*) => {$(
        impl$(<$parameter>)? std::fmt::Debug for $name$(<$parameter>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let operation = Self::OPERATION;
                write!(f, "{} {}", operation.method, operation.path)
            }
        }
    )*};
}

pub(crate) use debug_as_operation;

/// The sentence about the error statuses of an endpoint.
macro_rules! errors_doc {
    ([]) => {
        "Documented error statuses: none."
    };
    ([$($status:literal),+]) => {
        concat!("Documented error statuses: ", stringify!($($status),+), ".")
    };
}

pub(crate) use errors_doc;

/// Declares an endpoint of LeadConduit that has only ids, and perhaps a JSON body.
///
/// It becomes a struct with `new`, which takes the ids and the body in their order, and with `output`, which decodes
/// the response into the caller's own type. Endpoints with optional parameters are written out.
macro_rules! operation {
    ($(
        $(#[$meta:meta])*
        $method:ident $path:literal errors $errors:tt source $source:literal
        $name:ident { $($id:ident: $id_type:ty),* } $(json { $body:ident: $body_type:ty })? -> $output:ty
    )*) => {$(
        $(#[$meta])*
        ///
        #[doc = concat!("`", stringify!($method), " ", $path, "`, documented: <", $source, ">")]
        ///
        #[doc = $crate::operation::errors_doc!($errors)]
        #[derive(Clone)]
        #[must_use = "an endpoint does nothing until a client calls it"]
        pub struct $name {
            $($id: $id_type,)*
            $($body: $body_type,)?
        }

        impl $name {
            /// What is known of this operation.
            pub const OPERATION: $crate::operation::Operation =
                $crate::operation::Operation::new(stringify!($method), $path, $source, &$errors);

            /// Creates the endpoint.
            #[allow(clippy::new_without_default)]
            pub fn new($($id: impl Into<$id_type>,)* $($body: impl Into<$body_type>)?) -> Self {
                Self {
                    $($id: $id.into(),)*
                    $($body: $body.into(),)?
                }
            }

            /// Returns the same call, decoded into a type of your own.
            pub fn output<T>(&self) -> ap_core::Call<T> {
                ap_core::Call::new(ap_core::Endpoint::draft(self))
            }
        }

        impl ap_core::Endpoint for $name {
            type Output = $output;

            fn draft(&self) -> ap_core::Draft {
                Self::OPERATION.draft(&[$(&self.$id),*])$(.json(&self.$body))?
            }

            fn decode(&self, response: ap_core::Response) -> Result<$output, ap_core::Error> {
                <$output as $crate::body::Body>::decode(response)
            }
        }

        $crate::operation::debug_as_operation!($name);
    )*};
}

pub(crate) use operation;
