//! `man`: the manual page of the program, then of each command.

use crate::cli::args::definition;
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;

pub(in crate::cli) fn run(ui: &mut Ui) -> anyhow::Result<Exit> {
    let mut command = definition();
    command.build();
    clap_mangen::Man::new(command.clone()).render(ui.data())?;
    for subcommand in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        clap_mangen::Man::new(subcommand.clone()).render(ui.data())?;
    }
    Ok(Exit::Success)
}
