//! Keys. Each builder takes the tenant's typed id first, so that no key can be written down that
//! is not some tenant's. The exceptions are what is found before the tenant is known: an e-mail
//! address, a slug, a sign-in's challenge, and the failures from an address of the network.
//!
//! Secrets have partitions of their own, so that IAM (`dynamodb:LeadingKeys`) lets only those
//! functions read them that need to.

use aws_sdk_dynamodb::types::AttributeValue;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::{encode::Attributes, item::Item};
use crate::{
    auth::{attempts::Origin, caller::Credential},
    clock::Timestamp,
    ids::{
        AllowlistEntryId, AuditId, ChallengeId, ChannelId, DeliveryId, OrganizationId, RuleId,
        UserId,
    },
    model::{preferences::PreferenceKey, retention::LogKind},
};

pub(super) const PARTITION: &str = "PK";
pub(super) const SORT: &str = "SK";
pub(super) const EXPIRES_AT: &str = "expires_at";

/// The partition of the index of all organizations. An entry is written once in the life of an
/// organization, so one partition will do.
const ORGANIZATIONS: &str = "ORGS#ALL";

/// How many characters of a ULID are its time.
const TIME: usize = 10;

/// What a kind of logs is called in keys.
struct LogNames {
    partition: &'static str,
    index: &'static str,
    id: &'static str,
}

impl LogNames {
    const fn of(kind: LogKind) -> Self {
        match kind {
            LogKind::RunLogs => Self { partition: "RUNLOG", index: "run#", id: "run_" },
            LogKind::AuditLogs => Self { partition: "AUDIT", index: "audit#", id: "aud_" },
            LogKind::DiagnosticArtifacts => {
                Self { partition: "ARTIFACT", index: "artifact#", id: "art_" }
            }
        }
    }
}

const LARGE_VALUE: &str = "VALUE#";

/// The primary key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    partition: String,
    sort: String,
}

impl Key {
    fn new(partition: String, sort: impl Into<String>) -> Self {
        Self { partition, sort: sort.into() }
    }

    pub(super) fn organization(id: OrganizationId) -> Self {
        Self::new(format!("ORG#{id}"), "ORG")
    }

    /// An organization's entry in the index of all of them, which serves the schedules.
    pub(super) fn listed_organization(id: OrganizationId) -> Self {
        Self::new(ORGANIZATIONS.to_owned(), id.to_string())
    }

    pub(super) fn user(organization: OrganizationId, user: UserId) -> Self {
        Self::new(format!("USER#{organization}#{user}"), "USER")
    }

    pub(super) fn password(organization: OrganizationId, user: UserId) -> Self {
        Self::new(format!("PASSWORD#{organization}#{user}"), "PASSWORD")
    }

    pub(super) fn second_factor(organization: OrganizationId, user: UserId) -> Self {
        Self::new(format!("MFA#{organization}#{user}"), "MFA")
    }

    pub(super) fn allowlist_entry(organization: OrganizationId, entry: AllowlistEntryId) -> Self {
        Self::new(Self::allowlist_partition(organization), entry.to_string())
    }

    pub(super) fn allowlist_partition(organization: OrganizationId) -> String {
        format!("ALLOWLIST#{organization}")
    }

    /// What the allowlist has come to. It is not in the entries' partition: every function writes
    /// it, and none but one the entries.
    pub(super) fn evaluations(organization: OrganizationId) -> Self {
        Self::new(format!("EVALUATIONS#{organization}"), "EVALUATIONS")
    }

    /// The failures that strangers have made at an account.
    pub(super) fn account_failures(organization: OrganizationId, user: UserId) -> Self {
        Self::new(format!("FAILURES#{organization}#{user}"), "ACCOUNT")
    }

    /// The failures at an account from an address that it is known to use.
    pub(super) fn known_failures(
        organization: OrganizationId,
        user: UserId,
        origin: &Origin,
    ) -> Self {
        Self::new(format!("FAILURES#{organization}#{user}"), format!("FROM#{origin}"))
    }

