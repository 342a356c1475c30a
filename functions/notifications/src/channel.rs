//! Channels, as bodies give them and answers show them.

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde::Serialize;
use serde_json::Value;
use shared::{
    clock::Timestamp,
    http::{fault::Faults, field::Change},
    ids::ChannelId,
    model::notifications::channel::{Channel, ChannelType, Config},
};
use utoipa::ToSchema;

use crate::{
    config::{
        EmailConfig, Given, PagerdutyConfig, ShownConfig, SlackConfig, TeamsConfig, Unchanged,
        WebhookConfig, address_fault, shown,
    },
    quiet_hours::{GivenQuietHours, ShownQuietHours},
    values::Name,
};

/// A channel. What callers give as a secret is not shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationChannel)]
pub struct ShownChannel {
    /// Which channel.
    id: ChannelId,
    #[serde(flatten)]
    config: ShownConfig,
    /// What people call it.
    name: String,
    /// Whether events go to it.
    enabled: bool,
    /// Hours in which it holds back what is not critical; `null` where there are none.
    quiet_hours: Option<ShownQuietHours>,
    /// When it was created.
    created_at: Timestamp,
    /// When somebody changed it last.
    updated_at: Timestamp,
    /// Since when every attempt has failed; `null` where the last one has not. The entity tag is that of
    /// what is set, and says nothing of this.
    failing_since: Option<Timestamp>,
    /// Why it is disabled; `null` where it is not.
    disabled_reason: Option<DisabledReason>,
}

/// Why a channel is disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody has disabled it.
    Requested,
    /// Every attempt had failed for five days.
    Failing,
    /// Its receiver answered 410: it wants nothing more, ever.
    ReceiverGone,
}

impl From<&Channel> for ShownChannel {
    fn from(channel: &Channel) -> Self {
        let reason = match channel.gave_up_at {
            None => DisabledReason::Requested,
            Some(_) if channel.receiver_gone => DisabledReason::ReceiverGone,
            Some(_) => DisabledReason::Failing,
        };
        Self {
            id: channel.id,
            config: (&channel.config).into(),
            name: channel.name.clone(),
            enabled: channel.enabled,
            quiet_hours: channel.quiet_hours.as_ref().map(Into::into),
            created_at: channel.id.created_at(),
            updated_at: channel.updated_at,
            failing_since: channel.failing_since,
            disabled_reason: (!channel.enabled).then_some(reason),
        }
    }
}

/// A body as it came: what its fields mean depends on a channel's type.
#[derive(Debug)]
pub struct ChannelBody(Value);

impl Deserr<Faults> for ChannelBody {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        Value::deserialize_from_value(value, location).map(Self)
    }
}

/// The fields of a channel of whatever type, but for the type.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields, where_predicate = C: Deserr<Faults>)]
pub struct Created<C> {
    pub(crate) name: Name,
    #[deserr(default = true)]
    pub(crate) enabled: bool,
    pub(crate) config: C,
    #[deserr(default)]
    pub(crate) quiet_hours: Option<GivenQuietHours>,
}

/// The same for a type that is none.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
struct Untyped {
    #[deserr(rename = "type")]
    _type: ChannelType,
    #[deserr(rename = "name")]
    _name: Name,
    #[deserr(rename = "enabled", default)]
    _enabled: bool,
    #[deserr(rename = "config")]
    _config: Value,
    #[deserr(rename = "quiet_hours", default)]
    _quiet_hours: Option<GivenQuietHours>,
}

/// What to change of a channel.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields, where_predicate = C: Deserr<Faults>)]
pub struct Updated<C> {
    #[deserr(default)]
    pub(crate) name: Change<Name>,
    #[deserr(default)]
    pub(crate) enabled: Change<bool>,
    #[deserr(default)]
    pub(crate) config: Change<C>,
    #[deserr(default)]
    pub(crate) quiet_hours: Change<Option<GivenQuietHours>>,
}

