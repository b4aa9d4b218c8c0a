//! Many processes, one cache: what section 7 of the contract promises, tried for as long as one
//! likes.
//!
//! `cargo test` runs the short form; `cargo test --test soak -- --long` the long one, for whoever
//! changes the locks, the ledger or the flights, or releases. A word picks the scenarios whose
//! name contains it (`-- --long crowd`), `--list` names them. What else the test runner
//! understands is passed over, so that `cargo test -- --nocapture` goes on working.
//!
//! - `crowd` — one call for one key, whoever asks and whoever dies
//! - `limits` — windows and budgets hold over all processes
//! - `kill` — killed at any instant, nothing acknowledged is lost
//! - `flips` — no flipped byte is ever answered
//! - `full` — a full disk costs a warning, and only while it is full
//! - `clock` — a clock that jumps makes nothing fresh and frees no limit
//! - `window` — a year's window of bars costs one call a session and symbol
//! - `writers` — how long the longest of many writes takes
//! - `fuzz` — whatever comes, no parser panics (`fuzz-replies`, `fuzz-words`, `fuzz-files`)
//!
//! Every scenario drives the real program against a real upstream on loopback, except that `window`
//! opens the cache in this process, `fuzz` calls the parsers alone, and `writers` starts this program again as one that uses the
//! library. None waits for time to
//! pass but `writers`, whose promise is about a duration.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(clippy::print_stdout, reason = "the report of the scenarios")]
#![expect(unreachable_pub, reason = "the sandbox is a library to the other modules")]

mod clock;
mod crowd;
mod flips;
mod full;
mod fuzz;
mod kill;
mod limits;
mod processes;
#[expect(dead_code, reason = "the suite uses what no scenario needs")]
#[path = "../suite/sandbox/mod.rs"]
mod sandbox;
mod window;
#[expect(dead_code, reason = "the suite uses what no scenario needs")]
#[path = "../suite/world/mod.rs"]
mod world;
mod writers;

use std::process::ExitCode;
use std::thread;

/// How much of a scenario is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Short,
    Long,
}

impl Form {
    /// The first in the short form, the second in the long one.
    fn of<T>(self, short: T, long: T) -> T {
        match self {
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// A promise that is tried. It panics if the promise is broken, else gives its figures.
struct Scenario {
    name: &'static str,
    run: fn(Form) -> String,
}

const SCENARIOS: [Scenario; 17] = [
    Scenario { name: "crowd", run: crowd::one_key_costs_one_call },
    Scenario { name: "crowd-orphaned", run: crowd::a_killed_holder_frees_the_waiters },
    Scenario { name: "crowd-overlapping", run: crowd::overlapping_sets_cost_one_call_a_symbol },
    Scenario { name: "limits", run: limits::a_window_holds_over_all_processes },
    Scenario { name: "budget", run: limits::a_budget_is_never_overspent },
    Scenario { name: "kill", run: kill::nothing_acknowledged_is_lost },
    Scenario { name: "flips", run: flips::no_flipped_byte_is_answered },
    Scenario { name: "full", run: full::a_full_disk_costs_a_warning },
    Scenario { name: "full-limit", run: full::a_file_that_may_not_grow_costs_a_warning },
    Scenario { name: "clock", run: clock::what_is_from_later_than_now_is_stale },
    Scenario { name: "clock-limits", run: clock::limits_hold_whatever_the_programs_time },
    Scenario { name: "clock-pauses", run: clock::pauses_hold_whatever_the_programs_time },
    Scenario { name: "window", run: window::a_years_window_costs_one_call_a_session },
    Scenario { name: "writers", run: writers::every_write_gets_its_turn },
    Scenario { name: "fuzz-replies", run: fuzz::no_reply_makes_a_reader_panic },
    Scenario { name: "fuzz-words", run: fuzz::no_words_make_a_reader_panic },
    Scenario { name: "fuzz-files", run: fuzz::no_file_makes_a_reader_panic },
];

/// What was asked for on the command line.
struct Wanted {
    form: Form,
    lists: bool,
    words: Vec<String>,
    skipped: Vec<String>,
}

impl Wanted {
    /// Reads the arguments; those of the test runner that mean nothing here are passed over.
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        const WITH_A_VALUE: [&str; 7] = [
            "--test-threads",
            "--format",
            "--color",
            "--logfile",
            "--shuffle-seed",
            "-Z",
            "--seed",
        ];
        let mut wanted =
            Self { form: Form::Short, lists: false, words: Vec::new(), skipped: Vec::new() };
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--long" => wanted.form = Form::Long,
                "--list" => wanted.lists = true,
                "--skip" => wanted.skipped.extend(arguments.next()),
                // No scenario is ever ignored.
                "--ignored" => wanted.skipped.push(String::new()),
                flag if WITH_A_VALUE.contains(&flag) => drop(arguments.next()),
                flag if flag.starts_with('-') => {}
                word => wanted.words.push(word.to_owned()),
            }
        }
        wanted
    }

    fn picks(&self, name: &str) -> bool {
        let contained = |word: &String| name.contains(word.as_str());
        (self.words.is_empty() || self.words.iter().any(contained))
            && !self.skipped.iter().any(contained)
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).peekable();
    if arguments.next_if(|argument| argument == writers::CHILD).is_some() {
        writers::be_a_child(&arguments.collect::<Vec<_>>());
        return ExitCode::SUCCESS;
    }
    let wanted = Wanted::read(arguments);
    let mut failed = 0;
    for scenario in SCENARIOS.into_iter().filter(|scenario| wanted.picks(scenario.name)) {
        if wanted.lists {
            println!("{}: test", scenario.name);
        } else if !is_kept(&scenario, wanted.form) {
            failed += 1;
        }
    }
    if failed > 0 {
        println!("{failed} failed");
    }
    ExitCode::from(u8::from(failed > 0))
}

/// Runs a scenario in a thread of its name, with which a panic then reports itself; whether its
/// promise was kept.
fn is_kept(scenario: &Scenario, form: Form) -> bool {
    let since = mcache::clock::Clock::system().stopwatch();
    let run = scenario.run;
    let thread = thread::Builder::new().name(scenario.name.to_owned());
    let done = thread.spawn(move || run(form)).unwrap().join();
    let took = since.elapsed().as_secs_f64();
    let (verdict, figures) = match &done {
        Ok(figures) => ("ok", figures.as_str()),
        Err(_) => ("FAILED", "the reason stands above"),
    };
    println!("{:<18} {verdict:<6} {took:6.1} s  {figures}", scenario.name);
    done.is_ok()
}
