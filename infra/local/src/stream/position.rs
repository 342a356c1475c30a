//! How far a function has been served, kept beside the table.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use crate::{error::Error, place::write_private};

/// A function's position in the stream.
#[derive(Debug)]
pub(super) struct Position {
    file: PathBuf,
    arn: String,
    /// The last record with which nothing is left to do; none at the stream's beginning.
    after: Option<String>,
}

impl Position {
    /// Reads a kept position. That of another stream is none: the table was made anew.
    pub(super) fn read(file: PathBuf, arn: &str) -> Option<Self> {
        let text = fs::read_to_string(&file).ok()?;
        let kept: Value = serde_json::from_str(&text).ok()?;
        let after = kept["after"].as_str().map(ToOwned::to_owned);
        (kept["stream"] == arn).then(|| Self { file, arn: arn.to_owned(), after })
    }

    /// Keeps a first position.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn begin(file: PathBuf, arn: &str, after: Option<String>) -> Result<Self, Error> {
        let position = Self { file, arn: arn.to_owned(), after };
        position.write()?;
        Ok(position)
    }

    /// The sequence number after which it goes on.
    pub(super) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Moves on, and keeps that.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn advance(&mut self, through: String) -> Result<(), Error> {
        self.after = Some(through);
        self.write()
    }

    fn write(&self) -> Result<(), Error> {
        let kept = json!({"stream": self.arn, "after": self.after});
        write_private(&self.file, &kept.to_string())
    }
}
