//! Proves that the running service keeps its document: `make conformance`.
//!
//! Schemathesis derives requests from the document, good and bad ones, one by one and in sequences, and
//! holds every answer against it, once for each kind of caller. Then hostile requests are sent by the
//! thousand, of which none may be answered by a 500.
//!
//! `make conformance AS=viewer` is for one kind of caller, `AS=hostile` for the hostile requests alone;
//! `OPTIONS` are schemathesis' own.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a check that cannot go on fails where it stands"
)]

mod hostile;

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::json;
use system_tests::{Client, Person, System};

/// Who calls. Each has an organization of its own: what one of them changes there, such as how long
/// sessions live, is nothing to the next.
struct Caller {
    name: &'static str,
    credential: Credential,
    /// Of the caller's kind, somebody whose sessions may be ended.
    sacrificed: Person,
    /// Of the caller's kind, somebody whose password may be mistaken too often.
    mistaken: Person,
}

/// What a caller shows.
enum Credential {
    /// A session's token: the generator signs in by itself, and again before the session is too old.
    Session(Person),
    /// An API key's secret.
    Key(String),
    None,
}

impl Credential {
    fn token(&self, system: &System) -> String {
        match self {
            Self::Session(person) => sign_in(system, person).1,
            Self::Key(secret) => secret.clone(),
            Self::None => String::new(),
        }
    }
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

/// What the hostile requests are called among the callers.
const HOSTILE: &str = "hostile requests";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let chosen = arguments.next().unwrap_or_default();
    let options: Vec<_> = arguments.collect();
    let system = System::get();
    let callers = callers(system);
    let chosen_callers: Vec<_> =
        callers.iter().filter(|caller| caller.name.contains(&chosen)).collect();
    assert!(!chosen_callers.is_empty() || HOSTILE.contains(&chosen), "there is no caller {chosen}");
    let mut kept = all_keep(system, &chosen_callers, &options);
    if HOSTILE.contains(&chosen) {
        println!("==> {HOSTILE}");
        let tokens: Vec<_> = callers.iter().map(|it| it.credential.token(system)).collect();
        let tokens: Vec<_> = tokens.iter().map(String::as_str).collect();
        kept &= hostile::send(system, &tokens);
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn callers(system: &System) -> Vec<Caller> {
    let reads: Vec<_> = ALL_SCOPES.into_iter().filter(|it| it.ends_with(":read")).collect();
    let key = |admin: &Person, scopes: &[&str]| {
        let (_, secret) = sign_in(system, admin).0.create_key(scopes);
        Credential::Key(secret)
    };
    let caller = |name: &'static str, slug: &str, role: &str| {
        let admin = system.organization(slug);
        let credential = match slug {
            "every-scope" => key(&admin, &ALL_SCOPES),
            "reads" => key(&admin, &reads),
            "nobody" => Credential::None,
            _ => Credential::Session(user(system, &admin, "caller", role)),
        };
        let sacrificed = user(system, &admin, "sacrificed", role);
        let mistaken = user(system, &admin, "mistaken", role);
        Caller { name, credential, sacrificed, mistaken }
    };
    vec![
        caller("an administrator", "administrator", "admin"),
        caller("a pipeline editor", "editor", "pipeline_editor"),
        caller("a viewer", "viewer", "viewer"),
        caller("a key with every scope", "every-scope", "admin"),
        caller("a key that only reads", "reads", "admin"),
        caller("nobody", "nobody", "viewer"),
    ]
}

/// Adds a user to the administrator's organization.
fn user(system: &System, admin: &Person, name: &str, role: &str) -> Person {
    let email = format!("{name}-of-{}", admin.email);
    let data = system.operate(&json!({
        "action": "add_user", "organization_id": admin.organization_id, "email": email,
        "display_name": name, "password": admin.password, "roles": [role],
    }));
    let person = Person {
        organization_id: admin.organization_id.clone(),
        user_id: data["user"]["id"].as_str().unwrap_or_default().to_owned(),
        email,
        password: admin.password.clone(),
    };
    // From an address that the account knows, others' wrong passwords shut it out of nothing.
    sign_in(system, &person);
    person
}

fn sign_in(system: &System, person: &Person) -> (Client, String) {
    let login = json!({"email": person.email, "password": person.password});
    let answer = system.client().post("/api/login", &login);
    let token = answer.data(200)["access_token"].as_str().unwrap().to_owned();
    (system.client().bearer(&token), token)
}

/// Runs the generator as each caller, as many at once as there are processors; whether every answer was
/// as the document says.
fn all_keep(system: &System, callers: &[&Caller], options: &[String]) -> bool {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut kept = true;
        while let Some(caller) = callers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let output = schemathesis(system, caller, options);
            let text = String::from_utf8_lossy(&output.stdout);
            println!("==> schemathesis, as {}\n{text}", caller.name);
            kept &= output.status.success();
        }
        kept
    };
    let count = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(worker)).collect();
        let mut kept = true;
        for worker in workers {
            kept &= worker.join().unwrap();
        }
        kept
    })
}

/// Runs the generator as one caller.
fn schemathesis(system: &System, caller: &Caller, options: &[String]) -> Output {
    let root = root();
    let folder = root.join("tests/conformance");
    let mut command = Command::new(root.join(".local/conformance-venv/bin/st"));
    command
        .current_dir(&folder)
        .arg("run")
        .arg(root.join("infra/openapi/openapi.json"))
        .args(["--url", system.url()])
        .args(options)
        .envs([
            ("SCHEMATHESIS_HOOKS", "hooks"),
            ("PYTHONPATH", "."),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("CONFORMANCE_API", system.url()),
            ("CONFORMANCE_SACRIFICED", &caller.sacrificed.email),
            ("CONFORMANCE_MISTAKEN", &caller.mistaken.email),
            ("CONFORMANCE_PASSWORD", &caller.sacrificed.password),
        ]);
    match &caller.credential {
        Credential::Session(person) => command.env("CONFORMANCE_EMAIL", &person.email),
        Credential::Key(secret) => command.env("CONFORMANCE_KEY", secret),
        Credential::None => &mut command,
    };
    command
        .stderr(Stdio::inherit())
        .output()
        .expect("schemathesis: run `make conformance`, which installs it")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
