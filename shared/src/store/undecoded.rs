//! Answers as they came. Left to itself, the SDK makes a hash map of every item and of every map in it,
//! of which a type is then made: more than half of what a request took beside sending and receiving.

use std::sync::{Arc, OnceLock};

use aws_sdk_dynamodb::config::{
    ConfigBag, Intercept, RuntimeComponents,
    interceptors::BeforeDeserializationInterceptorContextMut,
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{
            context::{self, Output},
            dyn_dispatch_hint,
        },
        orchestrator::{HttpResponse, OrchestratorError},
        ser_de::{DeserializeResponse, SharedResponseDeserializer},
    },
};
use aws_smithy_types::body::SdkBody;
use serde::Deserialize;

use crate::error::Error;

/// Keeps the body of a call's answer, of which the SDK then decodes nothing. An answer that tells of an
/// error is left to the SDK.
#[derive(Debug, Clone)]
pub(super) struct Undecoded {
    body: Arc<OnceLock<SdkBody>>,
    nothing: fn() -> Output,
}

impl Undecoded {
    /// An interceptor for one call, with what the SDK is to take its answer for.
    pub(super) fn new(nothing: fn() -> Output) -> Self {
        Self { body: Arc::default(), nothing }
    }

    /// Decodes the answer, once the call has succeeded.
    pub(super) fn decode<'a, T: Deserialize<'a>>(&'a self, call: &str) -> Result<T, Error> {
        let body = self.body.get().and_then(SdkBody::bytes).unwrap_or_default();
        // Serde's message could quote an item, so it goes nowhere.
        serde_json::from_slice(body)
            .map_err(|_| Error::unavailable(format!("{call}: the answer does not decode")))
    }
}

#[dyn_dispatch_hint]
impl Intercept for Undecoded {
    fn name(&self) -> &'static str {
        "Undecoded"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.response().status().is_success() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl DeserializeResponse for Undecoded {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<context::Error>> {
        let body = response.body().try_clone();
        let body = body.ok_or_else(|| OrchestratorError::other("an answer without a body"))?;
        self.body.get_or_init(|| body);
        Ok((self.nothing)())
    }
}
