//! Secrets Manager: moto's server, with the template's secrets. moto forgets everything when it
//! ends, so the value of the functions' keys is kept beside the table that it encrypts.

use std::{fs, net::TcpListener, process::Stdio, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    error::Error,
    place::{Place, write_private},
    process::Process,
    template::SecretShape,
};

/// The secret's name.
pub const SECRET: &str = "settings-local";

/// The name of the secret that notifications are sent with.
pub const NOTIFICATION_SECRET: &str = "settings-local-notifications";

/// A running Secrets Manager.
#[derive(Debug)]
pub struct Secrets {
    /// Where it listens.
    pub url: String,
    /// The server.
    pub process: Process,
}

impl Secrets {
    /// Starts the server, and creates the secret in it.
    ///
    /// # Errors
    /// [`Error::NotReady`] where the server does not come up.
    pub async fn start(place: &Place, shape: &SecretShape) -> Result<Self, Error> {
        let value = kept_value(place, shape)?;
        let log = place.log("secrets-manager.log");
        let port = free_port()?.to_string();
        let output = fs::File::create(&log).map_err(Error::io(log.display().to_string()))?;
        let errors = output.try_clone().map_err(Error::io(log.display().to_string()))?;
        let mut process = Process::start(
            "moto_server",
            log.clone(),
            &place.tool("moto_server"),
            &["-H", "127.0.0.1", "-p", &port],
            |command| {
                command.stdout(Stdio::from(output)).stderr(Stdio::from(errors));
            },
        )?;
        let url = format!("http://127.0.0.1:{port}");
        let request = json!({"Name": SECRET, "SecretString": value});
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..300 {
            ticks.tick().await;
            process.check()?;
            let (server, request) = (url.clone(), request.clone());
            let created = tokio::task::spawn_blocking(move || create(&server, &request)).await;
            if matches!(created, Ok(Ok(()))) {
                return Ok(Self { url, process });
            }
        }
        let log = log.display().to_string();
        Err(Error::NotReady { name: "moto_server".to_owned(), seconds: 30, log })
    }

    /// Creates the secret that notifications are sent with: all that it leads to is the inbox. Each
    /// of the organizations has one Slack workspace, by the name that stands beside it.
    ///
    /// # Errors
    /// [`Error::Request`] where the server refuses.
    pub async fn create_notification_secret(
        &self,
        smtp_port: u16,
        organizations: &[(String, &str)],
    ) -> Result<(), Error> {
        let value = notification_secret(smtp_port, organizations).to_string();
        let request = json!({"Name": NOTIFICATION_SECRET, "SecretString": value});
        let url = self.url.clone();
        let created = tokio::task::spawn_blocking(move || create(&url, &request)).await;
        let created = created.map_err(|error| Error::Request(error.to_string()))?;
        created.map_err(|error| Error::Request(format!("Secrets Manager: {error}")))
    }
}

fn notification_secret(smtp_port: u16, organizations: &[(String, &str)]) -> Value {
    let tokens = organizations.iter().map(|(organization, workspace)| {
        (format!("{organization}/{workspace}"), Value::from("xoxb-local"))
    });
    json!({
        "slack": tokens.collect::<Map<_, _>>(),
        "smtp": {
            "host": "127.0.0.1", "port": smtp_port, "tls": "none", "username": null,
            "password": null, "from": "Planasonix <notifications@localhost>",
        },
    })
}

fn create(url: &str, request: &Value) -> Result<(), ureq::Error> {
    ureq::post(url)
        .config()
        .timeout_global(Some(Duration::from_secs(5)))
        .build()
        .header("X-Amz-Target", "secretsmanager.CreateSecret")
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/secretsmanager/aws4_request, \
             SignedHeaders=host, Signature=0",
        )
        .content_type("application/x-amz-json-1.1")
        .send(request.to_string())?;
    Ok(())
}

/// The secret's value: generated as the template says, once.
fn kept_value(place: &Place, shape: &SecretShape) -> Result<String, Error> {
    let path = place.data("secret.json");
    if let Ok(value) = fs::read_to_string(&path) {
        return Ok(value);
    }
    let mut value: Value = serde_json::from_str(&shape.template)
        .map_err(|error| Error::Template(format!("SecretStringTemplate: {error}")))?;
    value[&shape.key] = random_text(shape.length)?.into();
    let text = value.to_string();
    write_private(&path, &text)?;
    Ok(text)
}

/// Random letters and digits.
///
/// # Errors
/// [`Error::Io`] where the system gives no randomness.
pub fn random_text(length: usize) -> Result<String, Error> {
    use std::io::Read as _;
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut source = fs::File::open("/dev/urandom").map_err(Error::io("/dev/urandom"))?;
    let mut text = String::with_capacity(length);
    let mut byte = [0];
    while text.len() < length {
        source.read_exact(&mut byte).map_err(Error::io("/dev/urandom"))?;
        // 248 is the largest multiple of 62 in a byte: above it the first letters would be likelier.
        if byte[0] < 248 {
            text.push(char::from(ALPHABET[usize::from(byte[0]) % ALPHABET.len()]));
        }
    }
    Ok(text)
}

/// A port that is free now.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(Error::io("loopback"))?;
    Ok(listener.local_addr().map_err(Error::io("loopback"))?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_notifications_are_sent_with_leads_to_the_inbox() {
        let expected = json!({
            "slack": {"org_1/acme": "xoxb-local", "org_2/globex": "xoxb-local"},
            "smtp": {
                "host": "127.0.0.1", "port": 2525, "tls": "none", "username": null,
                "password": null, "from": "Planasonix <notifications@localhost>",
            },
        });
        let organizations = [("org_1".to_owned(), "acme"), ("org_2".to_owned(), "globex")];
        assert_eq!(notification_secret(2525, &organizations), expected);
    }

    #[test]
    fn the_value_is_generated_once_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::take(folder.path()).unwrap();
        let shape = SecretShape {
            template: r#"{"current":"k1"}"#.to_owned(),
            key: "k1".to_owned(),
            length: 64,
        };
        let first = kept_value(&place, &shape).unwrap();
        let value: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(value["current"], "k1");
        assert_eq!(value["k1"].as_str().unwrap().len(), 64);
        assert_eq!(kept_value(&place, &shape).unwrap(), first);
    }
}
