//! A cache that cannot be used is a warning in the answer, never an error of it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;

use super::{files, machine, only, selling_at, warnings};
use crate::sandbox::{Run, Sandbox, finished};

/// The user `nobody`, and its group.
const NOBODY: u32 = 65534;

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

pub(super) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether file modes do not hold for us.
fn is_root() -> bool {
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}

/// Makes the machine one that somebody without privileges can use.
pub(super) fn opened(sandbox: &Sandbox) {
    for place in ["", "home", "home/.cache", "home/.cache/mcache"] {
        let place = sandbox.path(place);
        fs::create_dir_all(&place).unwrap();
        set_mode(&place, 0o755);
    }
    if is_root() {
        let program = sandbox.path("mcache");
        // By another process: were it open for writing here, a fork at that moment would inherit
        // it, and a file that somebody may write cannot be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_mcache")).arg(&program).status();
        assert!(copied.unwrap().success());
        set_mode(&program, 0o755);
        for place in ["home", "home/.cache", "home/.cache/mcache"] {
            chown(sandbox.path(place), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
}

/// The program on this machine, run by somebody for whom file modes hold.
fn as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    if !is_root() {
        return sandbox.command(arguments);
    }
    let mut command = sandbox.command_of(&sandbox.path("mcache"), arguments);
    command.uid(NOBODY).gid(NOBODY);
    command
}

pub(super) fn run_as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Run {
    finished(as_nobody(sandbox, arguments).spawn().unwrap())
}

/// An answer of upstream with one warning that says this, and perhaps another that limits cannot be
/// shared either.
fn answers_with_a_warning(run: &Run, says: &str) {
    assert_eq!(only(run)["cache"]["status"], "miss", "{run:?}");
    let alone = run.stderr.matches("warning: limits hold within this process only").count();
    assert!(alone <= 1 && warnings(run) == 1 + alone, "{run:?}");
    assert!(run.stderr.contains(says), "{run:?}");
    assert!(!run.stderr.contains("database is locked"), "{run:?}");
}

#[test]
fn a_ledger_that_cannot_be_written_is_obeyed_all_the_same() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    opened(&sandbox);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    assert_eq!(sandbox.run(&["limits", "yahoo", "--pause", "12h"]).code, Some(0));
    let before = upstream.count();
    for path in super::files_in(&sandbox.cache(), "") {
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    set_mode(&sandbox.cache(), 0o555);
    let run = run_as_nobody(&sandbox, &["fetch", "MSFT"]);
    run.fails(1, &["MSFT: yahoo is paused until", "limits hold within this process only"]);
    let check = run_as_nobody(&sandbox, &["limits", "binance", "--check"]);
    check.fails(1, &["limits hold within this process only"]);
    assert_eq!(upstream.count(), before);
    set_mode(&sandbox.cache(), 0o755);
}

#[test]
fn a_read_only_folder_still_answers_hits() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    opened(&sandbox);
    assert_eq!(run_as_nobody(&sandbox, &["fetch", "AAPL"]).code, Some(0));
    set_mode(&sandbox.cache(), 0o555);
    for _ in 0..2 {
        let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]);
        assert_eq!(only(&run)["cache"]["status"], "hit", "{run:?}");
        assert_eq!(run.stderr, "");
    }
    assert_eq!(run_as_nobody(&sandbox, &["get", "quote:stock:AAPL"]).code, Some(0));
    assert_eq!(run_as_nobody(&sandbox, &["keys"]).code, Some(0));
    // The files may still be written, but nothing beside them: SQLite needs its WAL.
    let run = run_as_nobody(&sandbox, &["fetch", "MSFT", "-f", "json"]);
    answers_with_a_warning(&run, "nothing could be stored in");
    for file in files(&sandbox, "") {
        set_mode(&file, 0o444);
    }
    let run = run_as_nobody(&sandbox, &["fetch", "MSFT", "-f", "json"]);
    answers_with_a_warning(&run, "nothing could be stored in");
    assert_eq!(
        only(&run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]))["cache"]["status"],
        "hit"
    );
    run_as_nobody(&sandbox, &["put", "a", "1"]).fails(1, &["could not be stored"]);
    let said = ["nothing could be stored in", "error: 1 of 2 answers could not be stored"];
    let warmed = run_as_nobody(&sandbox, &["warm", "AAPL", "MSFT"]);
    warmed.fails(1, &said).fails(1, &["0 asked, 1 fresh already, 1 failed"]);
    run_as_nobody(&sandbox, &["warm", "AAPL", "MSFT", "--tolerate", "1"]).fails(0, &said);
    assert_eq!(run_as_nobody(&sandbox, &["warm", "AAPL"]).code, Some(0), "it is held already");
    set_mode(&sandbox.cache(), 0o755);
}

