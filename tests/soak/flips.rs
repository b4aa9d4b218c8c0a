//! A byte that is not what was written is never answered, stops no answer, and is gone soon.

use std::fmt::Write as _;
use std::fs;

use crate::Form;
use crate::processes::run;
use crate::sandbox::{Random, Run, Sandbox, machine, selling_at};

/// What the stored quotes cost.
const BEFORE: u32 = 100;

/// What upstream says after the damage.
const AFTER: u32 = 200;

const SYMBOLS: [&str; 8] = ["AAPL", "MSFT", "NVDA", "AMD", "INTC", "TSLA", "META", "GOOG"];

/// A file of the cache folder: its name and what is in it.
type Kept = (String, Vec<u8>);

/// What is put under `value:n`: of another length for each.
fn value(n: usize) -> String {
    let mut random = Random(n as u64);
    (0..n * 240).map(|_| char::from(b"a"[0] + random.next().to_le_bytes()[0] % 26)).collect()
}

/// Fills a cache and keeps its files as they are while a reader keeps the WAL from being folded.
fn filled(sandbox: &Sandbox) -> Vec<Kept> {
    let fetch = [&["fetch"], &SYMBOLS[..]].concat();
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    // Values of all sizes, so that there are inner and overflow pages and free ones.
    for n in 0..24 {
        let put = ["put", &format!("value:{n}"), &value(n), "--tag", "t"];
        assert_eq!(sandbox.run(&put).code, Some(0));
    }
    assert_eq!(sandbox.run(&["clear", "value:2?"]).code, Some(0));
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    let reader = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    reader.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(sandbox.run(&[&fetch[..], &["--refresh"]].concat()).code, Some(0));
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    fs::read_dir(sandbox.cache())
        .unwrap()
        .map(|file| file.unwrap().path())
        // The index of a WAL is made anew from it by whoever comes first.
        .filter(|path| path.is_file() && !path.to_str().unwrap().ends_with("-shm"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        })
        .filter(|(_, bytes)| !bytes.is_empty())
        .collect()
}

/// Puts the kept files into the place of whatever is there.
fn restore(sandbox: &Sandbox, kept: &[Kept]) {
    fs::remove_dir_all(sandbox.cache()).unwrap();
    fs::create_dir(sandbox.cache()).unwrap();
    for (name, bytes) in kept {
        fs::write(sandbox.cache().join(name), bytes).unwrap();
    }
}

/// Where to flip: in the head of a file or of a page, where everything means something, or
/// anywhere.
fn place(random: &mut Random, length: usize) -> usize {
    let anywhere = random.below(length);
    match random.below(4) {
        0 => anywhere.min(random.below(128)),
        1 => (anywhere / 4096 * 4096 + random.below(24)).min(length - 1),
        _ => anywhere,
    }
}

/// Asks for everything: every answer is what was stored, or what upstream says now.
fn ask(sandbox: &Sandbox, what: &str) -> Run {
    let run = run(sandbox.command(&[&["fetch"], &SYMBOLS[..], &["-f", "json"]].concat()));
    assert_eq!(run.code, Some(0), "{what}: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{what}: {run:?}");
    let answers = run.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), SYMBOLS.len(), "{what}: {run:?}");
    for (answer, symbol) in answers.iter().zip(SYMBOLS) {
        let price = answer["price"].as_f64().unwrap();
        let right = match answer["cache"]["status"].as_str().unwrap() {
            "hit" => [BEFORE, AFTER].map(f64::from).contains(&price),
            "miss" => (price - f64::from(AFTER)).abs() < 1e-9,
            _ => false,
        };
        assert!(right && answer["symbol"] == symbol, "{what}: {answer}");
    }
    run
}

/// Looks at everything that was put: each value is what was put, or is not there.
fn look(sandbox: &Sandbox, what: &str) -> Run {
    let run = run(sandbox.command(&["get", "value:*", "--stale", "-f", "json"]));
    assert!(!run.stderr.contains("panicked"), "{what}: {run:?}");
    let held: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    for n in 0..24 {
        let held = &held[format!("value:{n}")];
        assert!(held.is_null() || *held == value(n), "{what}: value:{n} is {held}");
    }
    run
}

/// One flip, and what a user might do next: answers are right at once, and in the end all of them
/// are hits and nothing is said, unless the file now looks like another program's.
fn endured(sandbox: &Sandbox, what: &str) -> bool {
    let first = ask(sandbox, what);
    let second = look(sandbox, what);
    let third = run(sandbox.command(&["put", "probe", "1"]));
    assert!(!third.stderr.contains("panicked"), "{what}: {third:?}");
    ask(sandbox, what);
    let said = [&first, &second, &third].map(|run| run.stderr.as_str()).concat();
    if said.contains("is left alone") {
        return true;
    }
    // What only a writer reads, and not every one, is met later than all else.
    let is_sound = (0..4).any(|round| {
        let value = round.to_string();
        let put = run(sandbox.command(&["put", "probe", &value]));
        let last = ask(sandbox, what);
        let hits = last.stdout.matches(r#""status":"hit""#).count();
        put.stderr.is_empty() && last.stderr.is_empty() && hits == SYMBOLS.len()
    });
    assert!(is_sound, "{what}: there is no end of it");
    said.contains("warning: ")
}

pub fn no_flipped_byte_is_answered(form: Form) -> String {
    let flips = form.of(60, 500);
    let (before, after) = (selling_at(BEFORE), selling_at(AFTER));
    // A limit that is never reached: it gives the ledger something to hold.
    let sandbox = machine(&before).env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[100000/1m]");
    let kept = filled(&sandbox);
    let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    for needed in ["cache.db", "cache.db-wal", "hits.log"] {
        assert!(names.contains(&needed), "no {needed} among {names:?}");
    }
    let sandbox = sandbox.with_provider("yahoo", after.url());
    restore(&sandbox, &kept);
    let undamaged = look(&sandbox, "undamaged").json();
    assert_eq!(undamaged.as_object().unwrap().len(), 20, "what is to be looked at is there");
    let mut random = Random(14);
    let mut noticed = 0;
    for number in 0..flips {
        let mut flipped = kept.clone();
        let (name, bytes) = &mut flipped[number % kept.len()];
        // With the WAL beside it SQLite looks at few pages of the database; without it the database
        // is what it was when the WAL began.
        let is_at_rest = name == "cache.db" && random.below(2) == 0;
        let mut what = name.clone();
        for _ in 0..=random.below(3) {
            let at = place(&mut random, bytes.len());
            let bit = 1 << random.below(8);
            bytes[at] ^= bit;
            write!(what, ", byte {at}: {:#04x} for {:#04x}", bytes[at], bytes[at] ^ bit).unwrap();
        }
        if is_at_rest {
            flipped.retain(|(name, _)| name != "cache.db-wal");
            what += ", without a WAL";
        }
        restore(&sandbox, &flipped);
        noticed += usize::from(endured(&sandbox, &what));
    }
    format!("{flips} flips over {}: {noticed} were said, none was answered", names.join(", "))
}
