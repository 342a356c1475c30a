//! Where the local stack keeps things: all under `.local/`, and one stack at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::Error;

/// The file that says where the running stack's table is.
const TABLE_URL: &str = "table.url";

/// The folder of one local stack, held for as long as the value lives.
#[derive(Debug)]
pub struct Place {
    root: PathBuf,
    _lock: File,
}

impl Place {
    /// Takes the folder. The lock is the operating system's, so a killed stack leaves none behind.
    ///
    /// # Errors
    /// [`Error::Locked`] where another stack has it.
    pub fn take(root: &Path) -> Result<Self, Error> {
        for folder in ["data", "log"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).map_err(Error::io(folder.display().to_string()))?;
        }
        let path = root.join("lock");
        let lock = File::create(&path).map_err(Error::io(path.display().to_string()))?;
        match lock.try_lock() {
            Ok(()) => {
                // Where the last stack's table was: nobody is there now.
                let _ = fs::remove_file(root.join(TABLE_URL));
                Ok(Self { root: root.to_owned(), _lock: lock })
            }
            Err(TryLockError::WouldBlock) => Err(Error::Locked(root.display().to_string())),
            Err(TryLockError::Error(error)) => Err(Error::Io(path.display().to_string(), error)),
        }
    }

    /// Where the table of the stack that runs on the folder is.
    ///
    /// # Errors
    /// [`Error::NotRunning`] where there is none, or it is still starting.
    pub fn table_of(root: &Path) -> Result<String, Error> {
        let lock = File::open(root.join("lock")).map_err(|_| Error::NotRunning)?;
        match lock.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return Err(Error::NotRunning),
        }
        fs::read_to_string(root.join(TABLE_URL)).map_err(|_| Error::NotRunning)
    }

    /// Tells other tools where the table is, for as long as the stack runs.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn tell_table(&self, url: &str) -> Result<(), Error> {
        write_private(&self.root.join(TABLE_URL), url)
    }

    /// What has to survive, and shares its fate: the table, the secret, the seeds.
    #[must_use]
    pub fn data(&self, name: &str) -> PathBuf {
        self.root.join("data").join(name)
    }

    /// A log.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.root.join("log").join(name)
    }

    /// What a client needs.
    #[must_use]
    pub fn demo_env(&self) -> PathBuf {
        self.root.join("demo.env")
    }

    /// A program of the folder's Python environment.
    #[must_use]
    pub fn tool(&self, name: &str) -> PathBuf {
        self.root.join("venv").join("bin").join(name)
    }
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// [`Error::Io`].
pub fn write_private(path: &Path, content: &str) -> Result<(), Error> {
    let draft = path.with_extension("draft");
    let write = || {
        // A draft that a crash left behind could have other permissions.
        let _ = fs::remove_file(&draft);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(Error::io(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_stack_on_the_same_folder_is_refused_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Place::take(folder.path()).unwrap();
        assert!(matches!(Place::take(folder.path()), Err(Error::Locked(_))));
        drop(first);
        assert!(Place::take(folder.path()).is_ok());
    }

    #[test]
    fn the_table_of_a_stack_is_told_only_while_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let table = || Place::table_of(folder.path());
        assert!(matches!(table(), Err(Error::NotRunning)));
        let stack = Place::take(folder.path()).unwrap();
        assert!(matches!(table(), Err(Error::NotRunning)));
        stack.tell_table("http://127.0.0.1:1").unwrap();
        assert_eq!(table().unwrap(), "http://127.0.0.1:1");
        drop(stack);
        assert!(matches!(table(), Err(Error::NotRunning)));
        // The next one does not tell where the last one's was.
        let _next = Place::take(folder.path()).unwrap();
        assert!(matches!(table(), Err(Error::NotRunning)));
    }

    #[test]
    fn a_private_file_is_its_owner_s_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, "first").unwrap();
        write_private(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
