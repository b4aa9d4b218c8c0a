//! `fetch`: answers from the first tier that is fresh, else from upstream.

use std::io::Write;
use std::path::Path;

use super::proof::Proof;
use super::summary::{self, Summary};
use super::{line, plan, questions, refuse_idle, say_warnings, slice, terms};
use crate::cache::{
    Answer, Cache, Consensus, Interrupted, News, Purpose, Question, Served, Slice, first_votes,
};
use crate::cli::Invocation;
use crate::cli::args::{Fetch, Format};
use crate::cli::exit::Exit;
use crate::cli::output::file::Unfinished;
use crate::cli::output::{Printer, Shown, fits, printer};
use crate::cli::progress;
use crate::cli::ui::{Style, Ui};
use crate::config::Config;
use crate::error::{Error, Kind, Usage};
use crate::market::DataType;
use crate::policy::Terms;
use crate::warning::Warning;

const FORMATS: [Format; 5] =
    [Format::Table, Format::Json, Format::Ndjson, Format::Csv, Format::Parquet];

pub(in crate::cli) fn run(args: &Fetch, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let said = invocation.global.format.or_else(|| format_of(args));
    let format = Invocation::format_of(said, if args.plan { &plan::FORMATS } else { &FORMATS })?;
    let slice = wanted(args);
    let cache = invocation.config.open()?;
    let summary = Summary::of(args, &slice, &cache, &invocation.config)?;
    let questions = asked(args, &slice, summary.as_ref(), &invocation.config, invocation.ui)?;
    let terms = terms_of(args, &invocation);
    if args.plan {
        let questions = planned(args, questions, invocation.ui);
        cache.check(&questions)?;
        return plan::run(&cache, &questions, &terms, format, &invocation.config, invocation.ui);
    }
    let ui = invocation.ui;
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let style = if output.is_some() { Style::default() } else { ui.style() };
    let alike = summary.as_ref().map_or(&questions, |summary| &summary.alike);
    let printer = printer(said, &args.look, alike, style)?;
    cache.check(&questions)?;
    let proof = Proof::new(args, &questions)?;
    let file = output.map(Unfinished::create).transpose()?;
    let mut report = Report {
        cache: &cache,
        terms: &terms,
        explain: args.explain,
        format,
        waiting: questions.iter().map(|_| None).collect(),
        questions: &questions,
        next: 0,
        printer,
        file,
        proof,
        failed: None,
        exit: Exit::Success,
        served: 0,
        stale: (args.all && terms.offline).then_some(0),
    };
    ui.start_progress(questions.len(), "fetching");
    let deliver: &mut dyn FnMut(usize, News) = &mut |index, news| match news {
        News::Page(filled) => ui.page(index, &progress::name(&questions[index]), filled),
        News::Answer(answer) => {
            ui.done(index);
            report.deliver(index, *answer, ui);
        }
    };
    let fetched = ask(args, &invocation.config, &cache, (&questions, &terms), deliver);
    ui.end_progress();
    say_warnings(&cache, ui);
    report.finish(ui, fetched)?;
    if let Some(summary) = &summary {
        summary.say_nothing(ui);
    }
    let proved = report.proof.finish(&cache, &terms, ui)?;
    Ok(if report.exit == Exit::Success { proved } else { report.exit })
}

/// What is asked for: what is named, or what is held of a class; refused if it cannot be meant.
fn asked(
    args: &Fetch,
    slice: &Slice,
    summary: Option<&Summary>,
    config: &Config,
    ui: &mut Ui,
) -> anyhow::Result<Vec<Question>> {
    let questions = if let Some(summary) = summary {
        summary.questions.clone()
    } else {
        questions(&args.symbols, &[], &args.asked, slice, config, ui)?
    };
    refuse_idle(args.asked.part.said().chain(args.manner.said()), &questions)?;
    refuse_votes(args, &questions)?;
    Ok(questions)
}

/// Asks, one provider of a chain or several.
fn ask(
    args: &Fetch,
    config: &Config,
    cache: &Cache,
    (questions, terms): (&[Question], &Terms),
    deliver: &mut dyn FnMut(usize, News),
) -> Result<(), Interrupted> {
    let Some(number) = args.quorum else {
        return cache.fetch(questions, terms, Purpose::Read, deliver);
    };
    let tolerance = &|class| config.quorum_tolerance(class);
    let consensus = Consensus { number: number.into(), tolerance };
    cache.fetch_quorum(questions, &consensus, terms, deliver)
}

/// What a plan is made of: of a vote, each of those who are asked first.
fn planned(args: &Fetch, questions: Vec<Question>, ui: &mut Ui) -> Vec<Question> {
    let Some(number) = args.quorum else { return questions };
    let mut votes = Vec::new();
    for question in &questions {
        match first_votes(question, number.into()) {
            Ok(of_each) => votes.extend(of_each),
            Err(error) => {
                ui.note(&format!("{} would not be asked for: {error}", question.key));
            }
        }
    }
    votes
}

