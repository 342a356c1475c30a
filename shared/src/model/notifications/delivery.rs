//! Deliveries: one of each event to each channel that it goes to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    channel::{Channel, ChannelType},
    event::Event,
};
use crate::{
    clock::{Timestamp, epoch},
    ids::{ChannelId, DeliveryId, OrganizationId},
};

/// How long a delivery can be looked at, in days.
pub const DELIVERY_DAYS: u32 = 30;

/// Over how many partitions of the index deliveries that are due are spread.
pub const SHARDS: u8 = 8;

/// How long an attempt is another's: after that, whoever made it is taken to have crashed, in
/// seconds. It is longer than an attempt can take.
pub const CLAIM_SECONDS: i64 = 60;

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is going to be tried, or tried again.
    Queued,
    /// The receiver has taken it.
    Delivered,
    /// It is not tried again.
    Failed,
}

/// An attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    #[serde(with = "epoch")]
    pub at: Timestamp,
    /// Whether the receiver has taken it.
    pub succeeded: bool,
    /// The status of the receiver's answer, where it was one of HTTP or SMTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which delivery: derived from the event and the channel, so that a receiver can tell one that is
    /// sent again.
    pub id: DeliveryId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// Where to.
    pub channel_id: ChannelId,
    /// What kind of channel that is.
    pub channel_type: ChannelType,
    /// Whom it is mailed to instead: a channel that is off, and was the last one, cannot tell of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letter_to: Option<String>,
    /// What is delivered.
    pub event: Event,
    /// What has become of it.
    pub status: Status,
    /// Why it failed, or waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The attempts so far, oldest first.
    pub attempts: Vec<Attempt>,
    /// The recipients who have taken it already, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_by: Vec<String>,
    /// The recipients who have refused it for good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_by: Vec<String>,
    /// When it was created.
    #[serde(with = "epoch")]
    pub created_at: Timestamp,
    /// When it is to be tried; while somebody tries it, when they are taken to have crashed. The sort
    /// key of the index of what is due, so it is there exactly while the delivery is queued.
    #[serde(with = "epoch::option", default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The partition key of that index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_shard: Option<String>,
    /// When it is no longer to be looked at: the table's TTL attribute.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

impl Delivery {
    /// The delivery of an event to a channel, due at once. The same event and channel make the same
    /// delivery, whoever makes it, and however often: `received_at` is the event's, not the
    /// caller's.
    #[must_use]
    pub fn new(
        organization_id: OrganizationId,
        event: &Event,
        channel: &Channel,
        received_at: Timestamp,
    ) -> Self {
        let names = [&organization_id.to_string(), &event.id, &channel.id.to_string()];
        let id = DeliveryId::derived(received_at, &names.map(String::as_bytes));
        Self {
            id,
            organization_id,
            channel_id: channel.id,
            channel_type: channel.config.channel_type(),
            letter_to: None,
            event: event.clone(),
            status: Status::Queued,
            reason: None,
            attempts: Vec::new(),
            taken_by: Vec::new(),
            refused_by: Vec::new(),
            created_at: received_at,
            due_at: Some(received_at),
            due_shard: Some(shard_of(channel.id)),
            expires_at: received_at.plus_days(DELIVERY_DAYS),
        }
    }
}

/// The partition of the index that the deliveries of a channel lie in while they are due: those of a
/// channel that has many do not stand before all others.
fn shard_of(channel: ChannelId) -> String {
    shard(u8::try_from(channel.to_bits() % u128::from(SHARDS)).unwrap_or_default())
}

/// The name of a partition of the index.
#[must_use]
pub fn shard(number: u8) -> String {
    format!("DUE#{number}")
}
