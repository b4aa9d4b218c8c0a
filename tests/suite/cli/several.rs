//! Many symbols at once: order, lists, duplicates, standard input, a file, an interrupt.

use std::io::{BufRead as _, BufReader};
use std::process::Child;
use std::sync::{Mutex, mpsc};

use super::{speaking, yahoo};
use crate::sandbox::{Sandbox, Upstream, finished, reply};

#[test]
fn one_that_fails_takes_no_other_with_it() {
    let (_upstream, sandbox) = speaking();
    let symbols = ["A1", "A2", "A3", "A4", "NOSUCH", "A6", "A7", "A8", "A9", "A10"];
    let run = sandbox.run(&[&["fetch", "-f", "ndjson"], &symbols[..]].concat());
    run.fails(1, &["error: NOSUCH: yahoo does not know `NOSUCH`"]);
    let records: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let order: Vec<&str> = records.iter().map(|r| r["symbol"].as_str().unwrap()).collect();
    assert_eq!(order, symbols, "the order of the answers is that of the arguments");
    assert_eq!(records.iter().filter(|record| record["price"].is_number()).count(), 9);
    assert_eq!(records[4]["error"]["kind"], "not_found");
}

#[test]
fn the_order_is_that_of_the_arguments_whatever_comes_first() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "MSFT"]);
    // A hit stands between two that must be asked.
    let run = sandbox.run(&["fetch", "TSLA", "MSFT", "AAPL", "-f", "csv"]);
    let symbols: Vec<&str> =
        run.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(symbols, ["TSLA", "MSFT", "AAPL"]);
    assert_eq!(upstream.count(), 3);
}

#[test]
fn the_same_thing_is_asked_once_however_it_is_spelt() {
    let (upstream, sandbox) = speaking();
    let records = sandbox.json(&["fetch", "AAPL", "aapl", "stock:AAPL", "AAPL"]);
    assert_eq!(records.as_array().unwrap().len(), 4);
    assert_eq!(upstream.count(), 1);
    let calls: Vec<i64> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["cache"]["upstream_calls"].as_i64().unwrap())
        .collect();
    assert_eq!(calls, [1, 0, 0, 0], "a waiter that was given another's answer cost nothing");
    assert!(records.as_array().unwrap().iter().all(|r| r["cache"]["status"] == "miss"));
    assert_eq!(sandbox.json(&["stats"])["coalesced"], 3);
}

#[test]
fn symbols_are_read_from_standard_input() {
    let (_upstream, sandbox) = speaking();
    let run = sandbox.run_with_input(&["fetch", "IBM", "-", "-f", "csv"], "AAPL\n  MSFT\tTSLA\n\n");
    let symbols: Vec<&str> =
        run.stdout.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(symbols, ["IBM", "AAPL", "MSFT", "TSLA"]);
    sandbox.run_with_input(&["fetch", "-"], "").fails(2, &["the list is empty"]);
    sandbox
        .run_with_input(&["fetch", "-"], [0xff, 0xfe])
        .fails(2, &["standard input cannot be read"]);
}

#[test]
fn a_list_of_the_configuration_is_used_by_its_name() {
    let (_upstream, sandbox) = speaking();
    sandbox.config("watchlists:\n  tech: [AMD, INTC]\n  more: [INTC, IBM]\n");
    let symbols = |list: &str| {
        let run = sandbox.run(&["fetch", list, "-f", "csv"]);
        let all: Vec<String> =
            run.stdout.lines().skip(1).map(|l| l.split(',').next().unwrap().to_owned()).collect();
        all.join(" ")
    };
    assert_eq!(symbols("@tech"), "AMD INTC");
    assert_eq!(symbols("@all"), "INTC IBM AMD");
    sandbox.run(&["fetch", "@tec"]).fails(2, &["there is no list `@tec`", "did you mean `@tech`?"]);
}

#[test]
fn types_are_asked_of_every_symbol() {
    let sandbox = Sandbox::new();
    let records = sandbox.json(&["fetch", "GDP", "UNRATE", "-t", "quote,series", "-p", "demo"]);
    let keys: Vec<&str> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["cache"]["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        ["quote:macro:GDP", "series:macro:GDP", "quote:macro:UNRATE", "series:macro:UNRATE"]
    );
    // The seeds' word for a quote.
    assert_eq!(sandbox.json(&["fetch", "AAPL", "-t", "price", "-p", "demo"])[0]["type"], "quote");
}

