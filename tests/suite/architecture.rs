//! Holds the code to the plan in `lib.rs`: who may use whom, what a floor may touch, what a file
//! says first and how long it may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names that say nothing of what a file is.
const FORBIDDEN: [&str; 12] = [
    "util", "utils", "helper", "helpers", "common", "manager", "handler", "base", "impl", "types",
    "prelude", "misc",
];

/// What reaches outside of the program: nothing for floors 0 to 2.
const OUTSIDE: [&str; 12] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "rusqlite",
    "reqwest",
    "tokio",
    "hyper",
    "SystemTime",
    "Instant::now",
    "thread::sleep",
];

/// The longest a file may be, in lines of code outside its tests.
const LONGEST: usize = 500;

/// Where a module stands: its floor, and its place from the left.
type Plan = BTreeMap<String, (u32, usize)>;

/// A source file and the module that it belongs to.
struct Source {
    path: PathBuf,
    module: String,
    text: String,
}

impl Source {
    /// The path below the top of the repository.
    fn name(&self) -> String {
        self.path.strip_prefix(top()).unwrap().display().to_string()
    }

    /// Whether it holds nothing but tests.
    fn is_test(&self) -> bool {
        let part = |name: &str| self.path.iter().any(|part| part.to_str() == Some(name));
        part("tests.rs") || part("tests") || part("recorded.rs")
    }

    /// Its lines before its tests, with what is in comments and documentation left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .take_while(|(_, line)| !is_test_module(line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Whether this line opens the tests at the foot of a file.
fn is_test_module(line: &str) -> bool {
    line == "mod tests {"
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file of the crate.
fn sources() -> Vec<Source> {
    let src = top().join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let first = path.strip_prefix(&src).unwrap().iter().next().unwrap();
                let module = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, module, text });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The table of floors in the documentation of `lib.rs`: lines such as
/// `//!  3  storage    codec ← db ← ledger ← tier   the cache folder`.
fn plan() -> Plan {
    let text = fs::read_to_string(top().join("src/lib.rs")).unwrap();
    let mut plan = Plan::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("//!")) {
        let mut words = line.split_whitespace();
        let Some(floor) = words.next().and_then(|word| word.parse::<u32>().ok()) else { continue };
        let _name_of_the_floor = words.next();
        let mut place = 0;
        let mut expects_module = true;
        // A module, an arrow, a module: what follows a module without an arrow is prose.
        for word in words {
            match (word, expects_module) {
                ("←", false) => expects_module = true,
                (module, true) => {
                    plan.insert(module.to_owned(), (floor, place));
                    place += 1;
                    expects_module = false;
                }
                _ => break,
            }
        }
    }
    plan
}

/// The modules of the crate that a line of code names: `crate::x`, and each of `crate::{x, y}`.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    let mut modules = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => modules.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut at_start = true;
                for (place, c) in group.char_indices() {
                    if depth == 0 && at_start && c.is_ascii_alphabetic() {
                        modules.push(word(&group[place..]));
                        at_start = false;
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => at_start = true,
                        _ => {}
                    }
                }
            }
        }
    }
    modules
}

#[test]
fn every_module_has_its_place_in_the_plan() {
    let plan = plan();
    let floors: Vec<u32> = plan.values().map(|(floor, _)| *floor).collect();
    assert_eq!(floors.iter().max(), Some(&7), "{plan:?}");
    for source in sources() {
        let module = source.module.as_str();
        assert!(
            ["lib", "main"].contains(&module) || plan.contains_key(module),
            "{} is on no floor of the plan in src/lib.rs",
            source.name()
        );
    }
    for module in plan.keys() {
        let stands = top().join("src").join(module).is_dir()
            || top().join("src").join(format!("{module}.rs")).is_file();
        assert!(stands, "the plan in src/lib.rs names `{module}`, which is not there");
    }
}

#[test]
fn a_module_uses_lower_floors_and_what_stands_to_its_left() {
    let plan = plan();
    let mut breaches = Vec::new();
    for source in sources() {
        let Some(own) = plan.get(&source.module) else { continue };
        // Joined, because an import may be spread over several lines.
        let code: String = source.code().flat_map(|(_, line)| [line.trim(), " "]).collect();
        for used in named(&code) {
            let Some(other) = plan.get(&used) else { continue };
            let below = other.0 < own.0 || (other.0 == own.0 && other.1 < own.1);
            if used != source.module && !below {
                breaches.push(format!("{} uses {used}", source.name()));
            }
        }
    }
    assert!(breaches.is_empty(), "against the plan in src/lib.rs:\n{}", breaches.join("\n"));
}

#[test]
fn nothing_climbs_out_of_its_module_by_super() {
    for source in sources() {
        let depth = source.path.strip_prefix(top().join("src")).unwrap().iter().count();
        // In `src/x.rs` and `src/x/mod.rs` one `super` is the crate itself.
        let front = depth == 1 || (depth == 2 && source.path.ends_with("mod.rs"));
        let climbs = if front { "super::" } else { "super::super::" };
        for (number, line) in source.code().filter(|_| depth <= 2) {
            assert!(!line.contains(climbs), "{}:{number} climbs out: {line}", source.name());
        }
    }
}

#[test]
fn the_floors_of_rules_and_words_touch_nothing_outside() {
    let plan = plan();
    for source in sources().into_iter().filter(|source| !source.is_test()) {
        let low = plan.get(&source.module).is_some_and(|(floor, _)| *floor <= 2);
        // The clock is the one door to the time of day.
        if !low || source.module == "clock" {
            continue;
        }
        for (number, line) in source.code() {
            for outside in OUTSIDE {
                assert!(
                    !line.contains(outside),
                    "{}:{number} names {outside}: {line}",
                    source.name()
                );
            }
        }
    }
}

#[test]
fn every_file_says_first_what_it_is() {
    for source in sources() {
        assert!(source.text.starts_with("//! "), "{} does not open with `//!`", source.name());
    }
    let mut folders = vec![top().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.starts_with("//! "), "{} does not open with `//!`", path.display());
            }
        }
    }
}

#[test]
fn a_name_says_what_a_file_is_and_a_folder_has_its_front_door() {
    for source in sources() {
        let stem = source.path.file_stem().unwrap().to_str().unwrap();
        assert!(!FORBIDDEN.contains(&stem), "{} is named after nothing", source.name());
        let folder = source.path.with_extension("");
        assert!(
            !folder.is_dir(),
            "{} stands beside its folder: mod.rs is the front door",
            source.name()
        );
        let parent = source.path.parent().unwrap();
        let is_top = parent == top().join("src");
        assert!(is_top || parent.join("mod.rs").is_file(), "{} has no mod.rs", parent.display());
    }
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    for source in sources().into_iter().filter(|source| !source.is_test()) {
        let lines = source.code().filter(|(_, line)| !line.trim().is_empty()).count();
        assert!(lines <= LONGEST, "{} has {lines} lines of code", source.name());
    }
}

#[test]
fn a_breach_of_the_plan_is_seen() {
    for (line, modules) in [
        ("use crate::db::Trouble;", &["db"][..]),
        ("use crate::{cache::{Cache, Answer}, error, key::Key};", &["cache", "error", "key"]),
        ("let x = crate::units::parse(crate::key::PUT);", &["units", "key"]),
        ("use std::fs;", &[]),
    ] {
        assert_eq!(named(line), modules, "{line}");
    }
    let plan = plan();
    assert!(
        plan["error"] < plan["key"] && plan["db"] < plan["tier"] && plan["cache"] < plan["cli"]
    );
}
