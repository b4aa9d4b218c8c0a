//! `completions`: a completion script for a shell.

use std::io::Write as _;

use crate::cli::args::{Completions, definition};
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;

pub(in crate::cli) fn run(args: &Completions, ui: &mut Ui) -> anyhow::Result<Exit> {
    // Whoever generates it takes a reader that has had enough for a reason to panic.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "mcache", &mut script);
    ui.data().write_all(&script)?;
    Ok(Exit::Success)
}