/// Nobody can migrate it, and its look-ups must do without what later versions added.
#[test]
fn a_read_only_folder_of_the_first_release_still_answers_hits() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream).at("2026-07-01T15:00:20Z");
    opened(&sandbox);
    std::fs::create_dir_all(sandbox.cache()).unwrap();
    let first = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cache-v1.db");
    std::fs::copy(first, sandbox.cache().join("cache.db")).unwrap();
    set_mode(&sandbox.cache().join("cache.db"), 0o444);
    set_mode(&sandbox.cache(), 0o555);
    for arguments in [&["fetch", "AAPL"][..], &["get", "empty"], &["keys"], &["stats"]] {
        let run = run_as_nobody(&sandbox, arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(only(&run)["cache"]["status"], "hit");
    assert_eq!(upstream.count(), 0);
    set_mode(&sandbox.cache(), 0o755);
}

#[test]
fn files_that_are_not_ours_to_read_are_a_warning() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    opened(&sandbox);
    assert_eq!(run_as_nobody(&sandbox, &["fetch", "AAPL"]).code, Some(0));
    set_mode(&sandbox.cache().join("cache.db"), 0o000);
    let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]);
    answers_with_a_warning(&run, "cannot be used");
    set_mode(&sandbox.cache().join("cache.db"), 0o600);
    set_mode(&sandbox.cache(), 0o000);
    let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]);
    answers_with_a_warning(&run, "warning");
    set_mode(&sandbox.cache(), 0o755);
    let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(only(&run)["cache"]["status"], "hit", "nothing was lost: {run:?}");
    assert!(files(&sandbox, "cache.db.damaged").is_empty());
}

#[test]
fn a_folder_that_cannot_be_made_is_a_warning() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    opened(&sandbox);
    let notes = sandbox.file("notes.txt", "my notes");
    let locked = sandbox.path("locked");
    fs::create_dir(&locked).unwrap();
    set_mode(&locked, 0o555);
    for folder in [notes.clone(), notes.join("below"), locked.join("cache"), "/proc/mcache".into()]
    {
        let folder = folder.to_str().unwrap();
        let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json", "--cache-dir", folder]);
        answers_with_a_warning(&run, folder);
        run_as_nobody(&sandbox, &["put", "a", "1", "--cache-dir", folder])
            .fails(1, &["could not be stored"]);
        for command in ["stats", "keys"] {
            let run = run_as_nobody(&sandbox, &[command, "--cache-dir", folder]);
            assert!(!run.stderr.contains("panicked"), "{run:?}");
        }
    }
    for more in [&["--all"][..], &["--all", "--dry-run"], &["quote:*"]] {
        let clear = ["clear", "--cache-dir", notes.to_str().unwrap()];
        let run = sandbox.run(&[&clear[..], more].concat());
        run.fails(1, &["cannot be used", "error: nothing could be dropped"]);
        assert_eq!(run.stdout, "", "{run:?}");
    }
    assert_eq!(fs::read_to_string(notes).unwrap(), "my notes");
}

#[test]
fn another_programs_lock_costs_a_bounded_wait_and_a_warning() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    let database = Connection::open(sandbox.cache().join("cache.db")).unwrap();
    for begin in ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"] {
        database.execute_batch(begin).unwrap();
        is_locked(&sandbox, begin);
        database.execute_batch("ROLLBACK").unwrap();
    }
    drop(database);
    let lock = File::options().write(true).open(sandbox.cache().join("write.lock")).unwrap();
    lock.lock().unwrap();
    is_locked(&sandbox, "write.lock");
    lock.unlock().unwrap();
    let run = sandbox.run(&["fetch", "MSFT", "-f", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(files(&sandbox, "cache.db.damaged").is_empty());
}

/// The program ends by itself while the lock is held: were its wait not bounded, so would the
/// test not be.
fn is_locked(sandbox: &Sandbox, what: &str) {
    let hit = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
    assert_eq!(only(&hit)["cache"]["status"], "hit", "{what}: readers wait for nobody");
    assert_eq!(hit.stderr, "", "{what}");
    let put = sandbox.command(&["put", "a", "1"]).spawn().unwrap();
    let run = sandbox.run(&["fetch", "MSFT", "NVDA", "-f", "json"]);
    answers_with_a_warning(&run, "nothing could be stored in");
    assert!(run.stderr.contains("another program has locked it"), "{what}: {run:?}");
    let put = finished(put);
    put.fails(1, &["another program has locked it", "could not be stored"]);
    assert!(!put.stderr.contains("database is locked"), "{what}: {put:?}");
}

#[test]
fn one_who_holds_the_whole_database_costs_a_bounded_wait_and_a_warning() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    let database = Connection::open(sandbox.cache().join("cache.db")).unwrap();
    database.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    database.execute_batch("CREATE TABLE held (x)").unwrap();
    // What was committed before can be read all the same; what is not held cannot be looked up.
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
    assert_eq!(only(&run)["cache"]["status"], "hit", "{run:?}");
    let run = sandbox.run(&["fetch", "MSFT", "-f", "json"]);
    answers_with_a_warning(&run, "another program has locked it");
    drop(database);
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
    assert_eq!(only(&run)["cache"]["status"], "hit", "{run:?}");
}

