//! `POST /api/notifications/rules`

use axum::http::StatusCode;
use deserr::Deserr;
use shared::{
    auth::{caller::Caller, permissions::level::NotificationsWriteWithReplay},
    call::Call,
    error::Error,
    http::{
        answer::{Envelope, Fixed},
        body::Body,
        fault::Faults,
        field::Existing,
        problem::Refusals,
        replay::Attempt,
    },
    ids::{ChannelId, ChannelKind, RuleId},
    model::{
        audit::{Action, Changes},
        notifications::{
            MAX_RULES, Notifications,
            event::EventPattern,
            rule::{Filters, Rule},
        },
    },
    store::{Lost, NotificationsChange, Tries},
};
use utoipa::ToSchema;

use crate::{
    edit_conflict, limit_reached,
    rule::{GivenFilters, GivenPattern, ShownFilters, ShownRule},
    values::{Distinct, Name},
};

/// The rule to create, or to put in the place of the one of its name. What is left out has its
/// default, whatever it was before.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[schema(as = PutNotificationRule)]
pub struct Request {
    /// What people call it; unique in the organization.
    name: Name,
    /// The event that it is about, or a family of events.
    event: GivenPattern,
    /// The channels that the events go to.
    #[schema(value_type = BTreeSet<ChannelId>, min_items = 1, max_items = 50)]
    channel_ids: Distinct<Existing<ChannelKind>, 1, 50>,
    /// Which of the events. Left out or `null`: all.
    #[deserr(default)]
    filters: Option<GivenFilters>,
    /// Whether it is followed.
    #[deserr(default = true)]
    #[schema(default = true, required = false)]
    enabled: bool,
}

/// Creates a rule, or replaces the one of the same name. An event goes to a channel once, however many
/// rules lead it there.
///
/// # Errors
/// 409 `limit_reached` for a new one beside 80; 409 `edit_conflict` where other changes kept coming
/// first; 422 for a channel that is not the organization's; 422 `idempotency_key_reused`; those of
/// every route that needs `notifications:write`.
#[utoipa::path(
    post,
    path = "/api/notifications/rules",
    operation_id = "put_notification_rule",
    tag = "Notifications",
    security(("bearer" = ["notifications:write"])),
    request_body = Request,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; a retry with it gets the first answer")),
    extensions(("x-codes" = json!(["limit_reached", "edit_conflict"]))),
    responses(
        (status = 200, description = "The rule of this name was replaced.", body = Envelope<ShownRule>),
        (status = 201, description = "The rule was created.", body = Envelope<ShownRule>),
        Refusals,
    ),
)]
pub async fn handler(
    caller: Caller<NotificationsWriteWithReplay>,
    Body { value: request, digest }: Body<Request>,
) -> Result<Fixed, Error> {
    let path = "/api/notifications/rules";
    let first = match Attempt::of(&caller, path, &digest)? {
        Attempt::First(first) => first,
        Attempt::Replay(answer) => return Ok(answer),
    };
    let (call, organization) = (&caller.call, &caller.organization);
    let Request { name, event, channel_ids, filters, enabled } = request;
    let channel_ids = channel_ids.0.into_iter().map(|id| id.0).collect();
    let filters = filters.unwrap_or_default().about(&event.0);
    let given = Given { name: name.0, event: event.0, channel_ids, filters, enabled };
    let id = RuleId::generate(call.now, &*call.random);
    let mut tries = Tries::new(&*call.random);
    loop {
        let read = &call.store.notifications(organization.id).await?;
        let before = read.rules.iter().find(|rule| rule.name == given.name);
        let rule = match given.decide(call, id, read, before) {
            Ok(rule) => rule,
            Err(refusal) => return first.refused(call, refusal).await,
        };
        let (status, action) = match before {
            Some(_) => (StatusCode::OK, Action::RuleReplaced),
            None => (StatusCode::CREATED, Action::RuleCreated),
        };
        let answer = Fixed::json(status, &Envelope { data: ShownRule::from(&rule) })?;
        let record = first.record(call, &answer)?;
        let audit = &caller.audit(action, rule.id, changes(before, &rule));
        let change = NotificationsChange { organization, read, user: caller.user.id, audit };
        let written = call.store.put_rule(change, &rule, record, &*call.random).await;
        match first.conclude(call, written, answer).await {
            Err(Lost::Condition(_)) if tries.again().await => {}
            concluded => return concluded.map_err(|lost| lost.or(edit_conflict())),
        }
    }
}

/// The rule that is asked for, before it is known what there is.
struct Given {
    name: String,
    event: EventPattern,
    channel_ids: Vec<ChannelId>,
    filters: Result<Filters, Faults>,
    enabled: bool,
}

impl Given {
    /// The rule as it will be among what there is.
    fn decide(
        &self,
        call: &Call,
        id: RuleId,
        among: &Notifications,
        before: Option<&Rule>,
    ) -> Result<Rule, Error> {
        let missing = (0..).zip(&self.channel_ids).filter(|(_, id)| {
            // Whether it is another tenant's is not asked: it is none of this one's.
            among.channels.iter().all(|channel| channel.id != **id)
        });
        let missing = missing.map(|(index, _): (usize, _)| {
            Faults::new(format!("/channel_ids/{index}"), "not_found", "There is no such channel.")
        });
        let faults = missing.chain(self.filters.clone().err()).reduce(Faults::and);
        let (None, Ok(filters)) = (&faults, &self.filters) else {
            return Err(faults.map_or(Error::NotFound, Error::Validation));
        };
        if before.is_none() && among.rules.len() >= MAX_RULES {
            return Err(limit_reached("rules", MAX_RULES));
        }
        Ok(Rule {
            id: before.map_or(id, |rule| rule.id),
            name: self.name.clone(),
            event: self.event.clone(),
            channel_ids: self.channel_ids.clone(),
            filters: filters.clone(),
            enabled: self.enabled,
            updated_at: call.now,
            version: before.map_or(1, |rule| rule.version + 1),
        })
    }
}

fn changes(before: Option<&Rule>, after: &Rule) -> Changes {
    let mut changes = Changes::default();
    if before.is_none() {
        changes.push("name", None::<String>, &after.name);
    }
    if before.is_none_or(|before| before.event != after.event) {
        changes.push("event", before.map(|rule| rule.event.as_str()), after.event.as_str());
    }
    if before.is_none_or(|before| before.channel_ids != after.channel_ids) {
        changes.push("channel_ids", before.map(|rule| &rule.channel_ids), &after.channel_ids);
    }
    if before.map_or(!after.filters.is_empty(), |before| before.filters != after.filters) {
        let shown = |rule: &Rule| ShownFilters::from(&rule.filters);
        changes.push("filters", before.map(shown), shown(after));
    }
    if before.is_none_or(|before| before.enabled != after.enabled) {
        changes.push("enabled", before.map(|rule| rule.enabled), after.enabled);
    }
    changes
}
