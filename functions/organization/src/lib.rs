//! The organization and what its plan entitles it to. Everything here is in the items that let
//! the request in, so no answer costs a further read.

pub mod features;
pub mod get;
pub mod limits;
pub mod subscription;

shared::routes!(get, features, limits, subscription);
