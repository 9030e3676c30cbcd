//! A local folder, as an air-gapped site copies it: `FOLDER/NAME/FILE` or `FOLDER/FILE`.

use std::path::Path;

use super::{Pull, Refusal};

/// Takes the files from `folder`.
pub(crate) fn pull(pull: &mut Pull<'_>, folder: Option<&Path>) -> Result<(), Refusal> {
    let Some(folder) = folder else { return Err(Refusal::Absent("none was given".into())) };
    if !folder.is_dir() {
        return Err(Refusal::Absent(format!("{} is not a folder", folder.display())));
    }
    let named = folder.join(&pull.manifest.name);
    pull.take_all(&|file| [named.join(&file.path), folder.join(&file.path)].into_iter().find(|p| p.is_file()))
        .map_err(|refusal| match refusal {
            Refusal::Absent(why) => Refusal::Absent(format!("{}: {why}", folder.display())),
            Refusal::Mismatch(why) => Refusal::Mismatch(format!("{}: {why}", folder.display())),
            stop @ Refusal::Stop(_) => stop,
        })
}
