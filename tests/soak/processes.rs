//! Processes that run at the same time: started, looked at, killed, and waited for, but not for
//! ever.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mcache::clock::Clock;

use crate::sandbox::{Run, finished};

/// After this a process that has not ended hangs. Nothing that is tried here takes a tenth of it.
const HANGS_AFTER: Duration = Duration::from_mins(1);

/// How long a crowd may take until all of it waits; then the scenario goes on as it is.
const QUIET_AFTER: Duration = Duration::from_secs(20);

/// Processes that were started and not yet waited for.
#[derive(Default)]
pub struct Crowd {
    members: Vec<Child>,
}

impl Crowd {
    /// Starts one more.
    pub fn start(&mut self, mut command: Command) {
        self.members.push(command.spawn().unwrap());
    }

    /// Kills the one that was started first, with SIGKILL.
    pub fn kill_first(&mut self) {
        let mut first = self.members.remove(0);
        first.kill().unwrap();
        first.wait().unwrap();
    }

    /// Waits until all of them have come as far as they can without anybody from outside; whether
    /// they did.
    ///
    /// That is so when each of their threads is asleep and none has run since the look before: then
    /// at no instant between two looks was there anyone awake who could wake another. It is seen
    /// without knowing how they wait.
    pub fn is_quiet(&self) -> bool {
        let since = Clock::system().stopwatch();
        let mut before = None;
        while since.elapsed() < QUIET_AFTER {
            let now: Option<Vec<_>> = self.members.iter().map(|child| asleep(child.id())).collect();
            if now.is_some() && now == before {
                return true;
            }
            before = now;
            thread::yield_now();
        }
        false
    }

    /// Waits for the end of all of them, in the order in which they were started.
    pub fn finish(self) -> Vec<Run> {
        let (sender, receiver) = mpsc::channel();
        let mut ids: Vec<Option<u32>> = Vec::new();
        for (number, child) in self.members.into_iter().enumerate() {
            ids.push(Some(child.id()));
            let sender = sender.clone();
            thread::spawn(move || sender.send((number, finished(child))));
        }
        let mut runs: Vec<Option<Run>> = ids.iter().map(|_| None).collect();
        let since = Clock::system().stopwatch();
        for _ in 0..ids.len() {
            let left = HANGS_AFTER.saturating_sub(since.elapsed());
            let Ok((number, run)) = receiver.recv_timeout(left) else {
                let hanging: Vec<u32> = ids.iter().copied().flatten().collect();
                for id in &hanging {
                    killed(*id);
                }
                panic!("{} of {} processes hang", hanging.len(), ids.len());
            };
            ids[number] = None;
            runs[number] = Some(run);
        }
        runs.into_iter().flatten().collect()
    }
}

/// Runs a program to its end, or fails if it hangs.
pub fn run(command: Command) -> Run {
    let mut alone = Crowd::default();
    alone.start(command);
    alone.finish().remove(0)
}

/// Kills a process by its id: whoever waits for it has its handle.
fn killed(id: u32) {
    let mut kill = Command::new("kill");
    let _ = kill.args(["-9", &id.to_string()]).stderr(Stdio::null()).status();
}

/// The threads of a process with the time that each has run, if all of them are asleep. One that
/// has ended is asleep for good.
fn asleep(id: u32) -> Option<Vec<(PathBuf, String)>> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).ok()?;
    threads
        .map(|thread| {
            let thread = thread.ok()?.path();
            let stat = fs::read_to_string(thread.join("stat")).ok()?;
            // proc(5): the state follows the name, which stands in brackets and may hold any.
            let state = stat.rsplit_once(") ")?.1.chars().next()?;
            let ran = fs::read_to_string(thread.join("schedstat")).ok()?;
            matches!(state, 'S' | 'Z').then_some((thread, ran))
        })
        .collect()
}

/// How many bytes a process has written into files so far; none if it has ended.
pub fn written_by(id: u32) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{id}/io")).ok()?;
    io.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok())
}
