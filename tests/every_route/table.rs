//! Every operation of the service, with one request of it that succeeds.

use std::collections::BTreeSet;

use harness::World;
use shared::auth::permissions::Scope;

use crate::operation::{Access, Operation, Who, routes};

const fn read(path: &'static str, access: Access) -> Operation {
    let (who, body, status) = (Who::Viewer, "", 200);
    Operation { method: "GET", path, access, who, body, status, calls: 1, units: 2.0 }
}

const fn write(
    method: &'static str,
    path: &'static str,
    access: Access,
    body: &'static str,
    status: u16,
    units: f64,
) -> Operation {
    Operation { method, path, access, who: Who::Viewer, body, status, calls: 2, units }
}

/// A read of notifications: a call of its own, and a unit, beside the caller's.
const fn queried(path: &'static str) -> Operation {
    Operation { calls: 2, units: 3.0, ..read(path, Access::Scope(Scope::NotificationsRead)) }
}

/// A change of notifications: what there is is read before.
const fn configured(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    status: u16,
    units: f64,
) -> Operation {
    let access = Access::Scope(Scope::NotificationsWrite);
    Operation { who: Who::Admin, calls: 3, ..write(method, path, access, body, status, units) }
}

/// The code of the time step after the one in which a world begins: it is good then, and a minute
/// later, too.
pub(crate) const CODE: &str = "990919";

