//! Webhooks, signed as Standard Webhooks (<https://www.standardwebhooks.com>): the receiver checks with
//! any of its libraries who has sent what, and when.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use shared::{
    clock::Timestamp,
    error::Error,
    ids::OrganizationId,
    model::notifications::{
        Severity,
        channel::SigningSecret,
        delivery::Delivery,
        event::{Event, EventName},
        secret::ChannelCipher,
    },
};

use super::{Outcome, Senders, judge};

/// The body of a request.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    name: EventName,
    timestamp: Timestamp,
    data: Data<'a>,
}

/// What has happened.
#[derive(Serialize)]
struct Data<'a> {
    event_id: &'a str,
    organization_id: OrganizationId,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
}

pub(super) async fn send(
    senders: &Senders,
    delivery: &Delivery,
    url: &str,
    secrets: &[SigningSecret],
    now: Timestamp,
) -> Result<Outcome, Outcome> {
    let body = body(delivery)?;
    let (id, moment) = (delivery.id.to_string(), now.as_second().to_string());
    // Until a secret that was replaced has ended, the receiver may know the one or the other.
    let secrets = secrets.iter().filter(|secret| secret.is_valid(now));
    let sealed = secrets.clone().map(|secret| secret.sealed.as_str());
    let organization = delivery.organization_id;
    let cipher = ChannelCipher::for_sealed(&senders.keyring, organization, sealed).await?;
    let mut signatures = Vec::new();
    for secret in secrets {
        let secret = cipher.open(delivery.channel_id, &secret.sealed)?;
        signatures.push(sign(&secret, &id, &moment, &body)?);
    }
    let headers = [
        ("webhook-id", id.as_str()),
        ("webhook-timestamp", &moment),
        ("webhook-signature", &signatures.join(" ")),
    ];
    Ok(judge(&senders.http.post(url, &headers, body).await?, now))
}

fn body(delivery: &Delivery) -> Result<String, Error> {
    let Event { id, name, severity, occurred_at, pipeline_id, value, summary, data } =
        &delivery.event;
    let payload = Payload {
        name: *name,
        timestamp: *occurred_at,
        data: Data {
            event_id: id,
            organization_id: delivery.organization_id,
            severity: *severity,
            pipeline_id: pipeline_id.as_deref(),
            value: *value,
            summary: summary.as_deref(),
            details: data.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        },
    };
    serde_json::to_string(&payload).map_err(|error| Error::internal(error.to_string()))
}

/// The signature of one secret, with the version of the scheme.
fn sign(secret: &SecretString, id: &str, moment: &str, body: &str) -> Result<String, Error> {
    let malformed = || Error::internal("a signing secret is not of its form");
    let text = secret.expose_secret();
    let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text));
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key.map_err(|_| malformed())?).map_err(|_| malformed())?;
    mac.update(format!("{id}.{moment}.{body}").as_bytes());
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_specification_s_example() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();
        let (id, moment) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330");
        let signature = sign(&secret, id, moment, r#"{"test": 2432232314}"#).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
