//! A user's second factor. It lies apart from the user, so that IAM lets few functions read it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    clock::{Timestamp, epoch},
    ids::EnrollmentId,
};

/// How long the setting up of a second factor may take, in minutes.
pub const ENROLLMENT_MINUTES: u32 = 10;

/// The item of a second factor: one that is on, one that is being set up, or both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The seed of the codes, encrypted; missing while the factor is not on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed_seed: Option<String>,
    /// The last time step whose code was used (RFC 6238, section 5.2: a code is good once). It only
    /// ever grows.
    pub last_step: u64,
    /// Keyed hashes of the backup codes that were not used yet.
    pub backup_codes: BTreeMap<String, bool>,
    /// What is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enrollment: Option<Enrollment>,
}

/// A second factor that is being set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrollment {
    /// Its id.
    pub id: EnrollmentId,
    /// The seed of the codes, encrypted.
    pub sealed_seed: String,
    /// When it ends.
    #[serde(with = "epoch")]
    pub expires_at: Timestamp,
}

/// What a right code uses up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spend {
    /// A time step.
    Step {
        /// The step that the code is of.
        step: u64,
        /// The seed as it was read.
        sealed_seed: String,
        /// The seed under the deployment's present key, where it was under an older one.
        resealed: Option<String>,
    },
    /// A backup code.
    BackupCode {
        /// Its keyed hash.
        hash: String,
    },
}

impl Spend {
    /// What kind of factor it was, for the audit log.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::Step { .. } => "totp",
            Self::BackupCode { .. } => "backup_code",
        }
    }
}

impl SecondFactor {
    /// The enrollment of that id, while it may be completed.
    #[must_use]
    pub fn open_enrollment(&self, id: EnrollmentId, now: Timestamp) -> Option<&Enrollment> {
        self.enrollment.as_ref().filter(|it| it.id == id && now < it.expires_at)
    }
}
