//! What the functions ask of the table is what `template.yaml` grants them, and nothing else: too
//! little is a 500 in production alone, too much is what an intruder gets.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use harness::World;
use local_stack::template::Template;
use serde_json::json;

use crate::{
    operation::{Access, Operation, routes},
    table::{CODE, OPERATIONS},
};

/// What is granted for what no request of the table of operations comes to, and why.
const RARE: [(&str, &str, &str); 11] = [
    // A sign-in of somebody with a second factor.
    ("sessions", "dynamodb:PutItem", "CHALLENGE#"),
    // A wrong code at one.
    ("sessions", "dynamodb:UpdateItem", "CHALLENGE#"),
    // A sign-in whose hash has parameters of old.
    ("sessions", "dynamodb:UpdateItem", "PASSWORD#"),
    // A large value that is set, deleted and listed.
    ("user-preferences", "dynamodb:PutItem", "PREFERENCES#"),
    ("user-preferences", "dynamodb:DeleteItem", "PREFERENCES#"),
    ("user-preferences", "dynamodb:Query", "PREFERENCES#"),
    // A request that lost the race for its idempotency key.
    ("api-keys", "dynamodb:GetItem", "REPLAY#"),
    ("ip-whitelist", "dynamodb:GetItem", "REPLAY#"),
    ("mfa", "dynamodb:GetItem", "REPLAY#"),
    ("notifications", "dynamodb:GetItem", "REPLAY#"),
    // An event that comes again.
    ("notifications", "dynamodb:GetItem", "EVENT#"),
];

type Grants = BTreeMap<String, BTreeSet<harness::Access>>;

fn granted() -> Grants {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let functions = Template::load(&root.join("template.yaml")).unwrap().functions;
    functions.into_iter().map(|(name, function)| (name, function.grants)).collect()
}

/// Sends the request that succeeds as one that notes the credential's use and the allowlist's
/// evaluation, and is the first of its organization's day.
async fn used(operation: &Operation) -> BTreeSet<harness::Access> {
    let world = World::new().await;
    let client = world.client(routes());
    world.clock.advance_minutes(9 * 60 - 1);
    let (path, token) =
        (operation.filled(&world).await, world.session(operation.caller(&world)).await);
    world.allow(operation.caller(&world), &["192.0.2.0/24"]).await;
    world.enforce(operation.caller(&world), |_| {}).await;
    world.clock.advance_seconds(61);
    world.forget_accesses();
    let mut request = operation.request(&client, &path);
    if !operation.body.is_empty() {
        request = request.text(operation.body.replace(CODE, &world.code()));
    }
    if operation.access != Access::Public {
        request = request.bearer(&token);
    }
    let creates = [
        "/api/user/api-keys",
        "/api/settings/ip-whitelist",
        "/api/user/mfa/verify",
        "/api/user/mfa/backup-codes",
        "/api/notifications/rules",
    ];
    if creates.contains(&operation.path) || operation.path.ends_with("/regenerate") {
        request = request.header("idempotency-key", "policies");
    }
    let answer = request.send().await;
    assert_eq!(answer.status, operation.status, "{}: {}", operation.name(), answer.body);
    let mut accesses = world.accesses();
    if operation.access != Access::Public {
        accesses.extend(counted(&world, &token).await);
    }
    if operation.body.contains("password") {
        world.forget_accesses();
        let wrong = operation.request(&client, &path).text(
            operation
                .body
                .replace(harness::PASSWORD, "not-the-password")
                .replace(CODE, &world.code()),
        );
        let wrong = if operation.access == Access::Public { wrong } else { wrong.bearer(&token) };
        wrong.send().await;
        accesses.extend(world.accesses());
    }
    accesses
}

/// What a busy credential comes to, in whichever function: its requests are counted.
async fn counted(world: &World, token: &str) -> BTreeSet<harness::Access> {
    let client = world.client(routes());
    world.forget_accesses();
    for _ in 0..10 {
        client.get("/api/organization").bearer(token).send().await;
    }
    world.accesses().into_iter().filter(|(_, partition)| partition == "RATE#").collect()
}

#[tokio::test]
async fn each_function_is_granted_what_it_uses_and_no_more() {
    let functions: BTreeMap<_, _> = openapi::functions()
        .into_iter()
        .flat_map(|(name, routes)| {
            let paths = routes.into_openapi().paths.paths.into_keys();
            paths.map(move |path| (path, name.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    let mut all = Grants::new();
    for operation in &OPERATIONS {
        let name = functions[operation.path].clone();
        all.entry(name).or_default().extend(used(operation).await);
    }
    for (name, action, partition) in RARE {
        all.get_mut(name).unwrap().insert((action.to_owned(), partition.to_owned()));
    }
    for (name, used) in all {
        assert_eq!(granted()[&name], used, "{name}");
    }
}

#[tokio::test]
async fn the_operator_is_granted_what_its_commands_use_and_no_more() {
    let world = World::new().await;
    world.enable_mfa(&world.viewer).await;
    let (organization, user) = (world.viewer.organization_id, world.viewer.user_id);
    world.tamper(&format!("ORG#{organization}"), |item| item["allowlist"] = json!({"S": "lost"}));
    // Each organization's first record of the day.
    world.clock.advance_minutes(24 * 60);
    world.forget_accesses();
    let of_user =
        |action: &str| json!({"action": action, "organization_id": organization, "user_id": user});
    let hold = |action: &str| {
        json!({
            "action": action, "organization_id": organization, "kind": "run_logs", "case": "case-7",
        })
    };
    let mut roles = of_user("change_roles");
    roles["roles"] = json!(["admin"]);
    for command in [
        json!({
            "action": "create_organization", "name": "Initech", "slug": "initech", "plan": "team",
            "billing_period": "monthly", "renewal_date": "2027-01-01", "data_residency": "eu",
            "features": [], "limits": {},
            "admin": {"email": "admin@initech.example", "display_name": "Ina"},
        }),
        json!({"action": "set_entitlements", "organization_id": organization, "plan": "team"}),
        json!({
            "action": "add_user", "organization_id": organization, "email": "new@acme.example",
            "display_name": "Nora", "roles": ["viewer"],
        }),
        roles,
        of_user("reset_mfa"),
        of_user("disable_user"),
        of_user("enable_user"),
        hold("place_hold"),
        hold("release_hold"),
        json!({"action": "disable_allowlist", "organization_id": organization}),
    ] {
        let action = command["action"].clone();
        let done = operator::handle(&world.app, "policies", command).await;
        assert!(done.is_ok(), "{action}: {:?}", done.err());
    }
    assert_eq!(granted()["operator"], world.accesses());
}
