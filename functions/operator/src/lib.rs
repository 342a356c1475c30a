//! What the deployment's operator does to organizations and users. The function has no route: IAM
//! alone (`lambda:InvokeFunction`) lets one in. Every command is audited in the organization that
//! it touches.
//!
//! A command is `{"action": "…", …}`; its answer is `{"data": …}`.

pub mod add_user;
pub mod change_roles;
pub mod create_organization;
pub mod disable_allowlist;
pub mod disable_user;
pub mod enable_user;
pub mod place_hold;
pub mod release_hold;
pub mod reset_mfa;
pub mod set_entitlements;
mod target;
pub mod values;

use deserr::Deserr;
use serde::Serialize;
use serde_json::{Map, Value};
use shared::{
    call::{App, Call},
    error::Error,
    http::{answer::Envelope, fault::Faults},
    refused::Refused,
};

const ACTIONS: &str = "create_organization, set_entitlements, add_user, change_roles, \
                       disable_user, enable_user, reset_mfa, disable_allowlist, place_hold, \
                       release_hold";

/// Carries out one command.
///
/// # Errors
/// What the command is refused for.
pub async fn handle(app: &App, request_id: &str, event: Value) -> Result<Value, Refused> {
    let call = Call::new(app, request_id, None, None);
    // Boxed: the commands' futures, one inside another, are deeper than the compiler likes to look.
    let result = Box::pin(dispatch(&call, event)).await;
    result.map_err(|error| Refused::new(error, request_id))
}

async fn dispatch(call: &Call, event: Value) -> Result<Value, Error> {
    let Value::Object(mut command) = event else {
        return Err(Faults::new("", "invalid_type", "Expected an object.").into());
    };
    let action = command.remove("action");
    match action.as_ref().and_then(Value::as_str) {
        Some("create_organization") => answer(create_organization::run(call, read(command)?).await),
        Some("set_entitlements") => answer(set_entitlements::run(call, read(command)?).await),
        Some("add_user") => answer(add_user::run(call, read(command)?).await),
        Some("change_roles") => answer(change_roles::run(call, read(command)?).await),
        Some("disable_user") => answer(disable_user::run(call, read(command)?).await),
        Some("enable_user") => answer(enable_user::run(call, read(command)?).await),
        Some("reset_mfa") => answer(reset_mfa::run(call, read(command)?).await),
        Some("disable_allowlist") => answer(disable_allowlist::run(call, read(command)?).await),
        Some("place_hold") => answer(place_hold::run(call, read(command)?).await),
        Some("release_hold") => answer(release_hold::run(call, read(command)?).await),
        _ => {
            Err(Faults::new("/action", "unknown_value", format!("Expected one of: {ACTIONS}."))
                .into())
        }
    }
}

fn read<T: Deserr<Faults>>(command: Map<String, Value>) -> Result<T, Error> {
    deserr::deserialize(Value::Object(command)).map_err(Error::Validation)
}

fn answer(result: Result<impl Serialize, Error>) -> Result<Value, Error> {
    serde_json::to_value(Envelope { data: result? })
        .map_err(|error| Error::internal(format!("an answer does not encode: {error}")))
}
