//! What the operator's commands do, and whom they refuse.

use harness::{Fault, PASSWORD, Person, World};
use serde_json::{Value, json};
use shared::auth::allowlist::Mode;
use shared::auth::permissions::{Role, Scope};

async fn run(world: &World, command: Value) -> Result<Value, (String, String)> {
    match operator::handle(&world.app, "operator-request", command).await {
        Ok(answer) => Ok(answer["data"].clone()),
        Err(refused) => {
            let diagnostic = lambda_runtime::Diagnostic::from(refused);
            Err((diagnostic.error_type, diagnostic.error_message))
        }
    }
}

fn code(result: Result<Value, (String, String)>) -> String {
    result.unwrap_err().0
}

fn create(slug: &str, email: &str) -> Value {
    json!({
        "action": "create_organization", "name": "Initech", "slug": slug, "plan": "team",
        "billing_period": "monthly", "renewal_date": "2027-01-31", "data_residency": "eu",
        "features": ["lineage"], "limits": {"max_pipelines": 20},
        "admin": {"email": email, "display_name": "Ina Initech", "password": PASSWORD},
    })
}

fn about(person: &Person, action: &str) -> Value {
    json!({
        "action": action, "organization_id": person.organization_id, "user_id": person.user_id,
    })
}

#[tokio::test]
async fn creates_an_organization_whose_administrator_can_sign_in() {
    let world = World::new().await;
    let data = run(&world, create("initech", "Ina@Initech.example")).await.unwrap();
    let (organization, user) = (&data["organization"], &data["user"]);
    assert_eq!(organization["created_at"], "2026-03-27T15:00:00Z");
    assert_eq!(organization["slug"], "initech");
    assert_eq!(user["email"], "ina@initech.example");
    assert_eq!(user["roles"], json!(["admin"]));
    assert_eq!(user.get("password"), None);
    let client = world.client(sessions::router());
    let login = json!({"email": "ina@initech.example", "password": PASSWORD});
    let answer = client.post("/api/login").json(login).send().await;
    assert_eq!(answer.data(200)["user"]["id"], user["id"]);
    let id = organization["id"].as_str().unwrap().parse().unwrap();
    let records = world.audit(id);
    let actions: Vec<_> = records.iter().map(|it| it["action"].clone()).collect();
    let created = records.iter().find(|it| it["action"] == "organization.created").unwrap();
    for (field, value) in [
        ("slug", json!("initech")),
        ("billing_period", json!("monthly")),
        ("renewal_date", json!("2027-01-31")),
        ("data_residency", json!("eu")),
        ("default_timezone", json!("UTC")),
    ] {
        assert_eq!(created["changes"][field], json!({"from": null, "to": value}));
    }
    assert!(actions.contains(&json!("user.created")), "{actions:?}");
    assert_eq!(world.items_under(&format!("LOGDAYS#{id}")).len(), 1);
    assert!(!world.log.lines().join("").contains('@'));
}

