//! `benchmark`: every tier is measured, in a folder of its own that is gone afterwards.

use std::fs;

use serde_json::Value;

use crate::sandbox::{Run, Sandbox, Upstream, finished};

const SMALL: [&str; 7] = ["benchmark", "--latency", "5ms", "--symbols", "10", "--iterations", "20"];

/// A machine with an empty folder for temporary files.
fn machine() -> Sandbox {
    let sandbox = Sandbox::new();
    let temporary = sandbox.path("tmp");
    fs::create_dir(&temporary).unwrap();
    sandbox.env("TMPDIR", temporary.to_str().unwrap())
}

fn leaves_nothing(sandbox: &Sandbox) {
    assert_eq!(fs::read_dir(sandbox.path("tmp")).unwrap().count(), 0, "a folder is left behind");
    // A real provider's calls are entered in the ledger of the machine, and nothing else is.
    assert!(!sandbox.cache().join("cache.db").exists(), "the user's cache was touched");
}

/// The report of a run, whose exit code must be what its targets say.
fn report(run: &Run) -> Value {
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    let met = report["targets"].as_array().unwrap().iter().all(|target| target["met"] == true);
    assert_eq!(run.code, Some(i32::from(!met)), "{run:?}");
    report
}

#[test]
fn every_step_is_measured_and_nothing_is_left_behind() {
    let sandbox = machine();
    let report = report(&sandbox.run(&[&SMALL[..], &["-f", "json"]].concat()));
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["uncached", "memory", "disk_warm", "disk_cold", "whole_process"]);
    for row in rows {
        assert!(row["n"].as_u64().unwrap() > 0, "{row}");
        let [p50, p95, p99] = ["p50_us", "p95_us", "p99_us"].map(|p| row[p].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{row}");
    }
    assert!(rows[0]["p50_us"].as_f64().unwrap() >= 5000.0, "upstream takes its latency");
    for key in ["speedup", "improvement_percent", "memory_bytes", "disk_bytes"] {
        assert!(report[key].as_f64().unwrap() > 0.0, "{key}");
    }
    assert_eq!(report["workload"]["reads"], 200);
    leaves_nothing(&sandbox);
}

#[test]
fn every_target_says_what_was_measured() {
    let report = report(&machine().run(&[&SMALL[..], &["-f", "json"]].concat()));
    let targets = report["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 12);
    for target in targets {
        assert!(target["target"].is_number() && target["measured"].is_number(), "{target}");
    }
}

#[test]
fn the_workload_is_the_same_in_every_run() {
    let sandbox = machine();
    let workload =
        || report(&sandbox.run(&[&SMALL[..], &["-f", "json"]].concat()))["workload"].take();
    assert_eq!(workload(), workload());
}

#[test]
fn people_get_the_samples_the_targets_and_what_was_simulated() {
    let run = machine().run(&SMALL);
    for said in ["SAMPLES", "whole_process", "WANTED", "hot_hit_rate_percent", "Zipf's law"] {
        assert!(run.stdout.contains(said), "{said}: {run:?}");
    }
}

#[test]
fn live_says_how_often_it_will_ask_and_asks_no_more() {
    let upstream = Upstream::speaking();
    let sandbox = machine().with_provider("yahoo", upstream.url());
    let run = sandbox.run(&["benchmark", "--live", "--iterations", "10", "-f", "json"]);
    assert!(run.stderr.contains("yahoo will be asked 5 times"), "{run:?}");
    assert_eq!(upstream.count(), 5);
    assert!(report(&run)["workload"].is_null());
    leaves_nothing(&sandbox);
}

#[test]
fn live_and_offline_contradict_each_other() {
    machine().run(&["benchmark", "--live", "--offline"]).fails(2, &["--live", "--offline"]);
}

#[test]
fn an_upstream_that_fails_fails_the_benchmark() {
    let upstream = Upstream::saying(500, "text/plain", "no");
    let sandbox = machine().with_provider("yahoo", upstream.url());
    sandbox.run(&["benchmark", "--live"]).fails(1, &["500"]);
    leaves_nothing(&sandbox);
}

#[test]
fn an_interrupt_removes_the_folder() {
    let upstream = Upstream::speaking();
    upstream.hold();
    let sandbox = machine().with_provider("yahoo", upstream.url());
    let child = sandbox.command(&["benchmark", "--live"]).spawn().unwrap();
    upstream.wait_for(1);
    let kill = format!("kill -INT {}", child.id());
    assert!(sandbox.command_of("/bin/sh".as_ref(), &["-c", &kill]).status().unwrap().success());
    assert_eq!(finished(child).code, Some(130));
    upstream.let_go();
    leaves_nothing(&sandbox);
}
