//! Sign-in and sessions, through the real router.

mod end;
mod expiries;
mod list;
mod login;
mod login_challenge;
mod login_mfa;
mod login_mfa_races;
mod login_mfa_refusals;
mod login_refusals;
mod reauthenticate;
mod throttling;
mod throttling_factors;