#[tokio::test]
async fn a_taken_slug_or_address_is_refused_and_nothing_is_left_behind() {
    let world = World::new().await;
    let before = world.dump();
    let taken = run(&world, create("acme-analytics", "new@initech.example")).await;
    assert_eq!(code(taken), "slug_taken");
    let taken = run(&world, create("initech", "ADMIN@acme.example")).await;
    assert_eq!(code(taken), "email_taken");
    let add = json!({
        "action": "add_user", "organization_id": world.stranger.organization_id,
        "email": "viewer@acme.example", "display_name": "Dup", "roles": ["viewer"],
    });
    assert_eq!(code(run(&world, add).await), "email_taken");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn every_fault_of_a_command_is_told() {
    let world = World::new().await;
    let before = world.dump();
    let command = json!({
        "action": "create_organization", "name": "", "slug": "Not A Slug", "plan": "Team!",
        "billing_period": "weekly", "renewal_date": "2027-02-30", "data_residency": 1,
        "features": "lineage", "limits": {"max_pipelines": -1, "Bad Name": 1}, "colour": "red",
        "default_timezone": "Mars/Olympus", "feature_flags": {"lineage_v2": 1, "Bad Flag": true},
        "admin": {"email": "nobody", "display_name": " x", "password": PASSWORD},
    });
    let (kind, message) = run(&world, command).await.unwrap_err();
    assert_eq!(kind, "validation_failed");
    for pointer in [
        "/name:",
        "/slug:",
        "/plan:",
        "/billing_period:",
        "/renewal_date:",
        "/data_residency:",
        "/features:",
        "/limits/max_pipelines:",
        "/limits/Bad Name:",
        "/colour:",
        "/default_timezone:",
        "/feature_flags/lineage_v2:",
        "/feature_flags/Bad Flag:",
        "/admin/email:",
        "/admin/display_name:",
    ] {
        assert!(message.contains(pointer), "{pointer} is not in {message}");
    }
    let mut weak = create("initech", "ina@initech.example");
    weak["admin"]["password"] = "inainitechinitech".into();
    let (kind, message) = run(&world, weak).await.unwrap_err();
    assert!(kind == "validation_failed" && message.contains("/admin/password:"), "{message}");
    for nonsense in [json!(null), json!([]), json!("x"), json!({}), json!({"action": "drop"})] {
        assert_eq!(code(run(&world, nonsense).await), "validation_failed");
    }
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_password_that_is_left_out_is_made_up_and_works() {
    let world = World::new().await;
    let add = json!({
        "action": "add_user", "organization_id": world.admin.organization_id,
        "email": "new@acme.example", "display_name": "Nora New",
        "roles": ["viewer", "pipeline_editor", "viewer"],
    });
    let user = run(&world, add).await.unwrap()["user"].clone();
    assert_eq!(user["roles"], json!(["pipeline_editor", "viewer"]));
    let password = user["password"].as_str().unwrap();
    assert_eq!(password.len(), 26);
    let client = world.client(sessions::router());
    let login = json!({"email": "new@acme.example", "password": password});
    client.post("/api/login").json(login).send().await.expect(200, "");
    assert!(!world.dump().contains(password));
    assert!(!world.log.lines().join("").contains(password));
}

#[tokio::test]
async fn changed_roles_hold_at_the_next_request_and_are_audited() {
    let world = World::new().await;
    let key = world.api_key(&world.editor, &[Scope::PipelinesRun]).await;
    let mut command = about(&world.editor, "change_roles");
    command["roles"] = json!(["viewer"]);
    let user = run(&world, command.clone()).await.unwrap()["user"].clone();
    assert_eq!(user["roles"], json!(["viewer"]));
    assert_eq!(world.user(&world.editor).await.roles, [Role::Viewer]);
    let records = world.audited(&world.editor, "user.roles_changed");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["actor"], json!({"type": "operator"}));
    assert_eq!(record["request_id"], "operator-request");
    let changes = json!({"roles": {"from": ["pipeline_editor"], "to": ["viewer"]}});
    assert_eq!(record["changes"], changes);
    let before = world.dump();
    run(&world, command).await.unwrap();
    assert_eq!(world.dump(), before);
    let client = world.client(sessions::router());
    client.get("/api/user/sessions").bearer(&key).send().await.expect(403, "session_required");
}

#[tokio::test]
async fn a_role_change_that_is_overtaken_is_a_conflict() {
    let world = World::new().await;
    let viewer = &world.viewer;
    let partition = format!("USER#{}#{}", viewer.organization_id, viewer.user_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["roles"] = json!({"L": [{"S": "admin"}]});
    });
    let mut command = about(viewer, "change_roles");
    command["roles"] = json!(["pipeline_editor"]);
    assert_eq!(code(run(&world, command).await), "edit_conflict");
    assert_eq!(world.user(viewer).await.roles, [Role::Admin]);
    assert!(world.audited(viewer, "user.roles_changed").is_empty());
}

