//! [`Access`]: what is told of a request that was answered.

use std::fmt;
use std::time::Duration;

use ap_client::ap_core::Service;
use http::{Method, StatusCode};

use crate::route::service_name;

/// What is told of a request that was answered: nothing of its path, its headers or its body.
///
/// Its text is one line for an access log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Access {
    /// The method; `-` if the head of the request could not be read.
    pub method: Method,
    /// The service, if the request got so far.
    pub service: Option<Service>,
    /// The status of the answer.
    pub status: StatusCode,
    /// A word for why the gateway answered by itself.
    pub refusal: Option<&'static str>,
    /// From the end of the request's head to the answer.
    pub elapsed: Duration,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.service.map_or("-", service_name);
        // A method may be any word that a client sends, so an unknown one is not repeated.
        let method = match self.method.as_str() {
            known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
            _ => "-",
        };
        let (status, milliseconds) = (self.status.as_u16(), self.elapsed.as_millis());
        write!(f, "{method} {service} {status} {milliseconds} ms")?;
        match self.refusal {
            Some(reason) => write!(f, " {reason}"),
            None => Ok(()),
        }
    }
}

pub(crate) type OnAccess = Box<dyn Fn(&Access) + Send + Sync>;
