//! What the deployment itself sends with: the tokens of Slack's workspaces and the SMTP server. They
//! are the operator's, in a secret of their own, and each token is bound to an organization: no tenant
//! posts into another's workspace.

use std::{collections::BTreeMap, fmt};

use secrecy::SecretString;
use serde::Deserialize;
use shared::{ids::OrganizationId, secrets::SecretValue};

/// The value of the secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Bot tokens by `<organization id>/<workspace>`.
    #[serde(default)]
    slack: BTreeMap<String, SecretString>,
    /// The SMTP server.
    #[serde(default)]
    pub smtp: Option<Smtp>,
}

/// An SMTP server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: Tls,
    /// Whom to sign in as.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to sign in with.
    #[serde(default)]
    pub password: Option<SecretString>,
    /// Who the mails are from: an address, or a name and an address in angle brackets.
    pub from: String,
}

/// How a connection to an SMTP server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// From its beginning.
    Implicit,
    /// By the command of that name; a server that does not offer it is not sent to.
    Starttls,
    /// Not at all: for a server on the same machine.
    None,
}

impl SecretValue for Deployment {
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

impl Deployment {
    /// The bot token of an organization's workspace.
    #[must_use]
    pub fn slack_token(
        &self,
        organization: OrganizationId,
        workspace: &str,
    ) -> Option<&SecretString> {
        self.slack.get(&format!("{organization}/{workspace}"))
    }
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deployment([REDACTED])")
    }
}
