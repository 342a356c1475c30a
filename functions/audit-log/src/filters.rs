//! Which records are asked for.

use std::borrow::Cow;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{
    Deserialize as _,
    de::{IntoDeserializer as _, value::Error as Unknown},
};
use shared::{
    clock::Timestamp,
    error::Error,
    http::{
        contract::{Contract, Part},
        query::{Paging, Parameters},
    },
    ids::{ApiKeyId, UserId},
    model::audit::{Action, Actor, Changes, StoredRecord},
};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Which records, and which page of them.
#[derive(Debug)]
pub struct Request {
    /// Which records.
    pub filters: Filters,
    /// Which page.
    pub paging: Paging,
}

/// What a record has to be to be listed. What is left out admits all.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filters {
    /// What happened then, or later. RFC 3339.
    #[param(value_type = Option<Timestamp>)]
    pub from: Option<Timestamp>,
    /// What happened before then. RFC 3339.
    #[param(value_type = Option<Timestamp>)]
    pub to: Option<Timestamp>,
    /// Who did it: a user, in whatever way, and also where somebody has only claimed to be they; an
    /// API key; `operator`; `retention_sweep`; `notification_delivery`; or `platform`.
    #[param(inline, example = "usr_01jq8me0000000000000000000")]
    pub actor: Option<Who>,
    /// What happened.
    #[param(value_type = Option<Action>)]
    pub action: Option<ActionName>,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A user, with whatever credential, or somebody who has claimed to be they.
    User(UserId),
    /// An API key.
    ApiKey(ApiKeyId),
    /// One who has no id: the deployment's operator, or a function that acts by itself.
    Named(&'static str, Actor),
}

/// Who has no id, by name.
const NAMED: [(&str, Actor); 4] = [
    ("operator", Actor::Operator),
    ("retention_sweep", Actor::RetentionSweep),
    ("notification_delivery", Actor::NotificationDelivery),
    ("platform", Actor::Platform),
];

/// The name of an [`Action`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionName(String);

impl Who {
    fn read(text: &str) -> Option<Self> {
        let user = || text.parse().ok().map(Self::User);
        let api_key = || text.parse().ok().map(Self::ApiKey);
        let named = || {
            let found = NAMED.into_iter().find(|(name, _)| *name == text);
            found.map(|(name, actor)| Self::Named(name, actor))
        };
        user().or_else(api_key).or_else(named)
    }

    fn is(self, actor: Actor) -> bool {
        match self {
            Self::User(user) => match actor {
                Actor::Session { user_id, .. }
                | Actor::ApiKey { user_id, .. }
                | Actor::Claimed { user_id } => user_id == user,
                Actor::Operator
                | Actor::RetentionSweep
                | Actor::NotificationDelivery
                | Actor::Platform => false,
            },
            Self::ApiKey(key) => {
                matches!(actor, Actor::ApiKey { api_key_id, .. } if api_key_id == key)
            }
            Self::Named(_, named) => actor == named,
        }
    }
}

impl PartialSchema for Who {
    fn schema() -> RefOr<Schema> {
        let (user, key) = (UserId::expression(), ApiKeyId::expression());
        let names = NAMED.map(|(name, _)| name).join("|");
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^({user}|{key}|{names})$")))
            .into()
    }
}

impl ToSchema for Who {
    fn name() -> Cow<'static, str> {
        "Who".into()
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Named(name, _) => f.write_str(name),
        }
    }
}

impl ActionName {
    fn read(text: &str) -> Option<Self> {
        let known: Result<_, Unknown> = Action::deserialize(text.into_deserializer());
        known.is_ok().then(|| Self(text.to_owned()))
    }
}

impl Filters {
    /// Whether some records of a span of time are not asked for.
    pub(crate) const fn choose(&self) -> bool {
        self.actor.is_some() || self.action.is_some()
    }

    /// Whether a record of the span of time is asked for.
    pub(crate) fn admit(&self, record: &StoredRecord) -> bool {
        self.actor.is_none_or(|who| who.is(record.actor))
            && self.action.as_ref().is_none_or(|action| action.0 == record.action)
    }

    /// The filters as texts, empty where there is none: a cursor is good for no other ones.
    pub(crate) fn texts(&self) -> [String; 4] {
        let millisecond = |moment: Timestamp| moment.as_millisecond().to_string();
        [
            self.from.map(millisecond).unwrap_or_default(),
            self.to.map(millisecond).unwrap_or_default(),
            self.actor.map(|who| who.to_string()).unwrap_or_default(),
            self.action.as_ref().map(|action| action.0.clone()).unwrap_or_default(),
        ]
    }

    /// The filters, for the record of this reading.
    pub(crate) fn changes(&self) -> Changes {
        let mut changes = Changes::default();
        let none = None::<String>;
        if let Some(from) = self.from {
            changes.push("from", &none, from);
        }
        if let Some(to) = self.to {
            changes.push("to", &none, to);
        }
        if let Some(actor) = self.actor {
            changes.push("actor", &none, actor.to_string());
        }
        if let Some(ActionName(action)) = &self.action {
            changes.push("action", &none, action);
        }
        changes
    }
}

impl Part for Request {
    fn tell(contract: &mut Contract) {
        Paging::tell(contract);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Request {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let time =
            "Must be a time as RFC 3339 has it, such as 2026-03-27T15:00:00Z. A plus is %2B.";
        let who = "Must be the id of a user or an API key, or one of: operator, retention_sweep, notification_delivery, platform.";
        let code = "invalid_value";
        let mut parameters = Parameters::of(parts)?;
        let filters = Filters {
            from: parameters.read("from", code, time, Timestamp::parse),
            to: parameters.read("to", code, time, Timestamp::parse),
            actor: parameters.read("actor", code, who, Who::read),
            action: parameters.read("action", code, "There is no such action.", ActionName::read),
        };
        if filters.from.zip(filters.to).is_some_and(|(from, to)| from > to) {
            parameters.fault("from", "out_of_range", "Must not be after `to`.");
        }
        let paging = Paging::take(&mut parameters);
        parameters.finish()?;
        Ok(Self { filters, paging })
    }
}
