//! The documents say what the program does: every example of the README is run, and the commands,
//! flags, keys and kinds that are written about are there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mcache::config::{Layers, schema};
use mcache::error::Kind;
use mcache::market::DataType;

use crate::sandbox::{Sandbox, finished};

/// A command of an example, and what it should print.
struct Example {
    line: usize,
    command: String,
    expected: Vec<String>,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, the defaults and `docs/`: name and text of those that are there.
fn documents() -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> = vec![top().join("README.md"), top().join("cache_config.yaml")];
    let docs = fs::read_dir(top().join("docs")).into_iter().flatten();
    paths.extend(docs.map(|entry| entry.unwrap().path()));
    paths.sort();
    let readable = |path: PathBuf| {
        let name = path.strip_prefix(top()).unwrap().display().to_string();
        Some((name, fs::read_to_string(path).ok()?))
    };
    paths.into_iter().filter(|path| path.is_file()).filter_map(readable).collect()
}

/// The commands of all blocks that are marked as `console`, with the lines that follow each.
fn examples(text: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            let command = command.to_owned();
            examples.push(Example { line: at + 1, command, expected: Vec::new() });
        } else if inside {
            examples.last_mut().unwrap().expected.push(line.to_owned());
        }
    }
    examples
}

/// Whether a line is as it was expected, `…` standing for anything.
fn fits(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap()) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Whether lines are as they were expected, a line of `…` alone standing for any number of them.
fn all_fit(expected: &[String], lines: &[&str]) -> bool {
    match expected.split_first() {
        None => lines.is_empty(),
        Some((any, rest)) if any == "…" => {
            (0..=lines.len()).any(|skipped| all_fit(rest, &lines[skipped..]))
        }
        Some((first, rest)) => lines
            .split_first()
            .is_some_and(|(line, others)| fits(first, line) && all_fit(rest, others)),
    }
}

#[test]
fn every_example_of_the_readme_does_what_it_shows() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    // One machine for all of them, as whoever reads on would have it.
    let sandbox = Sandbox::new();
    let program = Path::new(env!("CARGO_BIN_EXE_mcache")).parent().unwrap();
    let path = format!("{}:/usr/bin:/bin", program.display());
    let examples = examples(&readme);
    assert!(examples.len() > 5, "the README shows too little");
    for Example { line, command, expected } in examples {
        let mut shell = sandbox.command_of(Path::new("/bin/sh"), &["-c", &command]);
        let run = finished(shell.env("PATH", &path).spawn().unwrap());
        // On a terminal what is said comes before or after what is printed.
        let printed: Vec<&str> = run.stdout.lines().collect();
        let said: Vec<&str> = run.stderr.lines().collect();
        let as_shown = [[&said[..], &printed[..]].concat(), [&printed[..], &said[..]].concat()];
        assert!(
            as_shown.iter().any(|lines| all_fit(&expected, lines)),
            "README.md:{line}: `{command}` should print\n{}\nand printed\n{}{}",
            expected.join("\n"),
            run.stderr,
            run.stdout,
        );
    }
}

#[test]
fn an_ellipsis_stands_for_anything_and_nothing_else_does() {
    for (expected, line, fit) in [
        ("a…c", "abc", true),
        ("a…c", "ac", true),
        ("a…c", "abd", false),
        ("…", "anything", true),
        ("a…b…c", "a1b2c", true),
        ("a…b…c", "a1c2b", false),
        ("abc", "abcd", false),
        ("ab…", "abcd", true),
    ] {
        assert_eq!(fits(expected, line), fit, "{expected} {line}");
    }
    let expected = ["a".to_owned(), "…".to_owned(), "z".to_owned()];
    assert!(all_fit(&expected, &["a", "z"]) && all_fit(&expected, &["a", "b", "c", "z"]));
    assert!(!all_fit(&expected, &["a", "b"]) && !all_fit(&expected, &["a"]));
}

/// The names of every key that a file may hold, as the schema has them; names of one's own are
/// those that the defaults use.
fn keys_of_the_schema() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut paths = vec![String::new()];
    while let Some(path) = paths.pop() {
        let below = |name: &str| {
            if path.is_empty() { name.to_owned() } else { format!("{path}\t{name}") }
        };
        for name in schema::children(&path) {
            names.insert(name.to_owned());
            paths.push(below(name));
        }
        if schema::is_open(&path) {
            let own = if path == "cache\tttl_by_data_type" { "OHLCV" } else { "yahoo" };
            if schema::is_map(&below(own)) {
                paths.push(below(own));
            }
        }
    }
    names
}

#[test]
fn the_defaults_list_every_key_that_there_is() {
    let defaults = fs::read_to_string(top().join("cache_config.yaml")).unwrap();
    // A key that has no default stands behind a hash without a space.
    let listed: BTreeSet<&str> = defaults
        .lines()
        .filter_map(|line| line.trim_start().trim_start_matches('#').split(':').next())
        .collect();
    // Keys in braces stand on one line with others.
    let stands = |key: &str| {
        listed.contains(key)
            || defaults.contains(&format!("{{{key}:"))
            || defaults.contains(&format!(", {key}:"))
    };
    let keys = keys_of_the_schema();
    assert!(keys.len() > 40 && keys.contains("max_size_gb") && keys.contains("bearer"), "{keys:?}");
    let missing: Vec<&String> = keys.iter().filter(|key| !stands(key)).collect();
    assert!(missing.is_empty(), "cache_config.yaml does not list {missing:?}");
}

