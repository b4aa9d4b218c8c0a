//! `--output`: a file that is written whole or not at all.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// A file that stands under its name only once it is whole.
pub(crate) struct Unfinished {
    /// What is written so far.
    pub(crate) file: std::io::BufWriter<File>,
    path: PathBuf,
    /// Where it is written until then; none for a device or a pipe, which is written to directly:
    /// a file in its place would be the end of `/dev/stdout`.
    beside: Option<PathBuf>,
}

impl Unfinished {
    /// Opens a file under another name beside this one.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let failed = || format!("`{}` cannot be written", path.display());
        let there = std::fs::metadata(path);
        if there.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
            anyhow::bail!("{}: it is a folder", failed());
        }
        if there.as_ref().is_ok_and(|there| !there.is_file()) {
            let file = File::options().write(true).open(path).with_context(failed)?;
            let file = std::io::BufWriter::new(file);
            return Ok(Self { file, path: path.to_owned(), beside: None });
        }
        // What a link leads to is replaced, and not the link.
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().with_context(failed)?;
        let beside = path.with_file_name(format!(".{}.{}", name.display(), std::process::id()));
        let file = std::io::BufWriter::new(File::create(&beside).with_context(failed)?);
        Ok(Self { file, path, beside: Some(beside) })
    }

    /// Gives it its name.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        let failed = || format!("`{}` cannot be written", self.path.display());
        self.file.flush().with_context(failed)?;
        if let Some(beside) = &self.beside {
            let file = self.file.get_ref();
            // Who may read the file does not change with what is in it.
            if let Ok(before) = std::fs::metadata(&self.path) {
                file.set_permissions(before.permissions()).with_context(failed)?;
            }
            let whole = file.sync_all();
            whole.and_then(|()| std::fs::rename(beside, &self.path)).with_context(failed)?;
        }
        self.beside = None;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nothing can be done about a file that cannot be removed.
            let _ = std::fs::remove_file(beside);
        }
    }
}
