//! Where channels lead, as it is given and shown: by the channel's type.

use std::collections::BTreeSet;

use deserr::{Deserr, IntoValue, ValuePointerRef};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use shared::{
    call::Call,
    error::Error,
    http::{email_address::EmailAddress, fault::Faults, field::wrong_kind},
    ids::{ChannelId, OrganizationId},
    model::notifications::{
        Severity,
        channel::{ChannelType, Config, SigningSecret},
        secret::{ChannelCipher, new_signing_secret},
    },
    outbound::guard::{MAX_URL, Refusal, check_url},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use crate::values::{Distinct, RoutingKey, SlackName};

/// A channel of a Slack workspace.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct SlackConfig {
    /// The workspace's name. The deployment has a bot token for it, or nothing can be sent.
    workspace: SlackName,
    /// The channel's id.
    channel: SlackName,
}

/// Mailboxes.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct EmailConfig {
    /// Their addresses.
    #[schema(value_type = BTreeSet<EmailAddress>, min_items = 1, max_items = 20)]
    recipients: Distinct<EmailAddress, 1, 20>,
    /// The severities that are sent. Left out or `null`: all.
    #[deserr(default)]
    #[schema(value_type = Option<BTreeSet<Severity>>, min_items = 1, max_items = 5)]
    severity_filter: Option<Distinct<Severity, 1, 5>>,
}

/// An HTTPS endpoint. Requests to it are signed as Standard Webhooks are.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Its address: one of HTTPS at a public host.
    url: Address,
}

/// A `PagerDuty` service, by its Events API v2.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct PagerdutyConfig {
    /// The service's routing key. It is not shown again.
    routing_key: RoutingKey,
}

/// A channel of Microsoft Teams.
#[derive(Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct TeamsConfig {
    /// The address of its incoming webhook: one of HTTPS at a public host. It is not shown again.
    webhook_url: Address,
}

/// What leaves a secret as it is.
#[derive(Deserr)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct Unchanged {}

/// An address. Whether it may be sent to is another question.
#[derive(Debug)]
pub struct Address(String);

impl Deserr<Faults> for Address {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        match value {
            deserr::Value::String(text) => Ok(Self(text)),
            other => Err(wrong_kind(other, &[deserr::ValueKind::String], location)),
        }
    }
}

impl PartialSchema for Address {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uri".into())))
            .max_length(Some(MAX_URL))
            .into()
    }
}

impl ToSchema for Address {
    fn name() -> std::borrow::Cow<'static, str> {
        "PublicHttpsUrl".into()
    }
}

/// Where a channel leads, as a request has given it.
pub enum Given {
    /// A channel of a Slack workspace.
    Slack(SlackConfig),
    /// Mailboxes.
    Email(EmailConfig),
    /// An HTTPS endpoint.
    Webhook(WebhookConfig),
    /// A `PagerDuty` service.
    Pagerduty(PagerdutyConfig),
    /// A channel of Microsoft Teams.
    Teams(TeamsConfig),
}

/// The fault of an address in a body's `config` that must not be sent to.
pub(crate) fn address_fault(body: &Value, kind: ChannelType, insecure: bool) -> Option<Faults> {
    let field = match kind {
        ChannelType::Webhook => "url",
        ChannelType::Teams => "webhook_url",
        ChannelType::Slack | ChannelType::Email | ChannelType::Pagerduty => return None,
    };
    let refusal = check_url(body.get("config")?.get(field)?.as_str()?, insecure).err()?;
    let code = match refusal {
        Refusal::TooLong => "invalid_length",
        Refusal::NotPublic | Refusal::Unresolved => "not_public",
        _ => "invalid_value",
    };
    Some(Faults::new(format!("/config/{field}"), code, refusal.to_string()))
}

