//! Where the local stack keeps things: all under `.local/`, and one stack at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::error::Error;

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
            Ok(()) => Ok(Self { root: root.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked(root.display().to_string())),
            Err(TryLockError::Error(error)) => Err(Error::Io(path.display().to_string(), error)),
        }
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
    fn a_private_file_is_its_owner_s_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_private(&path, "first").unwrap();
        write_private(&path, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
