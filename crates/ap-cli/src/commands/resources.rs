//! `ap flows`, `fields`, `entities` and `reports`: what an account has. Each can be shown, created, changed and deleted.

use activeprospect::api::leadconduit::{entities, fields, flows, reports};
use activeprospect::api::{FieldId, Id, ReportKey};
use activeprospect::{Draft, Endpoint as _};
use clap::Subcommand;
use serde_json::Value;

use super::body::{Body, BodyOptions};
use super::confirmation::Confirmation;
use super::members::Names;
use super::selection::Columns;
use super::single_call::{CallOptions, SingleCall, by_errors, send};
use super::{parse_entity, parse_flow};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::keys::Prompt;
use crate::options::GlobalOptions;
use crate::output::Printed;
use crate::session::Session;

/// What differs between the resources.
struct Resource {
    /// The names that its members can have.
    names: Names,
    columns: Columns<'static>,
    /// What to do if the product does not find one.
    not_found: &'static str,
    /// Asked before one is deleted.
    question: &'static str,
    /// Decides if an answer to a deletion is a failure.
    deleted: fn(&Value) -> Option<Failure>,
    /// Said after one was saved.
    saved: Option<&'static str>,
}

/// Defines the commands that every resource has.
macro_rules! resource {
    ($name:ident, $id:ty, $parse:path, $module:ident, $object:ident, $resource:expr) => {
        #[derive(Debug, Subcommand)]
        pub(crate) enum $name {
            /// Show all of them.
            List(CallOptions),
            /// Show one of them.
            Get {
                /// Its id.
                #[arg(value_name = "ID", value_parser = $parse)]
                id: $id,
                #[command(flatten)]
                call: CallOptions,
            },
            /// Create one: from a file, from single members, or both.
            Create {
                #[command(flatten)]
                body: BodyOptions,
                #[command(flatten)]
                call: CallOptions,
            },
            /// Change single members and keep all others, or replace all of it by a file.
            Update {
                /// Its id.
                #[arg(value_name = "ID", value_parser = $parse)]
                id: $id,
                #[command(flatten)]
                body: BodyOptions,
                #[command(flatten)]
                call: CallOptions,
            },
            /// Delete one. Asks first.
            Delete {
                /// Its id.
                #[arg(value_name = "ID", value_parser = $parse)]
                id: $id,
                #[command(flatten)]
                confirmation: Confirmation,
                #[command(flatten)]
                call: CallOptions,
            },
        }

        impl $name {
            const RESOURCE: Resource = $resource;

            pub(crate) fn run(&self, options: &GlobalOptions) -> Result<Printed, Failure> {
                let resource = &Self::RESOURCE;
                let object = $module::$object::default;
                let printed = match self {
                    Self::List(call) => {
                        let list = $module::List::new().draft();
                        SingleCall::new(list, resource.columns).run(call, options)
                    }
                    Self::Get { id, call } => {
                        let get = $module::Get::new(id.clone()).draft();
                        SingleCall::new(get, resource.columns).run(call, options)
                    }
                    Self::Create { body, call } => {
                        let create = $module::Create::new(object()).draft();
                        resource.create(create, body, call, options)
                    }
                    Self::Update { id, body, call } => {
                        let get = $module::Get::new(id.clone()).draft();
                        let put = $module::Update::new(id.clone(), object()).draft();
                        resource.update([get, put], body, call, options)
                    }
                    Self::Delete {
                        id,
                        confirmation,
                        call,
                    } => {
                        let delete = $module::Delete::new(id.clone()).draft();
                        SingleCall::new(delete, resource.columns)
                            .asking(resource.question, *confirmation)
                            .decided_by(resource.deleted)
                            .run(call, options)
                    }
                };
                printed.map_err(|failure| failure.hint_if_not_found(resource.not_found))
            }
        }
    };
}

impl Resource {
    fn create(
        &self,
        create: Draft,
        body: &BodyOptions,
        call: &CallOptions,
        options: &GlobalOptions,
    ) -> Result<Printed, Failure> {
        if body.is_empty() {
            return Err(Failure::usage(
                "there is nothing to create it from",
                "name a file with JSON, or give members with -f NAME=VALUE",
            ));
        }
        let mut session = Session::without_keys(options)?;
        let object = body.read(self.names)?;
        self.save(create, object, body.prompt(), call, &mut session)
    }

    /// Sends the whole object of a file, or what is there now with the single members changed.
    fn update(
        &self,
        [get, put]: [Draft; 2],
        body: &BodyOptions,
        call: &CallOptions,
        options: &GlobalOptions,
    ) -> Result<Printed, Failure> {
        if body.is_empty() {
            return Err(Failure::usage(
                "there is nothing to change",
                "give members with -f NAME=VALUE, or name a file with the whole object",
            ));
        }
        let members = match body.is_whole() {
            true => None,
            false => Some(body.alone(self.names)?),
        };
        let mut session = Session::without_keys(options)?;
        session.check(&put)?;
        let object = match members {
            None => body.read(self.names)?,
            Some(members) => match send(&mut session, get, body.prompt(), call)? {
                Ok(now) => Body::changed(now.bytes(), members)?,
                Err(printed) => return Ok(printed),
            },
        };
        self.save(put, object, body.prompt(), call, &mut session)
    }