impl Given {
    /// The configuration of a channel; its secrets are encrypted. Of what there was before it keeps
    /// what signs: a webhook that had nothing gets a secret, which is answered along.
    ///
    /// # Errors
    /// 503 where the deployment's secret is out of reach.
    pub(crate) async fn sealed(
        self,
        call: &Call,
        organization: OrganizationId,
        id: ChannelId,
        before: Option<&Config>,
    ) -> Result<(Config, Option<SecretString>), Error> {
        let insecure = call.settings.outbound.allow_insecure;
        let url = |address: &Address| {
            // It has been checked with the rest of the body.
            check_url(&address.0, insecure).map_err(|refusal| Error::internal(refusal.to_string()))
        };
        let seal = async |secret: &SecretString| seal(call, organization, id, secret).await;
        Ok(match self {
            Self::Slack(SlackConfig { workspace, channel }) => {
                (Config::Slack { workspace: workspace.0, channel: channel.0 }, None)
            }
            Self::Email(EmailConfig { recipients, severity_filter }) => {
                let recipients = recipients.0.into_iter().map(|address| address.0).collect();
                let severity_filter =
                    severity_filter.map_or_else(BTreeSet::new, |list| list.0.into_iter().collect());
                (Config::Email { recipients, severity_filter }, None)
            }
            Self::Webhook(WebhookConfig { url: address }) => {
                if let Some(Config::Webhook { url: kept, secrets }) = before {
                    // An address that is kept was let in by the rules of its day.
                    let url = if *kept == address.0 { address.0 } else { url(&address)?.into() };
                    return Ok((Config::Webhook { url, secrets: secrets.clone() }, None));
                }
                let url = url(&address)?.into();
                let secret = new_signing_secret(&*call.random);
                let secrets =
                    vec![SigningSecret { sealed: seal(&secret).await?, valid_until: None }];
                (Config::Webhook { url, secrets }, Some(secret))
            }
            Self::Pagerduty(PagerdutyConfig { routing_key }) => {
                let hint = routing_key.0.chars().skip(28).collect();
                let sealed_routing_key = seal(&routing_key.0.into()).await?;
                (Config::Pagerduty { sealed_routing_key, hint }, None)
            }
            Self::Teams(TeamsConfig { webhook_url }) => {
                let url = url(&webhook_url)?;
                let host = url.host_str().unwrap_or_default().to_owned();
                (Config::Teams { sealed_url: seal(&String::from(url).into()).await?, host }, None)
            }
        })
    }
}

/// Encrypts a secret for its channel.
///
/// # Errors
/// 503 where the deployment's secret is out of reach.
pub(crate) async fn seal(
    call: &Call,
    organization: OrganizationId,
    id: ChannelId,
    secret: &SecretString,
) -> Result<String, Error> {
    let cipher = ChannelCipher::of(&call.keyring, organization).await?;
    cipher.seal(id, secret, &*call.random)
}

/// The type of a channel, and where it leads. Secrets are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", content = "config", rename_all = "snake_case")]
#[schema(as = NotificationChannelConfig)]
pub enum ShownConfig {
    /// A channel of a Slack workspace.
    #[schema(title = "ShownSlackConfig")]
    Slack {
        /// The workspace's name.
        workspace: String,
        /// The channel's id.
        channel: String,
    },
    /// Mailboxes.
    #[schema(title = "ShownEmailConfig")]
    Email {
        /// Their addresses.
        recipients: Vec<String>,
        /// The severities that are sent; left out where all are.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        #[schema(required = false)]
        severity_filter: Vec<Severity>,
    },
    /// An HTTPS endpoint.
    #[schema(title = "ShownWebhookConfig")]
    Webhook {
        /// Its address.
        url: String,
    },
    /// A `PagerDuty` service.
    #[schema(title = "ShownPagerdutyConfig")]
    Pagerduty {
        /// The last four characters of its routing key.
        routing_key_hint: String,
    },
    /// A channel of Microsoft Teams.
    #[schema(title = "ShownTeamsConfig")]
    Teams {
        /// The host of its incoming webhook's address.
        webhook_host: String,
    },
}

impl From<&Config> for ShownConfig {
    fn from(config: &Config) -> Self {
        match config.clone() {
            Config::Slack { workspace, channel } => Self::Slack { workspace, channel },
            Config::Email { recipients, severity_filter } => {
                Self::Email { recipients, severity_filter: severity_filter.into_iter().collect() }
            }
            Config::Webhook { url, secrets: _ } => Self::Webhook { url },
            Config::Pagerduty { sealed_routing_key: _, hint } => {
                Self::Pagerduty { routing_key_hint: hint }
            }
            Config::Teams { sealed_url: _, host } => Self::Teams { webhook_host: host },
        }
    }
}

/// What is shown of a configuration, without the channel's type.
pub(crate) fn shown(config: &Config) -> Value {
    let mut value = serde_json::to_value(ShownConfig::from(config)).unwrap_or_default();
    value["config"].take()
}