#[tokio::test]
async fn a_disabled_user_s_credentials_are_dead_and_only_keys_come_back() {
    let world = World::new().await;
    let client = world.client(sessions::router());
    let session = world.session(&world.viewer).await;
    let key = world.api_key(&world.viewer, Scope::ALL).await;
    let path = "/api/user/sessions";
    let user = run(&world, about(&world.viewer, "disable_user")).await.unwrap()["user"].clone();
    assert_eq!(user["disabled"], true);
    for token in [&session, &key] {
        client.get(path).bearer(token).send().await.expect(401, "invalid_credential");
    }
    run(&world, about(&world.viewer, "enable_user")).await.unwrap();
    client.get(path).bearer(&session).send().await.expect(401, "invalid_credential");
    client.get(path).bearer(&key).send().await.expect(403, "session_required");
    assert_eq!(world.audited(&world.viewer, "user.disabled").len(), 1);
    let before = world.dump();
    run(&world, about(&world.viewer, "enable_user")).await.unwrap();
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn entitlements_are_set_and_audited() {
    let world = World::new().await;
    let command = json!({
        "action": "set_entitlements", "organization_id": world.admin.organization_id,
        "plan": "starter", "features": ["lineage"], "limits": {"max_pipelines": 5},
        "billing_period": "monthly", "renewal_date": "2027-01-01",
        "feature_flags": {"lineage_v2": false},
    });
    run(&world, command).await.unwrap();
    let organization = world.principal(&world.admin).await.organization;
    assert_eq!((organization.plan.as_str(), organization.version), ("starter", 2));
    assert_eq!(organization.features, ["lineage"]);
    assert_eq!(
        organization.limits.into_iter().collect::<Vec<_>>(),
        [("max_pipelines".to_owned(), 5)]
    );
    assert_eq!(
        organization.feature_flags.into_iter().collect::<Vec<_>>(),
        [("lineage_v2".to_owned(), false)]
    );
    let records = world.audited(&world.admin, "organization.entitlements_updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"]["plan"], json!({"from": "enterprise", "to": "starter"}));
    let flags = json!({
        "from": {"git_integration": true, "lineage_v2": true}, "to": {"lineage_v2": false},
    });
    assert_eq!(record["changes"]["feature_flags"], flags);
}

#[tokio::test]
async fn entitlements_that_are_overtaken_are_set_over_what_came_first() {
    let world = World::new().await;
    let partition = format!("ORG#{}", world.admin.organization_id);
    world.tamper_before("TransactWriteItems", partition, |item| {
        item["version"] = json!({"N": "7"});
        item["plan"] = json!({"S": "team"});
    });
    let command = json!({
        "action": "set_entitlements", "organization_id": world.admin.organization_id,
        "plan": "starter",
    });
    run(&world, command).await.unwrap();
    let organization = world.principal(&world.admin).await.organization;
    assert_eq!((organization.plan.as_str(), organization.version), ("starter", 8));
    let records = world.audited(&world.admin, "organization.entitlements_updated");
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!(record["changes"]["plan"], json!({"from": "team", "to": "starter"}));
}

