//! What a deployment chooses. It is read once, in the bootstrap.

/// The settings of a deployment that handlers go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Hours until a shorter retention is in force: what it deletes is gone for good.
    pub retention_cooling_off_hours: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { retention_cooling_off_hours: 24 }
    }
}
