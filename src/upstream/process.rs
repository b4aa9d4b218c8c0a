//! Programs: started without a shell, given something to read, read to the end of what they print,
//! and ended with all that they have started if they take too long.
//!
//! It refuses to wait for limits, to start anything twice and to say what is printed: that is for its
//! callers. A program runs in a process group of its own: whoever stops waiting for it, for whatever
//! reason, ends the group.
//!
//! # Whoever is killed
//!
//! A process that is killed with SIGKILL ends nobody. So each group is led by a *guard*, started before
//! the program, which reads from a pipe that only mcache can write into: when that breaks, it ends the
//! group. It is the one line of shell here, it is always the same, and nothing of what is asked goes
//! into it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};

use super::http::LARGEST_BODY;
use crate::error::{Error, Kind, sanitized};
use crate::provider::command::{End, Ended};
use crate::units::duration_for_people;

/// How much of what a program says on its standard error is kept: the end of it.
const LONGEST_SAID: usize = 8 * 1024;

/// What the guard does: it waits until nobody can write to it any more, and ends its group.
const GUARD: &str = "read _; kill -s KILL 0";

/// A program as it is started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start<'a> {
    /// Whose it is, for messages.
    pub(super) who: &'a str,
    /// The program and its arguments.
    pub(super) arguments: &'a [String],
    /// Where it runs; none is here.
    pub(super) folder: Option<&'a Path>,
    /// Variables that it has besides those of this process.
    pub(super) variables: &'a [(String, String)],
    /// What stands on its standard input.
    pub(super) input: &'a [u8],
    /// The longest that it may take; none is as long as it wants.
    pub(super) timeout: Option<Duration>,
}

/// Why nothing usable was printed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether it was started at all.
    pub(super) ran: bool,
}

/// A process group, ended when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            // Whatever is left of it; that nothing is left is no trouble.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// Starts a program and waits for its end.
pub(super) async fn run(start: &Start<'_>) -> Result<Ended, Failure> {
    let program = start.arguments.first().map(String::as_str).unwrap_or_default();
    let mut command = Command::new(program);
    command
        .args(start.arguments.iter().skip(1))
        .envs(start.variables.iter().map(|(name, value)| (name, value)))
        .stdin(if start.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let guard = guard();
    let leader = guard.as_ref().and_then(number);
    command.process_group(leader.map_or(0, |pid| pid.as_raw_nonzero().get()));
    if let Some(folder) = start.folder.filter(|folder| !folder.as_os_str().is_empty()) {
        command.current_dir(folder);
    }
    let mut child = command.spawn().map_err(|error| start.not_started(program, &error))?;
    // Until its end was waited for nobody else can have its number, and so it is with the guard.
    let mut group = Group(leader.or_else(|| number(&child)));
    let ended = match start.timeout {
        None => followed(&mut child, start).await,
        Some(timeout) => match tokio::time::timeout(timeout, followed(&mut child, start)).await {
            Ok(ended) => ended,
            Err(_) => Err(start.too_slow(timeout)),
        },
    };
    if ended.is_ok() {
        group.0 = None;
    }
    drop(guard);
    ended.map_err(|error| Failure { error, ran: true })
}

/// The number of a process that runs.
fn number(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

/// Starts the guard of a group, which leads it; none if there is no shell.
fn guard() -> Option<Child> {
    Command::new("/bin/sh")
        .args(["-c", GUARD])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .ok()
}

/// Gives a program its input, reads all that it prints and says, and waits for its end.
async fn followed(child: &mut Child, start: &Start<'_>) -> Result<Ended, Error> {
    let (input, output, said) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (printed, said, ()) = tokio::try_join!(
        async { whole(output).await.map_err(|why| start.too_much(&why)) },
        async { Ok(last(said).await) },
        async {
            given(input, start.input).await;
            Ok(())
        },
    )?;
    let status = child.wait().await.map_err(|error| start.lost(&error))?;
    Ok(Ended { how: how(status), output: printed, said })
}

/// Writes the input. Whoever does not read it to its end has read enough.
async fn given(pipe: Option<ChildStdin>, input: &[u8]) {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(input).await;
    }
}

/// All that comes out of a pipe, or why it is not all.
async fn whole(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        let read = pipe.take(LARGEST_BODY as u64 + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| format!("cannot be read: {}", sanitized(&error.to_string())))?;
    }
    if bytes.len() > LARGEST_BODY {
        return Err(format!("is longer than {} MiB", LARGEST_BODY >> 20));
    }
    Ok(bytes)
}

/// The end of what comes out of a pipe, which is read to its end: nobody waits because it is full.
async fn last(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let (mut kept, mut piece) = (Vec::new(), vec![0; LONGEST_SAID]);
    let Some(mut pipe) = pipe else { return kept };
    while let Ok(length @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..length]);
        kept.drain(..kept.len().saturating_sub(LONGEST_SAID));
    }
    kept
}

fn how(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, signal) => End::Signal(signal.unwrap_or_default()),
    }
}

impl Start<'_> {
    fn not_started(&self, program: &str, error: &std::io::Error) -> Failure {
        let (who, program) = (self.who, sanitized(program));
        let is_missing = error.kind() == std::io::ErrorKind::NotFound;
        let folder = self.folder.filter(|folder| is_missing && !folder.is_dir());
        let (message, hint) = if let Some(folder) = folder {
            let folder = sanitized(&folder.display().to_string());
            (format!("{who} cannot be run in `{folder}`: there is no such folder"), "")
        } else if is_missing {
            let message = format!("{who} cannot be run: there is no program `{program}`");
            let hint = "a name is looked up in PATH, which is shorter under cron; a path with a \
                        slash in it is relative to the folder of the configuration file";
            (message, hint)
        } else {
            let why = sanitized(&error.to_string());
            (format!("{who} cannot be run: `{program}`: {why}"), "check that it can be executed")
        };
        let error = Error::new(Kind::Upstream, message);
        let error = if hint.is_empty() { error } else { error.hint(hint) };
        Failure { error, ran: false }
    }

    fn too_slow(&self, timeout: Duration) -> Error {
        let (who, timeout) = (self.who, duration_for_people(timeout));
        let message = format!("{who} had not printed all within {timeout} and was ended");
        Error::new(Kind::Unreachable, message)
            .hint("a longer `timeout` lets it run; --offline answers from the cache")
    }

    fn too_much(&self, why: &str) -> Error {
        Error::new(Kind::InvalidData, format!("what {} printed {why}", self.who))
            .hint("nothing was stored; a cache holds answers, and no files")
    }

    fn lost(&self, error: &std::io::Error) -> Error {
        let (who, why) = (self.who, sanitized(&error.to_string()));
        Error::new(Kind::Upstream, format!("how {who} has ended is not known: {why}"))
    }
}
