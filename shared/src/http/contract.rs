//! What a handler's arguments say of its route: who may call it, and what it refuses.
//!
//! Each argument's type knows its own part. So a route's part of the OpenAPI document follows from
//! the signature that the compiler checks, and nobody writes it down a second time. A function in
//! Lambda has none of this: only the document calls it.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use serde_json::json;
use utoipa::openapi::{HttpMethod, OpenApi, PathItem, extensions::Extensions, path::Operation};

use super::kind::Kind;
use crate::{
    auth::permissions::{Level, Needs, Role},
    error::Error,
};

/// The extension of an operation that holds its [`Contract`], until the document is finished.
pub const EXTENSION: &str = "x-contract";

/// What is known of a route.
#[derive(Debug, Default)]
pub struct Contract {
    access: Option<Access>,
    replays: bool,
    kinds: BTreeSet<Kind>,
}

#[derive(Debug)]
struct Access {
    needs: Needs,
    fresh: bool,
}

impl Contract {
    /// Notes what the route can refuse a request for.
    pub fn refuses(&mut self, kinds: impl IntoIterator<Item = Kind>) {
        self.kinds.extend(kinds);
    }

    /// Notes that the route is for callers of a level.
    pub(crate) fn admits<L: Level>(&mut self) {
        self.access = Some(Access { needs: L::NEEDS, fresh: L::FRESH });
        self.refuses([
            Kind::MissingCredential,
            Kind::InvalidCredential,
            Kind::ApiKeyExpired,
            Kind::SessionIdle,
            Kind::SessionAbsolute,
            Kind::IpNotAllowed,
            Kind::RateLimited,
        ]);
        match L::NEEDS {
            Needs::Session => self.refuses([Kind::SessionRequired]),
            Needs::Scope(_) => self.refuses([Kind::RoleRequired, Kind::InsufficientScope]),
        }
        if L::FRESH {
            self.refuses([Kind::ReauthenticationRequired]);
        }
        if L::WITH_ATTEMPTS {
            self.refuses([Kind::TooManyAttempts]);
            self.refuses(L::WITH_PASSWORD.then_some(Kind::IncorrectPassword));
            self.refuses(L::WITH_FACTOR.then_some(Kind::IncorrectCode));
        }
        if L::WITH_REPLAY {
            self.replays = true;
            self.refuses([
                Kind::InvalidIdempotencyKey,
                Kind::IdempotencyKeyReused,
                Kind::IdempotencyKeyInFlight,
            ]);
        }
    }

    /// Puts the contract into the operations of `path`.
    pub fn attach(&self, document: &mut OpenApi, path: &str, methods: &[HttpMethod]) {
        let Some(item) = document.paths.paths.get_mut(path) else { return };
        for method in methods {
            if let Some(operation) = operation(item, method) {
                let contract = Extensions::builder().add(EXTENSION, self.to_json()).build();
                operation.extensions.get_or_insert_default().merge(contract);
            }
        }
    }

    fn to_json(&self) -> serde_json::Value {
        let access = self.access.as_ref().map(|Access { needs, fresh }| match needs {
            Needs::Session => json!({"credential": "session", "recent_proof": fresh}),
            Needs::Scope(scope) => {
                let roles = [Role::Admin, Role::PipelineEditor, Role::Viewer];
                let roles: Vec<_> =
                    roles.into_iter().filter(|role| role.scopes().contains(*scope)).collect();
                json!({"credential": "session or API key", "scope": scope, "roles": roles})
            }
        });
        let codes: Vec<_> = self.kinds.iter().map(|kind| kind.code()).collect();
        json!({"access": access, "replays": self.replays, "codes": codes})
    }
}

fn operation<'a>(item: &'a mut PathItem, method: &HttpMethod) -> Option<&'a mut Operation> {
    match method {
        HttpMethod::Get => item.get.as_mut(),
        HttpMethod::Post => item.post.as_mut(),
        HttpMethod::Put => item.put.as_mut(),
        HttpMethod::Delete => item.delete.as_mut(),
        HttpMethod::Patch => item.patch.as_mut(),
        HttpMethod::Head => item.head.as_mut(),
        HttpMethod::Options => item.options.as_mut(),
        HttpMethod::Trace => item.trace.as_mut(),
    }
}

/// A type of a handler's argument.
pub trait Part {
    /// Says its part.
    fn tell(contract: &mut Contract);
}

impl Part for HeaderMap {
    fn tell(_: &mut Contract) {}
}

/// An argument whose refusal the handler looks at before it answers with it.
impl<T: Part> Part for Result<T, Error> {
    fn tell(contract: &mut Contract) {
        T::tell(contract);
    }
}

/// A handler whose arguments `A` are all [`Part`]s.
pub trait Handler<A> {
    /// What they say together.
    fn contract(&self) -> Contract;
}

macro_rules! handlers {
    ($($name:ident),*) => {
        impl<F, O, $($name: Part),*> Handler<($($name,)*)> for F
        where
            F: Fn($($name),*) -> O,
        {
            fn contract(&self) -> Contract {
                let mut contract = Contract::default();
                $($name::tell(&mut contract);)*
                contract
            }
        }
    };
}

handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
handlers!(A, B, C, D, E);
