//! `import`: series out of files, so that they are never asked for.

use std::fs::File;
use std::io::{BufReader, Read as _, Write as _};
use std::path::Path;

use serde::Serialize;

use super::say_warnings;
use crate::cache::Cache;
use crate::cache::carry::Unloaded;
use crate::cli::Invocation;
use crate::cli::args::{Format, Import};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Ui;
use crate::config::Config;
use crate::error::{Error, Kind};
use crate::tier::series::parcel::{self, Fault, Section, Unpacker};

pub(in crate::cli) fn run(args: &Import, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json, Format::Ndjson])?;
    let Invocation { config, ui, .. } = invocation;
    let cache = config.open()?;
    let mut work = Work { args, config: &config, cache: &cache, ui, rows: Vec::new(), failed: 0 };
    for path in &args.files {
        work.file(path)?;
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
    rows: Vec<Row>,
    failed: usize,
}

impl Work<'_> {
    /// Takes what is in a file.
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let failed = match is_parcel(path) {
            Ok(true) => self.parcel(path),
            Ok(false) => self.foreign(path)?,
            Err(error) => Err(Fault::File(error)),
        };
        if let Err(fault) = failed {
            let message = format!("`{}` cannot be read: {fault}", path.display());
            self.fail(
                None,
                &Error::new(Kind::InvalidData, message).hint("nothing of it was taken"),
            );
        }
        Ok(())
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

    fn foreign(&mut self, _path: &Path) -> anyhow::Result<Result<(), Fault>> {
        Ok(Err(Fault::Damaged("it is no file of a known kind")))
    }

    /// Takes one series.
    fn section(&mut self, section: &Section) {
        let subject = format!("{}@{}", section.key, section.provider);
        let known = self.config.provider(&section.provider).map_err(|usage| {
            let error = Error::new(Kind::Unsupported, usage.message);
            error.hint("a provider of this name in the configuration would be asked for the rest")
        });
        match known.and_then(|_| self.cache.unload(section, self.args.dry_run)) {
            Ok(unloaded) => self.rows.push(row(section, &unloaded)),
            Err(error) => self.fail(Some(&subject), &error),
        }
    }

    fn fail(&mut self, subject: Option<&str>, error: &Error) {
        self.failed += 1;
        self.ui.error(subject, error);
    }
}

fn is_parcel(path: &Path) -> std::io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut begin = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut begin)?;
    Ok(begin.starts_with(&parcel::MAGIC[..3]))
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