    /// The failures from an address at whatever accounts it tried.
    pub(super) fn address_failures(origin: &Origin) -> Self {
        Self::new(format!("ADDRESS#{origin}"), "ADDRESS")
    }

    /// A challenge's id lets its holder try codes, so the table has only its hash.
    pub(super) fn challenge(id: ChallengeId) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(id.to_string()));
        Self::new(format!("CHALLENGE#{digest}"), "CHALLENGE")
    }

    pub(super) fn email(address: &str) -> Self {
        Self::new(format!("EMAIL#{address}"), "EMAIL")
    }

    pub(super) fn slug(slug: &str) -> Self {
        Self::new(format!("SLUG#{slug}"), "SLUG")
    }

    pub(super) fn audit(organization: OrganizationId, at: Timestamp, record: AuditId) -> Self {
        Self::new(format!("AUDIT#{organization}#{}", at.day()), record.to_string())
    }

    pub(super) fn audit_day(organization: OrganizationId, day: &str) -> Self {
        Self::new(format!("LOGDAYS#{organization}"), format!("audit#{day}"))
    }

    /// Which day an item of the index of days is of.
    pub(super) fn audit_day_of(item: &Item) -> Option<Timestamp> {
        Timestamp::of_day(item.sort.strip_prefix("audit#")?)
    }

    /// Which audit record an item is.
    pub(super) fn audit_of(item: &Item) -> Option<AuditId> {
        item.sort.parse().ok()
    }

    /// The partition of one day's records of a kind.
    pub(super) fn logs(organization: OrganizationId, kind: LogKind, day: &str) -> String {
        format!("{}#{organization}#{day}", LogNames::of(kind).partition)
    }

    /// A record in it.
    pub(super) fn log(partition: &str, sort: &str) -> Self {
        Self::new(partition.to_owned(), sort)
    }

    /// The record of a kind that has an id's ULID, in the day of its moment.
    #[cfg(feature = "seed-logs")]
    pub(super) fn log_of(organization: OrganizationId, kind: LogKind, id: AuditId) -> Self {
        let sort = id.to_string().replacen("aud_", LogNames::of(kind).id, 1);
        Self::new(Self::logs(organization, kind, &id.created_at().day()), sort)
    }

    /// The entry of a day in the index of days that have records of a kind.
    pub(super) fn log_day(organization: OrganizationId, kind: LogKind, day: &str) -> Self {
        let prefix = LogNames::of(kind).index;
        Self::new(format!("LOGDAYS#{organization}"), format!("{prefix}{day}"))
    }

    /// Which day of which kind an entry of that index is.
    pub(super) fn log_day_of(sort: &str) -> Option<(LogKind, &str)> {
        let kinds = LogKind::ALL.into_iter();
        kinds.filter_map(|kind| Some((kind, sort.strip_prefix(LogNames::of(kind).index)?))).find(
            |(_, day)| day.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == *day),
        )
    }

    /// The first sort key that a record written at `moment` can have.
    pub(super) fn first_log_at(kind: LogKind, moment: Timestamp) -> String {
        let id = AuditId::first_at(moment).to_string();
        let time = id.get(4..4 + TIME).unwrap_or_default();
        format!("{}{time}", LogNames::of(kind).id)
    }

    /// When a record was written, by the ULID time that its sort key has after the kind's prefix.
    /// Only the canonical spelling counts: another one would sort elsewhere.
    pub(super) fn log_written_at(kind: LogKind, sort: &str) -> Option<Timestamp> {
        AuditId::moment_of(sort.strip_prefix(LogNames::of(kind).id)?.get(..TIME)?)
    }

    /// What a sweep has deleted of an organization's logs and not recorded yet. It lies beside the
    /// days, so that one query reads both.
    pub(super) fn sweep_counts(organization: OrganizationId) -> Self {
        Self::new(format!("LOGDAYS#{organization}"), "sweep")
    }

    /// Which sweep is at work.
    pub(super) fn sweep_lease() -> Self {
        Self::new("SWEEP#LEASE".to_owned(), "LEASE")
    }

    /// The partition of the index of all organizations.
    pub(super) fn organizations() -> &'static str {
        ORGANIZATIONS
    }

    /// How many requests a credential may make.
    pub(super) fn rate(organization: OrganizationId, credential: Credential) -> Self {
        Self::new(format!("RATE#{organization}#{credential}"), "RATE")
    }

    pub(super) fn replay(organization: OrganizationId, user: UserId, digest: &str) -> Self {
        Self::new(format!("REPLAY#{organization}#{user}"), digest)
    }

    pub(super) fn preferences(organization: OrganizationId, user: UserId) -> Self {
        Self::new(format!("PREFERENCES#{organization}#{user}"), "PREFERENCES")
    }

    pub(super) fn large_value(
        organization: OrganizationId,
        user: UserId,
        key: &PreferenceKey,
    ) -> Self {
        let sort = format!("{LARGE_VALUE}{}", key.as_str());
        Self { sort, ..Self::preferences(organization, user) }
    }

    /// Which preference's large value an item is.
    pub(super) fn large_value_of(item: &Item) -> Option<PreferenceKey> {
        item.sort.strip_prefix(LARGE_VALUE)?.to_owned().try_into().ok()
    }

    /// The partition of an organization's channels and rules.
    pub(super) fn notifications(organization: OrganizationId) -> String {
        format!("NOTIFY#{organization}")
    }

    /// What counts the changes of which channels and rules there are; it lies beside them.
    pub(super) fn notifications_version(organization: OrganizationId) -> Self {
        Self::new(Self::notifications(organization), "VERSION")
    }

    pub(super) fn channel(organization: OrganizationId, id: ChannelId) -> Self {
        Self::new(Self::notifications(organization), id.to_string())
    }

    pub(super) fn rule(organization: OrganizationId, id: RuleId) -> Self {
        Self::new(Self::notifications(organization), id.to_string())
    }

    /// An event by what its publisher calls it, which may be anything.
    pub(super) fn event(organization: OrganizationId, id: &str) -> Self {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(id));
        Self::new(format!("EVENT#{organization}#{digest}"), "EVENT")
    }

    /// A delivery has a partition of its own: an organization can have many at once.
    pub(super) fn delivery(organization: OrganizationId, id: DeliveryId) -> Self {
        Self::new(format!("DELIVERY#{organization}#{id}"), "DELIVERY")
    }

    /// Whose delivery an item is, and which.
    pub(super) fn delivery_of(item: &Item) -> Option<(OrganizationId, DeliveryId)> {
        let (organization, id) = item.partition.strip_prefix("DELIVERY#")?.split_once('#')?;
        Some((organization.parse().ok()?, id.parse().ok()?))
    }

    /// Whose audit record an item is.
    pub(super) fn auditor_of(item: &Item) -> Option<OrganizationId> {
        let (organization, _) = item.partition.strip_prefix("AUDIT#")?.split_once('#')?;
        organization.parse().ok()
    }

    /// The partition key, for a query of the whole partition.
    pub(super) fn partition(&self) -> &str {
        &self.partition
    }

    /// The sort key, as a bound of a query.
    pub(super) fn sort(&self) -> &str {
        &self.sort
    }

    /// The partition key and the sort key, as associated data of what is encrypted in the item.
    pub(super) fn as_associated_data(&self) -> Vec<u8> {
        [self.partition.as_bytes(), b"\n", self.sort.as_bytes()].concat()
    }

    pub(super) fn attributes(self) -> Attributes {
        Attributes::from([
            (PARTITION.to_owned(), AttributeValue::S(self.partition)),
            (SORT.to_owned(), AttributeValue::S(self.sort)),
        ])
    }
}
