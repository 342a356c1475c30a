//! `POST /api/user/mfa/backup-codes`

use axum::http::StatusCode;
use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        code::{BackupCode, Code},
        password::Password,
        permissions::level::SessionWithProofAndReplay,
        proof::Given,
        second_factor::{new_backup_codes, not_enabled},
    },
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        problem::Refusals,
        replay::Attempt,
    },
    model::audit::{Action, Changes},
    store::Lost,
};
use utoipa::ToSchema;

/// The proof.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = ReplaceBackupCodes)]
pub struct Request {
    /// The user's password.
    password: Password,
    /// A code from the authenticator app, or one of the old backup codes.
    code: Code,
}

/// New backup codes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplacedBackupCodes {
    /// Ten codes that each work once in the place of one from the app. They are shown this once.
    backup_codes: Vec<String>,
}

/// Makes new backup codes; the old ones are dead.
///
/// # Errors
/// 403 `incorrect_password` and `incorrect_code`; 409 `mfa_not_enabled`; 422 `idempotency_key_reused`; 429
/// after too many wrong ones; 503 where the deployment's secret is out of reach; those of every route that
/// needs a session.
#[utoipa::path(
    post,
    path = "/api/user/mfa/backup-codes",
    operation_id = "replace_backup_codes",
    tag = "MFA",
    security(("bearer" = [])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["mfa_not_enabled"]))),
    responses((status = 200, body = Envelope<ReplacedBackupCodes>), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithProofAndReplay>,
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let first = match Attempt::of(&caller, "/api/user/mfa/backup-codes", &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let Request { password, code } = &request;
    let (call, user) = (&caller.call, &caller.user);
    if !user.mfa_enabled {
        return Err(not_enabled());
    }
    let given = Given::password(password).and_code(code);
    let mut prover = caller.prover(Action::MfaRefused);
    loop {
        let proof = match prover.check(given).await {
            Ok(proof) => proof,
            Err(refusal) => return first.refused(call, refusal).await,
        };
        let (codes, hashes) = new_backup_codes(call, user.id).await?;
        let data =
            ReplacedBackupCodes { backup_codes: codes.iter().map(BackupCode::reveal).collect() };
        let answer = Fixed::json(StatusCode::OK, &Envelope { data })?;
        let replay = first.record(call, &answer)?;
        let left = prover.evidence().factor.as_ref().map_or(0, |it| it.backup_codes.len());
        let changes = Changes::default().with("backup_codes_remaining", left, hashes.len());
        let audit = caller.audit(Action::BackupCodesReplaced, user.id, changes);
        let (organization, random) = (&caller.organization, &*call.random);
        let (store, proof) = (&call.store, proof.used(call.now));
        let written = store
            .replace_backup_codes(organization, user, &hashes, replay, proof, &audit, random)
            .await;
        match first.conclude(call, written, answer).await {
            Err(Lost::Overtaken) => prover.read_again().await?,
            Err(lost) => return Err(lost.or(not_enabled())),
            Ok(answer) => return Ok(answer),
        }
    }
}
