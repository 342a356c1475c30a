//! Sessions, keys and preferences of somebody, made without a request.

use serde_json::Value;
use shared::{
    auth::{
        permissions::{Scope, Scopes},
        token::{PlainToken, TokenKind},
    },
    call::Call,
    clock::Timestamp,
    ids::{ApiKeyId, OrganizationId, SessionId, UserId},
    model::{
        audit::{Action, Actor, AuditRecord, Changes},
        preferences::{JsonText, Preference},
        user::{ApiKey, Session, User},
    },
    store::{PreferenceChange, Principal, SignIn, Surplus, Used, Wanted},
};

use crate::{Person, World};

impl World {
    /// Begins a session and tells its token.
    pub async fn session(&self, person: &Person) -> String {
        self.session_with_id(person).await.1
    }

    /// Begins a session and tells its id and token.
    pub async fn session_with_id(&self, person: &Person) -> (SessionId, String) {
        self.session_like(person, |session| session).await
    }

    /// The same, of a session that is somehow other.
    pub async fn session_like(
        &self,
        person: &Person,
        change: impl FnOnce(Session) -> Session,
    ) -> (SessionId, String) {
        let Principal { organization, user } = self.principal(person).await;
        let random = &*self.app.random;
        let token = PlainToken::generate(TokenKind::Session, organization.id, user.id, random);
        let id = SessionId::generate(self.now(), random);
        let session = change(Session {
            hash: token.hash(),
            last_active_at: self.now(),
            proved_at: None,
            ip_address: "192.0.2.1".parse().ok(),
            user_agent: None,
        });
        let attempts = self.attempts(person).await;
        let sign_in = SignIn {
            surplus: &Surplus::of(&user, &organization, self.now()),
            organization: &organization,
            user: &user,
            id,
            session: &session,
            proof: Used { attempts: &attempts, spend: None, now: self.now() },
            challenge: None,
            rehash: None,
            audit: &self.some_audit(organization.id, user.id),
        };
        self.app.store.begin_session(sign_in, random).await.unwrap();
        (id, token.reveal().to_owned())
    }

    /// Makes an API key that does not expire, last used just now, and tells its secret.
    pub async fn api_key(&self, person: &Person, scopes: &[Scope]) -> String {
        self.api_key_with_id(person, scopes, None).await.1
    }

    /// Makes an API key, last used just now, and tells its id and secret.
    pub async fn api_key_with_id(
        &self,
        person: &Person,
        scopes: &[Scope],
        expires_at: Option<Timestamp>,
    ) -> (ApiKeyId, String) {
        self.api_key_like(person, scopes, |key| ApiKey { expires_at, ..key }).await
    }

    /// The same, of a key that is somehow other.
    pub async fn api_key_like(
        &self,
        person: &Person,
        scopes: &[Scope],
        change: impl FnOnce(ApiKey) -> ApiKey,
    ) -> (ApiKeyId, String) {
        let Principal { organization, user } = self.principal(person).await;
        let random = &*self.app.random;
        let token = PlainToken::generate(TokenKind::ApiKey, organization.id, user.id, random);
        let id = ApiKeyId::generate(self.now(), random);
        let key = change(ApiKey {
            name: "Test key".to_owned(),
            hash: token.hash(),
            prefix: token.display_prefix(),
            scopes: scopes.iter().copied().collect::<Scopes>(),
            expires_at: None,
            last_used_at: Some(self.now()),
            rotated_at: None,
            previous: None,
            version: 1,
        });
        let audit = self.some_audit(organization.id, user.id);
        let (now, store) = (self.now(), &self.app.store);
        store
            .create_api_key(&organization, &user, id, &key, None, &audit, now, random)
            .await
            .unwrap();
        (id, token.reveal().to_owned())
    }

    /// Sets a preference.
    pub async fn preference(&self, person: &Person, key: &str, value: &Value) {
        let Principal { organization, user } = self.principal(person).await;
        let (random, store) = (&*self.app.random, &self.app.store);
        let key = key.to_owned().try_into().unwrap();
        let among = store.read_preferences(organization.id, user.id, &key).await.unwrap();
        let before = store.preference(organization.id, user.id, &key, &among).await.unwrap();
        let after = Preference::new(JsonText::new(value).unwrap(), self.now(), random);
        let audit = self.some_audit(organization.id, user.id);
        let change = PreferenceChange {
            user: user.id,
            key: &key,
            among: &among,
            before: before.as_ref(),
            audit: &audit,
        };
        store.set_preference(&organization, change, &after, random).await.unwrap();
    }

    /// The user's and the organization's items as they are.
    pub async fn principal(&self, person: &Person) -> Principal {
        let (organization, user) = (person.organization_id, person.user_id);
        let read = self.app.store.read_principal(organization, user, &Wanted::default()).await;
        read.unwrap().principal.unwrap()
    }

    /// The user's item as it is.
    pub async fn user(&self, person: &Person) -> User {
        self.principal(person).await.user
    }

    pub(crate) fn some_audit(&self, organization: OrganizationId, user: UserId) -> AuditRecord {
        let actor = Actor::Operator;
        let call = Call::new(&self.app, "set-up", None, None);
        call.audit(organization, actor, Action::UserEnabled, user, Changes::default())
    }
}