#[test]
fn a_file_is_written_whole() {
    let (_upstream, sandbox) = speaking();
    let run = sandbox.run(&["fetch", "AAPL", "NOSUCH", "-f", "json", "-o", "out.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
    let written: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.path("out.json")).unwrap()).unwrap();
    assert_eq!(written.as_array().unwrap().len(), 2);
    // Nothing is left beside it.
    let names: Vec<_> =
        std::fs::read_dir(sandbox.path("")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn the_name_of_a_file_says_its_format_unless_it_is_said() {
    let (_upstream, sandbox) = speaking();
    for (name, format, begins) in [
        ("out.csv", &[][..], "symbol,asset_class,type,"),
        ("out.JSON", &[], "[\n{\"symbol\":\"AAPL\","),
        ("out.ndjson", &[], "{\"symbol\":\"AAPL\","),
        ("out.txt", &[], "SYMBOL "),
        ("out", &[], "SYMBOL "),
        ("said.csv", &["-f", "ndjson"], "{\"symbol\":"),
        ("drawn.csv", &["-f", "table"], "SYMBOL "),
        ("sent.json", &["--raw"], "{"),
    ] {
        let run = sandbox.run(&[&["fetch", "AAPL", "-o", name], format].concat());
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
        let written = std::fs::read_to_string(sandbox.path(name)).unwrap();
        assert!(written.starts_with(begins), "{name}: {written}");
    }
}

#[test]
fn a_link_and_a_pipe_stay_what_they_are() {
    let (_upstream, sandbox) = speaking();
    let target = sandbox.file("target.csv", "before");
    std::os::unix::fs::symlink(&target, sandbox.path("link.csv")).unwrap();
    let linked = sandbox.run(&["fetch", "AAPL", "-f", "csv", "-o", "link.csv"]);
    assert_eq!(linked.code, Some(0), "{linked:?}");
    assert!(sandbox.path("link.csv").is_symlink());
    assert!(std::fs::read_to_string(target).unwrap().contains("AAPL,stock,quote"));
    // The name leads to the pipe that the program was given.
    let name = sandbox.path("standard-output");
    std::os::unix::fs::symlink("/proc/self/fd/1", &name).unwrap();
    let piped = sandbox.run(&["fetch", "AAPL", "-f", "csv", "-o", "standard-output"]);
    assert!(piped.stdout.contains("AAPL,stock,quote"), "{piped:?}");
    assert!(name.is_symlink());
}

#[test]
fn a_dash_is_standard_output() {
    let (_upstream, sandbox) = speaking();
    let run = sandbox.run(&["fetch", "AAPL", "-o", "-", "-f", "csv"]);
    assert!(run.stdout.contains("AAPL,stock,quote"), "{run:?}");
    assert!(!sandbox.path("-").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_said_before_anything_is_asked() {
    let (upstream, sandbox) = speaking();
    let run = sandbox.run(&["fetch", "AAPL", "-o", "no/such/folder/out.json"]);
    run.fails(1, &["error: `no/such/folder/out.json` cannot be written"]);
    sandbox.run(&["fetch", "AAPL", "-o", "home"]).fails(1, &["error: `home` cannot be written"]);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn an_interrupt_keeps_what_had_come_and_leaves_no_half_file() {
    let upstream = Upstream::start(|incoming| {
        let symbol = if incoming.path.contains("/AAPL") { "AAPL" } else { "MSFT" };
        reply(200, "application/json", yahoo(symbol, "1.5", "").as_bytes())
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.json(&["fetch", "AAPL"]);
    sandbox.file("out.json", "as it was");
    upstream.hold();
    for file in [&[][..], &["-o", "out.json"]] {
        let asked = upstream.count() + 1;
        let arguments = [&["fetch", "AAPL", "MSFT", "-f", "json"], file].concat();
        let child = sandbox.command(&arguments).spawn().unwrap();
        upstream.wait_for(asked);
        interrupt(&child);
        let run = finished(child);
        assert_eq!(run.code, Some(130), "{run:?}");
        if file.is_empty() {
            let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
            assert_eq!(printed[0]["symbol"], "AAPL", "what had come is printed, and is JSON");
            assert_eq!(printed.as_array().unwrap().len(), 1);
        }
    }
    assert_eq!(std::fs::read_to_string(sandbox.path("out.json")).unwrap(), "as it was");
    upstream.let_go();
    assert_eq!(sandbox.json(&["keys"]).as_array().unwrap().len(), 1);
}

#[test]
fn what_came_before_an_interrupt_is_stored() {
    let (let_go, slow) = mpsc::channel::<()>();
    let slow = Mutex::new(slow);
    let upstream = Upstream::start(move |incoming| {
        if incoming.path.contains("/SLOW") {
            // Answers only once the test is over.
            let _ = slow.lock().unwrap().recv();
        }
        reply(200, "application/json", yahoo("AAPL", "1.5", "").as_bytes())
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let mut child = sandbox.command(&["fetch", "AAPL", "SLOW", "-v"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("miss upstream quote:stock:AAPL "), "{line}");
    interrupt(&child);
    let run = finished(child);
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stdout.contains("AAPL"), "{run:?}");
    drop(let_go);
    assert_eq!(sandbox.json(&["fetch", "AAPL"])[0]["cache"]["status"], "hit");
}

#[test]
fn a_call_that_was_under_way_at_an_interrupt_was_made() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__BUDGET", "5/month");
    upstream.hold();
    let child = sandbox.command(&["fetch", "AAPL"]).spawn().unwrap();
    upstream.wait_for(1);
    interrupt(&child);
    assert_eq!(finished(child).code, Some(130));
    let yahoo = &sandbox.json(&["limits", "yahoo"])[0];
    assert_eq!((&yahoo["limits"][0]["used"], &yahoo["budget"]["used"]), (&1.into(), &1.into()));
    upstream.let_go();
}

/// What Ctrl-C sends.
fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    let sent = std::process::Command::new("/bin/kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
}