/// A read is one call of two units: organization and user. Preferences take a third, and one of them
/// a fourth, for the item that its value may have. A write is that and one transaction: two units a
/// part of up to 1 KB, the audit record being one. The allowlist's entries are read by a call of their
/// own, of one unit for each 4 KB; so are channels and rules, all of them or the one that is asked for.
pub(crate) const OPERATIONS: [Operation; 56] = [
    Operation {
        method: "POST",
        path: "/api/login",
        access: Access::Public,
        who: Who::Viewer,
        body: r#"{"email": "viewer@acme.example", "password": "plum-anvil-sextant-drizzle"}"#,
        status: 200,
        calls: 3,
        units: 17.0,
    },
    Operation {
        method: "POST",
        path: "/api/login/mfa",
        access: Access::Public,
        who: Who::Viewer,
        body: r#"{"challenge_id": "mfachl_00000000000000000000000000", "code": "990919"}"#,
        status: 200,
        calls: 3,
        units: 21.0,
    },
    write(
        "POST",
        "/api/session/reauthenticate",
        Access::Session,
        r#"{"password": "plum-anvil-sextant-drizzle"}"#,
        204,
        15.0,
    ),
    write("POST", "/api/logout", Access::Session, "", 204, 6.0),
    read("/api/user/sessions", Access::Session),
    write("DELETE", "/api/user/sessions", Access::Session, "", 204, 6.0),
    write("DELETE", "/api/user/sessions/{id}", Access::Session, "", 204, 6.0),
    read("/api/user/profile", Access::Scope(Scope::ProfileRead)),
    write(
        "PUT",
        "/api/user/profile",
        Access::Scope(Scope::ProfileWrite),
        r#"{"display_name": "Vee"}"#,
        200,
        6.0,
    ),
    write(
        "POST",
        "/api/user/password",
        Access::Session,
        r#"{"current_password": "plum-anvil-sextant-drizzle", "new_password": "quartz-lantern-mosaic-ferry"}"#,
        204,
        16.0,
    ),
    Operation { units: 3.0, ..read("/api/user/mfa", Access::Session) },
    write("POST", "/api/user/mfa/enable", Access::Session, r#"{"method": "totp"}"#, 200, 6.0),
    write(
        "POST",
        "/api/user/mfa/verify",
        Access::Session,
        r#"{"enrollment_id": "mfaenr_00000000000000000000000000", "code": "990919"}"#,
        200,
        16.0,
    ),
    write(
        "POST",
        "/api/user/mfa/backup-codes",
        Access::Session,
        r#"{"password": "plum-anvil-sextant-drizzle", "code": "990919"}"#,
        200,
        15.0,
    ),
    write(
        "POST",
        "/api/user/mfa/disable",
        Access::Session,
        r#"{"password": "plum-anvil-sextant-drizzle", "code": "990919"}"#,
        204,
        17.0,
    ),
    read("/api/user/api-keys", Access::Scope(Scope::ProfileRead)),
    write(
        "POST",
        "/api/user/api-keys",
        Access::Session,
        r#"{"name": "CI", "scopes": ["profile:read"]}"#,
        201,
        6.0,
    ),
    read("/api/user/api-keys/{id}", Access::Scope(Scope::ProfileRead)),
    write("DELETE", "/api/user/api-keys/{id}", Access::Session, "", 204, 6.0),
    write(
        "POST",
        "/api/user/api-keys/{id}/regenerate",
        Access::Session,
        r#"{"overlap_minutes": 5}"#,
        200,
        6.0,
    ),
    read("/api/user/session-timeout", Access::Scope(Scope::SettingsRead)),
    Operation {
        who: Who::Admin,
        ..write(
            "PUT",
            "/api/user/session-timeout",
            Access::Scope(Scope::SettingsWrite),
            r#"{"idle_timeout_minutes": 30, "absolute_timeout_minutes": 720, "extend_on_activity": true}"#,
            200,
            6.0,
        )
    },
    Operation {
        units: 3.0,
        ..read("/api/user-preferences", Access::Scope(Scope::PreferencesRead))
    },
    Operation {
        units: 4.0,
        ..read("/api/user-preferences/{key}", Access::Scope(Scope::PreferencesRead))
    },
    write(
        "PUT",
        "/api/user-preferences/{key}",
        Access::Scope(Scope::PreferencesWrite),
        r#"{"value": false}"#,
        200,
        8.0,
    ),
    write(
        "DELETE",
        "/api/user-preferences/{key}",
        Access::Scope(Scope::PreferencesWrite),
        "",
        204,
        8.0,
    ),
    read("/api/settings", Access::Scope(Scope::SettingsRead)),
    Operation {
        who: Who::Admin,
        ..write(
            "PUT",
            "/api/settings",
            Access::Scope(Scope::SettingsWrite),
            r#"{"default_timezone": "America/New_York", "require_sso": true}"#,
            200,
            6.0,
        )
    },
    Operation {
        calls: 2,
        units: 3.0,
        ..read("/api/settings/ip-whitelist", Access::Scope(Scope::SettingsRead))
    },
    Operation {
        who: Who::Admin,
        calls: 3,
        ..write(
            "POST",
            "/api/settings/ip-whitelist",
            Access::Scope(Scope::SettingsWrite),
            r#"{"cidr": "198.18.0.0/15"}"#,
            201,
            9.0,
        )
    },
    Operation {
        who: Who::Admin,
        calls: 3,
        ..write(
            "DELETE",
            "/api/settings/ip-whitelist/{id}",
            Access::Scope(Scope::SettingsWrite),
            "",
            204,
            9.0,
        )
    },
    Operation {
        units: 3.0,
        ..read("/api/settings/ip-whitelist/status", Access::Scope(Scope::SettingsRead))
    },
    Operation {
        who: Who::Admin,
        ..write(
            "POST",
            "/api/settings/ip-whitelist/toggle",
            Access::Scope(Scope::SettingsWrite),
            r#"{"enabled": true, "mode": "report_only"}"#,
            200,
            6.0,
        )
    },
    read("/api/settings/all", Access::Scope(Scope::SettingsRead)),
    // It reads the log, too: a call and a unit more.
    Operation {
        who: Who::Admin,
        calls: 3,
        units: 5.0,
        ..read("/api/audit-log", Access::Scope(Scope::AuditRead))
    },
    Operation {
        method: "POST",
        body: r#"{"ip": "203.0.113.7"}"#,
        calls: 2,
        units: 3.0,
        ..read("/api/settings/ip-whitelist/check", Access::Scope(Scope::SettingsRead))
    },
    Operation {
        who: Who::Admin,
        ..write(
            "POST",
            "/api/settings/ip-whitelist/confirm",
            Access::Scope(Scope::SettingsWrite),
            "",
            200,
            6.0,
        )
    },
    read("/api/settings/log-retention", Access::Scope(Scope::SettingsRead)),
    Operation {
        who: Who::Admin,
        ..write(
            "PUT",
            "/api/settings/log-retention",
            Access::Scope(Scope::SettingsWrite),
            r#"{"run_logs_days": 14, "diagnostic_artifacts_days": 14}"#,
            200,
            6.0,
        )
    },
    queried("/api/notifications/channels"),
    configured(
        "POST",
        "/api/notifications/channels",
        r#"{"type": "slack", "config": {"workspace": "acme", "channel": "C01234567"}, "name": "A"}"#,
        201,
        9.0,
    ),
    queried("/api/notifications/channels/{id}"),
    configured(
        "PUT",
        "/api/notifications/channels/{id}",
        r#"{"name": "B", "enabled": false}"#,
        200,
        7.0,
    ),
    configured("DELETE", "/api/notifications/channels/{id}", "", 204, 9.0),
    configured("POST", "/api/notifications/channels/{id}/test", "", 202, 8.0),
    configured("POST", "/api/notifications/channels/{id}/rotate-secret", "", 200, 7.0),
    queried("/api/notifications/rules"),
    configured(
        "POST",
        "/api/notifications/rules",
        r#"{"name": "A", "event": "dlq.*", "channel_ids": ["nch_00000000000000000000000001"]}"#,
        201,
        9.0,
    ),
    queried("/api/notifications/rules/{id}"),
    configured("DELETE", "/api/notifications/rules/{id}", "", 204, 9.0),
    Operation {
        access: Access::Scope(Scope::NotificationsPublish),
        who: Who::Editor,
        ..configured("POST", "/api/notifications/events", r#"{"type": "dlq.drained"}"#, 202, 7.0)
    },
    queried("/api/notifications/deliveries/{id}"),
    read("/api/organization", Access::Scope(Scope::OrganizationRead)),
    read("/api/organization/features", Access::Scope(Scope::OrganizationRead)),
    read("/api/organization/limits", Access::Scope(Scope::OrganizationRead)),
    read("/api/organization/subscription", Access::Scope(Scope::OrganizationRead)),
];

#[test]
fn the_table_names_every_operation() {
    let mut documented = BTreeSet::new();
    for (path, item) in openapi::document().paths.paths {
        let operations = [
            ("GET", item.get),
            ("POST", item.post),
            ("PUT", item.put),
            ("DELETE", item.delete),
            ("PATCH", item.patch),
        ];
        let there = operations.into_iter().filter(|(_, operation)| operation.is_some());
        documented.extend(there.map(|(method, _)| format!("{method} {path}")));
    }
    let named: BTreeSet<_> = OPERATIONS.iter().map(Operation::name).collect();
    assert_eq!(named, documented);
}

#[tokio::test]
async fn each_costs_what_the_table_says() {
    let (mut said, mut found) = (Vec::new(), Vec::new());
    for operation in &OPERATIONS {
        let world = World::new().await;
        let client = world.client(routes());
        let answer = operation.ready(&world, &client).await.send().await;
        assert_eq!(answer.status, operation.status, "{}: {}", operation.name(), answer.body);
        said.push((operation.name(), operation.calls, operation.units));
        found.push((operation.name(), answer.calls, answer.units));
    }
    assert_eq!(found, said);
}
