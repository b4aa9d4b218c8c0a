//! Where the benchmark happens: a folder of its own, upstreams of its own, and the caches that are
//! opened over them. Neither the user's cache nor a provider is touched.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::cache::{AnsweredBy, Cache, Interrupted, News, Options, Purpose, Question, Served};
use crate::cli::args::Global;
use crate::config::Config;
use crate::ledger::Limits;
use crate::policy::{Rules, Terms};
use crate::upstream::{DemoSettings, DemoUpstream};

/// How long everything is fresh while the tiers are measured: longer than that takes.
const FRESH: Duration = Duration::from_hours(24);

/// What the benchmark is played on.
pub(super) struct Stage<'a> {
    /// The configuration in force: its rules, bounds and providers.
    pub(super) config: &'a Config,
    global: &'a Global,
    folder: Folder,
    /// The upstream of `--latency` and one that answers at once; none if the real one is asked.
    upstreams: Option<[DemoUpstream; 2]>,
    interrupted: Arc<AtomicBool>,
}

/// Which upstream a cache asks, if it must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// The one that takes `--latency`, or the real one.
    Real,
    /// The one that answers at once, where only what is counted matters.
    Quick,
}

impl<'a> Stage<'a> {
    /// Makes the folder and starts the upstreams; with no latency the real provider is asked.
    pub(super) fn set(
        config: &'a Config,
        global: &'a Global,
        latency: Option<Duration>,
    ) -> anyhow::Result<Self> {
        // First, so that whoever interrupts from now on leaves no folder behind.
        let interrupted = note_interrupts()?;
        let start = |latency| {
            let settings = DemoSettings { latency, ..DemoSettings::default() };
            DemoUpstream::start(settings, config.clock())
                .context("the demo upstream cannot be started")
        };
        let upstreams = match latency {
            Some(latency) => Some([start(latency)?, start(Duration::ZERO)?]),
            None => None,
        };
        Ok(Self { config, global, folder: Folder::make(config)?, upstreams, interrupted })
    }

    /// Whether the real provider is asked.
    pub(super) fn is_live(&self) -> bool {
        self.upstreams.is_none()
    }

    /// Opens a cache over a folder of this name: the user's, but for the folder, the time to live
    /// and where upstream is.
    pub(super) fn open(
        &self,
        folder: &str,
        pace: Pace,
        change: impl FnOnce(&mut Options),
    ) -> anyhow::Result<Cache> {
        let upstream = self.upstreams.as_ref().map(|[real, quick]| match pace {
            Pace::Real => real.base_url(),
            Pace::Quick => quick.base_url(),
        });
        Ok(self.config.open_with(|options| {
            options.folder = Some(self.folder.0.join(folder));
            // No close of a market may fall into what is measured.
            options.rules = Rules { default_ttl: FRESH, ..Rules::default() };
            if let Some(url) = upstream {
                // A real provider's limits are the machine's; this one has none.
                options.ledger_folder = options.folder.clone();
                options.change_sites(move |site| {
                    site.base_url = Some(url.clone());
                    site.limits = Limits::default();
                    // Longer than any latency that somebody waits for.
                    site.timeout = Duration::from_hours(1);
                });
            }
            change(options);
        })?)
    }

    /// Asks one question, which must be answered from there.
    pub(super) fn ask(
        &self,
        cache: &Cache,
        question: &Question,
        terms: &Terms,
        from: AnsweredBy,
    ) -> anyhow::Result<()> {
        let mut outcome = None;
        self.ask_all(cache, std::slice::from_ref(question), terms, |served| {
            outcome = Some(served.answered_by);
        })?;
        match outcome {
            Some(answered_by) if answered_by == from => Ok(()),
            other => bail!(
                "{} was answered by {}, not by {}: nothing would be measured",
                question.symbol,
                other.map_or("nobody", AnsweredBy::as_str),
                from.as_str()
            ),
        }
    }

    /// Asks all questions at once; every one must be answered.
    pub(super) fn ask_all(
        &self,
        cache: &Cache,
        questions: &[Question],
        terms: &Terms,
        mut each: impl FnMut(&Served),
    ) -> anyhow::Result<()> {
        self.go_on()?;
        let mut failed = None;
        cache.fetch(questions, terms, Purpose::Read, &mut |_, news| match news {
            News::Page(_) => {}
            News::Answer(answer) => match &answer.outcome {
                Ok(served) => each(served),
                Err(error) => failed = Some(error.clone()),
            },
        })?;
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// The program itself, answering a question out of a folder; ready to be run.
    pub(super) fn process(&self, folder: &str, question: &Question) -> anyhow::Result<Command> {
        let Global { config, profile, set, .. } = self.global;
        let mut command = Command::new(std::env::current_exe()?);
        // What it asks is held: nobody is to be asked, whatever happens.
        command.arg("fetch").arg(spelled(question)).args(["-f", "json", "--offline"]);
        command.arg("--cache-dir").arg(self.folder.0.join(folder));
        if !self.is_live() {
            command.args(["-p", "demo"]);
        }
        command.args(config.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
        command.args(profile.iter().flat_map(|name| ["--profile", name]));
        command.args(set.iter().flat_map(|set| ["--set", set]));
        Ok(command)
    }

    /// Runs such a command, which must answer from the disk.
    pub(super) fn run(&self, mut command: Command) -> anyhow::Result<()> {
        self.go_on()?;
        let output = command.output().context("this program cannot be started again")?;
        let from_disk = b"\"tier\":\"disk\"";
        if output.stdout.windows(from_disk.len()).any(|part| part == from_disk) {
            return Ok(());
        }
        // Ctrl-C reaches the process too, and there it ends it at once.
        self.go_on()?;
        bail!("a process did not answer: {}", String::from_utf8_lossy(&output.stderr).trim())
    }

    /// Whether nobody has interrupted.
    pub(super) fn go_on(&self) -> Result<(), Interrupted> {
        if self.interrupted.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
    }
}

/// The symbol of a question with its class said, as a command line takes it.
pub(super) fn spelled(question: &Question) -> String {
    format!("{}:{}", question.symbol.class().as_str(), question.symbol)
}

/// A folder that is gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make(config: &Config) -> anyhow::Result<Self> {
        let (process, now) = (std::process::id(), config.clock().real_now().as_ms());
        let path = std::env::temp_dir().join(format!("mcache-benchmark-{process}-{now}"));
        // It fails if something of this name is there: nobody can have laid it out for us.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("the folder `{}` cannot be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing can be done about a folder that cannot be removed.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Notes from now on that somebody wants the program to end, in place of ending at once: the folder
/// has to be removed first.
fn note_interrupts() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let noted = Arc::clone(&interrupted);
    let (report, listening) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return drop(report.send(Err(error))),
        };
        runtime.block_on(async {
            let signals = signal(SignalKind::interrupt())
                .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
            match signals {
                Ok((mut interrupt, mut terminate)) => {
                    drop(report.send(Ok(())));
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    noted.store(true, Ordering::Relaxed);
                }
                Err(error) => drop(report.send(Err(error))),
            }
        });
    });
    listening.recv()?.context("signals cannot be listened to")?;
    Ok(interrupted)
}