/// A script on this machine in a mount namespace of its own, where `home` is a disk of `size`;
/// none where that is not allowed.
pub(super) fn on_a_disk_of(size: &str, sandbox: &Sandbox, script: &str) -> Option<Run> {
    let mount = format!("mount -t tmpfs -o size={size},mode=700 tmpfs home");
    let shell = format!("set -u; {mount} || exit 99; {script}");
    let program = env!("CARGO_BIN_EXE_mcache");
    let arguments = ["-m", "sh", "-c", &shell, "sh", program];
    let mut command = sandbox.command_of(Path::new("unshare"), &arguments);
    let run = finished(command.spawn().ok()?);
    if run.code == Some(99) || run.stderr.contains("unshare failed") {
        return None;
    }
    Some(run)
}

#[test]
fn a_full_disk_loses_nothing_and_stops_no_answer() {
    let upstream = selling_at(5);
    for size in ["8k", "40k", "72k", "104k", "200k", "400k"] {
        let sandbox = machine(&upstream);
        let script = r#"
            m=$1
            n=0
            while $m put "good:$n" "$(head -c 9000 /dev/urandom | base64 -w0)" 2>put.err; do
                $m get "good:$n" > "kept.$n" || exit 20
                n=$((n+1)); [ $n -lt 100 ] || exit 21
            done
            grep -q 'could not be stored' put.err || exit 22
            $m fetch AAPL -f json > answer 2> fetch.err || exit 23
            i=0
            while [ $i -lt $n ]; do
                $m get "good:$i" > again || exit 24
                cmp -s again "kept.$i" || exit 25
                i=$((i+1))
            done
            $m fetch AAPL MSFT -f json > answer 2>> fetch.err || exit 26
            rm -f home/filler; ls home/.cache/mcache | grep -q damaged && exit 27
            cat put.err fetch.err
            echo "held $n"
            exit 0"#;
        let Some(run) = on_a_disk_of(size, &sandbox, script) else {
            said_once_that_nothing_can_be_mounted();
            return;
        };
        assert_eq!(run.code, Some(0), "{size}: {run:?}");
        assert!(!run.stdout.contains("panicked"), "{size}: {run:?}");
        assert!(run.stdout.contains("warning: nothing could be stored"), "{size}: {run:?}");
    }
}

#[test]
fn on_a_full_disk_no_call_may_be_made_and_nothing_is_warm() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    // Room is left for the index of a WAL, which has eight pages, and for nothing to be written.
    let script = r"
        m=$1
        leave() {
            dd if=/dev/zero of=home/filler bs=4096 2> dd.err
            grep -q 'No space' dd.err || exit 30
            truncate -s -$(($1 * 4096)) home/filler
        }
        $m fetch AAPL > out 2>&1 || exit 20
        $m limits yahoo --check > out 2>&1 || exit 21
        for pages in 0 8 9; do
            leave $pages
            $m limits yahoo --check > out 2> check.err && exit 22
            grep -q 'limits hold within this process only' check.err || exit 23
            rm home/filler
        done
        $m limits yahoo --check > out 2>&1 || exit 24
        leave 0
        $m warm MSFT > out 2> warm.err && exit 25
        grep -q '0 asked, 0 fresh already, 1 failed' warm.err || exit 26
        $m warm MSFT --tolerate 1 > out 2>&1 || exit 27
        rm home/filler
        $m warm MSFT > out 2>&1 || exit 28";
    match on_a_disk_of("2m", &sandbox, script) {
        Some(run) => assert_eq!(run.code, Some(0), "{run:?}"),
        None => said_once_that_nothing_can_be_mounted(),
    }
}

