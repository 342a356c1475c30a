//! A function's routes, declared once: the router that serves them and the document that tells of
//! them.

/// Declares `router()` and `documented()` for handlers that are each called `handler`, in a module
/// of their own, and carry `#[utoipa::path]`.
///
/// A function in Lambda calls `router()` alone. Making the document takes longer than all else in
/// its start, and is left out of its binary.
#[macro_export]
macro_rules! routes {
    ($($verb:ident),* $(,)?) => {
        /// The routes, as they are served.
        #[must_use]
        pub fn router() -> axum::Router {
            use utoipa::Path as _;
            axum::Router::new()$(.route(
                &$verb::__path_handler::path(),
                $crate::http::routes::on(&$verb::__path_handler::methods(), &$verb::handler),
            ))*
        }

        /// The routes with their OpenAPI document, and what the handlers' arguments say of them.
        #[must_use]
        pub fn documented() -> utoipa_axum::router::OpenApiRouter {
            use $crate::http::contract::Handler as _;
            use utoipa::Path as _;
            let mut router = utoipa_axum::router::OpenApiRouter::new()
                $(.routes(utoipa_axum::routes!($verb::handler)))*;
            let document = router.get_openapi_mut();
            $($verb::handler.contract().attach(
                document,
                &$verb::__path_handler::path(),
                &$verb::__path_handler::methods(),
            );)*
            router
        }
    };
}

use axum::{handler::Handler, routing::MethodRouter};
use utoipa::openapi::HttpMethod;
use utoipa_axum::PathItemExt as _;

/// A handler for the methods that its `#[utoipa::path]` names.
pub fn on<H: Handler<T, ()>, T: 'static>(methods: &[HttpMethod], handler: &H) -> MethodRouter {
    let route = |router: MethodRouter, method: &HttpMethod| {
        router.on(method.to_method_filter(), handler.clone())
    };
    methods.iter().fold(MethodRouter::new(), route)
}
