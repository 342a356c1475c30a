//! Child processes that never outlive the local stack, however it ends.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::{Child, ChildStdin, Command};

use crate::error::Error;

/// Runs a program in a process group of its own, beside a watcher that ends the group when the
/// pipe from the local stack closes. The kernel closes it even after `kill -9`.
const SUPERVISOR: &str = r#"
exec 3<&0
(trap "" TERM INT; cat <&3 >/dev/null; kill -TERM 0; sleep 2; kill -KILL 0) >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
"#;

/// A running child.
#[derive(Debug)]
pub struct Process {
    name: &'static str,
    log: PathBuf,
    child: Child,
    /// While it is open, the watcher waits. It is kept apart because waiting for a child closes
    /// its standard input.
    pipe: Option<ChildStdin>,
}

impl Process {
    /// Starts a program. `configure` sets its environment and where its output goes.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn start(
        name: &'static str,
        log: PathBuf,
        program: &Path,
        arguments: &[&str],
        configure: impl FnOnce(&mut Command),
    ) -> Result<Self, Error> {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, name]).arg(program).args(arguments);
        command.stdin(Stdio::piped()).process_group(0);
        configure(&mut command);
        let mut child = command.spawn().map_err(Error::io(name))?;
        let pipe = child.stdin.take();
        Ok(Self { name, log, child, pipe })
    }

    /// The child's handle, for its output.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the program has ended by itself, which is a failure.
    pub async fn ended(&mut self) -> Error {
        // Whatever the status: it should run.
        let _ = self.child.wait().await;
        self.failure()
    }

    /// Checks that the program has not ended.
    ///
    /// # Errors
    /// [`Error::Ended`] where it has.
    pub fn check(&mut self) -> Result<(), Error> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(_)) | Err(_) => Err(self.failure()),
        }
    }

    fn failure(&self) -> Error {
        Error::Ended { name: self.name.to_owned(), log: self.log.display().to_string() }
    }

    /// Ends the program and its whole group, and waits until it has.
    pub async fn stop(mut self) {
        let group = self.child.id().map(|id| format!("-{id}"));
        drop(self.pipe.take());
        let ended = tokio::time::timeout(std::time::Duration::from_secs(5), self.child.wait());
        // Past that the group is killed below.
        let _ = ended.await;
        if let Some(group) = group {
            let mut kill = Command::new("kill");
            kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
            // A group that is gone already is what is wanted.
            let _ = kill.status().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_stopped_process_is_gone_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", marker.display());
        let process =
            Process::start("test", marker.clone(), Path::new("sh"), &["-c", &script], |_| {})
                .unwrap();
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        let pid = loop {
            ticks.tick().await;
            match std::fs::read_to_string(&marker) {
                Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
                _ => {}
            }
        };
        process.stop().await;
        let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(status.is_empty() || status.contains(") Z "), "{status}");
    }

    #[tokio::test]
    async fn a_process_that_ends_by_itself_is_noticed() {
        let log = PathBuf::from("somewhere.log");
        let mut process = Process::start("test", log, Path::new("true"), &[], |_| {}).unwrap();
        assert_eq!(process.ended().await.to_string(), "test has ended; its log is somewhere.log");
    }
}
