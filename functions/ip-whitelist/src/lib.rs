//! From where requests are let in.

pub mod add;
pub mod check;
pub mod confirm;
pub mod list;
pub mod remove;
pub mod status;
pub mod toggle;
mod values;

shared::routes!(list, add, remove, status, toggle, check, confirm);

use shared::error::Error;

/// The refusal of what the caller could not undo.
fn would_lock_out_caller() -> Error {
    let detail = "Your own address would be refused. Add `?force=true` to do it nevertheless.";
    Error::conflict("would_lock_out_caller", detail)
}

/// The refusal of a change that another one came before.
fn edit_conflict() -> Error {
    Error::conflict("edit_conflict", "The organization was changed meanwhile. Try again.")
}