#[expect(clippy::print_stderr, reason = "who runs the tests should know what was not tried")]
pub(super) fn said_once_that_nothing_can_be_mounted() {
    eprintln!("a full disk was not tried: no file system may be mounted here");
}

#[test]
fn without_a_home_the_folder_must_be_named_and_is_used() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    let homeless = |arguments: &[&str]| {
        finished(sandbox.command(arguments).env_remove("HOME").spawn().unwrap())
    };
    let run = homeless(&["fetch", "AAPL", "-f", "json"]);
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    for status in ["miss", "hit"] {
        let run = homeless(&["fetch", "AAPL", "-f", "json", "--cache-dir", "here"]);
        assert_eq!(only(&run)["cache"]["status"], status);
        assert_eq!(run.stderr, "");
    }
    assert!(sandbox.path("here/cache.db").is_file(), "relative to where the command runs");
}

#[test]
fn a_folder_of_any_name_is_used_even_when_it_cannot_be_written() {
    let upstream = selling_at(5);
    for name in
        ["with space", "100%", "a%20b", "who?", "#1", "a?mode=ro#x", "caf\u{e9}", "'q'\"", "-x"]
    {
        let sandbox = machine(&upstream);
        opened(&sandbox);
        let folder: PathBuf = sandbox.path("home").join(name);
        let folder = format!("--cache-dir={}", folder.to_str().unwrap());
        for status in ["miss", "hit"] {
            let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json", &folder]);
            assert_eq!(only(&run)["cache"]["status"], status, "{name}: {run:?}");
            assert_eq!(run.stderr, "", "{name}");
        }
        let place = sandbox.path("home").join(name);
        assert!(place.join("cache.db").is_file(), "{name}");
        set_mode(&place, 0o555);
        let run = run_as_nobody(&sandbox, &["fetch", "AAPL", "-f", "json", &folder]);
        assert_eq!(only(&run)["cache"]["status"], "hit", "{name}: {run:?}");
        set_mode(&place, 0o755);
    }
}

/// The modes of the files in a folder, of those that stay.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    super::files_in(folder, "")
        .iter()
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), mode(path)))
        .collect()
}

#[test]
fn the_cache_is_for_its_owner_alone() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    for command in [&["fetch", "AAPL"][..], &["fetch", "AAPL"], &["put", "a", "1"], &["stats"]] {
        assert_eq!(sandbox.run(command).code, Some(0));
    }
    assert_eq!(mode(&sandbox.cache()), 0o700);
    let modes = modes(&sandbox.cache());
    assert!(modes.len() >= 3, "{modes:?}");
    for (name, mode) in modes {
        assert_eq!(mode, if name == "locks" { 0o700 } else { 0o600 }, "{name}");
    }
}

#[test]
fn a_folder_that_a_group_may_write_is_shared_whatever_the_umask() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    opened(&sandbox);
    let shared = sandbox.path("shared");
    fs::create_dir(&shared).unwrap();
    if is_root() {
        chown(&shared, Some(0), Some(NOBODY)).unwrap();
    }
    set_mode(&shared, 0o2770);
    let in_shared = ["--cache-dir", shared.to_str().unwrap()];
    let mut owner = sandbox.command_of(
        Path::new("sh"),
        &[
            "-c",
            "umask 077; $0 fetch AAPL --cache-dir shared && $0 fetch AAPL --cache-dir shared",
            env!("CARGO_BIN_EXE_mcache"),
        ],
    );
    let run = finished(owner.spawn().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    // A second user of the group reads, writes and counts.
    for (command, status) in [("AAPL", "hit"), ("MSFT", "miss"), ("MSFT", "hit")] {
        let arguments = [&["fetch", command, "-f", "json"], &in_shared[..]].concat();
        let run = run_as_nobody(&sandbox, &arguments);
        assert_eq!(only(&run)["cache"]["status"], status, "{command}: {run:?}");
        assert_eq!(run.stderr, "", "{command}");
    }
    let back = sandbox.run(&[&["fetch", "MSFT", "-f", "json"], &in_shared[..]].concat());
    assert_eq!(only(&back)["cache"]["status"], "hit", "{back:?}");
    for (name, mode) in modes(&shared) {
        assert_eq!(mode & 0o777, if name == "locks" { 0o770 } else { 0o660 }, "{name}");
    }
    assert_eq!(mode(&shared), 0o2770, "the folder stays as it was");
}
