//! Opens the files of a folder.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// A folder that is kept open, so that the way to it is not walked again for each of ten thousand files: that is a sixth of the time
/// it takes to open, read and close them.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// `None` where it cannot be opened; then whoever opens a file in it learns why.
    opened: Option<OwnedFd>,
}

impl Folder {
    /// Opens a folder.
    pub(super) fn open(path: &Path) -> Self {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Self {
            path: path.to_owned(),
            opened: rustix::fs::open(path, flags, Mode::empty()).ok(),
        }
    }

    /// Opens a file for reading, wherever it is.
    ///
    /// # Errors
    /// Those of open(2).
    pub(super) fn file(&self, path: &Path) -> io::Result<File> {
        match (&self.opened, self.below(path)) {
            (Some(folder), Some(below)) => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                Ok(rustix::fs::openat(folder, below, flags, Mode::empty())?.into())
            }
            _ => File::open(path),
        }
    }

    /// Returns the way from the folder to `path`, if that begins with the folder's path to the letter.
    fn below<'a>(&self, path: &'a Path) -> Option<&'a OsStr> {
        let rest = path
            .as_os_str()
            .as_bytes()
            .strip_prefix(self.path.as_os_str().as_bytes())?;
        rest.strip_prefix(b"/")
            .filter(|rest| !rest.starts_with(b"/"))
            .map(OsStr::from_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn opens_files_in_it_below_it_and_elsewhere() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a");
        fs::create_dir_all(dir.join("b")).unwrap();
        for name in ["a/1", "a/b/2", "3", "ab"] {
            fs::write(root.path().join(name), name).unwrap();
        }
        for folder in [Folder::open(&dir), Folder::open(&root.path().join("missing"))] {
            for name in ["a/1", "a/b/2", "3", "ab"] {
                let mut text = String::new();
                let mut file = folder.file(&root.path().join(name)).unwrap();
                file.read_to_string(&mut text).unwrap();
                assert_eq!(text, name);
            }
            let missing = folder.file(&dir.join("none")).unwrap_err();
            assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        }
    }

    #[test]
    fn only_what_is_in_it_is_opened_from_it() {
        let folder = Folder::open(Path::new("/x/m"));
        let below = |path: &str| {
            folder
                .below(Path::new(path))
                .map(|rest| rest.to_str().unwrap().to_owned())
        };
        assert_eq!(below("/x/m/1.sql").as_deref(), Some("1.sql"));
        assert_eq!(below("/x/m/a/up.sql").as_deref(), Some("a/up.sql"));
        assert_eq!(below("/x/m2/1.sql"), None);
        assert_eq!(below("/x/m//etc/passwd"), None);
        assert_eq!(below("/x/m"), None);
    }
}