impl ChannelBody {
    /// Reads the body as that of a new channel.
    ///
    /// # Errors
    /// All faults.
    pub(crate) fn created(self, insecure: bool) -> Result<Created<Given>, Faults> {
        let Self(mut body) = self;
        let kind = body.get("type").cloned();
        let kind = kind.and_then(|kind| deserr::deserialize::<ChannelType, _, Faults>(kind).ok());
        let Some(kind) = kind else {
            let read = deserr::deserialize::<Untyped, _, Faults>(body);
            let untyped = || Faults::new("/type", "required", "This field is required.");
            return Err(read.err().unwrap_or_else(untyped));
        };
        let address = address_fault(&body, kind, insecure);
        if let Some(fields) = body.as_object_mut() {
            fields.remove("type");
        }
        let created = match kind {
            ChannelType::Slack => create::<SlackConfig>(body, Given::Slack),
            ChannelType::Email => create::<EmailConfig>(body, Given::Email),
            ChannelType::Webhook => create::<WebhookConfig>(body, Given::Webhook),
            ChannelType::Pagerduty => create::<PagerdutyConfig>(body, Given::Pagerduty),
            ChannelType::Teams => create::<TeamsConfig>(body, Given::Teams),
        };
        with_fault(created, address)
    }

    /// Reads the body as a change of a channel. A configuration merges, too: what is left out of it
    /// keeps its value.
    ///
    /// # Errors
    /// All faults.
    pub(crate) fn updated(
        &self,
        before: &Config,
        insecure: bool,
    ) -> Result<Updated<Given>, Faults> {
        let (mut body, kind) = (self.0.clone(), before.channel_type());
        let address = address_fault(&body, kind, insecure);
        let config = body.get_mut("config").and_then(Value::as_object_mut);
        let gives = |field| config.as_ref().is_none_or(|config| config.contains_key(field));
        let updated = match kind {
            ChannelType::Pagerduty if gives("routing_key") => update(body, Given::Pagerduty),
            ChannelType::Teams if gives("webhook_url") => update(body, Given::Teams),
            ChannelType::Pagerduty | ChannelType::Teams => keep(body),
            ChannelType::Slack | ChannelType::Email | ChannelType::Webhook => {
                if let (Some(config), Value::Object(present)) = (config, shown(before)) {
                    for (field, value) in present {
                        config.entry(field).or_insert(value);
                    }
                }
                match kind {
                    ChannelType::Slack => update(body, Given::Slack),
                    ChannelType::Email => update(body, Given::Email),
                    _ => update(body, Given::Webhook),
                }
            }
        };
        with_fault(updated, address)
    }
}

fn create<C: Deserr<Faults>>(body: Value, given: fn(C) -> Given) -> Result<Created<Given>, Faults> {
    let Created { name, enabled, config, quiet_hours } =
        deserr::deserialize::<Created<C>, _, _>(body)?;
    Ok(Created { name, enabled, config: given(config), quiet_hours })
}

fn update<C: Deserr<Faults>>(body: Value, given: fn(C) -> Given) -> Result<Updated<Given>, Faults> {
    let Updated { name, enabled, config, quiet_hours } =
        deserr::deserialize::<Updated<C>, _, _>(body)?;
    let config = match config {
        Change::Keep => Change::Keep,
        Change::Set(config) => Change::Set(given(config)),
    };
    Ok(Updated { name, enabled, config, quiet_hours })
}

fn keep(body: Value) -> Result<Updated<Given>, Faults> {
    let Updated { name, enabled, config: _, quiet_hours } =
        deserr::deserialize::<Updated<Unchanged>, _, _>(body)?;
    Ok(Updated { name, enabled, config: Change::Keep, quiet_hours })
}

fn with_fault<T>(read: Result<T, Faults>, fault: Option<Faults>) -> Result<T, Faults> {
    match (read, fault) {
        (Ok(_), Some(fault)) => Err(fault),
        (Err(faults), Some(fault)) => Err(faults.and(fault)),
        (read, None) => read,
    }
}
