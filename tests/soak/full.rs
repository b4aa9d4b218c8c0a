//! A full disk costs a warning, and only while it is full.

use std::fs;
use std::path::Path;

use crate::Form;
use crate::crowd::answered;
use crate::processes::run;
use crate::sandbox::{Random, Run, Sandbox, is_whole, machine, numbered};

fn symbols(first: usize, count: usize) -> Vec<String> {
    (first..first + count).map(|n| format!("S{n}")).collect()
}

/// Asserts that everything was answered rightly, and that trouble, if there was any, is one
/// warning of what was not stored, and one of limits that were not shared; whether there was.
fn warned(mut run: Run, symbols: &[String]) -> bool {
    let said = std::mem::take(&mut run.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let known =
        ["warning: nothing could be stored in ", "warning: limits hold within this process"];
    let times = known.map(|start| lines.iter().filter(|line| line.starts_with(start)).count());
    assert!(times.iter().all(|times| *times <= 1), "{said}");
    assert_eq!(times.iter().sum::<usize>(), lines.len(), "{said}");
    answered(&run, symbols);
    !lines.is_empty()
}

/// Room again: everything works, nothing is said, the database is whole.
fn works(sandbox: &Sandbox, symbols: &[String]) {
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let fetch = [&["fetch", "-f", "json"], &names[..]].concat();
    for _ in 0..2 {
        answered(&run(sandbox.command(&fetch)), symbols);
    }
    assert_eq!(answered(&run(sandbox.command(&fetch)), symbols), 0, "all of them are hits");
    assert!(is_whole(sandbox));
}

/// Four writers at once on a disk with so many kilobytes left, then one alone; then there is room
/// again. Each leaves what it printed in a file of the machine, which is on another disk.
const SCRIPT: &str = r#"
    mount -t tmpfs -o size=1m,mode=700 tmpfs home || exit 99
    $1 fetch -f json S0 S1 S2 > before 2>&1 || exit 11
    cat /dev/zero > home/filler 2> /dev/null
    truncate -s -"$2"k home/filler || exit 12
    for n in 1 2 3 4; do
        $1 fetch -f json "S${n}0" "S${n}1" "S${n}2" S0 > "out.$n" 2> "said.$n" &
    done
    wait
    cat /dev/zero >> home/filler 2> /dev/null
    $1 fetch -f json S50 S51 S0 > out.5 2> said.5 || exit 15
    rm home/filler
    $1 fetch -f json S10 S20 S50 S0 > out.6 2> said.6 || exit 16
    $1 fetch -f json S10 S20 S50 S0 > out.7 2> said.7 || exit 17
    cp -r home/.cache/mcache kept || exit 18
"#;

/// What the script left of one process.
fn left(sandbox: &Sandbox, number: usize) -> Run {
    let read = |name: &str| fs::read_to_string(sandbox.path(&format!("{name}.{number}"))).unwrap();
    let (stdout, stderr) = (read("out"), read("said"));
    Run { bytes: stdout.clone().into_bytes(), stdout, stderr, code: Some(0) }
}

pub fn a_full_disk_costs_a_warning(form: Form) -> String {
    let rounds = form.of(6, 60);
    let upstream = numbered();
    let mut random = Random(15);
    let (mut warnings, mut alone) = (0, 0);
    for round in 0..rounds {
        let sandbox = machine(&upstream);
        let room = random.below(160).to_string();
        let arguments = ["-m", "sh", "-c", SCRIPT, "sh", env!("CARGO_BIN_EXE_mcache"), &room];
        let done = run(sandbox.command_of(Path::new("unshare"), &arguments));
        if done.code == Some(99) || done.stderr.contains("unshare failed") {
            return "not tried: no file system may be mounted here".to_owned();
        }
        let what = format!("round {round}, {room} kB left");
        assert_eq!(done.code, Some(0), "{what}: {done:?}");
        for n in 1..=4 {
            let own = [symbols(n * 10, 3), symbols(0, 1)].concat();
            warnings += usize::from(warned(left(&sandbox, n), &own));
        }
        let own = [symbols(50, 2), symbols(0, 1)].concat();
        // Where a file has room in what it already takes, even this one is stored.
        alone += usize::from(warned(left(&sandbox, 5), &own));
        let own: Vec<String> = ["S10", "S20", "S50", "S0"].map(str::to_owned).into();
        answered(&left(&sandbox, 6), &own);
        assert_eq!(answered(&left(&sandbox, 7), &own), 0, "{what}: all of them are hits");
        fs::rename(sandbox.path("home"), sandbox.path("home.before")).unwrap();
        fs::create_dir_all(sandbox.path("home/.cache")).unwrap();
        fs::rename(sandbox.path("kept"), sandbox.cache()).unwrap();
        works(&sandbox, &own);
    }
    assert!(warnings > 0 && alone > 0, "nobody met a full disk");
    let said = warnings + alone;
    format!("{rounds} full disks, {said} warnings, all answers right, whole again after")
}

/// Where nothing may be mounted this stands in: a process whose files may not grow any further.
pub fn a_file_that_may_not_grow_costs_a_warning(form: Form) -> String {
    const LIMITED: &str = r#"trap "" XFSZ; ulimit -f "$1"; shift; exec "$@""#;
    let rounds = form.of(12, 100);
    let upstream = numbered();
    let sandbox = machine(&upstream);
    let mut random = Random(16);
    let mut warnings = 0;
    for round in 0..rounds {
        let own = symbols(round * 10, 4);
        // In units of 512 bytes: none at all, or some of what such a database has.
        let blocks = if round % 4 == 0 { 0 } else { random.below(200) }.to_string();
        let program = env!("CARGO_BIN_EXE_mcache");
        let names: Vec<&str> = own.iter().map(String::as_str).collect();
        let arguments =
            [&["-c", LIMITED, "sh", &blocks, program, "fetch", "-f", "json"], &names[..]].concat();
        let limited = run(sandbox.command_of(Path::new("sh"), &arguments));
        warnings += usize::from(warned(limited, &own));
        works(&sandbox, &own);
    }
    assert!(warnings > 0, "no limit was low enough");
    format!("{rounds} limits, {warnings} warnings, all answers right, whole again after")
}
