//! Many writers and readers of one database: each write gets its turn, and the longest is printed.
//!
//! The processes are this program, started again with [`CHILD`] in front: they use the library as
//! a run of mcache does (`Disk::commit`, `Disk::get`), only again and again. Half of the writers
//! keep their database open, as a long `warm` does; the others open and close it for every write,
//! as ten `fetch`es do one after the other.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mcache::clock::{Clock, Stopwatch};
use mcache::codec::Packing;
use mcache::db::Database;
use mcache::db::hits::Hit;
use mcache::db::tally::{Event, Outcome, Tally};
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::policy::Known;
use mcache::tier::disk::Disk;
use mcache::tier::{Incoming, Stored, Tier as _};

use crate::Form;
use crate::sandbox::{Random, Run, finished};

/// What stands in front of the arguments of a child.
pub const CHILD: &str = "--child";

const WRITERS: usize = 8;
const READERS: usize = 8;

/// How many entries one writer has.
const KEYS: usize = 200;

/// How many of them it writes at once.
const AT_ONCE: usize = 5;

/// A read in so many is counted in the hit log: a run of the program reads once and takes
/// two milliseconds, a look-up in a loop takes a hundredth of that.
const COUNTED: u64 = 200;

/// The longest that a write should take. It is printed whether it did, and nothing fails over it.
const AIM: Duration = Duration::from_millis(100);

/// What a child is told.
struct Task {
    folder: String,
    number: usize,
    duration: Duration,
}

/// Does what the arguments say: a role, a folder, a number, seconds.
pub fn be_a_child(arguments: &[String]) {
    let [role, folder, number, seconds] = arguments else { panic!("{arguments:?}") };
    let task = Task {
        folder: folder.clone(),
        number: number.parse().unwrap(),
        duration: Duration::from_secs(seconds.parse().unwrap()),
    };
    // All begin together, when the parent closes this.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    if role == "writer" { write(&task) } else { read(&task) }
}

fn open(folder: &str) -> Disk {
    Disk::new(Database::at(Path::new(folder)), Packing::Zstd)
}

fn key(writer: usize, n: usize) -> Key {
    Key::from_stored(&format!("own:{writer}:{n}"))
}

