//! What bodies look like whose fields depend on a channel's type.

use std::borrow::Cow;

use shared::model::notifications::channel::ChannelType;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema,
        schema::{SchemaType, Type},
    },
};

use crate::{
    config::{EmailConfig, PagerdutyConfig, SlackConfig, TeamsConfig, WebhookConfig},
    quiet_hours::GivenQuietHours,
    values::Name,
};

type Named = (String, RefOr<Schema>);

/// The configuration of each type of channel.
fn configs() -> [(ChannelType, Cow<'static, str>, RefOr<Schema>); 5] {
    [
        (ChannelType::Slack, SlackConfig::name(), SlackConfig::schema()),
        (ChannelType::Email, EmailConfig::name(), EmailConfig::schema()),
        (ChannelType::Webhook, WebhookConfig::name(), WebhookConfig::schema()),
        (ChannelType::Pagerduty, PagerdutyConfig::name(), PagerdutyConfig::schema()),
        (ChannelType::Teams, TeamsConfig::name(), TeamsConfig::schema()),
    ]
}

fn register(schemas: &mut Vec<Named>) {
    SlackConfig::schemas(schemas);
    EmailConfig::schemas(schemas);
    WebhookConfig::schemas(schemas);
    PagerdutyConfig::schemas(schemas);
    TeamsConfig::schemas(schemas);
    GivenQuietHours::schemas(schemas);
    Name::schemas(schemas);
    schemas.extend(configs().map(|(_, name, schema)| (name.into_owned(), schema)));
    schemas.push((GivenQuietHours::name().into_owned(), GivenQuietHours::schema()));
    schemas.push((Name::name().into_owned(), Name::schema()));
}

fn reference(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

fn quiet_hours() -> RefOr<Schema> {
    let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    let hours = reference(&GivenQuietHours::name());
    OneOfBuilder::new().item(null).item(hours).into()
}

/// The channel to create: what `config` has depends on `type`.
pub struct CreateChannel;

impl PartialSchema for CreateChannel {
    fn schema() -> RefOr<Schema> {
        let of = |(kind, config, _): (ChannelType, Cow<'static, str>, RefOr<Schema>)| {
            let title = format!("Create{kind:?}Channel");
            let kind = serde_json::to_value(kind).unwrap_or_default();
            let enabled = ObjectBuilder::new()
                .schema_type(Type::Boolean)
                .description(Some("Whether events go to it."))
                .default(Some(true.into()));
            ObjectBuilder::new()
                .title(Some(title))
                .property(
                    "type",
                    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([kind])),
                )
                .required("type")
                .property("name", reference(&Name::name()))
                .required("name")
                .property("enabled", enabled)
                .property("config", reference(&config))
                .required("config")
                .property("quiet_hours", quiet_hours())
        };
        let kinds = configs().map(of).into_iter();
        kinds.fold(OneOfBuilder::new(), OneOfBuilder::item).into()
    }
}

impl ToSchema for CreateChannel {
    fn name() -> Cow<'static, str> {
        "CreateNotificationChannel".into()
    }

    fn schemas(schemas: &mut Vec<Named>) {
        register(schemas);
    }
}

/// What to change of a channel. What is left out keeps its value, in `config`, too, whose fields are
/// those of the channel's type.
pub struct UpdateChannel;

impl PartialSchema for UpdateChannel {
    fn schema() -> RefOr<Schema> {
        // A change needs none of the fields that a new channel does.
        let optional = |(_, _, config)| match config {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                RefOr::T(Schema::Object(object))
            }
            other => other,
        };
        let configs = configs().map(optional).into_iter();
        ObjectBuilder::new()
            .property("name", reference(&Name::name()))
            .property("enabled", ObjectBuilder::new().schema_type(Type::Boolean))
            .property(
                "config",
                configs.fold(
                    utoipa::openapi::schema::AnyOfBuilder::new(),
                    utoipa::openapi::schema::AnyOfBuilder::item,
                ),
            )
            .property("quiet_hours", quiet_hours())
            .into()
    }
}

impl ToSchema for UpdateChannel {
    fn name() -> Cow<'static, str> {
        "UpdateNotificationChannel".into()
    }

    fn schemas(schemas: &mut Vec<Named>) {
        register(schemas);
    }
}
