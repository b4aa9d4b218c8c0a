//! `completions`: a completion script for a shell.

use crate::cli::args::{Completions, definition};
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;

pub(in crate::cli) fn run(args: &Completions, ui: &mut Ui) -> Exit {
    clap_complete::generate(args.shell, &mut definition(), "mcache", ui.data());
    Exit::Success
}
