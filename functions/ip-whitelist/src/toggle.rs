//! `POST /api/settings/ip-whitelist/toggle`

use deserr::Deserr;
use serde::Serialize;
use shared::{
    auth::{
        allowlist::{AppliesTo, Means, Mode, Rules},
        caller::Caller,
        permissions::level::SettingsWrite,
    },
    clock::Timestamp,
    error::Error,
    http::{
        answer::{Data, Envelope},
        body::Body,
        fault::Faults,
        field::Int,
        problem::Refusals,
        query::Forced,
    },
    model::{
        audit::{Action, Changes},
        organization::Organization,
    },
    store::AllowlistChange,
};
use utoipa::ToSchema;

use crate::{add::rules, edit_conflict, would_lock_out_caller};

/// Within how many minutes an enforcement is to be confirmed.
pub type ConfirmMinutes = Int<1, 60>;

/// How to enforce the allowlist. What is left out has its default, whatever it was before.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = ToggleIpWhitelist)]
pub struct Request {
    /// Whether requests are evaluated.
    enabled: bool,
    /// What becomes of one from an address that is not on the list: it is refused, or let in and
    /// counted.
    #[deserr(default)]
    #[schema(default = "enforce", required = false)]
    mode: Mode,
    /// Which requests are evaluated: those with API keys (`api`), those in sessions and sign-ins
    /// (`ui`), or both.
    #[deserr(default, try_from(Vec<Means>) = means -> Faults)]
    #[schema(value_type = Vec<Means>, min_items = 1, default = json!(["api", "ui"]), required = false)]
    applies_to: AppliesTo,
    /// Turns the enforcement off again unless it is confirmed within so many minutes. Left out or
    /// `null`: it stays on.
    #[deserr(default)]
    confirm_within_minutes: Option<ConfirmMinutes>,
}

fn means(list: Vec<Means>) -> Result<AppliesTo, Faults> {
    let fault = || Faults::new("/applies_to", "invalid_length", "Must name api, ui or both.");
    list.try_into().map_err(|_| fault())
}

/// How the allowlist is enforced from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ToggledIpWhitelist)]
pub struct Toggled {
    /// Whether requests are evaluated.
    enabled: bool,
    /// What becomes of one from an address that is not on the list.
    mode: Mode,
    /// Which requests are evaluated.
    applies_to: Vec<Means>,
    /// When the enforcement turns itself off unless it is confirmed; `null` where it does not.
    confirm_by: Option<Timestamp>,
    /// When the organization last changed.
    updated_at: Timestamp,
}

impl Toggled {
    pub(crate) fn answer(organization: &Organization, rules: &Rules) -> Data<Self> {
        Data::untagged(Self {
            enabled: rules.enabled,
            mode: rules.mode,
            applies_to: rules.applies_to.into(),
            confirm_by: rules.confirm_by,
            updated_at: organization.updated_at,
        })
    }
}

/// Turns the allowlist on or off, or changes how it is enforced. To turn it on, a session needs a
/// proof of the last ten minutes.
///
/// # Errors
/// 403 `reauthentication_required`; 409 `would_lock_out_caller` where the caller's own address would be
/// refused; 409 `edit_conflict` where another change came first; those of every route that needs
/// `settings:write`.
#[utoipa::path(
    post,
    path = "/api/settings/ip-whitelist/toggle",
    operation_id = "toggle_ip_whitelist",
    tag = "IP allowlist",
    security(("bearer" = ["settings:write"])),
    request_body = Request,
    params(Forced),
    extensions(("x-codes" = json!(["reauthentication_required", "edit_conflict"]))),
    responses((status = 200, body = Envelope<Toggled>), Refusals),
)]
pub async fn handler(
    mut caller: Caller<SettingsWrite>,
    forced: Forced,
    Body { value: request, .. }: Body<Request>,
) -> Result<Data<Toggled>, Error> {
    let (call, organization) = (&caller.call, &caller.organization);
    let before = rules(&organization.allowlist)?;
    let after = applied(&request, before, call.now)?;
    if after.enabled {
        caller.ensure_fresh()?;
    }
    let changes = changes(before, &after, call.now);
    if changes.is_empty() {
        return Ok(Toggled::answer(organization, &after));
    }
    let means = Means::of(caller.credential);
    if !forced.force && after.shuts_out(call.address, means, call.now) {
        return Err(would_lock_out_caller());
    }
    let audit = &caller.audit(Action::AllowlistToggled, organization.id, changes);
    let change = AllowlistChange { organization, rules: &after, audit };
    let written = call.store.set_allowlist(change, &*call.random).await;
    written.map_err(|lost| lost.or(edit_conflict()))?;
    caller.organization.updated_at = call.now;
    Ok(Toggled::answer(&caller.organization, &after))
}

fn applied(request: &Request, before: &Rules, now: Timestamp) -> Result<Rules, Faults> {
    let Request { enabled, mode, applies_to, confirm_within_minutes } = *request;
    if confirm_within_minutes.is_some() && !(enabled && mode == Mode::Enforce) {
        let detail = "Only an enforcement that is turned on is to be confirmed.";
        return Err(Faults::new("/confirm_within_minutes", "not_applicable", detail));
    }
    let confirm_by = confirm_within_minutes.map(|it| now.whole_second().plus_minutes(it.0));
    Ok(Rules { enabled, mode, applies_to, confirm_by, ..before.clone() })
}

fn changes(before: &Rules, after: &Rules, now: Timestamp) -> Changes {
    let mut changes = Changes::default();
    // One that was not confirmed in its time has turned itself off, which nothing has recorded.
    let was_enabled = before.is_on(now);
    if was_enabled != after.enabled {
        changes.push("enabled", was_enabled, after.enabled);
    }
    if before.mode != after.mode {
        changes.push("mode", before.mode, after.mode);
    }
    if before.applies_to != after.applies_to {
        changes.push("applies_to", before.applies_to, after.applies_to);
    }
    if before.confirm_by != after.confirm_by {
        changes.push("confirm_by", before.confirm_by, after.confirm_by);
    }
    changes
}
