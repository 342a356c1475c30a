//! `DELETE /api/notifications/channels/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWrite},
    clock::Timestamp,
    error::Error,
    http::{answer::NoContent, etag::IfMatch, path::PathId, problem::Refusals},
    ids::{ChannelId, ChannelKind, RuleId},
    model::{
        audit::{Action, Changes},
        notifications::rule::Rule,
    },
    store::{NotificationsChange, Tries},
};

use crate::again;

/// Deletes a channel, and takes it out of the rules that lead to it: what a rule then has no channel
/// for goes nowhere. What is queued for it is not sent.
///
/// # Errors
/// 404; 409 `edit_conflict` or 412 where other requests were faster; those of every route that needs
/// `notifications:write`.
#[utoipa::path(
    delete,
    path = "/api/notifications/channels/{id}",
    operation_id = "delete_notification_channel",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    params(
        ("id" = ChannelId, Path),
        ("If-Match" = Option<String>, Header, description = "The channel's entity tag"),
    ),
    extensions(("x-codes" = json!(["edit_conflict"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWrite>,
    PathId(id): PathId<ChannelKind>,
    if_match: IfMatch,
) -> Result<NoContent, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let mut tries = Tries::new(&*call.random);
    loop {
        let read = &call.store.notifications(organization.id).await?;
        let channel = read.channels.iter().find(|channel| channel.id == id);
        let channel = channel.ok_or(Error::NotFound)?;
        if_match.check(channel.etag())?;
        let leading = read.rules.iter().filter(|rule| rule.channel_ids.contains(&id));
        let rules: Vec<_> = leading.map(|rule| without(rule, id, call.now)).collect();
        let mut changes = Changes::default()
            .with("type", channel.config.channel_type(), None::<String>)
            .with("name", &channel.name, None::<String>);
        if !rules.is_empty() {
            let ids: Vec<RuleId> = rules.iter().map(|rule| rule.id).collect();
            changes.push("rules", ids, None::<String>);
        }
        let audit = &caller.audit(Action::ChannelDeleted, id, changes);
        let change = NotificationsChange { organization, read, user: caller.user.id, audit };
        match call.store.delete_channel(change, channel, &rules, &*call.random).await {
            Ok(()) => return Ok(NoContent),
            Err(lost) => again(&mut tries, lost, &if_match).await?,
        }
    }
}

/// The rule without a channel.
fn without(rule: &Rule, id: ChannelId, now: Timestamp) -> Rule {
    let mut rule = rule.clone();
    rule.channel_ids.retain(|channel| *channel != id);
    rule.updated_at = now;
    rule.version += 1;
    rule
}
