//! How many wrong passwords and codes are borne: 10 in any 15 minutes, over all factors.
//!
//! There are three budgets. An account's is spent by strangers, and so is an address's, over all
//! the accounts that it tries. Where an account has been signed in to from an address before, what
//! fails there is charged to the two of them alone: a stranger who hammers the account from
//! elsewhere does not shut its user out (OWASP Authentication Cheat Sheet, "Account Lockout").
//!
//! A budget is the list of its failures' moments, so that no 15 minutes have an eleventh. What a
//! wrong guess spends, and a right one is let through by, is written on the condition that the
//! budgets are as they were read: of a thousand guesses at once, ten get an answer.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Timestamp, epoch},
    error::Error,
};

/// How many failures a budget bears.
pub const MAX_FAILURES: usize = 10;
/// For how long a failure counts, in seconds.
pub const WINDOW_SECONDS: i64 = 15 * 60;
/// For how long an account remembers an address that it was signed in to from, in days.
pub const KNOWN_DAYS: u32 = 90;

/// An address as failures are counted by: IPv4 as it is; of IPv6 the /64 network, which is what a
/// single host can choose its addresses from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                format!("{}/64", std::net::Ipv6Addr::from_bits(network))
            }
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One budget's item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// When the failures were, in seconds since the Unix epoch; the oldest first.
    pub(crate) failures: Vec<i64>,
    /// When the item ends: with its last failure, or with the memory of the address.
    #[serde(with = "epoch")]
    pub(crate) expires_at: Timestamp,
}

/// Which budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// That of the account and an address that it knows.
    Known,
    /// The account's, for strangers.
    Account,
    /// The address's, for accounts that do not know it.
    Address,
}

/// The budgets of an account and an address, as they were read.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    pub(crate) origin: Option<Origin>,
    pub(crate) known: Option<Budget>,
    pub(crate) account: Option<Budget>,
    pub(crate) address: Option<Budget>,
}

impl Budget {
    /// The failures that still count, and one more.
    pub(crate) fn with_failure(budget: Option<&Self>, now: Timestamp) -> Vec<i64> {
        let mut failures = Self::counting(budget, now);
        failures.push(now.as_second());
        failures
    }

    fn counting(budget: Option<&Self>, now: Timestamp) -> Vec<i64> {
        let failures = budget.map(|budget| budget.failures.as_slice()).unwrap_or_default();
        let since = now.as_second() - WINDOW_SECONDS;
        failures.iter().copied().filter(|failure| *failure > since).collect()
    }

    /// Seconds until one more failure would be borne; `None` where it is now.
    fn wait(budget: Option<&Self>, now: Timestamp) -> Option<i64> {
        let failures = Self::counting(budget, now);
        let first = failures.len().checked_sub(MAX_FAILURES)?;
        Some(failures[first] + WINDOW_SECONDS - now.as_second())
    }
}

impl Attempts {
    /// Whether the account knows the address.
    pub(crate) fn is_known(&self, now: Timestamp) -> bool {
        self.known.as_ref().is_some_and(|budget| now < budget.expires_at)
    }

    /// The budgets that an attempt is charged to.
    pub(crate) fn charged(&self, now: Timestamp) -> &'static [Which] {
        match (&self.origin, self.is_known(now)) {
            (Some(_), true) => &[Which::Known],
            (Some(_), false) => &[Which::Account, Which::Address],
            (None, _) => &[Which::Account],
        }
    }

    pub(crate) const fn budget(&self, which: Which) -> Option<&Budget> {
        match which {
            Which::Known => self.known.as_ref(),
            Which::Account => self.account.as_ref(),
            Which::Address => self.address.as_ref(),
        }
    }

    /// Lets an attempt be made.
    ///
    /// # Errors
    /// 429 where a budget is spent. It is the same whether the account exists or not.
    pub fn admit(&self, now: Timestamp) -> Result<(), Error> {
        let waits = self.charged(now).iter().map(|which| Budget::wait(self.budget(*which), now));
        match waits.flatten().max() {
            Some(wait) => {
                Err(Error::TooManyAttempts { retry_after: u32::try_from(wait).unwrap_or(1) })
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_second(1_000_000);

    fn budget(failures: &[i64]) -> Budget {
        let failures = failures.iter().map(|ago| NOW.as_second() - ago).collect();
        Budget { failures, expires_at: NOW.plus_days(1) }
    }

    fn wait(attempts: &Attempts) -> Option<u32> {
        match attempts.admit(NOW) {
            Err(Error::TooManyAttempts { retry_after }) => Some(retry_after),
            _ => None,
        }
    }

    #[test]
    fn no_fifteen_minutes_have_an_eleventh_failure() {
        let spent = [890, 600, 500, 400, 300, 200, 100, 50, 2, 1];
        let of =
            |failures: &[i64]| Attempts { account: Some(budget(failures)), ..Attempts::default() };
        assert_eq!(wait(&of(&spent)), Some(10));
        assert_eq!(wait(&of(&spent[1..])), None);
        assert_eq!(wait(&of(&[900, 600, 500, 400, 300, 200, 100, 50, 2, 1])), None);
        assert_eq!(wait(&of(&[899, 600, 500, 400, 300, 200, 100, 50, 2, 1])), Some(1));
    }

    #[test]
    fn what_strangers_spend_does_not_concern_an_address_that_the_account_knows() {
        let origin = Some(Origin::of("192.0.2.1".parse().unwrap()));
        let spent = Some(budget(&[1; 10]));
        let (account, address) = (spent.clone(), spent.clone());
        let stranger = Attempts { origin, known: None, account, address };
        assert_eq!(wait(&stranger), Some(899));
        assert_eq!(wait(&Attempts { known: Some(budget(&[1; 9])), ..stranger.clone() }), None);
        assert_eq!(wait(&Attempts { known: spent, ..stranger.clone() }), Some(899));
        let forgotten = Budget { failures: Vec::new(), expires_at: NOW };
        assert_eq!(wait(&Attempts { known: Some(forgotten), ..stranger }), Some(899));
    }

    #[test]
    fn a_host_s_ipv6_addresses_are_one_origin() {
        let of = |text: &str| Origin::of(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:0:1::5"), "2001:db8:0:1::/64");
        assert_eq!(of("2001:db8:0:1:ffff:ffff:ffff:ffff"), "2001:db8:0:1::/64");
        assert_ne!(of("2001:db8:0:2::5"), "2001:db8:0:1::/64");
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
    }
}
