//! `enable_user`

use shared::{call::Call, error::Error, model::audit::Action};

use crate::disable_user::{self, Changed, Request};

/// Enables a disabled user again. Their API keys work as before; their sessions are gone.
///
/// # Errors
/// 422; 404.
pub async fn run(call: &Call, request: Request) -> Result<Changed, Error> {
    disable_user::set(call, request, false, Action::UserEnabled).await
}