    /// Sends a draft with an object.
    fn save(
        &self,
        draft: Draft,
        object: Body,
        prompt: Prompt,
        call: &CallOptions,
        session: &mut Session,
    ) -> Result<Printed, Failure> {
        SingleCall::new(draft.body(object.text), self.columns)
            .body_from(object.file, prompt)
            .note(self.saved)
            .run_in(session, call)
    }
}

resource!(
    FlowCommand,
    Id,
    parse_flow,
    flows,
    Flow,
    Resource {
        names: Names::Of("a flow", flows::Flow::MEMBERS),
        not_found: "check the id; `ap flows list` shows the ids",
        columns: &[
            ("id", "/id"),
            ("name", "/name"),
            ("enabled", "/enabled"),
            ("sources", "/sources"),
            ("steps", "/steps"),
            ("fields", "/fields"),
            ("updated", "/updated_at"),
        ],
        question: "delete this flow? Leads that are submitted to it are refused from then on",
        deleted: by_errors,
        saved: Some(
            "saved, not deployed: leads are handled as before until you run `ap flows deploy`"
        ),
    }
);

/// The commands of flows: those of every resource, and one of their own.
#[derive(Debug, Subcommand)]
pub(crate) enum Flows {
    #[command(flatten)]
    Flow(FlowCommand),
    /// Make the saved flow the live one. Asks first.
    ///
    /// Creating or changing a flow only saves it. Leads are handled by what was deployed last.
    Deploy {
        /// Its id.
        #[arg(value_name = "ID", value_parser = parse_flow)]
        id: Id,
        #[command(flatten)]
        confirmation: Confirmation,
        #[command(flatten)]
        call: CallOptions,
    },
}

impl Flows {
    pub(crate) fn run(&self, options: &GlobalOptions) -> Result<Printed, Failure> {
        match self {
            Self::Flow(command) => command.run(options),
            Self::Deploy {
                id,
                confirmation,
                call,
            } => SingleCall::new(
                flows::Deploy::new(id.clone()).draft(),
                &[("message", "/message")],
            )
            .asking(
                "deploy this flow? What is saved handles every lead from then on",
                *confirmation,
            )
            .run(call, options)
            .map_err(|failure| failure.hint_if_not_found(FlowCommand::RESOURCE.not_found)),
        }
    }
}

resource!(
    Fields,
    FieldId,
    parse_field,
    fields,
    Field,
    Resource {
        names: Names::Of("a field", fields::Field::MEMBERS),
        not_found: "check the id; `ap fields list` shows the ids",
        columns: &[
            ("id", "/id"),
            ("name", "/name"),
            ("type", "/type"),
            ("description", "/description"),
        ],
        question: "delete this field?",
        deleted: deleted_field,
        saved: None,
    }
);

resource!(
    Entities,
    Id,
    parse_entity,
    entities,
    Entity,
    Resource {
        names: Names::Of("an entity", entities::Entity::MEMBERS),
        not_found: "check the id; `ap entities list` shows the ids",
        columns: &[
            ("id", "/id"),
            ("name", "/name"),
            ("source", "/source"),
            ("recipient", "/recipient"),
            ("updated", "/updated_at"),
        ],
        question: "delete this entity?",
        deleted: by_errors,
        saved: None,
    }
);

resource!(
    Reports,
    ReportKey,
    parse_report,
    reports,
    Report,
    Resource {
        names: Names::Of("a report", reports::Report::MEMBERS),
        not_found: "check the id; `ap reports list` shows the ids",
        columns: &[
            ("id", "/id"),
            ("name", "/name"),
            ("columns", "/columns"),
            ("updated", "/updated_at"),
        ],
        question: "delete this report?",
        deleted: by_errors,
        saved: None,
    }
);

/// A field that a flow still uses is not deleted: then the answer has the errors of the flows instead of the field.
fn deleted_field(answer: &Value) -> Option<Failure> {
    let is_field = answer.get("id").is_some_and(Value::is_string);
    let in_use = || {
        Failure::new(
            ExitCode::Other,
            "the field is not deleted, because a flow uses it",
            "the answer has the flows; see it with --json",
        )
    };
    (!is_field).then(in_use).or_else(|| by_errors(answer))
}

fn parse_field(text: &str) -> Result<FieldId, &'static str> {
    FieldId::parse(text)
        .map_err(|_| "write the field's id, such as phone_1, which `ap fields list` shows")
}

fn parse_report(text: &str) -> Result<ReportKey, &'static str> {
    ReportKey::parse(text).map_err(|_| "write the report's id, which `ap reports list` shows")
}
