//! Whatever comes, no parser panics: good inputs of each are broken in a few places, over and over.
//!
//! Nothing is random but by a number that the report of a failure names, so every failure happens
//! again. docs/FUZZING.md says how long it was done, and how it is done for longer.

mod files;
mod http;
mod mutation;
mod replies;
mod words;

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::Form;
use crate::sandbox::Random;

/// Reads an input; what comes of it is of no matter.
type Read = dyn Fn(&[u8]);

/// A parser, and good inputs for it.
struct Target {
    name: &'static str,
    seeds: Vec<Vec<u8>>,
    read: Box<Read>,
}

impl Target {
    fn new(
        name: &'static str,
        seeds: impl IntoIterator<Item = impl AsRef<[u8]>>,
        read: impl Fn(&[u8]) + 'static,
    ) -> Self {
        /// A longer one takes longer to read than it has to say.
        const LONGEST: usize = 20 * 1024;
        let seeds = seeds.into_iter().map(|seed| seed.as_ref().to_vec());
        let seeds: Vec<_> = seeds.filter(|seed| seed.len() <= LONGEST).collect();
        assert!(!seeds.is_empty(), "{name} has no seed");
        Self { name, seeds, read: Box::new(read) }
    }

    /// The input of this number.
    fn input(&self, number: u64) -> Vec<u8> {
        let name = self.name.bytes().fold(0_u64, |sum, byte| sum.rotate_left(7) ^ u64::from(byte));
        let mut random = Random(name ^ (number << 20));
        let seed = &self.seeds[random.below(self.seeds.len())];
        let other = &self.seeds[random.below(self.seeds.len())];
        mutation::mutated(seed, other, &mut random)
    }

    /// Reads so many inputs; the longest that one of them took.
    fn run(&self, count: u64) -> Duration {
        let clock = mcache::clock::Clock::system();
        for seed in &self.seeds {
            (self.read)(seed);
        }
        let mut longest = Duration::ZERO;
        for number in 0..count {
            let input = self.input(number);
            let since = clock.stopwatch();
            let read = catch_unwind(AssertUnwindSafe(|| (self.read)(&input)));
            longest = longest.max(since.elapsed());
            assert!(
                read.is_ok(),
                "{} panics on its input {number}: {}",
                self.name,
                String::from_utf8_lossy(&input).escape_debug()
            );
        }
        longest
    }
}

fn run(targets: &[Target], form: Form) -> String {
    let count = form.of(250, 500_000);
    let mut figures = format!("{} executions of", count * targets.len() as u64);
    for target in targets {
        let longest = target.run(count);
        write!(figures, " {} (longest {:.1} ms)", target.name, longest.as_secs_f64() * 1e3)
            .unwrap();
    }
    figures
}

/// What providers read of a reply.
pub fn no_reply_makes_a_reader_panic(form: Form) -> String {
    let targets: Vec<Target> = replies::targets().into_iter().chain(http::targets()).collect();
    run(&targets, form)
}

/// What is typed, configured, and stands in headers.
pub fn no_words_make_a_reader_panic(form: Form) -> String {
    run(&words::targets(), form)
}

/// What stands in the cache folder, and in files that are imported.
pub fn no_file_makes_a_reader_panic(form: Form) -> String {
    run(&files::targets(), form)
}
