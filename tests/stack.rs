//! The running system.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Stdio,
    sync::LazyLock,
    time::Duration,
};

use local_stack::{
    engine::{Engine, TABLE},
    place::Place,
    process::Process,
    secret::{SECRET, Secrets},
    template::Template,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Client;

/// How many instances of each function run.
const INSTANCES: usize = 2;

/// The running system. It is started once a test program, and ends with it.
pub struct System {
    folder: TempDir,
    engine: Engine,
    api: String,
    // Their pipes hold the processes up.
    _processes: Vec<Process>,
    _secrets: Secrets,
    _place: Place,
    _runtime: Runtime,
}

/// Somebody who can sign in.
pub struct Person {
    /// In which organization.
    pub organization_id: String,
    /// Who.
    pub user_id: String,
    /// The address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
}

impl System {
    /// The test program's system.
    pub fn get() -> &'static Self {
        static SYSTEM: LazyLock<System> = LazyLock::new(System::start);
        &SYSTEM
    }

    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
        let tools = root.join(".local/venv");
        assert!(
            tools.join("bin/cargo-lambda").exists(),
            "run `make test`, which installs the tools"
        );
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(&tools, folder.path().join("venv")).unwrap();
        let place = Place::take(folder.path()).unwrap();
        let template = Template::load(&root.join("template.yaml")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (engine, secrets, processes) = runtime.block_on(async {
            let engine = Engine::start(&place.data("table.db"), &template).await.unwrap();
            let secrets = Secrets::start(&place, &template.secret).await.unwrap();
            let mut processes = vec![runtime_api(&place, &root, port)];
            // A function whose first poll is refused ends.
            await_port(port);
            for name in template.functions.keys() {
                for instance in 0..INSTANCES {
                    processes.push(function(&place, &engine, &secrets, port, name, instance));
                }
            }
            (engine, secrets, processes)
        });
        let api = format!("http://127.0.0.1:{port}");
        Self {
            folder,
            engine,
            api,
            _processes: processes,
            _secrets: secrets,
            _place: place,
            _runtime: runtime,
        }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.api
    }

    /// A client without a credential.
    pub fn client(&self) -> Client {
        Client::new(&self.api)
    }

    /// Founds an organization of its own for a test; its administrator.
    pub fn organization(&self, slug: &str) -> Person {
        let email = format!("admin@{slug}.example");
        let password = "gravel-umbrella-tenor-9-lichen";
        let data = self.operate(&json!({
            "action": "create_organization", "name": slug, "slug": slug, "plan": "team",
            "billing_period": "monthly", "renewal_date": "2027-01-01", "data_residency": "eu",
            "features": [], "limits": {"max_pipelines": 1, "max_requests_per_minute": 100_000_000},
            "admin": {"email": email, "display_name": "Ada Admin", "password": password},
        }));
        let id = |of: &str| data[of]["id"].as_str().unwrap().to_owned();
        Person {
            organization_id: id("organization"),
            user_id: id("user"),
            email,
            password: password.to_owned(),
        }
    }

    /// Carries out an operator's command.
    pub fn operate(&self, command: &Value) -> Value {
        let answer = self.client().post("/2015-03-31/functions/operator/invocations", command);
        assert!(answer.body["data"].is_object(), "{}", answer.body);
        answer.body["data"].clone()
    }

    /// Sends an API Gateway event straight to a function, from any address.
    pub fn invoke(
        &self,
        function: &str,
        method: &str,
        path: &str,
        token: &str,
        address: &str,
    ) -> Value {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {"authorization": format!("Bearer {token}"), "x-forwarded-for": "203.0.113.7"},
            "requestContext": {
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": address},
                "requestId": "gateway-id", "stage": "$default", "timeEpoch": 0,
            },
            "isBase64Encoded": false,
        });
        let path = format!("/2015-03-31/functions/{function}/invocations");
        self.client().post(&path, &event).body
    }

    /// Sends a call to the table itself, in the wire's own form.
    pub fn table(&self, call: &str, mut request: Value) -> Value {
        request["TableName"] = TABLE.into();
        let answer = ureq::post(&self.engine.url)
            .header("X-Amz-Target", format!("DynamoDB_20120810.{call}"))
            .header("Authorization", "AWS4-HMAC-SHA256 Credential=t/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
            .header("X-Amz-Date", "20260101T000000Z")
            .content_type("application/x-amz-json-1.0")
            .send(request.to_string());
        let text = answer.unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// What all functions have logged.
    pub fn log(&self) -> String {
        let logs = fs::read_dir(self.folder.path().join("log")).unwrap();
        let functions = logs.map(|entry| entry.unwrap().path()).filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("function-"))
        });
        functions.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "a process's start has no event to wait for")]
fn await_port(port: u16) {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("cargo-lambda does not listen on port {port}");
}

/// cargo-lambda's runtime API, without the functions: those are started here, already compiled.
fn runtime_api(place: &Place, root: &Path, port: u16) -> Process {
    let port = port.to_string();
    let arguments = [
        "lambda",
        "watch",
        "--only-lambda-apis",
        "--invoke-address",
        "127.0.0.1",
        "--invoke-port",
        &port,
    ];
    let (path, output) = log(place, "cargo-lambda".to_owned());
    Process::start("cargo-lambda", path, &place.tool("cargo-lambda"), &arguments, |command| {
        command.stdout(Stdio::from(output)).stderr(Stdio::null()).current_dir(root);
    })
    .unwrap()
}

fn function(
    place: &Place,
    engine: &Engine,
    secrets: &Secrets,
    port: u16,
    name: &str,
    instance: usize,
) -> Process {
    let program = binaries().join(name);
    assert!(program.exists(), "{} is missing: run `make test`, which builds it", program.display());
    let (path, output) = log(place, format!("function-{name}-{instance}"));
    Process::start("function", path, &program, &[], |command| {
        command.stdout(Stdio::from(output)).stderr(Stdio::null()).env_clear().envs([
            ("PATH", "/usr/bin:/bin"),
            ("AWS_LAMBDA_RUNTIME_API", &format!("http://127.0.0.1:{port}/.rt/{name}")),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &engine.url),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
            ("TABLE_NAME", TABLE),
            ("SECRET_ID", SECRET),
            ("NOTIFICATION_SECRET_ID", SECRET),
            ("LOG_LEVEL", "info"),
        ]);
    })
    .unwrap()
}

fn log(place: &Place, name: String) -> (PathBuf, File) {
    let path = place.log(&(name + ".log"));
    let file = File::create(&path).unwrap();
    (path, file)
}

/// The folder of the compiled functions: the one above the test program's own.
fn binaries() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program
        .parent()
        .and_then(Path::parent)
        .expect("a test program lies in target/…/deps")
        .to_owned()
}
