//! The demo data: two organizations, made through the `operator` function at the first start, and
//! what a client needs to use them.

use std::{fmt::Write as _, fs, time::Duration};

use serde_json::{Value, json};

use crate::{
    error::Error,
    place::{Place, write_private},
    secret::random_text,
};

/// What is kept of the demo data.
const KEPT: &str = "demo.json";

const ADMIN: &str = "admin@acme.example";
const VIEWER: &str = "viewer@acme.example";
const OTHER_ADMIN: &str = "admin@globex.example";

/// Makes sure that the demo data is there, and writes `demo.env`.
///
/// # Errors
/// [`Error::Request`] where the service refuses.
pub async fn prepare(place: &Place, api: &str, inbox: &str) -> Result<(), Error> {
    let path = place.data(KEPT);
    let kept = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let values = if let Some(values) = kept {
        values
    } else {
        let url = api.to_owned();
        let seeding = tokio::task::spawn_blocking(move || seed(&url)).await;
        let values = seeding.map_err(|error| Error::Request(error.to_string()))??;
        write_private(&path, &values.to_string())?;
        values
    };
    write_private(&place.demo_env(), &env_file(api, inbox, &values))
}

/// The demo organizations, each with the Slack workspace that it has; nothing before they are made.
#[must_use]
pub fn organizations(place: &Place) -> Option<[(String, &'static str); 2]> {
    let text = fs::read_to_string(place.data(KEPT)).ok()?;
    let values: Value = serde_json::from_str(&text).ok()?;
    let id = |name: &str| values[name].as_str().map(ToOwned::to_owned);
    Some([(id("ORG_ID")?, "acme"), (id("OTHER_ORG_ID")?, "globex")])
}

/// The lines of `demo.env`, for a shell's `.` and for dotenv readers.
fn env_file(api: &str, inbox: &str, values: &Value) -> String {
    let mut text = format!("API_URL={api}\nINBOX_URL={inbox}\n");
    for name in [
        "ORG_ID",
        "ADMIN_EMAIL",
        "ADMIN_PASSWORD",
        "ADMIN_API_KEY",
        "VIEWER_EMAIL",
        "VIEWER_PASSWORD",
        "OTHER_ORG_ID",
        "OTHER_ADMIN_EMAIL",
        "OTHER_ADMIN_PASSWORD",
    ] {
        let value = values[name].as_str().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}={value}");
    }
    text
}

fn seed(api: &str) -> Result<Value, Error> {
    let [admin, viewer, other] = [random_text(24)?, random_text(24)?, random_text(24)?];
    // Far more than a person makes, so that load tests of the stack measure the stack.
    let requests = 60_000;
    let limits = json!({
        "max_pipelines": 500, "max_connections": 200, "max_concurrent_runs": 25,
        "max_agent_count": 50, "max_requests_per_minute": requests,
    });
    let acme = operate(
        api,
        &json!({
            "action": "create_organization", "name": "Acme Analytics", "slug": "acme-analytics",
            "plan": "enterprise", "billing_period": "annual", "renewal_date": "2027-06-01",
            "data_residency": "us", "feature_flags": {"lineage_v2": true, "git_integration": true},
            "features": ["lineage", "git_integration", "pipeline_agents", "sso"], "limits": limits,
            "admin": {"email": ADMIN, "display_name": "Ada Admin", "password": admin},
        }),
    )?;
    let organization = acme["organization"]["id"].clone();
    operate(
        api,
        &json!({
            "action": "add_user", "organization_id": organization, "email": VIEWER,
            "display_name": "Vera Viewer", "password": viewer, "roles": ["viewer"],
        }),
    )?;
    let globex = operate(
        api,
        &json!({
            "action": "create_organization", "name": "Globex", "slug": "globex", "plan": "team",
            "billing_period": "monthly", "renewal_date": "2027-01-01", "data_residency": "eu",
            "feature_flags": {"lineage_v2": true, "git_integration": true},
            "features": ["lineage"],
            "limits": {
                "max_pipelines": 20, "max_connections": 10, "max_requests_per_minute": requests,
            },
            "admin": {"email": OTHER_ADMIN, "display_name": "Gus Globex", "password": other},
        }),
    )?;
    Ok(json!({
        "ORG_ID": organization,
        "ADMIN_EMAIL": ADMIN,
        "ADMIN_PASSWORD": admin,
        "ADMIN_API_KEY": read_key(api, &admin)?,
        "VIEWER_EMAIL": VIEWER,
        "VIEWER_PASSWORD": viewer,
        "OTHER_ORG_ID": globex["organization"]["id"],
        "OTHER_ADMIN_EMAIL": OTHER_ADMIN,
        "OTHER_ADMIN_PASSWORD": other,
    }))
}

/// Makes the administrator's key, as a person would: sign in, make it, sign out.
fn read_key(api: &str, password: &str) -> Result<Value, Error> {
    let login = json!({"email": ADMIN, "password": password});
    let session = post(&format!("{api}/api/login"), None, &login)?;
    let token = session["data"]["access_token"].as_str().unwrap_or_default();
    let key = json!({
        "name": "Demo, read only",
        "scopes": [
            "pipelines:read", "connections:read", "profile:read", "preferences:read",
            "settings:read", "organization:read", "notifications:read", "audit:read",
        ],
    });
    let created = post(&format!("{api}/api/user/api-keys"), Some(token), &key)?;
    post(&format!("{api}/api/logout"), Some(token), &json!({}))?;
    Ok(created["data"]["secret"].clone())
}

fn operate(api: &str, command: &Value) -> Result<Value, Error> {
    let answer = post(&format!("{api}/2015-03-31/functions/operator/invocations"), None, command)?;
    if answer["data"].is_object() {
        Ok(answer["data"].clone())
    } else {
        Err(Error::Request(format!("operator: {} {}", command["action"], answer["errorMessage"])))
    }
}

fn post(url: &str, token: Option<&str>, body: &Value) -> Result<Value, Error> {
    let failed = |error: ureq::Error| Error::Request(format!("{url}: {error}"));
    let mut request = ureq::post(url)
        .config()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .content_type("application/json");
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut answer = request.send(body.to_string()).map_err(failed)?;
    let text = answer.body_mut().read_to_string().map_err(failed)?;
    if answer.status().is_client_error() || answer.status().is_server_error() {
        return Err(Error::Request(format!("{url}: {} {text}", answer.status())));
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).map_err(|error| Error::Request(format!("{url}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_organizations_are_known_once_they_are_made() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::take(folder.path()).unwrap();
        assert_eq!(organizations(&place), None);
        let values = json!({"ORG_ID": "org_1", "OTHER_ORG_ID": "org_2"});
        write_private(&place.data(KEPT), &values.to_string()).unwrap();
        let expected = [("org_1".to_owned(), "acme"), ("org_2".to_owned(), "globex")];
        assert_eq!(organizations(&place), Some(expected));
    }

    #[test]
    fn the_file_names_every_value_in_order() {
        let values = json!({"ORG_ID": "org_1", "ADMIN_PASSWORD": "secret"});
        let text = env_file("http://127.0.0.1:9000", "http://127.0.0.1:9001", &values);
        assert!(text.starts_with(
            "API_URL=http://127.0.0.1:9000\nINBOX_URL=http://127.0.0.1:9001\nORG_ID=org_1\nADMIN_EMAIL="
        ));
        assert_eq!(text.lines().count(), 11);
    }
}
