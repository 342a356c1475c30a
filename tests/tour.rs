//! A walk through the running system, as its users take it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use serde_json::json;
use shared::ids::SessionId;
use system_tests::{System, at_once};

#[test]
fn a_key_is_made_used_replaced_and_dead_at_once() {
    let system = System::get();
    let admin = system.organization("tour");
    let session = system.client().sign_in(&admin);
    let profile = session.get("/api/user/profile");
    assert_eq!(profile.data(200)["email"], admin.email.as_str());

    let (id, secret) = session.create_key(&["profile:read"]);
    let program = system.client().bearer(&secret);
    assert_eq!(program.get("/api/user/profile").status, 200);
    program.get("/api/organization").expect(403, "insufficient_scope");
    program.get("/api/user/sessions").expect(403, "session_required");

    let path = format!("/api/user/api-keys/{id}/regenerate");
    let answer = session.post(&path, &json!({}));
    let replaced = system.client().bearer(answer.data(200)["secret"].as_str().unwrap());
    program.get("/api/user/profile").expect(401, "invalid_credential");
    assert_eq!(replaced.get("/api/user/profile").status, 200);

    assert_eq!(session.delete(&format!("/api/user/api-keys/{id}")).status, 204);
    replaced.get("/api/user/profile").expect(401, "invalid_credential");
    assert_eq!(session.post("/api/logout", &json!({})).status, 204);
    session.get("/api/user/profile").expect(401, "invalid_credential");
}

#[test]
fn a_legacy_header_carries_a_key() {
    let system = System::get();
    let session = system.client().sign_in(&system.organization("legacy"));
    let (_, secret) = session.create_key(&["organization:read"]);
    let program = system.client().with("x-planasonix-api-key", secret);
    assert_eq!(program.get("/api/organization").data(200)["slug"], "legacy");
}

#[test]
fn another_tenant_s_key_answers_as_a_missing_one() {
    let system = System::get();
    let owner = system.client().sign_in(&system.organization("owner"));
    let stranger = system.client().sign_in(&system.organization("prober"));
    let (id, secret) = owner.create_key(&["profile:read"]);
    let foreign = stranger.get(&format!("/api/user/api-keys/{id}"));
    foreign.expect(404, "not_found");
    stranger.get("/api/user/api-keys/key_00000000000000000000000000").expect(404, "not_found");
    stranger.delete(&format!("/api/user/api-keys/{id}")).expect(404, "not_found");
    assert_eq!(system.client().bearer(&secret).get("/api/user/profile").status, 200);
}

#[test]
fn the_operator_s_changes_hold_from_the_next_request_on() {
    let system = System::get();
    let admin = system.organization("operated");
    let session = system.client().sign_in(&admin);
    let (_, secret) = session.create_key(&["settings:write", "audit:read", "profile:read"]);
    let user = json!({"organization_id": admin.organization_id, "user_id": admin.user_id});
    let command = |action: &str, more: serde_json::Value| {
        let mut command = user.clone();
        command["action"] = action.into();
        command.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        system.operate(&command)
    };
    let create = json!({"name": "Late", "scopes": ["audit:read"]});
    command("change_roles", json!({"roles": ["viewer"]}));
    session.post("/api/user/api-keys", &create).expect(403, "role_required");
    command("disable_user", json!({}));
    session.get("/api/user/profile").expect(401, "invalid_credential");
    system.client().bearer(&secret).get("/api/user/profile").expect(401, "invalid_credential");
    command("enable_user", json!({}));
    assert_eq!(system.client().bearer(&secret).get("/api/user/profile").status, 200);
    session.get("/api/user/profile").expect(401, "invalid_credential");
}

#[test]
fn a_shortened_policy_ends_an_idle_session_on_every_instance_and_a_longer_one_does_not_revive_it() {
    let system = System::get();
    let admin = system.organization("hurried");
    let (session, left) = (system.client().sign_in(&admin), system.client().sign_in(&admin));
    let sessions = session.get("/api/user/sessions").data(200).clone();
    let others = sessions.as_array().unwrap().iter().filter(|it| it["current"] == false);
    let [id] = others.map(|it| it["id"].as_str().unwrap()).collect::<Vec<_>>()[..] else {
        panic!("{sessions}")
    };
    let user = format!("USER#{}#{}", admin.organization_id, admin.user_id);
    // It was left twenty minutes ago.
    system.table(
        "UpdateItem",
        json!({
            "Key": {"PK": {"S": user}, "SK": {"S": "USER"}},
            "UpdateExpression":
                "SET sessions.#id.l = sessions.#id.l - :seconds",
            "ExpressionAttributeNames": {"#id": id.parse::<SessionId>().unwrap().short()},
            "ExpressionAttributeValues": {":seconds": {"N": "1200"}},
        }),
    );
    let listed = session.get("/api/user/sessions").data(200).as_array().unwrap().len();
    assert_eq!(listed, 2, "it is still open");
    let set = |minutes: u32| {
        let body = json!({"idle_timeout_minutes": minutes});
        let answer = session.put("/api/user/session-timeout", &body);
        assert_eq!(answer.data(200)["idle_timeout_minutes"], minutes);
    };
    for minutes in [15, 1440] {
        set(minutes);
        for path in ["/api/user/profile", "/api/organization", "/api/user/session-timeout"] {
            // Two at once, so that both instances of the function answer.
            for answer in at_once(2, || left.get(path)) {
                answer.expect(401, "session_idle");
            }
            assert_eq!(session.get(path).status, 200);
        }
    }
}

