//! Notifications: which events go where. What is sent, `notification-delivery` sends.

pub mod channel;
pub mod config;
pub mod create_channel;
pub mod delete_channel;
pub mod delete_rule;
pub mod get_channel;
pub mod get_delivery;
pub mod get_rule;
pub mod list_channels;
pub mod list_rules;
pub mod publish_event;
pub mod put_rule;
pub mod quiet_hours;
pub mod rotate_secret;
pub mod rule;
pub mod schema;
pub mod test_channel;
pub mod update_channel;
pub mod values;

shared::routes!(
    list_channels,
    create_channel,
    get_channel,
    update_channel,
    delete_channel,
    test_channel,
    rotate_secret,
    list_rules,
    put_rule,
    get_rule,
    delete_rule,
    publish_event,
    get_delivery,
);

use shared::{
    error::Error,
    http::{body::BodyDigest, etag::IfMatch},
    store::{Lost, Tries},
};

/// The digest of a body that is not read: retries cannot differ in it.
const NO_BODY: BodyDigest = [0; 32];

/// The refusal of one thing more than there may be.
fn limit_reached(what: &str, limit: usize) -> Error {
    let detail = format!("The organization has {limit} {what}. Delete one first.");
    Error::conflict("limit_reached", detail)
}

/// What a change is told that other ones kept coming before.
const OVERTAKEN: &str = "Other requests kept changing it. Try again.";

/// The refusal of a change that other ones kept coming before.
fn edit_conflict() -> Error {
    Error::conflict("edit_conflict", OVERTAKEN)
}

/// Decides about a change that another one has come before: `Ok` where it is to be decided anew.
///
/// # Errors
/// 412 where it named the version that it changes, 409 `edit_conflict` where it did not, and has been
/// decided often enough; what else it was lost to.
async fn again(tries: &mut Tries<'_>, lost: Lost, if_match: &IfMatch) -> Result<(), Error> {
    match lost {
        Lost::Condition(_) if tries.again().await => Ok(()),
        lost => Err(lost.or(if_match.lost_race(OVERTAKEN))),
    }
}
