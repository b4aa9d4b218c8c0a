//! The one owner of both streams: data to standard output, everything else to standard error.
//!
//! Nothing else prints. It decides what quiet, verbose, colour, width and progress mean; nothing
//! is said by colour alone.

use std::io::{self, BufWriter, IsTerminal as _, Stderr, Stdout, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Color, Global};
use super::progress::Progress;
use crate::cache::Filled;
use crate::config::Environment;
use crate::error::{Error, Usage};
use crate::warning::Warning;

/// What the program prints to, and how.
pub(crate) struct Ui {
    out: BufWriter<Stdout>,
    err: Stderr,
    quiet: bool,
    verbose: bool,
    /// Colour on standard output and on standard error.
    color: (bool, bool),
    terminal: (bool, bool),
    progress: Option<Progress>,
    /// What shows it, once there is more than one thing to wait for.
    bar: Option<ProgressBar>,
}

/// Where a table goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// The width of the terminal; none for a pipe.
    pub(crate) width: Option<u16>,
    /// Whether colour may be used.
    pub(crate) color: bool,
}

/// A colour, for what is said in words too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tint {
    /// Of errors.
    Red,
    /// Of warnings.
    Yellow,
    /// Of hints.
    Cyan,
}

impl Ui {
    /// The streams of this process.
    pub(crate) fn new(global: &Global, environment: Option<&Environment>) -> Self {
        let variable = |name| environment.and_then(|environment| environment.get(name));
        let terminal = (io::stdout().is_terminal(), io::stderr().is_terminal());
        let wanted = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && variable("NO_COLOR").is_none() && variable("TERM") != Some("dumb")
            }
        };
        Self {
            out: BufWriter::with_capacity(64 * 1024, io::stdout()),
            err: io::stderr(),
            quiet: global.quiet,
            verbose: global.verbose > 0,
            color: (wanted(terminal.0), wanted(terminal.1)),
            terminal,
            progress: None,
            bar: None,
        }
    }

    /// Where data goes.
    pub(crate) fn data(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Writes out what is buffered.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Whether standard output is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal.0
    }

    /// Whether somebody sees standard error.
    pub(crate) fn is_watched(&self) -> bool {
        self.terminal.1
    }

    /// Whether one line a request is wanted.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// How tables are drawn on standard output: as wide as the terminal, of any width in a pipe.
    pub(crate) fn style(&self) -> Style {
        let width = terminal_size::terminal_size_of(io::stdout());
        let width = self.terminal.0.then_some(width).flatten().map(|(width, _)| width.0);
        Style { width, color: self.color.0 }
    }

    /// Says what failed on what, and what to do.
    pub(crate) fn error(&mut self, subject: Option<&str>, error: &Error) {
        let subject = subject.map(|subject| format!("{subject}: ")).unwrap_or_default();
        self.line(Tint::Red, "error", &format!("{subject}{error}"));
        if self.verbose {
            let mut cause = std::error::Error::source(error);
            while let Some(why) = cause {
                self.line(Tint::Red, "because", &why.to_string());
                cause = why.source();
            }
        }
        if let Some(hint) = &error.hint {
            self.line(Tint::Cyan, "hint", hint);
        }
    }

    /// Says what makes no sense, and what would.
    pub(crate) fn usage(&mut self, usage: &Usage) {
        self.line(Tint::Red, "error", &usage.message);
        if let Some(hint) = &usage.hint {
            self.line(Tint::Cyan, "hint", hint);
        }
    }

    /// Says what to do about something that was said.
    pub(crate) fn hint(&mut self, text: &str) {
        self.line(Tint::Cyan, "hint", text);
    }

    /// Says what failed beyond the errors of the library.
    pub(crate) fn failure(&mut self, message: &str) {
        self.line(Tint::Red, "error", message);
    }

    /// Says what should be known although the answer stands.
    pub(crate) fn warn(&mut self, warning: &Warning) {
        if !self.quiet {
            self.line(Tint::Yellow, "warning", &warning.to_string());
        }
    }

    /// Says something in passing, to a person only.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Says one line about a request, if that is wanted.
    pub(crate) fn verbose(&mut self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Shows progress over so many steps, on a terminal, once there is more than one thing to wait
    /// for.
    pub(crate) fn start_progress(&mut self, steps: usize, what: &str) {
        if self.terminal.1 && !self.quiet {
            self.progress = Some(Progress::new(what, steps));
            self.draw();
        }
    }

    /// A page has come of what a step takes.
    pub(crate) fn page(&mut self, step: usize, name: &str, filled: Filled) {
        if let Some(progress) = &mut self.progress {
            progress.page(step, name, filled);
            self.draw();
        }
    }

    /// A step is done.
    pub(crate) fn done(&mut self, step: usize) {
        if let Some(progress) = &mut self.progress {
            progress.done(step);
            self.draw();
        }
    }

    /// No more progress is shown.
    pub(crate) fn end_progress(&mut self) {
        self.progress = None;
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn draw(&mut self) {
        let Some(progress) = self.progress.as_ref().filter(|progress| progress.is_long()) else {
            return;
        };
        let (done, of) = progress.position();
        let bar = self.bar.get_or_insert_with(|| bar(progress));
        bar.set_length(of);
        bar.set_position(done);
        bar.set_prefix(progress.title().to_owned());
        bar.set_message(progress.detail());
    }

    fn line(&mut self, tint: Tint, label: &str, text: &str) {
        let label = if self.color.1 { tint.of(label) } else { label.to_owned() };
        self.say(&format!("{label}: {text}"));
    }

    /// One line in one write: those of many processes go into one log.
    fn say(&mut self, text: &str) {
        self.suspended(|err| err.write_all(format!("{text}\n").as_bytes()));
    }

    /// Standard error without the progress bar in the way. A closed one is nobody's trouble.
    fn suspended(&mut self, write: impl FnOnce(&mut Stderr) -> io::Result<()>) {
        let err = &mut self.err;
        let _ = match &self.bar {
            Some(bar) => bar.suspend(|| write(err)),
            None => write(err),
        };
    }
}

/// A bar that stays on its line while time goes by: of the pages of one answer, or of several.
fn bar(progress: &Progress) -> ProgressBar {
    /// The numbers beside the bar, and the brackets around it.
    const BESIDE: usize = 32;
    let (width, _) = terminal_size::terminal_size_of(io::stderr()).unzip();
    let room = width.map_or(80, |width| usize::from(width.0));
    // A line that is broken is not cleared as a whole.
    let length = room.saturating_sub(progress.title().chars().count() + BESIDE).clamp(1, 30);
    let behind =
        if progress.is_of_one() { " pages, {eta} left" } else { ", {eta} left {wide_msg}" };
    let template = format!("{{prefix}} [{{bar:{length}}}] {{pos}}/{{len}}{behind}");
    // The template is valid whatever its length; without one the default is shown.
    let style = ProgressStyle::with_template(&template);
    let bar =
        ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl Tint {
    /// The text in this colour.
    pub(crate) fn of(self, text: &str) -> String {
        let code = match self {
            Self::Red => 31,
            Self::Yellow => 33,
            Self::Cyan => 36,
        };
        format!("\u{1b}[1;{code}m{text}\u{1b}[0m")
    }
}
