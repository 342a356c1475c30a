//! `POST /api/user/mfa/backup-codes`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        caller::Caller,
        code::{BackupCode, Code},
        password::Password,
        permissions::level::SessionWithProof,
        proof::Given,
        second_factor::{new_backup_codes, not_enabled},
    },
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        fault::Faults,
        problem::Refusals,
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
/// 403 `incorrect_password` and `incorrect_code`; 409 `mfa_not_enabled`; 429 after too many wrong ones; 503
/// where the deployment's secret is out of reach; those of every route that needs a session.
#[utoipa::path(
    post,
    path = "/api/user/mfa/backup-codes",
    operation_id = "replace_backup_codes",
    tag = "MFA",
    security(("bearer" = [])),
    request_body = Request,
    extensions(("x-codes" = json!(["mfa_not_enabled"]))),
    responses((status = 200, body = Envelope<ReplacedBackupCodes>), Refusals),
)]
pub async fn handler(
    caller: Caller<SessionWithProof>,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<ReplacedBackupCodes>, Error> {
    let Request { password, code } = &request;
    let (call, user) = (&caller.call, &caller.user);
    if !user.mfa_enabled {
        return Err(not_enabled());
    }
    let given = Given::password(password).and_code(code);
    let mut prover = caller.prover(Action::MfaRefused);
    loop {
        let proof = prover.check(given).await?;
        let (codes, hashes) = new_backup_codes(call, user.id).await?;
        let left = prover.evidence().factor.as_ref().map_or(0, |it| it.backup_codes.len());
        let changes = Changes::default().with("backup_codes_remaining", left, hashes.len());
        let audit = caller.audit(Action::BackupCodesReplaced, user.id, changes);
        let (organization, random) = (&caller.organization, &*call.random);
        let (store, proof) = (&call.store, proof.used(call.now));
        match store.replace_backup_codes(organization, user, &hashes, proof, &audit, random).await {
            Err(Lost::Overtaken) => prover.read_again().await?,
            Err(lost) => return Err(lost.or(not_enabled())),
            Ok(()) => {
                let backup_codes = codes.iter().map(BackupCode::reveal).collect();
                return Ok(Data::untagged(ReplacedBackupCodes { backup_codes }));
            }
        }
    }
}
