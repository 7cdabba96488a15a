//! The operations of TrustedForm: its certificates, and the account look-up of its application.

use super::{Operation, open, served, unserved};

pub(super) const OPERATIONS: &[Operation] = &[
    served("GET", "/account", "getAccount"),
    served("POST", "/{cert_id}", "runOperations"),
    served("GET", "/{cert_id}", "getCertificate"),
    served("POST", "/{cert_id}/check_in", "checkIn"),
    served("POST", "/{cert_id}/ping", "pingCertificate"),
    served("GET", "/{cert_id}/ping", "pingCertificateByGet"),
    open("GET", "/{cert_id}/ping_url", "getPingUrl"),
    unserved("POST", "/{cert_id}/peek", "peekAtCertificate"),
];
