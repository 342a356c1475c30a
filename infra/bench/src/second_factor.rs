//! A second factor, as its user has it.

use std::time::SystemTime;

use serde_json::json;
use totp_rs::{Algorithm, Builder, Secret};

use crate::{
    instance::Instance,
    service::{Service, text},
};

/// A user's authenticator app.
pub(crate) struct App(Secret);

impl App {
    /// Begins to set up a second factor; the enrollment's id and the app.
    pub(crate) async fn enroll(mfa: &Instance, session: &str) -> (String, Self) {
        let body = json!({"method": "totp"});
        let answer = mfa.call("POST", "/api/user/mfa/enable", session, Some(&body)).await;
        let seed = Secret::try_from_base32(text(&answer.body, "secret")).unwrap();
        (text(&answer.body, "enrollment_id"), Self(seed))
    }

    /// Turns a second factor on, with the code before the present one.
    pub(crate) async fn enable(service: &Service, session: &str) -> Self {
        let mfa = service.instance("mfa");
        let (id, app) = Self::enroll(&mfa, session).await;
        let body = json!({"enrollment_id": id, "code": app.code(-1)});
        let answer = mfa.call("POST", "/api/user/mfa/verify", session, Some(&body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        app
    }

    /// The code of the time step that is `steps` after the present one.
    #[expect(clippy::disallowed_methods, reason = "the functions go by the machine's clock, too")]
    pub(crate) fn code(&self, steps: i64) -> String {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_secret(self.0.clone());
        totp.build().unwrap().generate(now.saturating_add_signed(steps * 30)).to_string()
    }
}
