//! `import`: series out of files, so that they are never asked for.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::say_warnings;
use super::sources::{self, Kind, Source, Sources};
use crate::cache::Cache;
use crate::cache::carry::foreign::{Built, Declared, Rows, archive, parquet, requests, table};
use crate::cache::carry::{Act, Unloaded};
use crate::cli::Invocation;
use crate::cli::args::{Format, Import};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Ui;
use crate::config::Config;
use crate::error::{Error, Kind as ErrorKind, sanitized};
use crate::tier::series::parcel::{Fault, Section, Unpacker};

pub(in crate::cli) fn run(args: &Import, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json, Format::Ndjson])?;
    let Invocation { config, ui, .. } = invocation;
    // What makes no sense of the command line shows before anything is taken.
    let Sources { files, notes } = sources::of(args, &config)?;
    for note in &notes {
        ui.note(note);
    }
    let cache = config.open()?;
    let (path, rows, failed) = (PathBuf::new(), Vec::new(), 0);
    let mut work = Work { args, config: &config, cache: &cache, ui, path, rows, failed };
    for Source { path, kind } in &files {
        if let Err(mut error) = work.take(path, kind) {
            error.message = format!("`{}`: {}", path.display(), error.message);
            work.fail(None, &error);
        }
    }
    let Work { rows, failed, ui, .. } = work;
    say_warnings(&cache, ui);
    write(&rows, format, ui)?;
    Ok(if failed > 0 { Exit::Failure } else { Exit::Success })
}

/// A series that was taken, as it is printed.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    provider: String,
    bars: usize,
    new: usize,
    left_out: usize,
    spans: Vec<[String; 2]>,
    imported: bool,
}

/// What is done.
struct Work<'a> {
    args: &'a Import,
    config: &'a Config,
    cache: &'a Cache,
    ui: &'a mut Ui,
    /// The file that is read.
    path: PathBuf,
    rows: Vec<Row>,
    failed: usize,
}

impl Work<'_> {
    /// Takes what is in a file.
    fn take(&mut self, path: &Path, kind: &Kind) -> Result<(), Error> {
        path.clone_into(&mut self.path);
        match kind {
            Kind::Parcel => self.parcel(path).map_err(|fault| match fault {
                Fault::File(error) => unreadable(&error),
                damaged @ Fault::Damaged(_) => {
                    Error::new(ErrorKind::InvalidData, damaged.to_string())
                        .hint("nothing of it was taken; have it exported anew")
                }
            }),
            Kind::Table(of) => self.rows(&table::read(open(path)?, of.interval)?, of),
            Kind::Archive(of) => self.rows(&archive::read(open(path)?, of.interval)?, of),
            Kind::Parquet(of) => self.rows(&parquet::read(file(path)?, of.interval)?, of),
            Kind::Requests(provider) => self.requests(path, provider),
        }
    }

    /// Takes what is in a parcel, once all of it is found to be what was written.
    fn parcel(&mut self, path: &Path) -> Result<(), Fault> {
        let open = || Unpacker::new(BufReader::new(File::open(path)?));
        let mut whole = open()?;
        while whole.next_section()?.is_some() {}
        let mut unpacker = open()?;
        while let Some(section) = unpacker.next_section()? {
            self.section(&section);
        }
        Ok(())
    }

    /// Takes the rows of a file.
    fn rows(&mut self, rows: &Rows, of: &Declared) -> Result<(), Error> {
        let built = self.cache.series_of(of, rows)?;
        self.built(&built);
        Ok(())
    }

    /// Takes the answers in a database of requests-cache.
    fn requests(&mut self, path: &Path, provider: &str) -> Result<(), Error> {
        let found = requests::read(path, &mut |chart| {
            let symbol = self
                .config
                .symbol(&chart.symbol)
                .map_err(|usage| Error::new(ErrorKind::InvalidData, usage.message));
            let built = symbol.and_then(|of| self.cache.series_of_chart(&chart, &of, provider));
            match built {
                Ok(built) => self.built(&built),
                Err(error) => self.fail(Some(&sanitized(&chart.symbol)), &error),
            }
        })?;
        if found.pickles > 0 {
            let message =
                format!("{} of its answers are pickles, which are not read", found.pickles);
            return Err(Error::new(ErrorKind::Unsupported, message).hint(
                "make a database with serializer='json', or csv: `tools/` has a script for yfinance-cache",
            ));
        }
        if found.others > 0 {
            self.ui.note(&format!("{} of its answers are none of Yahoo's charts", found.others));
        }
        Ok(())
    }

    /// Takes what was made of a file, and says what should be known of it.
    fn built(&mut self, built: &Built) {
        for note in &built.notes {
            self.ui.note(&format!("{}: {note}", built.section.key));
        }
        self.section(&built.section);
    }

    /// Takes one series.
    fn section(&mut self, section: &Section) {
        let (path, provider) = (self.path.display(), &section.provider);
        let subject = format!("`{path}`: {}@{provider}", section.key);
        let act = if self.args.dry_run { Act::Plan } else { Act::Take };
        let known = self.config.provider(&section.provider).map_err(|usage| {
            let error = Error::new(ErrorKind::Unsupported, usage.message);
            error.hint("a provider of this name in the configuration would be asked for the rest")
        });
        match known.and_then(|_| self.cache.unload(section, act)) {
            Ok(unloaded) => self.rows.push(row(section, &unloaded)),
            Err(error) => self.fail(Some(&subject), &error),
        }
    }

    fn fail(&mut self, subject: Option<&str>, error: &Error) {
        self.failed += 1;
        self.ui.error(subject, error);
    }
}

fn open(path: &Path) -> Result<BufReader<File>, Error> {
    file(path).map(BufReader::new)
}

fn file(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::InvalidData, format!("it cannot be read: {error}"))
}

fn row(section: &Section, unloaded: &Unloaded) -> Row {
    Row {
        key: section.key.to_string(),
        provider: section.provider.to_string(),
        bars: unloaded.bars,
        new: unloaded.new,
        left_out: unloaded.left_out,
        spans: unloaded
            .spans
            .iter()
            .map(|s| [s.start().to_string(), s.end().to_string()])
            .collect(),
        imported: true,
    }
}

fn write(rows: &[Row], format: Format, ui: &mut Ui) -> anyhow::Result<()> {
    match format {
        Format::Json => writeln!(ui.data(), "{}", serde_json::to_string_pretty(rows)?)?,
        Format::Ndjson => {
            for row in rows {
                writeln!(ui.data(), "{}", serde_json::to_string(row)?)?;
            }
        }
        _ if rows.is_empty() => {}
        _ => {
            let mut table = Table::new(&[
                ("KEY", Side::Left),
                ("PROVIDER", Side::Left),
                ("BARS", Side::Right),
                ("NEW", Side::Right),
                ("LEFT OUT", Side::Right),
                ("FROM", Side::Left),
                ("TO", Side::Left),
            ]);
            for row in rows {
                let edge = |at: Option<&String>| at.cloned().unwrap_or_else(|| "-".to_owned());
                table.row(vec![
                    row.key.clone(),
                    row.provider.clone(),
                    row.bars.to_string(),
                    row.new.to_string(),
                    row.left_out.to_string(),
                    edge(row.spans.first().map(|span| &span[0])),
                    edge(row.spans.last().map(|span| &span[1])),
                ]);
            }
            let style = ui.style();
            table.write(style, ui.data())?;
        }
    }
    Ok(())
}
