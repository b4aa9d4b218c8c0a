//! The empty machine a test runs on: a folder of its own, a scrubbed environment, a fixed time.

mod random;
mod stocks;
mod upstream;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use mcache::codec::Packing;
use mcache::db::Database;
use mcache::db::courses::Turn;
use mcache::db::tally::Tally;
use mcache::key::Key;
use mcache::policy::{Course, Market};
use mcache::tier::disk::Disk;
use mcache::time::Timestamp;

pub use random::Random;
pub use stocks::{machine, numbered, selling_at};
pub use upstream::{Incoming, Upstream, reply};

/// The instant at which every sandbox starts: a Wednesday, an hour and a half into New York's
/// session.
pub const NOW: &str = "2026-07-01T15:00:00Z";

/// An empty machine.
pub struct Sandbox {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What a run of the program came to.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
    pub bytes: Vec<u8>,
}

impl Sandbox {
    /// A machine with nothing on it.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Self { folder, environment: Vec::new() };
        std::fs::create_dir(sandbox.path("home")).unwrap();
        sandbox.env("MCACHE_NOW", NOW)
    }

    /// The same machine with a variable set.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The same machine whose provider of this name is somewhere else.
    pub fn with_provider(self, name: &str, base_url: &str) -> Self {
        let variable = format!("MCACHE_PROVIDERS__{}__BASE_URL", name.to_uppercase());
        self.env(&variable, base_url)
    }

    /// The same machine at another time.
    pub fn at(self, now: &str) -> Self {
        self.env("MCACHE_NOW", now)
    }

    /// The same machine by the clock on the wall.
    pub fn in_real_time(mut self) -> Self {
        self.environment.retain(|(name, _)| name != "MCACHE_NOW");
        self
    }

    /// A place on the machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The cache folder.
    pub fn cache(&self) -> PathBuf {
        self.path("home/.cache/mcache")
    }

    /// Writes a file; where it is.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes the user's configuration file.
    pub fn config(&self, text: &str) -> PathBuf {
        self.file("home/.config/mcache/config.yaml", text)
    }

    /// The program with these arguments, not yet started.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(Path::new(env!("CARGO_BIN_EXE_mcache")), arguments)
    }

    /// Another program with these arguments on this machine, not yet started.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/bin:/bin")
            // Whoever is not stood in for cannot be reached, wherever this runs.
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        finished(self.command(arguments).spawn().unwrap())
    }

    /// Runs the program with this on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // A program that has read enough closes its input: that is no failure of the test.
        let _ = child.stdin.take().unwrap().write_all(input.as_ref());
        finished(child)
    }

    /// Runs the program, which must succeed; what it printed as JSON.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let run = self.run(&[arguments, &["-f", "json"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Writes down the course of a provider, as whoever asks it would.
    pub fn set_course(&self, provider: &str, course: Course) {
        let disk = Disk::new(Database::at(&self.cache()), Packing::None);
        let turn = Turn { provider, now: Timestamp::from_ms(0), turned: &|_| course };
        disk.commit(&mut [], &Tally::default(), &[turn]).unwrap();
    }

    /// What the cache knows of the market of what a key is about.
    pub fn market(&self, key: &Key) -> Market {
        Disk::new(Database::at(&self.cache()), Packing::None).market(key).unwrap()
    }

    /// How many rows a table of the cache has.
    pub fn count(&self, table: &str) -> i64 {
        let database = rusqlite::Connection::open(self.cache().join("cache.db")).unwrap();
        database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }

    /// Runs a statement on the database of the cache, as another program might.
    pub fn sql(&self, sql: &str) {
        let database = rusqlite::Connection::open(self.cache().join("cache.db")).unwrap();
        database.execute_batch(sql).unwrap();
    }
}

/// Waits for the end of a program.
pub fn finished(child: Child) -> Run {
    let output = child.wait_with_output().unwrap();
    Run {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code(),
        bytes: output.stdout,
    }
}

impl Run {
    /// Standard output, standard error and the exit code, for a snapshot.
    pub fn shown(&self) -> String {
        let mut text = self.stdout.clone();
        for line in self.stderr.lines() {
            text.extend(["! ", line, "\n"]);
        }
        let code = self.code.map_or("by signal".to_owned(), |code| code.to_string());
        text.extend(["exit ", &code]);
        text
    }

    /// Asserts the exit code and that standard error holds every one of these.
    pub fn fails(&self, code: i32, says: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for said in says {
            assert!(self.stderr.contains(said), "standard error lacks {said:?}: {self:?}");
        }
        self
    }

    /// Asserts success, and that standard error holds this.
    pub fn says(&self, said: &str) -> &Self {
        self.fails(0, &[said])
    }

    /// Asserts success; standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, Some(0), "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// Whether SQLite itself finds the database whole.
pub fn is_whole(sandbox: &Sandbox) -> bool {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    let said: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    said == "ok"
}

/// Asserts the identity of the contract; the number of requests.
pub fn counted(stats: &serde_json::Value) -> i64 {
    let hits = &stats["hits"];
    let number = |value: &serde_json::Value| value.as_i64().unwrap_or(0);
    let parts = ["memory", "disk", "shared", "stale"].map(|name| number(&hits[name]));
    let requests = number(&stats["requests"]);
    assert_eq!(requests, parts.iter().sum::<i64>() + number(&stats["misses"]), "{stats}");
    requests
}