/// Refuses to ask several providers for what has no one price.
fn refuse_votes(args: &Fetch, questions: &[Question]) -> Result<(), Usage> {
    let other = questions.iter().find(|question| question.data_type != DataType::Quote);
    let other = other.filter(|_| args.quorum.is_some());
    let Some(Question { symbol, data_type, .. }) = other else { return Ok(()) };
    let of = data_type.in_prose();
    Err(Usage::new(format!("--quorum is for quotes, and {symbol} is asked for {of}"))
        .hint("leave --quorum away, or say `-t quote`"))
}

/// The part of a series that is wanted, and how.
fn wanted(args: &Fetch) -> Slice {
    Slice {
        adjust: args.manner.adjust.map(Into::into).unwrap_or_default(),
        final_only: args.manner.final_only,
        partial: args.manner.partial,
        as_of: args.manner.as_of,
        ..slice(&args.asked.part)
    }
}

fn terms_of(args: &Fetch, invocation: &Invocation<'_>) -> Terms {
    let terms = Terms {
        no_cache: args.no_cache,
        max_stale: args.max_stale,
        max_wait: args.max_wait,
        ..terms(&args.asked, invocation)
    };
    if args.all { summary::terms(terms, &args.asked) } else { terms }
}

/// The format that the name of a file stands for; what is drawn, or printed as it was sent, has none.
fn format_of(args: &Fetch) -> Option<Format> {
    let file = args.output.as_deref().filter(|_| !args.look.raw && !args.look.chart)?;
    let extension = file.extension()?.to_str()?;
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "json" => Some(Format::Json),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

/// Puts answers back into the order of the questions and prints each as soon as it can be.
struct Report<'a> {
    cache: &'a Cache,
    terms: &'a Terms,
    explain: bool,
    format: Format,
    questions: &'a [Question],
    waiting: Vec<Option<Answer>>,
    next: usize,
    printer: Box<dyn Printer>,
    file: Option<Unfinished>,
    proof: Proof,
    failed: Option<std::io::Error>,
    exit: Exit,
    served: usize,
    /// How many were stale, where that is said of all of them together.
    stale: Option<usize>,
}

impl Report<'_> {
    fn deliver(&mut self, index: usize, answer: Answer, ui: &mut Ui) {
        self.waiting[index] = Some(self.fitting(index, answer));
        while let Some(answer) = self.waiting.get_mut(self.next).and_then(Option::take) {
            let question = &self.questions[self.next];
            self.next += 1;
            self.print(question, &answer, ui);
        }
    }

    /// The answer, or the error that it cannot be written in this format.
    fn fitting(&self, index: usize, mut answer: Answer) -> Answer {
        let question = &self.questions[index];
        let unfit = |served: &Served| !fits(self.format, question, served);
        if answer.outcome.as_ref().is_ok_and(unfit) {
            let (key, data_type) = (&question.key, question.data_type.as_str());
            let format = format!("{:?}", self.format).to_lowercase();
            let message =
                format!("what `put` wrote under `{key}` is no {data_type} and has no {format}");
            let hint = format!("-f json shows it; `mcache clear {key}@put` drops it");
            answer.outcome = Err(Error::new(Kind::InvalidData, message).hint(hint));
        }
        answer
    }

    fn print(&mut self, question: &Question, answer: &Answer, ui: &mut Ui) {
        let symbol = question.symbol.to_string();
        for warning in &answer.warnings {
            match (&mut self.stale, warning) {
                (Some(stale), Warning::ServedStale { .. }) => {
                    *stale += usize::from(answer.outcome.is_ok());
                }
                _ => ui.warn(warning),
            }
        }
        if let Err(error) = &answer.outcome {
            self.exit = Exit::Failure;
            ui.error(Some(&symbol), error);
        }
        let now = self.cache.clock().now();
        if ui.is_verbose() {
            ui.verbose(&line(question, answer, now));
        }
        let served = answer.outcome.as_ref().ok();
        self.served += usize::from(served.is_some());
        if let Some(served) = served {
            self.proof.see(question, served);
        }
        let reasons =
            served.filter(|_| self.explain).map(|served| self.cache.reasons(served, self.terms));
        let shown = Shown { question, answer, reasons, now };
        let out: &mut dyn Write = match &mut self.file {
            Some(file) => &mut file.file,
            None => ui.data(),
        };
        if self.failed.is_none() {
            self.failed = self.printer.answer(&shown, out).err();
        }
    }

    fn finish(&mut self, ui: &mut Ui, fetched: Result<(), Interrupted>) -> anyhow::Result<()> {
        // What an interrupt left behind a gap is there all the same.
        for index in self.next..self.questions.len() {
            if let Some(answer) = self.waiting[index].take() {
                self.print(&self.questions[index], &answer, ui);
            }
        }
        if let Some(stale) = self.stale.filter(|stale| *stale > 0) {
            ui.warn(&Warning::SummaryStale { stale, of: self.served });
        }
        if let Some(error) = self.failed.take() {
            return Err(error.into());
        }
        let Some(mut file) = self.file.take() else {
            self.printer.end(ui.data())?;
            return Ok(fetched?);
        };
        self.printer.end(&mut file.file)?;
        fetched?;
        // An older answer is better than a file with none.
        let has_failed = self.served == 0 && !self.questions.is_empty();
        if has_failed { Ok(()) } else { file.finish() }
    }
}
