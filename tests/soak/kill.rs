//! Killed at any instant, a process takes nothing with it that it or another had acknowledged, and
//! leaves nothing that stops the next.
//!
//! The instants are found by how many bytes a process has written so far, never by time.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::thread;

use crate::Form;
use crate::crowd::answered;
use crate::processes::{run, written_by};
use crate::sandbox::{Random, Sandbox, is_whole, machine, numbered};

/// Who writes at the same time, each into keys of its own.
const WRITERS: usize = 2;

/// How many values one of them puts in one transaction.
const VALUES: usize = 20;

/// What one writer puts in one round: the same for the same numbers, of any length.
fn value(writer: usize, batch: usize, n: usize) -> String {
    let mut random = Random((writer * 1_000_000 + batch * 1000 + n) as u64);
    format!("{batch}-{n}-{:x}", random.next()).repeat(1 + random.below(40))
}

fn key(writer: usize, n: usize) -> String {
    format!("own:{writer}:{n}")
}

/// Starts to put a batch: all of its values in one transaction.
fn putting(sandbox: &Sandbox, writer: usize, batch: usize) -> Child {
    let mut lines = String::new();
    for n in 0..VALUES {
        let (key, value) = (key(writer, n), value(writer, batch, n));
        writeln!(lines, r#"{{"key":"{key}","value":"{value}"}}"#).unwrap();
    }
    let mut put = sandbox.command(&["put", "--ndjson", "-"]);
    let mut child = put.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    child
}

/// What became of one who was to be killed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Killed,
    Well,
}

/// Kills each as soon as it has written so many bytes, unless it ends before.
fn kill_after(crowd: Vec<(Child, u64)>) -> Vec<End> {
    let mut ends: Vec<Option<End>> = vec![None; crowd.len()];
    let mut crowd = crowd;
    while ends.contains(&None) {
        for ((child, bytes), end) in crowd.iter_mut().zip(&mut ends).filter(|(_, e)| e.is_none()) {
            if let Some(status) = child.try_wait().unwrap() {
                assert!(status.success(), "nobody killed it, and it ended with {status}");
                *end = Some(End::Well);
            } else if written_by(child.id()).is_some_and(|written| written >= *bytes) {
                child.kill().unwrap();
                // It may have ended by itself in this moment.
                let well = child.wait().unwrap().success();
                *end = Some(if well { End::Well } else { End::Killed });
            }
        }
        thread::yield_now();
    }
    ends.into_iter().flatten().collect()
}

/// The batch of a writer that is there, all of it; none if there is nothing.
fn batch_there(held: &serde_json::Value, writer: usize, batches: &[usize]) -> Option<usize> {
    let is_there = |batch: usize| {
        let there = (0..VALUES).filter(|n| held[key(writer, *n)] == value(writer, batch, *n));
        let there = there.count();
        assert!(there == 0 || there == VALUES, "{there} of {VALUES} values of batch {batch}");
        there > 0
    };
    batches.iter().copied().find(|batch| is_there(*batch))
}

pub fn nothing_acknowledged_is_lost(form: Form) -> String {
    let wanted = form.of(40, 500);
    let upstream = numbered();
    let sandbox = machine(&upstream);
    let symbols: Vec<String> = (0..5).map(|n| format!("S{n}")).collect();
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let mut random = Random(12);
    let most = written_by_a_whole_run(&sandbox);
    let mut acknowledged = [Some(0), None];
    let (mut killed, mut ended, mut round) = (0, 0, 0);
    // Whether the killer is in time is the scheduler's: it gets further rounds until it was.
    while killed < wanted {
        round += 1;
        assert!(round < wanted * 10, "after {round} rounds only {killed} were killed in time");
        let mut instant = || random.next() % most;
        let mut crowd: Vec<(Child, u64)> =
            (0..WRITERS).map(|writer| (putting(&sandbox, writer, round), instant())).collect();
        let refresh = [&["fetch", "--refresh"], &names[..]].concat();
        crowd.push((sandbox.command(&refresh).stdout(Stdio::null()).spawn().unwrap(), instant()));
        let ends = kill_after(crowd);
        killed += ends.iter().filter(|end| **end == End::Killed).count();
        ended += ends.iter().filter(|end| **end == End::Well).count();
        let held = run(sandbox.command(&["get", "own:*", "--stale", "-f", "json"]));
        let held: serde_json::Value = held.json();
        for (writer, before) in acknowledged.iter_mut().enumerate() {
            let batches: Vec<usize> = before.iter().copied().chain([round]).collect();
            let there = batch_there(&held, writer, &batches);
            let expected = if ends[writer] == End::Well { Some(round) } else { *before };
            // One who was killed may have stored it all the same: then all of it.
            assert!(
                there == expected || there == Some(round),
                "writer {writer}: batch {expected:?} was acknowledged, {there:?} is there"
            );
            *before = there;
        }
        answered(&run(sandbox.command(&[&["fetch", "-f", "json"], &names[..]].concat())), &symbols);
        assert!(is_whole(&sandbox), "round {round}");
    }
    format!("{killed} killed, {ended} ended before, nothing lost or torn, integrity ok")
}

/// How many bytes one process writes when nobody kills it.
fn written_by_a_whole_run(sandbox: &Sandbox) -> u64 {
    let mut child = putting(sandbox, 0, 0);
    let mut most = 1;
    while child.try_wait().unwrap().is_none() {
        most = most.max(written_by(child.id()).unwrap_or(0));
    }
    most
}
