//! `DELETE /api/notifications/rules/{id}`

use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWrite},
    error::Error,
    http::{answer::NoContent, etag::IfMatch, path::PathId, problem::Refusals},
    ids::{RuleId, RuleKind},
    model::audit::{Action, Changes},
    store::{NotificationsChange, Tries},
};

use crate::again;

/// Deletes a rule.
///
/// # Errors
/// 404; 409 `edit_conflict` or 412 where other requests were faster; those of every route that needs
/// `notifications:write`.
#[utoipa::path(
    delete,
    path = "/api/notifications/rules/{id}",
    operation_id = "delete_notification_rule",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    params(
        ("id" = RuleId, Path),
        ("If-Match" = Option<String>, Header, description = "The rule's entity tag"),
    ),
    extensions(("x-codes" = json!(["edit_conflict"]))),
    responses((status = 204), Refusals),
)]
pub async fn handler(
    caller: Caller<NotificationsWrite>,
    PathId(id): PathId<RuleKind>,
    if_match: IfMatch,
) -> Result<NoContent, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let mut tries = Tries::new(&*call.random);
    loop {
        let read = &call.store.notifications(organization.id).await?;
        let rule = read.rules.iter().find(|rule| rule.id == id).ok_or(Error::NotFound)?;
        if_match.check(rule.etag())?;
        let changes = Changes::default().with("name", &rule.name, None::<String>);
        let audit = &caller.audit(Action::RuleDeleted, id, changes);
        let change = NotificationsChange { organization, read, user: caller.user.id, audit };
        match call.store.delete_rule(change, id, &*call.random).await {
            Ok(()) => return Ok(NoContent),
            Err(lost) => again(&mut tries, lost, &if_match).await?,
        }
    }
}