/// A value of 300 bytes that says how often its writer had written before.
fn value(writer: usize, written: u64) -> Vec<u8> {
    format!(r#"{{"by":{writer},"written":{written},"filler":"{written:0>250}"}}"#).into_bytes()
}

/// How often the writer had written before this value; none if it is torn.
fn written_before(writer: usize, body: &[u8]) -> Option<u64> {
    let json: serde_json::Value = serde_json::from_slice(body).ok()?;
    let written = json["written"].as_u64()?;
    (body == value(writer, written)).then_some(written)
}

fn batch(writer: usize, written: u64) -> (Vec<Incoming>, Tally) {
    let now = Clock::system().now();
    let mut tally = Tally::default();
    let first = usize::try_from(written).unwrap() * AT_ONCE;
    let entries = (first..first + AT_ONCE)
        .map(|n| {
            let key = key(writer, n % KEYS);
            tally.add(&Event {
                at: now,
                name: &format!("{key}@own"),
                caller: "soak",
                outcome: Outcome::Miss,
                latency_us: Some(100),
                age_s: None,
            });
            let entry = Entry {
                key,
                provider: "own".into(),
                fetched_at: now,
                own_ttl: None,
                format: Format::Json,
                body: value(writer, written).into(),
            };
            let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
            let gone_at = now + Duration::from_hours(24);
            Incoming {
                stored,
                asked_after: None,
                tags: Vec::new(),
                validators: None,
                sighting: None,
                parts: None,
                gone_at,
                put_at: now,
            }
        })
        .collect();
    (entries, tally)
}

/// Writes for as long as it is told, and prints what each write took, in microseconds.
fn write(task: &Task) {
    let keeps_open = task.number.is_multiple_of(2);
    let clock = Clock::system();
    let since = clock.stopwatch();
    let mut kept = None;
    let mut took = String::new();
    let mut written = 0;
    while since.elapsed() < task.duration {
        let (mut entries, tally) = batch(task.number, written);
        let start: Stopwatch = clock.stopwatch();
        let disk = kept.take().unwrap_or_else(|| open(&task.folder));
        disk.commit(&mut entries, &tally, &[]).unwrap();
        if keeps_open {
            kept = Some(disk);
        } else {
            drop(disk);
        }
        writeln!(took, "{}", start.elapsed().as_micros()).unwrap();
        written += 1;
    }
    print!("{took}");
}

/// Reads for as long as it is told, and prints how often: every value is whole, and none is older
/// than one that was read before.
fn read(task: &Task) {
    let clock = Clock::system();
    let since = clock.stopwatch();
    let mut random = Random(task.number as u64);
    let mut seen: HashMap<(usize, usize), u64> = HashMap::new();
    let disk = open(&task.folder);
    let mut reads: u64 = 0;
    while since.elapsed() < task.duration {
        let (writer, n) = (random.below(WRITERS), random.below(KEYS));
        let shelf = disk.get(&key(writer, n)).unwrap();
        reads += 1;
        let Some(Stored { entry, row, .. }) = shelf.as_deref().and_then(<[Stored]>::first) else {
            continue;
        };
        let written = written_before(writer, &entry.body).unwrap();
        let before = seen.insert((writer, n), written).unwrap_or(0);
        assert!(before <= written, "own:{writer}:{n} went back from {before} to {written}");
        if reads.is_multiple_of(COUNTED) {
            let now = clock.now();
            disk.count(&[Hit {
                at: now,
                used_at: now,
                id: *row,
                outcome: Outcome::Disk,
                latency_us: 10,
                age_s: 1,
                caller: "soak".to_owned(),
            }]);
        }
    }
    assert!(disk.take_damaged().is_empty());
    println!("{reads}");
}

fn start(role: &str, number: usize, folder: &Path, seconds: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([CHILD, role])
        .arg(folder)
        .args([number.to_string(), seconds.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child printed, a number a line; it must have ended well and said nothing.
fn numbers(run: &Run) -> Vec<u64> {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "a child failed");
    run.stdout.lines().map(|line| line.parse().unwrap()).collect()
}

pub fn every_write_gets_its_turn(form: Form) -> String {
    let seconds = form.of(2, 10);
    let alone = measured(0, seconds);
    format!("{seconds} s each: {alone}; {}", measured(READERS, seconds))
}

/// Writers beside so many readers that never rest, with as many processes as the machine has no
/// processors for: what the longest write then takes is the scheduler's as much as the database's.
fn measured(readers: usize, seconds: u64) -> String {
    let folder = tempfile::tempdir().unwrap();
    // The database is there before, as it is for all but the very first process.
    let (mut entries, tally) = batch(0, 0);
    open(folder.path().to_str().unwrap()).commit(&mut entries, &tally, &[]).unwrap();
    let children = |role, count| -> Vec<Child> {
        (0..count).map(|number| start(role, number, folder.path(), seconds)).collect()
    };
    let mut writing = children("writer", WRITERS);
    let mut reading = children("reader", readers);
    for child in writing.iter_mut().chain(&mut reading) {
        drop(child.stdin.take());
    }
    let runs: Vec<Run> = writing.into_iter().map(finished).collect();
    let reads: u64 = reading.into_iter().map(finished).flat_map(|run| numbers(&run)).sum();
    let took: Vec<Vec<u64>> = runs.iter().map(numbers).collect();
    for (writer, took) in took.iter().enumerate() {
        all_there(folder.path(), writer, took.len() as u64);
    }
    let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    let said: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
    figures(took.into_iter().flatten().collect(), readers, reads)
}

/// Asserts that the last of what a writer was told is stored stands there.
fn all_there(folder: &Path, writer: usize, writes: u64) {
    let disk = open(folder.to_str().unwrap());
    let round = (KEYS / AT_ONCE) as u64;
    for written in writes.saturating_sub(round)..writes {
        let first = usize::try_from(written).unwrap() * AT_ONCE;
        for n in first..first + AT_ONCE {
            let shelf = disk.get(&key(writer, n % KEYS)).unwrap().unwrap();
            assert_eq!(
                written_before(writer, &shelf[0].entry.body),
                Some(written),
                "{writer}: {n}"
            );
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a few seconds")]
fn figures(mut took: Vec<u64>, readers: usize, reads: u64) -> String {
    took.sort_unstable();
    let ms = |us: u64| us as f64 / 1e3;
    let at = |share: usize| ms(took[(took.len() - 1) * share / 1000]);
    let longest = took[took.len() - 1];
    let verdict = if Duration::from_micros(longest) < AIM { "met" } else { "MISSED" };
    format!(
        "{WRITERS} writers, {readers} readers ({reads} reads): {} writes, median {:.2} ms, p99 {:.2} ms, \
         longest {:.1} ms (aim < {} ms: {verdict})",
        took.len(),
        at(500),
        at(990),
        ms(longest),
        AIM.as_millis(),
    )
}
