//! Check that events can be written to a bucket.

use ap_core::{Call, Draft, Endpoint, Error, Response};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::body::Body;
use crate::operation::{Operation, debug_as_operation};
use crate::values::PathSegment as _;
use crate::values::object::object;
use crate::{Id, Secret};

/// Writes a file to a bucket, to check that events can be written there.
///
/// The vendor's API takes the cloud's secrets *in the query*, where proxies and servers log them. Use a credential that can
/// write to this one bucket and nothing else. This GET has an effect: each call may
/// write another file, so it is never sent again for you.
///
/// `GET /firehose`, documented:
/// <https://developers.activeprospect.com/api-reference/firehose/test-firehoses-ability-to-write-to-aws-s3-or-azure-blob-storage>
///
/// Documented error statuses: 401.
#[derive(Clone)]
#[must_use = "an endpoint does nothing until a client calls it"]
pub struct Check {
    access: Access,
    bucket: String,
    prefix: Option<String>,
    flow: Option<Id>,
    is_without_file: bool,
}

#[derive(Clone)]
enum Access {
    Aws { id: String, secret: Secret },
    Azure { connection_string: Secret },
}

impl Check {
    /// What is known of this operation.
    pub const OPERATION: Operation = Operation::new(
        "GET",
        "/firehose",
        "https://developers.activeprospect.com/api-reference/firehose/test-firehoses-ability-to-write-to-aws-s3-or-azure-blob-storage",
        &[401],
    );

    /// Creates the endpoint for a bucket of Amazon S3.
    pub fn aws(
        bucket: impl Into<String>,
        access_key_id: impl Into<String>,
        secret: Secret,
    ) -> Self {
        let id = access_key_id.into();
        Self::new(bucket.into(), Access::Aws { id, secret })
    }

    /// Creates the endpoint for a container of Azure.
    pub fn azure(container: impl Into<String>, connection_string: Secret) -> Self {
        Self::new(container.into(), Access::Azure { connection_string })
    }

    fn new(bucket: String, access: Access) -> Self {
        Self {
            access,
            bucket,
            prefix: None,
            flow: None,
            is_without_file: false,
        }
    }

    /// Sets what the file's name begins with.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets the flow that the file is named for.
    pub fn flow(mut self, id: impl Into<Id>) -> Self {
        self.flow = Some(id.into());
        self
    }

    /// Checks the access without writing a file.
    pub fn without_file(mut self) -> Self {
        self.is_without_file = true;
        self
    }

    /// Returns the same call, decoded into a type of your own.
    pub fn output<T>(&self) -> Call<T> {
        Call::new(self.draft())
    }

    /// The documented rule: 3 to 63 lower-case letters, digits and hyphens, no hyphen at an end.
    fn has_valid_bucket(&self) -> bool {
        let bucket = &self.bucket;
        let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        (3..=63).contains(&bucket.len())
            && bucket.bytes().all(is_allowed)
            && !bucket.starts_with('-')
            && !bucket.ends_with('-')
    }
}

/// The query.
impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.access {
            Access::Aws { id, secret } => {
                map.serialize_entry("service", "aws")?;
                map.serialize_entry("access_key_id", id)?;
                map.serialize_entry("secret_access_key", secret)?;
            }
            Access::Azure { connection_string } => {
                map.serialize_entry("service", "azure")?;
                map.serialize_entry("connection_string", connection_string)?;
            }
        }
        map.serialize_entry("bucket", &self.bucket)?;
        map.serialize_entry("prefix", &self.prefix)?;
        map.serialize_entry("flow_id", &self.flow)?;
        if self.is_without_file {
            map.serialize_entry("verification_file", &false)?;
        }
        map.end()
    }
}

impl Endpoint for Check {
    type Output = Checked;

    fn draft(&self) -> Draft {
        let draft = Self::OPERATION.draft(&[]).query(self).at_most_once();
        if !self.has_valid_bucket() {
            draft.refuse("the bucket is not 3 to 63 lower-case letters, digits and hyphens")
        } else if let Some(problem) = self.flow.as_ref().and_then(|id| id.problem()) {
            draft.refuse(problem)
        } else {
            draft
        }
    }

    fn decode(&self, response: Response) -> Result<Checked, Error> {
        Body::decode(response)
    }
}

debug_as_operation!(Check);

object! {
    /// The result of a check.
    pub struct Checked {
        /// The access is valid.
        pub validated: Option<bool>,
        /// A file was written.
        pub verification_file: Option<bool>,
        /// The tag of the written file, in the older form of the response.
        pub etag: Option<String> = "ETag",
    }
}
