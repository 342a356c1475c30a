//! `PUT /api/notifications/channels/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWrite},
    call::Call,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        etag::IfMatch,
        field::Change,
        path::PathId,
        problem::Refusals,
    },
    ids::{ChannelId, ChannelKind, OrganizationId},
    model::{
        audit::{Action, Changes},
        notifications::channel::Channel,
    },
    store::{ChannelChange, Tries},
};

use crate::{
    again,
    channel::{ChannelBody, ShownChannel, Updated},
    config::{Given, shown},
    quiet_hours::ShownQuietHours,
    schema::UpdateChannel,
};

/// Changes a channel; its type stays. One that is enabled again begins anew: that its attempts had
/// failed is forgotten.
///
/// # Errors
/// 404; 409 `edit_conflict` or 412 where another request was faster; 503 where the deployment's secret
/// is out of reach; those of every route that needs `notifications:write`.
#[utoipa::path(
    put,
    path = "/api/notifications/channels/{id}",
    operation_id = "update_notification_channel",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    request_body = UpdateChannel,
    params(
        ("id" = ChannelId, Path),
        ("If-Match" = Option<String>, Header, description = "The channel's entity tag"),
    ),
    extensions(("x-codes" = json!(["edit_conflict"]))),
    responses((status = 200, body = Envelope<ShownChannel>), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWrite>,
    PathId(id): PathId<ChannelKind>,
    if_match: IfMatch,
    Body { value: body, .. }: Body<ChannelBody>,
) -> Result<Data<ShownChannel>, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let mut tries = Tries::new(&*call.random);
    loop {
        let before = &call.store.channel(organization.id, id).await?.ok_or(Error::NotFound)?;
        if_match.check(before.etag())?;
        let given = body.updated(&before.config, call.settings.outbound.allow_insecure)?;
        let (after, changes) = applied(call, organization.id, before, given).await?;
        if changes.is_empty() {
            return Ok(Data::tagged(before.into(), before.etag()));
        }
        let audit = &caller.audit(Action::ChannelUpdated, id, changes);
        let user = caller.user.id;
        let change = ChannelChange { organization, before, after: &after, user, audit };
        match call.store.update_channel(change, None, &*call.random).await {
            Ok(()) => return Ok(Data::tagged((&after).into(), after.etag())),
            Err(lost) => again(&mut tries, lost, &if_match).await?,
        }
    }
}

/// The channel as it will be, and what that changes. A secret that is given counts as another one.
async fn applied(
    call: &Call,
    organization: OrganizationId,
    before: &Channel,
    given: Updated<Given>,
) -> Result<(Channel, Changes), Error> {
    let Updated { name, enabled, config, quiet_hours } = given;
    let (mut after, mut changes) = (before.clone(), Changes::default());
    if let Some((from, to)) = name.apply(&mut after.name, |name| name.0) {
        changes.push("name", from, to);
    }
    if let Some((from, to)) = enabled.apply(&mut after.enabled, |enabled| enabled) {
        changes.push("enabled", from, to);
        if to {
            (after.failing_since, after.gave_up_at, after.receiver_gone) = (None, None, false);
        }
    }
    if let Change::Set(config) = config {
        let (config, _) =
            config.sealed(call, organization, before.id, Some(&before.config)).await?;
        if config != before.config {
            changes.push("config", shown(&before.config), shown(&config));
            after.config = config;
            // How the one before has fared says nothing of this one.
            after.failing_since = None;
        }
    }
    if let Some((from, to)) = quiet_hours.apply(&mut after.quiet_hours, |it| it.map(Into::into)) {
        let shown = |hours: Option<_>| hours.as_ref().map(ShownQuietHours::from);
        changes.push("quiet_hours", shown(from), shown(to));
    }
    after.updated_at = call.now;
    after.version += 1;
    Ok((after, changes))
}
