//! All files or none.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Files that are written, and not yet in their places.
#[derive(Debug)]
pub struct Staged {
    new: Vec<(NamedTempFile, PathBuf)>,
    original: NamedTempFile,
    path: PathBuf,
    folders: Vec<PathBuf>,
}

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct StagedError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the operating system said.
    pub source: std::io::Error,
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> StagedError + use<> {
    let path = path.to_owned();
    move |source| StagedError { path, source }
}

impl Staged {
    /// Writes new files, and the new text of `original`, under other names beside their places.
    ///
    /// # Errors
    /// One that cannot be written. Then none is left.
    pub fn new<'a>(
        new: impl IntoIterator<Item = (&'a Path, &'a str)>,
        original: (&Path, &str),
    ) -> Result<Self, StagedError> {
        let (path, text) = original;
        let mut staged = Self {
            new: Vec::new(),
            original: stage(path, text)?,
            path: path.to_owned(),
            folders: Vec::new(),
        };
        let permissions = fs_err::metadata(path).map_err(failed(path))?.permissions();
        let set = |file: &NamedTempFile| file.as_file().set_permissions(permissions.clone());
        set(&staged.original).map_err(failed(path))?;
        for (path, text) in new {
            let made = staged.folder(path).and_then(|()| stage(path, text));
            let file = made.and_then(|file| set(&file).map(|()| file).map_err(failed(path)));
            match file {
                Ok(file) => staged.new.push((file, path.to_owned())),
                Err(error) => {
                    staged.remove_folders();
                    return Err(error);
                }
            }
        }
        Ok(staged)
    }

    /// Makes the folder of a file, where each migration is in one of its own.
    fn folder(&mut self, path: &Path) -> Result<(), StagedError> {
        let Some(folder) = path.parent().filter(|folder| !folder.exists()) else {
            return Ok(());
        };
        fs_err::create_dir(folder).map_err(failed(folder))?;
        self.folders.push(folder.to_owned());
        Ok(())
    }

    /// Empty ones: what somebody else has put there meanwhile keeps them.
    fn remove_folders(&self) {
        for folder in &self.folders {
            let _ = fs_err::remove_dir(folder);
        }
    }

    /// Puts the files into their places, never over one that is there; the original is replaced last, in one step.
    ///
    /// # Errors
    /// One that cannot be put into its place. Then those before it are taken away again, and the original is what it was.
    pub fn commit(mut self) -> Result<(), StagedError> {
        let new = std::mem::take(&mut self.new);
        let mut placed: Vec<PathBuf> = Vec::new();
        let mut wrong = None;
        for (file, path) in new {
            match file.persist_noclobber(&path) {
                Ok(_) => placed.push(path),
                Err(error) => {
                    wrong = Some(failed(&path)(error.error));
                    break;
                }
            }
        }
        let error = match wrong {
            Some(error) => error,
            None => match self.original.persist(&self.path) {
                Ok(_) => return Ok(()),
                Err(error) => {
                    self.original = error.file;
                    failed(&self.path)(error.error)
                }
            },
        };
        for path in placed {
            let _ = fs_err::remove_file(path);
        }
        self.remove_folders();
        Err(error)
    }
}

fn stage(path: &Path, text: &str) -> Result<NamedTempFile, StagedError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || {
        let mut file = NamedTempFile::new_in(folder.unwrap_or_else(|| Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().map_err(failed(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs_err::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_in_the_way_leaves_everything_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs_err::write(at("1.sql"), "old").unwrap();
        let files = [(at("2.sql"), "two"), (at("3/up.sql"), "three"), (at("4.sql"), "four")];
        let staged = || {
            let new = files.iter().map(|(path, text)| (path.as_path(), *text));
            Staged::new(new, (&at("1.sql"), "new")).unwrap()
        };
        let now = staged();
        fs_err::write(at("4.sql"), "theirs").unwrap();
        assert_eq!(now.commit().unwrap_err().path, at("4.sql"));
        assert_eq!(names(dir.path()), ["1.sql", "4.sql"]);
        assert_eq!(fs_err::read_to_string(at("1.sql")).unwrap(), "old");
        fs_err::remove_file(at("4.sql")).unwrap();
        staged().commit().unwrap();
        assert_eq!(names(dir.path()), ["1.sql", "2.sql", "3", "4.sql"]);
        assert_eq!(fs_err::read_to_string(at("1.sql")).unwrap(), "new");
        assert_eq!(fs_err::read_to_string(at("3/up.sql")).unwrap(), "three");
    }
}
