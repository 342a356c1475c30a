//! What holds for every route, whatever it does. The table of operations is compared with the
//! routes' own, so a new route is in all of these tests or fails the first of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod access;
mod bodies;
mod expiries;
mod failures;
mod operation;
mod policies;
mod table;
mod tenant_wall;
