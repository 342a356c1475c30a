//! `POST /api/user/api-keys`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        caller::{Caller, role_required},
        permissions::{Role, Scope, Scopes, level::FreshSessionWithReplay},
        token::{PlainToken, TokenKind},
    },
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        field::{Int, Text},
        problem::Refusals,
        replay::Attempt,
    },
    ids::ApiKeyId,
    model::{
        audit::{Action, Changes},
        user::{ApiKey, MAX_API_KEYS},
    },
    store::Lost,
};
use utoipa::ToSchema;

/// What the owner calls a key.
pub type KeyName = Text<1, 100>;
/// After how many days a key ends.
pub type ExpiryDays = Int<1, 365>;

/// The key to make.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = CreateApiKey)]
pub struct Request {
    /// What the owner calls it.
    name: KeyName,
    /// What it may be used for: one scope or more, each within the owner's own roles.
    #[deserr(try_from(Vec<Scope>) = scope_set -> Faults)]
    #[schema(value_type = Vec<Scope>, min_items = 1)]
    scopes: Scopes,
    /// After how many days it ends. Left out or `null`: never.
    #[deserr(default)]
    expires_in_days: Option<ExpiryDays>,
}

fn scope_set(list: Vec<Scope>) -> Result<Scopes, Faults> {
    if list.is_empty() {
        return Err(Faults::new("/scopes", "invalid_length", "Must name at least one scope."));
    }
    Ok(list.into_iter().collect())
}

/// The new key, with its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreatedApiKey {
    /// Which key.
    id: ApiKeyId,
    /// What its owner calls it.
    name: String,
    /// The secret, shown this once.
    secret: String,
    /// How the secret begins.
    prefix: String,
    /// What it may be used for.
    scopes: Vec<Scope>,
    /// When it ends; `null` where it does not.
    expires_at: Option<Timestamp>,
    /// When it was made.
    created_at: Timestamp,
}

/// Makes an API key. Its secret is in this answer and nowhere else.
///
/// # Errors
/// 409 `limit_reached` with 50 live keys; 403 `role_required` for a scope that the caller's own roles
/// do not grant; 422 `idempotency_key_reused`; those of every route that needs a session that was
/// proved lately.
#[utoipa::path(
    post,
    path = "/api/user/api-keys",
    operation_id = "create_api_key",
    tag = "API keys",
    security(("bearer" = [])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["limit_reached", "edit_conflict", "role_required"]))),
    responses((status = 201, body = Envelope<CreatedApiKey>), Refusals),
)]
pub async fn handler(
    caller: Caller<FreshSessionWithReplay>,
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let path = "/api/user/api-keys";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let Request { name, scopes, expires_in_days } = request;
    if let Some(scope) = scopes.minus(Role::scopes_of(&caller.user.roles)).iter().next() {
        return Err(role_required(scope));
    }
    let (call, user, organization) = (&caller.call, &caller.user, &caller.organization);
    if user.live_api_keys(call.now).count() >= MAX_API_KEYS {
        return first.refused(call, limit_reached()).await;
    }
    let secret = PlainToken::generate(TokenKind::ApiKey, organization.id, user.id, &*call.random);
    let id = ApiKeyId::generate(call.now, &*call.random);
    let key = ApiKey {
        name: name.0,
        hash: secret.hash(),
        prefix: secret.display_prefix(),
        scopes,
        expires_at: expires_in_days.map(|days| call.now.plus_days(days.0)),
        last_used_at: None,
        rotated_at: None,
        previous: None,
        version: 1,
    };
    let answer = Fixed::json(StatusCode::CREATED, &show(id, &key, &secret))?;
    let record = first.record(call, &answer)?;
    let changes = Changes::default()
        .with("name", None::<String>, &key.name)
        .with("scopes", None::<String>, scopes.iter().collect::<Vec<_>>())
        .with("expires_at", None::<String>, key.expires_at);
    let audit = caller.audit(Action::ApiKeyCreated, id, changes);
    let random = &*call.random;
    let write =
        call.store.create_api_key(organization, user, id, &key, record, &audit, call.now, random);
    match first.conclude(call, write.await, answer).await {
        Ok(answer) => Ok(answer),
        Err(Lost::Condition(_)) => Err(lost_race(&caller).await?),
        Err(lost) => Err(lost.or(limit_reached())),
    }
}

fn show(id: ApiKeyId, key: &ApiKey, secret: &PlainToken) -> Envelope<CreatedApiKey> {
    let data = CreatedApiKey {
        id,
        name: key.name.clone(),
        secret: secret.reveal().to_owned(),
        prefix: key.prefix.to_string(),
        scopes: key.scopes.iter().collect(),
        expires_at: key.expires_at,
        created_at: id.created_at(),
    };
    Envelope { data }
}

/// Tells what has changed since the caller was let in.
async fn lost_race(caller: &Caller<FreshSessionWithReplay>) -> Result<Error, Error> {
    let (call, wanted) = (&caller.call, shared::store::Wanted::default());
    let read = call.store.read_principal(caller.organization.id, caller.user.id, &wanted).await?;
    let user = read.principal.ok_or(Error::InvalidCredential)?.user;
    Ok(if user.live_api_keys(call.now).count() >= MAX_API_KEYS {
        limit_reached()
    } else {
        Error::conflict("edit_conflict", "Your roles or keys were changed meanwhile. Try again.")
    })
}

fn limit_reached() -> Error {
    let detail = format!("You have {MAX_API_KEYS} API keys. Delete one first.");
    Error::conflict("limit_reached", detail)
}