#[test]
fn the_allowlist_goes_by_the_gateway_s_address_alone_and_the_operator_breaks_the_glass() {
    let system = System::get();
    let admin = system.organization("walled");
    let session = system.client().sign_in(&admin);
    let (_, secret) = session.create_key(&["organization:read"]);
    let organization = admin.organization_id.as_str();
    let added = session.post("/api/settings/ip-whitelist", &json!({"cidr": "203.0.113.0/24"}));
    assert_eq!(added.data(201)["cidr"], "203.0.113.0/24");
    let toggle = "/api/settings/ip-whitelist/toggle";
    session.post(toggle, &json!({"enabled": true})).expect(409, "would_lock_out_caller");
    let forced = session.post(&format!("{toggle}?force=true"), &json!({"enabled": true}));
    assert_eq!(forced.data(200)["enabled"], true);
    let from = |address: &str| {
        let answer = system.invoke("organization", "GET", "/api/organization", &secret, address);
        answer["statusCode"].as_u64().unwrap()
    };
    assert_eq!(from("203.0.113.7"), 200);
    assert_eq!(from("::ffff:203.0.113.7"), 200);
    // The header of every one of these requests claims 203.0.113.7.
    assert_eq!(from("198.51.100.1"), 403);
    system.operate(&json!({"action": "disable_allowlist", "organization_id": organization}));
    assert_eq!(from("198.51.100.1"), 200);
}

#[test]
fn a_second_factor_is_set_up_used_and_disabled_and_is_in_no_log() {
    let system = System::get();
    let admin = system.organization("enrolled");
    let session = system.client().sign_in(&admin);
    let started = session.post("/api/user/mfa/enable", &json!({"method": "totp"}));
    let text = |name: &str| started.data(200)[name].as_str().unwrap().to_owned();
    let (seed, uri, now) = (text("secret"), text("otpauth_uri"), now());
    let code = harness::code_of(&seed, now);
    let body = json!({"enrollment_id": text("enrollment_id"), "code": code});
    let verified = session.post("/api/user/mfa/verify", &body);
    let codes = verified.data(200)["backup_codes"].as_array().unwrap().iter();
    let codes: Vec<_> = codes.map(|code| code.as_str().unwrap().to_owned()).collect();

    let login = json!({"email": admin.email, "password": admin.password});
    let challenge = || {
        let answer = system.client().post("/api/login", &login);
        assert_eq!(answer.data(200)["mfa_required"], true);
        answer.data(200)["challenge_id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (challenge(), challenge());
    let complete = |challenge: &str, code: &str| {
        let body = json!({"challenge_id": challenge, "code": code});
        system.client().post("/api/login/mfa", &body)
    };
    complete(&first, &code).expect(401, "invalid_code");
    let answer = complete(&first, &harness::code_of(&seed, now + 30));
    let session = system.client().bearer(answer.data(200)["access_token"].as_str().unwrap());
    assert_eq!(complete(&second, &codes[0]).status, 200);
    let status = session.get("/api/user/mfa");
    assert_eq!(status.data(200)["backup_codes_remaining"], 9);
    let proof = json!({"password": admin.password, "code": codes[1]});
    assert_eq!(session.post("/api/user/mfa/disable", &proof).status, 204);
    assert_eq!(system.client().sign_in(&admin).get("/api/user/mfa").data(200)["enabled"], false);

    let log = system.log();
    let plain = codes.iter().map(|code| code.replace('-', ""));
    for hidden in [seed, uri, first, second].into_iter().chain(plain).chain(codes.clone()) {
        assert!(!log.contains(&hidden), "{hidden} is in the log");
    }
}

#[expect(clippy::disallowed_methods, reason = "the functions go by the machine's clock")]
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs().cast_signed()
}

#[test]
fn the_logs_hold_one_short_line_a_request_and_nothing_secret() {
    let system = System::get();
    let admin = system.organization("logged");
    let session = system.client().sign_in(&admin);
    let (_, secret) = session.create_key(&["profile:read"]);
    system.client().bearer(&secret).get("/api/user/profile");
    let login = json!({"email": admin.email, "password": "not-the-password-7"});
    system.client().post("/api/login", &login).expect(401, "invalid_login");
    let log = system.log();
    for hidden in ["plnx_", "@", admin.password.as_str(), "not-the-password-7", secret.as_str()] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
    let requests: Vec<_> = log.lines().filter(|line| line.contains("\"route\"")).collect();
    assert!(requests.len() >= 4);
    for line in requests {
        assert!(line.len() <= 300, "{} bytes: {line}", line.len());
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}
