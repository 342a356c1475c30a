//! A walk through the running API with nothing but the client that a generator has made of the OpenAPI
//! document: it signs in, makes an API key, uses it, revokes it, and reads the refusal by its type.
//!
//! Usage: typed-client ORIGIN EMAIL PASSWORD

use std::env;

use typed_client_api::{
    apis::{
        Error,
        api_keys_api::{create_api_key, delete_api_key, list_api_keys},
        configuration::Configuration,
        organization_api::{GetOrganizationError, get_organization},
        profile_api::{UpdateProfileError, get_profile, update_profile},
        sessions_api::login,
    },
    models::{self, CreateApiKey, LoginAnswer, Scope, UpdateProfile},
};

/// The same client with a token.
fn bearer(anonymous: &Configuration, token: String) -> Configuration {
    Configuration { bearer_access_token: Some(token), ..anonymous.clone() }
}

fn main() {
    let told: Vec<_> = env::args().skip(1).collect();
    let [origin, email, password] = <[String; 3]>::try_from(told).expect("ORIGIN EMAIL PASSWORD");
    let anonymous = Configuration { base_path: origin, ..Configuration::new() };

    // Sign in.
    let answer = login(&anonymous, models::Login::new(email.clone(), password));
    let LoginAnswer::SignedIn(signed_in) = *answer.expect("the password is right").data else {
        panic!("there is no second factor");
    };
    let session = bearer(&anonymous, signed_in.access_token);

    // Read the profile, and change it.
    let profile = get_profile(&session).expect("it is the caller's own").data;
    assert_eq!(profile.email, email);
    let change = UpdateProfile { display_name: Some("Grace".into()), ..UpdateProfile::new() };
    let changed = update_profile(&session, change, None).expect("it is a good name").data;
    assert_eq!(changed.display_name, "Grace");

    // What is wrong with a request is told by field.
    let change = UpdateProfile { timezone: Some("Mars/Olympus".into()), ..UpdateProfile::new() };
    let Err(Error::ResponseError(refusal)) = update_profile(&session, change, None) else {
        panic!("there is no such time zone");
    };
    let Some(UpdateProfileError::Status422(problem)) = refusal.entity else {
        panic!("{} is no typed 422: {}", refusal.status, refusal.content);
    };
    let faults = problem.errors.expect("a 422 names its faults");
    assert_eq!((faults.len(), faults[0].pointer.as_str()), (1, "/timezone"));

    // Make a key. Made again with the same Idempotency-Key it is the same one, its secret with it.
    let key = || {
        let key = CreateApiKey::new("Walk".into(), vec![Scope::OrganizationColonRead]);
        create_api_key(&session, key, Some("walk-1")).expect("it is within the caller's roles")
    };
    let (first, again) = (key().data, key().data);
    assert_eq!((&first.id, &first.secret), (&again.id, &again.secret));
    let keys = list_api_keys(&session, None, None).expect("they are the caller's own");
    assert_eq!((keys.data.len(), keys.data[0].name.as_str()), (1, "Walk"));

    // Use it.
    let program = bearer(&anonymous, first.secret.clone());
    let organization = get_organization(&program).expect("the key has the scope").data;
    assert_eq!(organization.id, profile.organization_id);

    // Revoke it; the refusal that follows is a type of its own.
    delete_api_key(&session, &first.id, None).expect("it is the caller's own");
    let Err(Error::ResponseError(refusal)) = get_organization(&program) else {
        panic!("the key is revoked");
    };
    let Some(GetOrganizationError::Status401(problem)) = refusal.entity else {
        panic!("{} is no typed 401: {}", refusal.status, refusal.content);
    };
    assert_eq!((refusal.status.as_u16(), problem.status), (401, 401));
    let code = serde_json::to_value(problem.code).expect("a code is a text");
    assert_eq!(code, "invalid_credential");
}