#[test]
fn the_defaults_are_a_configuration_that_differs_in_nothing() {
    let sandbox = Sandbox::new();
    let defaults = top().join("cache_config.yaml");
    let of = |arguments: &[&str]| sandbox.run(&[&["config", "show"], arguments].concat()).stdout;
    let named = of(&["--config", defaults.to_str().unwrap(), "-f", "ndjson"]);
    let values = |text: &str| -> Vec<String> {
        let value = |line: &str| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{}={}", row["key"], row["value"])
        };
        text.lines().map(value).collect()
    };
    assert_eq!(values(&named), values(&of(&["-f", "ndjson"])));
}

#[test]
fn the_readme_names_every_type_as_it_may_be_written() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| `-t` |")).skip(2);
    let rows: Vec<Vec<String>> = rows
        .take_while(|line| line.starts_with('|'))
        .map(|row| {
            let cells = row.split('|').map(str::trim).take(3);
            cells.flat_map(|cell| cell.split(", ")).map(|cell| cell.replace('`', "")).collect()
        })
        .collect();
    let named = |row: &[String]| DataType::parse(&row[1]).unwrap();
    let types: Vec<DataType> = rows.iter().map(|row| named(row)).collect();
    assert_eq!(types, DataType::ALL);
    for row in &rows {
        assert_eq!(row[1], named(row).as_str());
        for other in row[2..].iter().filter(|other| !other.is_empty()) {
            assert_eq!(DataType::parse(other).unwrap(), named(row), "{other}");
        }
    }
    for (alias, data_type) in DataType::ALIASES {
        let row = rows.iter().find(|row| named(row) == data_type).unwrap();
        assert!(row[2..].iter().any(|other| other.eq_ignore_ascii_case(alias)), "{alias}");
    }
    let defaults = fs::read_to_string(top().join("cache_config.yaml")).unwrap();
    let aliases = defaults.lines().skip_while(|line| *line != "aliases:").skip(1);
    for alias in aliases.map_while(|line| line.strip_prefix("  ")?.split(':').next()) {
        assert!(readme.contains(&format!("`{alias}`")), "{alias}");
    }
}

#[test]
fn the_readme_lists_every_provider_that_is_shipped_as_configuration() {
    let layers = Layers::default();
    let shipped = layers.names(&["providers"]).into_iter().filter_map(|name| {
        let at = |key| ["providers", name.as_str(), key];
        (layers.text(&at("kind")) == Some("http")).then_some(())?;
        let env = layers.text(&["providers", &name, "auth", "env"]);
        let limits = layers.list(&at("limits")).unwrap_or_default().into_iter();
        let limits: Vec<&str> = limits.chain(layers.text(&at("budget"))).collect();
        Some([
            format!("`{name}`"),
            match layers.names(&at("endpoints")) {
                many if many.len() > 6 => format!("{} endpoints", many.len()),
                few => few.join(", "),
            },
            env.map(|env| format!("`{env}`")).unwrap_or_default(),
            limits.join(", "),
        ])
    });
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let rows = readme.lines().skip_while(|line| !line.starts_with("| provider | of |")).skip(2);
    let listed = rows.take_while(|line| line.starts_with('|')).map(|row| {
        let cells: Vec<String> = row.split('|').map(|cell| cell.trim().to_owned()).collect();
        [1, 3, 4, 5].map(|at| cells[at].clone())
    });
    assert_eq!(listed.collect::<Vec<_>>(), shipped.collect::<Vec<_>>());
}

/// What stands in code in a document: spans between backticks, and the lines of blocks.
fn code(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            found.push(line.trim_start_matches("$ ").to_owned());
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

/// The long flags in a text.
fn flags(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'))
        .filter(|word| word.strip_prefix("--").is_some_and(|name| name.len() > 1))
        .filter(|word| !word.starts_with("---"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_and_flag_that_is_written_about_is_in_the_help() {
    let sandbox = Sandbox::new();
    let help = |command: &[&str]| sandbox.run(&[command, &["--help"]].concat()).stdout;
    let root = help(&[]);
    let commands: BTreeSet<&str> = root
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(commands.contains("fetch") && commands.len() > 10, "{commands:?}");
    let everything: String =
        commands.iter().filter(|c| **c != "help").map(|c| help(&[c])).collect::<String>() + &root;
    let has = |help: &str, flag: &str| flags(help).iter().any(|known| known == flag);
    for (document, text) in documents() {
        for span in code(&text) {
            // What stands before it is another program's, a pipe's or a crontab's.
            let said = span.rsplit("mcache ").next().filter(|_| span.contains("mcache "));
            let Some(said) = said.or_else(|| span.starts_with("--").then_some(span.as_str()))
            else {
                continue;
            };
            let first = said.split(' ').next().unwrap_or_default();
            let is_command = !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase());
            let help = if is_command {
                assert!(commands.contains(first), "{document} names `mcache {first}`: {span}");
                help(&[first])
            } else {
                everything.clone()
            };
            for flag in flags(said) {
                assert!(has(&help, &flag), "{document} names {flag}, which is not there: {span}");
            }
        }
        if document == "cache_config.yaml" {
            for flag in flags(&text) {
                assert!(has(&everything, &flag), "{document} names {flag}, which is not there");
            }
        }
    }
}

#[test]
fn every_kind_of_error_is_written_about() {
    let mut text = fs::read_to_string(top().join("README.md")).unwrap();
    text.extend(documents().into_iter().map(|(_, text)| text));
    for kind in Kind::ALL.map(Kind::as_str) {
        assert!(text.contains(&format!("`{kind}`")), "no document says what `{kind}` is");
    }
}

#[test]
fn every_file_that_the_readme_links_to_is_there() {
    let readme = fs::read_to_string(top().join("README.md")).unwrap();
    let links = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files: Vec<&str> = links.filter(|link| !link.contains("://")).collect();
    assert!(!files.is_empty());
    for file in files {
        assert!(top().join(file).exists(), "README.md links to {file}, which is not there");
    }
}
