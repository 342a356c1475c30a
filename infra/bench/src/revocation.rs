//! Whether a revoked key is ever let in.

use serde_json::json;

use crate::{
    report::Report,
    service::{Service, text},
};

const PAIRS: usize = 10_000;

pub(crate) async fn measure(service: &Service, report: &mut Report) {
    report.section(
        "Revocation: a key is replaced, and then the old secret is used on two instances at once",
    );
    let api_keys = service.instance("api-keys");
    let (here, there) = (service.instance("organization"), service.instance("organization"));
    let (id, mut secret) = service.create_key(&api_keys, &service.session).await;
    let path = format!("/api/user/api-keys/{id}/regenerate");
    let (mut accepted, mut good) = (0, 0);
    for _ in 0..PAIRS {
        let answer = api_keys.call("POST", &path, &service.session, Some(&json!({}))).await;
        let dead = std::mem::replace(&mut secret, text(&answer.body, "secret"));
        let used = |token| here.call("GET", "/api/organization", token, None);
        let (first, second) =
            tokio::join!(used(&dead), there.call("GET", "/api/organization", &dead, None));
        accepted += [first, second].iter().filter(|answer| answer.status != 401).count();
        good += usize::from(used(&secret).await.status == 200);
    }
    let value = format!("{accepted} of {} uses let in", 2 * PAIRS);
    report.check(&format!("{PAIRS} secrets, revoked and then used"), &value, accepted == 0);
    let value = format!("{good} of {PAIRS} let in");
    report.check("the secrets that replaced them", &value, good == PAIRS);
}
