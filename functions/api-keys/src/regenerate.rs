//! `POST /api/user/api-keys/{id}/regenerate`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        permissions::level::FreshSessionWithReplay,
        token::{PlainToken, TokenKind},
    },
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::{Body, OptionalBody},
        fault::Faults,
        field::Int,
        path::PathId,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ApiKeyId, ApiKeyKind},
    model::{
        audit::{Action, Changes},
        user::{ApiKey, PreviousSecret},
    },
    store::Rotation,
};
use utoipa::ToSchema;

/// For how many minutes the old secret may still be used.
pub type OverlapMinutes = Int<1, 1440>;

/// How to replace the secret. The body may be left out.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = RegenerateApiKey)]
pub struct Request {
    /// For how many minutes the old secret may still be used. Left out or `null`: it is dead at
    /// once.
    #[deserr(default)]
    overlap_minutes: Option<OverlapMinutes>,
}

/// The key's new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct RegeneratedApiKey {
    /// Which key.
    id: ApiKeyId,
    /// The new secret, shown this once.
    secret: String,
    /// How the new secret begins.
    prefix: String,
    /// When the secret was replaced.
    rotated_at: Timestamp,
    /// Until when the old secret may still be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_valid_until: Option<Timestamp>,
}

/// Replaces the secret of one of the caller's own API keys. A secret that an earlier overlap still
/// admits is dead at once.
///
/// # Errors
/// 404; 409 `edit_conflict` where another request was faster; 422 `idempotency_key_reused`; those of
/// every route that needs a session that was proved lately.
#[utoipa::path(
    post,
    path = "/api/user/api-keys/{id}/regenerate",
    operation_id = "regenerate_api_key",
    tag = "API keys",
    security(("bearer" = [])),
    request_body = Option<Request>,
    params(
        ("id" = ApiKeyId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer"),
    ),
    extensions(("x-codes" = json!(["edit_conflict"]))),
    responses((status = 200, body = Envelope<RegeneratedApiKey>), Refusals),
)]
pub async fn handler(
    caller: Caller<FreshSessionWithReplay>,
    PathId(id): PathId<ApiKeyKind>,
    OptionalBody(Body { value: request, digest }): OptionalBody<Request>,
) -> Result<Fixed, Error> {
    let path = format!("/api/user/api-keys/{id}/regenerate");
    let first = match Attempt::of(&caller, &path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, user, organization) = (&caller.call, &caller.user, &caller.organization);
    let before = user.live_api_key(id, call.now)?;
    let secret = PlainToken::generate(TokenKind::ApiKey, organization.id, user.id, &*call.random);
    let overlap = request.overlap_minutes;
    let after = ApiKey {
        hash: secret.hash(),
        prefix: secret.display_prefix(),
        rotated_at: Some(call.now),
        previous: overlap.map(|minutes| PreviousSecret {
            hash: before.hash,
            valid_until: call.now.plus_minutes(minutes.0),
        }),
        version: before.version + 1,
        ..before.clone()
    };
    let valid_until = after.previous_valid_until();
    let data = RegeneratedApiKey {
        id,
        secret: secret.reveal().to_owned(),
        prefix: after.prefix.to_string(),
        rotated_at: call.now,
        previous_secret_valid_until: valid_until,
    };
    let answer = Fixed::json(StatusCode::OK, &Envelope { data })?;
    let record = first.record(call, &answer)?;
    let changes = Changes::default().with("prefix", before.prefix, after.prefix).with(
        "previous_secret_valid_until",
        None::<String>,
        valid_until,
    );
    let audit = caller.audit(Action::ApiKeyRegenerated, id, changes);
    let rotation = Rotation { before, after: &after };
    let random = &*call.random;
    let write = call.store.rotate_api_key(
        organization,
        user.id,
        id,
        rotation,
        record,
        &audit,
        call.now,
        random,
    );
    let stale = Error::conflict("edit_conflict", "The key was changed meanwhile. Try again.");
    first.conclude(call, write.await, answer).await.map_err(|lost| lost.or(stale))
}
