//! What was logged: every test can read it, and every request is checked for what must not be in it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::Value;

/// The lines logged on this thread since the world was made.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(ToOwned::to_owned).collect()
    }

    /// The newest request's line.
    #[must_use]
    pub fn last_request(&self) -> (String, Value) {
        let line = self.lines().into_iter().rev().find(|line| line.contains("\"route\"")).unwrap();
        let value = serde_json::from_str(&line).unwrap();
        (line, value)
    }

    pub(crate) fn writer(&self) -> impl Fn() -> Writer + Send + Sync + 'static {
        let log = self.clone();
        move || Writer(log.clone())
    }
}

pub(crate) struct Writer(Log);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
