//! Proves that the running service keeps its document: `make conformance`.
//!
//! Schemathesis derives requests from the document, good and bad ones, one by one and in sequences, and
//! holds every answer against it, once for each kind of caller; `make conformance AS=viewer` for one. Then hostile requests are sent by the
//! thousand, of which none may be answered by a 500.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a check that cannot go on fails where it stands"
)]

mod hostile;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use serde_json::json;
use system_tests::{Client, Person, System};

/// Who calls.
struct Caller {
    name: &'static str,
    /// With which token; empty for none.
    token: String,
    /// Of whose kind the one is whose sessions may be ended.
    sacrificed: Person,
}

const ALL_SCOPES: [&str; 17] = [
    "pipelines:read",
    "pipelines:write",
    "pipelines:run",
    "connections:read",
    "connections:write",
    "profile:read",
    "profile:write",
    "preferences:read",
    "preferences:write",
    "settings:read",
    "settings:write",
    "organization:read",
    "notifications:read",
    "notifications:write",
    "notifications:publish",
    "audit:read",
    "admin:organization",
];

fn main() -> ExitCode {
    let system = System::get();
    let callers = callers(system);
    let mut kept = true;
    let chosen = std::env::args().nth(1).unwrap_or_default();
    for caller in callers.iter().filter(|caller| caller.name.contains(&chosen)) {
        println!("==> schemathesis, as {}", caller.name);
        kept &= schemathesis(system, caller);
    }
    println!("==> hostile requests");
    let tokens: Vec<_> = callers.iter().map(|caller| caller.token.as_str()).collect();
    kept &= hostile::send(system, &tokens);
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn callers(system: &System) -> Vec<Caller> {
    let admin = system.organization("conformance");
    let neighbour = system.organization("neighbour");
    let user = |of: &Person, name: &str, role: &str| {
        let email = format!("{name}@conformance.example");
        system.operate(&json!({
            "action": "add_user", "organization_id": of.organization_id, "email": email,
            "display_name": name, "password": of.password, "roles": [role],
        }));
        Person {
            organization_id: of.organization_id.clone(),
            user_id: String::new(),
            email,
            password: of.password.clone(),
        }
    };
    let session = |person: &Person| -> (Client, String) {
        let login = json!({"email": person.email, "password": person.password});
        let answer = system.client().post("/api/login", &login);
        let token = answer.data(200)["access_token"].as_str().unwrap().to_owned();
        (system.client().bearer(&token), token)
    };
    let viewer = user(&admin, "viewer", "viewer");
    let editor = user(&admin, "editor", "pipeline_editor");
    let mut index = 0;
    let mut sacrificed = |of: &Person, role: &str| {
        index += 1;
        user(of, &format!("sacrificed-{index}"), role)
    };
    let reads: Vec<_> = ALL_SCOPES.into_iter().filter(|it| it.ends_with(":read")).collect();
    let (signed_in, admin_s) = session(&admin);
    let (_, all_scopes) = signed_in.create_key(&ALL_SCOPES);
    let (_, reading) = signed_in.create_key(&reads);
    [
        ("an administrator", admin_s, sacrificed(&admin, "admin")),
        ("a pipeline editor", session(&editor).1, sacrificed(&admin, "pipeline_editor")),
        ("a viewer", session(&viewer).1, sacrificed(&admin, "viewer")),
        ("a key with every scope", all_scopes, sacrificed(&admin, "admin")),
        ("a key that only reads", reading, sacrificed(&admin, "admin")),
        ("another tenant's administrator", session(&neighbour).1, sacrificed(&neighbour, "admin")),
        ("nobody", String::new(), sacrificed(&admin, "viewer")),
    ]
    .map(|(name, token, sacrificed)| Caller { name, token, sacrificed })
    .into()
}

/// Runs the generator; whether every answer was as the document says.
fn schemathesis(system: &System, caller: &Caller) -> bool {
    let root = root();
    let folder = root.join("tests/conformance");
    let mut command = Command::new(root.join(".local/conformance-venv/bin/st"));
    command
        .current_dir(&folder)
        .arg("run")
        .arg(root.join("infra/openapi/openapi.json"))
        .args(["--url", system.url()])
        .envs([
            ("SCHEMATHESIS_HOOKS", "hooks"),
            ("PYTHONPATH", "."),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("CONFORMANCE_API", system.url()),
            ("CONFORMANCE_TOKEN", &caller.token),
            ("CONFORMANCE_EMAIL", &caller.sacrificed.email),
            ("CONFORMANCE_PASSWORD", &caller.sacrificed.password),
        ]);
    if !caller.token.is_empty() {
        command.arg("--header").arg(format!("Authorization: Bearer {}", caller.token));
    }
    command.status().expect("schemathesis: run `make conformance`, which installs it").success()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
