//! Files that hold customers' words: where they lie beside a bundle, and who can read them.
//!
//! Must never leave such a file readable for other users of the machine, not even while it is being written.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::Path;

/// Makes the folder `path`, and those above it where there are none. On Unix only the owner can look into it (mode 0700),
/// also where it was there before.
///
/// # Errors
/// Whatever the system says.
pub fn create_private_folder(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => close_to_others(path),
        result => result,
    }
}

/// Takes an older folder away from other users. Where it can't be (another owner, a file system without modes) it stays as it
/// is: what is written into it is private all the same.
#[cfg(unix)]
fn close_to_others(path: &Path) -> io::Result<()> {
    match fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700)) {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Who may do what with a file, for tests.
#[cfg(all(test, unix))]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use firstline_nn::write_private_file;

    use super::*;

    #[test]
    fn only_the_owner_can_read_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("bundle").join("index");
        create_private_folder(&folder).unwrap();
        let path = folder.join("1.cases");
        write_private_file(&["a", "b"], &path).unwrap();
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read(&path).unwrap(), b"ab");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing but the file is left");
    }

    #[test]
    fn what_others_could_read_before_is_theirs_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, path) = (dir.path().join("index"), dir.path().join("index").join("desk.json"));
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        create_private_folder(&folder).unwrap();
        write_private_file(&["new"], &path).unwrap();
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
    }
}
