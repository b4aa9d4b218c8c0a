//! Section 7 of the contract, tried on real files, real processes and a real upstream.
//!
//! - `formats` — what is on disk is read for ever
//! - `damage` — no damage stops an answer, and none is answered
//! - `repair` — what is sound is kept, and what was set aside comes back
//! - `failure` — a cache that cannot be used is a warning
//! - `crash` — killed at any instant, nothing acknowledged is lost
//! - `crowd` — many processes at once
//! - `sweep` — the disk stays within its cap
//! - `limits` — what a service allows is never passed
//! - `secrets` — a key is sent to its provider and written nowhere

mod crash;
mod crowd;
mod damage;
mod failure;
mod formats;
mod limits;
mod repair;
mod secrets;
mod sweep;

use std::path::{Path, PathBuf};

use crate::sandbox::{Random, Run, Sandbox, counted, is_whole, machine, numbered, selling_at};

/// The files in the cache folder whose names begin so, in order.
fn files(sandbox: &Sandbox, start: &str) -> Vec<PathBuf> {
    files_in(&sandbox.cache(), start)
}

fn files_in(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    files.sort();
    files
}

/// The only answer that a run of `fetch -f json` printed; it must have succeeded and not panicked.
fn only(run: &Run) -> serde_json::Value {
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    run.json()[0].clone()
}

/// How many lines of standard error are warnings.
fn warnings(run: &Run) -> usize {
    run.stderr.lines().filter(|line| line.starts_with("warning: ")).count()
}
