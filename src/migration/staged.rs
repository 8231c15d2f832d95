//! Several files: all of them, or none.

use std::fs::Permissions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Files that are written, and not yet in their places. Dropped before [`Staged::commit`], they are gone, and so are their folders.
#[derive(Debug, Default)]
pub struct Staged {
    new: Vec<(NamedTempFile, PathBuf)>,
    replaced: Option<(NamedTempFile, PathBuf)>,
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
    /// Files that were in their places already and could not be taken away again.
    pub left: Vec<PathBuf>,
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> StagedError + use<> {
    let path = path.to_owned();
    move |source| StagedError {
        path,
        source,
        left: Vec::new(),
    }
}

impl Staged {
    /// Writes new files under other names beside their places, and the folders that they lack.
    ///
    /// # Errors
    /// One that cannot be written. Then none is left.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Result<Self, StagedError> {
        Self::default().with(files, None)
    }

    /// Does the same, and replaces `original` with its new text. All get the permissions that it has.
    ///
    /// # Errors
    /// One that cannot be written. Then none is left.
    pub fn replacing<'a>(
        files: impl IntoIterator<Item = (&'a Path, &'a str)>,
        original: (&Path, &str),
    ) -> Result<Self, StagedError> {
        let (path, text) = original;
        let permissions = fs_err::metadata(path).map_err(failed(path))?.permissions();
        let mut staged = Self::default();
        staged.replaced = Some((stage(path, text, Some(&permissions))?, path.to_owned()));
        staged.with(files, Some(&permissions))
    }

    fn with<'a>(
        mut self,
        files: impl IntoIterator<Item = (&'a Path, &'a str)>,
        permissions: Option<&Permissions>,
    ) -> Result<Self, StagedError> {
        for (path, text) in files {
            self.make_folders(path)?;
            self.new.push((stage(path, text, permissions)?, path.to_owned()));
        }
        Ok(self)
    }

    /// Makes the folders of a file that are not there, the outermost first.
    fn make_folders(&mut self, path: &Path) -> Result<(), StagedError> {
        let missing = path.ancestors().skip(1).take_while(|folder| !folder.exists());
        let missing: Vec<&Path> = missing.filter(|folder| !folder.as_os_str().is_empty()).collect();
        for folder in missing.into_iter().rev() {
            fs_err::create_dir(folder).map_err(failed(folder))?;
            self.folders.push(folder.to_owned());
        }
        Ok(())
    }

    /// Puts the files into their places in the order in which they were given, never over one that is there; what is replaced comes last, in
    /// one step. Whoever is killed between two of them leaves the first ones, each of them whole.
    ///
    /// # Errors
    /// One that cannot be put into its place. Then those before it are taken away again, and what was to be replaced is what it was.
    pub fn commit(mut self) -> Result<(), StagedError> {
        let mut placed = Vec::new();
        let done = self.place(&mut placed);
        if done.is_ok() {
            self.folders.clear();
        }
        done.map_err(|error| StagedError {
            left: taken_away(placed),
            ..error
        })
    }

    fn place(&mut self, placed: &mut Vec<PathBuf>) -> Result<(), StagedError> {
        for (file, path) in self.new.drain(..) {
            let there = file.persist_noclobber(&path);
            there.map_err(|error| failed(&path)(error.error))?;
            placed.push(path);
        }
        if let Some((file, path)) = self.replaced.take() {
            file.persist(&path).map_err(|error| failed(&path)(error.error))?;
        }
        Ok(())
    }
}

impl Drop for Staged {
    /// Takes away the folders that were made, once they are empty: what somebody else has put there meanwhile keeps them.
    fn drop(&mut self) {
        self.new.clear();
        for folder in self.folders.iter().rev() {
            let _ = fs_err::remove_dir(folder);
        }
    }
}

/// Returns those that stay.
fn taken_away(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let stays = |path: &PathBuf| fs_err::remove_file(path).is_err();
    files.into_iter().filter(stays).collect()
}

fn stage(path: &Path, text: &str, permissions: Option<&Permissions>) -> Result<NamedTempFile, StagedError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let write = || {
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        if let Some(permissions) = permissions {
            file.as_file().set_permissions(permissions.clone())?;
        }
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
        let new = || files.iter().map(|(path, text)| (path.as_path(), *text));
        let staged = || Staged::replacing(new(), (&at("1.sql"), "new")).unwrap();
        let now = staged();
        fs_err::write(at("4.sql"), "theirs").unwrap();
        let error = now.commit().unwrap_err();
        assert_eq!((error.path, error.left), (at("4.sql"), Vec::new()));
        assert_eq!(names(dir.path()), ["1.sql", "4.sql"]);
        assert_eq!(fs_err::read_to_string(at("1.sql")).unwrap(), "old");
        fs_err::remove_file(at("4.sql")).unwrap();
        staged().commit().unwrap();
        assert_eq!(names(dir.path()), ["1.sql", "2.sql", "3", "4.sql"]);
        assert_eq!(fs_err::read_to_string(at("1.sql")).unwrap(), "new");
        assert_eq!(fs_err::read_to_string(at("3/up.sql")).unwrap(), "three");
    }

    #[test]
    fn what_cannot_be_staged_leaves_no_file_and_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs_err::write(at("no-folder"), "a file").unwrap();
        let files = [(at("a/b/1.sql"), "one"), (at("no-folder/2.sql"), "two")];
        let new = || files.iter().map(|(path, text)| (path.as_path(), *text));
        Staged::new(new()).unwrap_err();
        assert_eq!(names(dir.path()), ["no-folder"]);
        drop(Staged::new(new().take(1)).unwrap());
        assert_eq!(names(dir.path()), ["no-folder"]);
        Staged::new(new().take(1)).unwrap().commit().unwrap();
        assert_eq!(names(&at("a/b")), ["1.sql"]);
    }

    #[cfg(unix)]
    #[test]
    fn new_files_can_be_read_by_others_as_any_that_is_made() {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs_err::metadata(dir.path().join(name)).unwrap().permissions().mode();
        fs_err::write(dir.path().join("usual.sql"), "").unwrap();
        let path = dir.path().join("1.sql");
        Staged::new([(path.as_path(), "one")]).unwrap().commit().unwrap();
        assert_eq!(mode("1.sql"), mode("usual.sql"));
    }
}
