//! Channels, rules, events and deliveries, through the real router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod create_channel;
mod delete_channel;
mod get_delivery;
mod list_channels;
mod list_rules;
mod publish_event;
mod put_rule;
mod readme;
mod rotate_secret;
mod test_channel;
mod update_channel;