#[tokio::test]
async fn a_new_organization_has_the_time_zone_and_the_flags_that_are_given_or_utc_and_none() {
    let world = World::new().await;
    for (index, (given, zone, flags)) in [
        (json!({}), "UTC", vec![]),
        (
            json!({"default_timezone": "Europe/Paris", "feature_flags": {"lineage_v2": true}}),
            "Europe/Paris",
            vec![("lineage_v2".to_owned(), true)],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = create(&format!("initech-{index}"), &format!("ina@{index}.example"));
        for (field, value) in given.as_object().unwrap() {
            command[field] = value.clone();
        }
        let data = run(&world, command).await.unwrap();
        let id = data["organization"]["id"].as_str().unwrap().parse().unwrap();
        let organization = world.app.store.read_organization(id).await.unwrap().unwrap();
        assert_eq!(organization.default_timezone, zone);
        assert_eq!(organization.feature_flags.into_iter().collect::<Vec<_>>(), flags);
    }
}

#[tokio::test]
async fn the_glass_is_broken_whatever_state_the_allowlist_is_in() {
    for state in ["enforced", "reported", "to be confirmed", "unreadable", "with broken entries"] {
        let world = World::new().await;
        let client = world.client(sessions::router());
        let token = world.session(&world.admin).await;
        world.allow(&world.admin, &["203.0.113.0/24"]).await;
        let confirm_by = world.now().plus_seconds(600);
        world
            .enforce(&world.admin, |rules| match state {
                "reported" => rules.mode = Mode::ReportOnly,
                "to be confirmed" => rules.confirm_by = Some(confirm_by),
                _ => {}
            })
            .await;
        let organization = world.admin.organization_id;
        if ["unreadable", "with broken entries"].contains(&state) {
            world.tamper(&format!("ORG#{organization}"), |item| {
                item["allowlist"] = json!({"S": "?"});
            });
        }
        if state == "with broken entries" {
            world.tamper(&format!("ALLOWLIST#{organization}"), |item| {
                item["network"] = json!({"S": "?"});
            });
        }
        let get = || client.get("/api/user/sessions").bearer(&token).send();
        if state != "reported" {
            get().await.expect(403, "ip_not_allowed");
        }
        let command = json!({"action": "disable_allowlist", "organization_id": organization});
        // Whoever keeps changing the organization keeps nobody out.
        world.tamper_before("TransactWriteItems", format!("ORG#{organization}"), |item| {
            item["version"] = json!({"N": "100"});
        });
        assert_eq!(run(&world, command.clone()).await.unwrap()["enabled"], false);
        get().await.expect(200, "");
        let records = world.audited(&world.admin, "allowlist.broken_glass");
        let [record] = &records[..] else { panic!("{records:?}") };
        let readable = !["unreadable", "with broken entries"].contains(&state);
        let from = if readable { json!(true) } else { json!(null) };
        assert_eq!(record["changes"], json!({"enabled": {"from": from, "to": false}}));
        // The entries are still compiled into it, where there are any to read.
        let rules = world.rules(&world.admin).await;
        let has = rules.has(Some("203.0.113.7".parse().unwrap()), world.now());
        assert_eq!(
            (rules.enabled, rules.confirm_by, has),
            (false, None, state != "with broken entries")
        );
        // What is off stays as it is.
        let before = world.dump();
        run(&world, command).await.unwrap();
        assert_eq!(world.dump(), before);
    }
}

#[tokio::test]
async fn a_limit_is_a_number_that_every_program_can_read() {
    let world = World::new().await;
    let with = |limit: u64| {
        let mut command = create("initech", "ina@initech.example");
        command["limits"] = json!({"max_pipelines": limit});
        command
    };
    let refused = run(&world, with(9_007_199_254_740_992)).await;
    assert_eq!(code(refused), "validation_failed");
    run(&world, with(9_007_199_254_740_991)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let before = world.dump();
    let mut foreign = about(&world.viewer, "disable_user");
    foreign["organization_id"] = json!(world.stranger.organization_id);
    assert_eq!(code(run(&world, foreign).await), "not_found");
    let missing = json!({
        "action": "disable_allowlist", "organization_id": "org_00000000000000000000000000",
    });
    assert_eq!(code(run(&world, missing).await), "not_found");
    let malformed = json!({"action": "disable_allowlist", "organization_id": "usr_1"});
    assert_eq!(code(run(&world, malformed).await), "validation_failed");
    assert_eq!(world.dump(), before);
}

#[tokio::test]
async fn a_table_that_fails_leaves_everything_as_it_was() {
    let world = World::new().await;
    let before = world.dump();
    let mut roles = about(&world.viewer, "change_roles");
    roles["roles"] = json!(["admin"]);
    for command in
        [create("initech", "ina@initech.example"), about(&world.viewer, "disable_user"), roles]
    {
        world.order("TransactWriteItems", Fault::Throttled, 3);
        assert_eq!(code(run(&world, command).await), "unavailable");
        assert_eq!(world.dump(), before);
    }
}
