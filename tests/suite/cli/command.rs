//! `kind: command`: programs whose output is cached, real ones, and how they end.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{LATER, SOON, at, json_at};
use crate::sandbox::{Run, Sandbox, Upstream, finished};

/// After this what has not happened never will.
const NEVER: Duration = Duration::from_mins(1);

/// A machine whose `model` has these endpoints.
pub(super) fn machine(endpoints: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, endpoints);
    sandbox
}

fn configure(sandbox: &Sandbox, endpoints: &str) {
    sandbox.config(&format!(
        "providers:\n  model:\n    kind: command\n    concurrency: 4\n    endpoints:\n{endpoints}"
    ));
}

/// What programs can be told where mcache is.
fn with_mcache(sandbox: Sandbox) -> Sandbox {
    let folder = Path::new(env!("CARGO_BIN_EXE_mcache")).parent().unwrap().display().to_string();
    sandbox.env("PATH", format!("{folder}:/usr/bin:/bin"))
}

/// How often a program has said that it ran.
pub(super) fn runs(sandbox: &Sandbox) -> usize {
    std::fs::read_to_string(sandbox.path("home/ran")).unwrap_or_default().lines().count()
}

/// A pipe with a name, in the home of the machine.
pub(super) fn pipe(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.path("home").join(name);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

/// What is told once everybody has closed a pipe that somebody opens for writing.
fn closed(path: PathBuf) -> mpsc::Receiver<()> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        File::open(path).unwrap().read_to_end(&mut all).unwrap();
        let _ = tell.send(());
    });
    told
}

/// Lets go of a program that reads this pipe; blocks until one does.
pub(super) fn let_go(path: &Path) {
    File::options().write(true).open(path).unwrap().write_all(b"go\n").unwrap();
}

/// A crowd of programs with the same arguments.
fn crowd(sandbox: &Sandbox, size: usize, arguments: &[&str]) -> Vec<Child> {
    (0..size).map(|_| sandbox.command(arguments).spawn().unwrap()).collect()
}

#[test]
fn what_a_program_prints_is_cached_for_a_second_if_the_symbol_is_hot() {
    let sandbox = machine(
        "      prediction: {command: [sh, -c, 'echo ran >> ~/ran; printf \"{{\\\"of\\\": \\\"%s\\\"}}\" \"$1\"', sh, '{symbol:lower}']}\n",
    );
    let first = sandbox.json(&["fetch", "NVDA", "-t", "prediction"]);
    assert_eq!(first[0]["payload"], serde_json::json!({"of": "nvda"}));
    assert_eq!(first[0]["cache"]["key"], "prediction:stock:NVDA");
    assert_eq!((&first[0]["symbol"], &first[0]["provider"]), (&"NVDA".into(), &"model".into()));
    assert_eq!(first[0]["cache"]["ttl_seconds"], 1.0);
    let again = sandbox.json(&["fetch", "NVDA", "-t", "prediction"]);
    assert_eq!((&again[0]["cache"]["status"], runs(&sandbox)), (&"hit".into(), 1));
    let got = sandbox.run(&["get", "prediction:stock:NVDA"]);
    assert!(got.stdout.contains(r#""payload":{"of":"nvda"}"#), "{got:?}");
    let other = sandbox.json(&["fetch", "MSFT", "-t", "prediction"]);
    assert_eq!((&other[0]["cache"]["ttl_seconds"], runs(&sandbox)), (&3.0.into(), 2));
    let later = json_at(&sandbox, SOON, &["fetch", "MSFT", "-t", "prediction"]);
    assert_eq!((&later[0]["cache"]["status"], runs(&sandbox)), (&"miss".into(), 3));
    assert!(sandbox.run(&["limits"]).stdout.contains("model"));
    assert!(sandbox.run(&["keys"]).stdout.contains("prediction:stock:NVDA"));
    assert_eq!(sandbox.json(&["stats"])["upstream_calls"], 3);
}

#[test]
fn a_prediction_that_nobody_gives_says_what_to_configure() {
    let fetch = ["fetch", "NVDA", "-t", "prediction", "-f", "json"];
    let run = Sandbox::new().run(&fetch);
    run.fails(1, &["error: NVDA: no provider gives a prediction of `NVDA`", "kind: command"]);
    assert!(run.stdout.contains(r#""error":{"kind":"unsupported""#), "{run:?}");
}

#[test]
fn a_prediction_that_was_put_answers_where_no_provider_gives_one() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "prediction:stock:NVDA", r#"{"p": 0.70}"#, "--ttl", "20s"]).fails(0, &[]);
    for more in [&[][..], &["--offline"]] {
        let run =
            sandbox.run(&[&["fetch", "NVDA", "-t", "prediction", "-f", "json"], more].concat());
        let told = concat!(
            r#"{"symbol":"NVDA","asset_class":"stock","type":"prediction","provider":"put","#,
            r#""payload":{"p":0.70},"cache":{"#
        );
        assert!(run.stdout.contains(told), "{run:?}");
        assert_eq!((&run.json()[0]["cache"]["status"], &*run.stderr), (&"hit".into(), ""));
    }
    let late = at(&sandbox, LATER, &["fetch", "NVDA", "-t", "prediction"]);
    late.says("no newer one could be had: no provider gives a prediction of `NVDA`");
    assert_eq!(sandbox.run(&["get", "prediction:stock:NVDA"]).stdout, r#"{"p": 0.70}"#);
}

#[test]
fn a_crowd_runs_the_program_once() {
    let sandbox = machine(
        "      prediction: {command: [sh, -c, 'echo ran >> ~/ran; cat ~/gate', sh, '{symbol}'], ttl: 1h}\n",
    )
    .in_real_time();
    let gate = pipe(&sandbox, "gate");
    let fetch = ["fetch", "NVDA", "-t", "prediction", "-f", "json", "--max-wait", "1m"];
    let waiting = crowd(&sandbox, 20, &fetch);
    let_go(&gate);
    for child in waiting {
        let run = finished(child);
        assert_eq!(run.json()[0]["payload"], "go\n", "{run:?}");
        assert_eq!(run.stderr, "");
    }
    assert_eq!(runs(&sandbox), 1);
    assert_eq!(sandbox.json(&["stats"])["upstream_calls"], 1);
}

#[test]
fn what_a_program_is_handed_is_asked_for_through_the_cache() {
    let upstream = Upstream::speaking();
    let sandbox = machine(
        "      echo: {command: [cat], input: [quote, 'bars:1d', series, large], output: json}\n      large: {command: [sh, -c, 'yes | head -c 300000'], output: text}\n      deaf: {command: [echo, '1'], input: [large]}\n",
    )
    .with_provider("yahoo", upstream.url());
    sandbox.run(&["fetch", "AAPL"]);
    let run = sandbox.run(&["fetch", "AAPL", "-t", "echo", "-f", "json"]);
    let payload = &run.json()[0]["payload"];
    assert_eq!(payload["quote"]["cache"]["status"], "hit");
    assert_eq!(payload["quote"]["cache"]["key"], "quote:stock:AAPL");
    assert!(payload["quote"]["price"].as_f64().unwrap() > 0.0, "{payload}");
    let bars = payload["bars:1d"]["bars"].as_array().unwrap();
    let asked = sandbox.json(&["fetch", "AAPL", "-t", "bars", "-i", "1d"]);
    let as_fetched = asked[0]["bars"].as_array().unwrap();
    assert_eq!(bars.len(), as_fetched.len());
    for (bar, fetched) in bars.iter().zip(as_fetched) {
        for name in ["time", "date", "state"] {
            assert_eq!(bar[name], fetched[name]);
        }
        assert_eq!(bar["close"].as_f64(), fetched["close"].as_f64());
        assert_eq!(bar.as_object().unwrap().len(), fetched.as_object().unwrap().len());
    }
    let members =
        |of: &serde_json::Value| of.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&payload["bars:1d"]), members(&asked[0]));
    assert_eq!(payload["large"]["payload"].as_str().unwrap().len(), 300_000);
    // A stock has no series: the program is told so, and so is whoever asked.
    assert_eq!(payload["series"], serde_json::Value::Null);
    assert!(run.stderr.contains("warning: AAPL: the program is handed no `series`"), "{run:?}");
    let order = ["\"quote\":{", "\"bars:1d\":{", "\"series\":null", "\"large\":{"];
    assert!(order.map(|name| run.stdout.find(name).unwrap()).is_sorted());
    // One that reads nothing of it is none the worse.
    assert_eq!(sandbox.json(&["fetch", "AAPL", "-t", "deaf"])[0]["payload"], 1);
}

#[test]
fn what_a_program_is_handed_is_not_waited_for_past_the_deadline() {
    let upstream = Upstream::speaking();
    let sandbox = machine("      echo: {command: [cat], input: [quote]}\n")
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[1/1h]");
    sandbox.run(&["fetch", "MSFT"]);
    // `warm` waits for limits as long as it takes, but for `--by`.
    let run = sandbox.run(&["warm", "AAPL", "-t", "echo", "--by", "1m"]);
    run.says("the program is handed no `quote`: yahoo allows no more requests until");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn nonsense_that_a_program_prints_is_kept_to_be_looked_at() {
    let sandbox = machine("      echo: {command: [echo, '[NaN]'], output: json}\n");
    let run = sandbox.run(&["fetch", "AAPL", "-t", "echo"]);
    run.fails(1, &["cannot be read (it is no JSON)", "`mcache stats --quarantine` shows what"]);
    let kept = sandbox.json(&["stats", "--quarantine"]);
    assert_eq!(kept[0]["body"], "[NaN]\n");
    assert_eq!((&kept[0]["provider"], &kept[0]["status"]), (&"model".into(), &().into()));
}

#[test]
fn a_program_that_fails_is_told_with_its_code_and_its_last_words_and_cools_down() {
    let sandbox = machine(
        "      mood: {command: [sh, -c, 'echo ran >> ~/ran; test -e ~/bad || exec echo \"{symbol}\"; yes noise | head -c 3000000 >&2; echo key=0123456789abcdef0123456789abcdef >&2; exit 7', '{symbol}'], ttl: 10s}\n      gone: {command: [no-such-program, '{symbol}']}\n      unknown: {command: [sh, -c, exit 66, '{symbol}']}\n      killed: {command: [sh, -c, 'kill -9 $$', '{symbol}']}\n",
    );
    assert_eq!(sandbox.json(&["fetch", "A", "-t", "mood"])[0]["payload"], "A\n");
    sandbox.file("home/bad", "");
    let run = sandbox.run(&["fetch", "MSFT", "-t", "mood"]);
    run.fails(
        1,
        &["MSFT: model failed with exit code 7: noise | noise | key=[redacted]", "hint: "],
    );
    sandbox.run(&["fetch", "MSFT", "-t", "mood"]).fails(1, &["it failed a moment ago"]);
    assert_eq!(runs(&sandbox), 2, "the key cools down");
    let stale = at(&sandbox, super::LATER, &["fetch", "A", "-t", "mood", "-f", "json"]);
    assert_eq!(stale.json()[0]["cache"]["status"], "stale");
    assert!(stale.stderr.contains("failed with exit code 7"), "{stale:?}");
    sandbox
        .run(&["fetch", "A", "-t", "gone"])
        .fails(1, &["there is no program `no-such-program`", "PATH"]);
    sandbox.run(&["fetch", "A", "-t", "killed"]).fails(1, &["model was ended by signal 9"]);
    sandbox.run(&["fetch", "A", "-t", "unknown"]).fails(1, &["model knows nothing of `A`"]);
    assert!(sandbox.run(&["keys"]).stdout.contains("unknown:stock:A"), "it is remembered");
    assert!(!sandbox.run(&["keys"]).stdout.contains("killed"));
}

#[test]
fn what_is_printed_may_be_bytes_and_has_an_end() {
    let sandbox = machine(
        "      picture: {command: [printf, '\\377\\000'], output: bytes}\n      endless: {command: [yes]}\n      nan: {command: [echo, '{{\"p\": NaN}}']}\n      silent: {command: ['true']}\n",
    );
    let picture = &sandbox.json(&["fetch", "-t", "picture"])[0]["payload"];
    assert_eq!((&picture["bytes"], &picture["base64"]), (&2.into(), &"/wA=".into()));
    sandbox
        .run(&["fetch", "-t", "endless"])
        .fails(1, &["what model printed is longer than 16 MiB"]);
    sandbox.run(&["fetch", "-t", "nan"]).fails(1, &["it is no JSON", "`output: text`"]);
    sandbox.run(&["fetch", "-t", "silent"]).fails(1, &["it printed nothing"]);
    let keys = sandbox.run(&["keys"]).stdout;
    assert!(keys.contains("picture:model") && !keys.contains("nan"), "{keys}");
}

/// A program that writes into a pipe, with another that it has started, and never ends: the first that
/// runs into `alive1`, the next into `alive2`.
const ENDLESS: &str =
    "'echo ran >> ~/ran; exec 3> ~/alive$(grep -c ran ~/ran); sleep 1000 & sleep 1000', '{symbol}'";

#[test]
fn a_program_that_never_ends_is_ended_with_all_that_it_has_started() {
    let sandbox =
        machine(&format!("      mood: {{command: [sh, -c, {ENDLESS}], timeout: 300ms}}\n"));
    let ended = closed(pipe(&sandbox, "alive1"));
    let run = sandbox.run(&["fetch", "AAPL", "-t", "mood", "-f", "json"]);
    run.fails(1, &["model had not printed all within 300 ms and was ended"]);
    assert!(run.stdout.contains("\"kind\":\"unreachable\""), "{run:?}");
    ended.recv_timeout(NEVER).expect("something of it lives on");
}

/// Starts asking for a program that never ends; what tells of its end, once it runs.
fn endless() -> (Sandbox, Child, mpsc::Receiver<()>) {
    let sandbox = machine(&format!("      mood: {{command: [sh, -c, {ENDLESS}], timeout: 10m}}\n"));
    let alive = pipe(&sandbox, "alive1");
    let child = sandbox.command(&["fetch", "AAPL", "-t", "mood"]).spawn().unwrap();
    // Opening blocks until the program has opened its end.
    let mut pipe = File::open(alive).unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        pipe.read_to_end(&mut Vec::new()).unwrap();
        let _ = tell.send(());
    });
    (sandbox, child, told)
}

#[test]
fn an_interrupt_ends_the_program_too() {
    let (_sandbox, child, ended) = endless();
    let kill = Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(finished(child).code, Some(130));
    ended.recv_timeout(NEVER).expect("something of it lives on");
}

#[test]
fn a_program_does_not_outlive_a_holder_that_is_killed_and_the_waiters_are_freed() {
    let (sandbox, mut child, ended) = endless();
    let next = pipe(&sandbox, "alive2");
    let waiting = ["fetch", "AAPL", "-t", "mood", "--max-wait", "10m"];
    let waiting = sandbox.command(&waiting).spawn().unwrap();
    child.kill().unwrap();
    finished(child);
    ended.recv_timeout(NEVER).expect("something of it lives on");
    // Whoever waited runs it now.
    let mut pipe = File::open(next).unwrap();
    let kill = Command::new("kill").args(["-s", "INT", &waiting.id().to_string()]).status();
    assert!(kill.unwrap().success());
    finished(waiting);
    pipe.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_program_may_ask_for_any_key_but_its_own() {
    let sandbox = with_mcache(machine(
        "      other: {command: [sh, -c, 'mcache fetch \"$1\" -p demo -f json | head -c 30', sh, '{symbol}'], output: text}\n      own: {command: [sh, -c, 'mcache fetch \"$1\" -t own', sh, '{symbol}']}\n      first: {command: [sh, -c, 'mcache fetch \"$1\" -t second', sh, '{symbol}']}\n      second: {command: [sh, -c, 'mcache fetch \"$1\" -t first', sh, '{symbol}']}\n      told: {command: [sh, -c, 'echo $MCACHE_KEY $MCACHE_CACHE_DIR; pwd', sh, '{symbol}']}\n",
    ));
    let other = &sandbox.json(&["fetch", "AAPL", "-t", "other"])[0]["payload"];
    assert!(other.as_str().unwrap().contains("\"symbol\":\"AAPL\""), "{other}");
    assert_eq!(sandbox.json(&["get", "quote:stock:AAPL@demo"])["symbol"], "AAPL", "one cache");
    let own = sandbox.run(&["fetch", "AAPL", "-t", "own"]);
    own.fails(1, &["`own:stock:AAPL` is what this program was started for"]);
    // What the outer one is told of the inner one's failure holds the reason too.
    let first = sandbox.run(&["fetch", "AAPL", "-t", "first"]);
    first.fails(1, &["first:stock:AAPL"]);
    let told = sandbox.json(&["fetch", "AAPL", "-t", "told"])[0]["payload"].clone();
    let (cache, folder) = (sandbox.cache(), sandbox.path("home/.config/mcache"));
    let expected = format!("told:stock:AAPL {}\n{}\n", cache.display(), folder.display());
    assert_eq!(told, expected.as_str(), "it runs in the folder of its configuration");
}

#[test]
fn another_command_makes_what_is_held_stale() {
    let sandbox = machine("      mood: {command: [echo, one], ttl: 1h}\n");
    let status =
        |run: serde_json::Value| (run[0]["payload"].clone(), run[0]["cache"]["status"].clone());
    let mood = || status(sandbox.json(&["fetch", "-t", "mood"]));
    assert_eq!(mood(), ("one\n".into(), "miss".into()));
    configure(
        &sandbox,
        "      mood: {command: [echo, one], ttl: 2h, timeout: 3s, limit: 100/1m}\n",
    );
    assert_eq!(mood(), ("one\n".into(), "hit".into()));
    configure(&sandbox, "      mood: {command: [echo, two], ttl: 1h}\n");
    assert_eq!(mood(), ("two\n".into(), "miss".into()));
}

#[test]
fn limits_and_the_breaker_hold_for_programs() {
    let sandbox = machine(
        "      mood: {command: [sh, -c, 'echo ran >> ~/ran; echo 1', sh, '{symbol}'], limit: 2/1h}\n",
    );
    let run = sandbox.run(&["fetch", "A", "B", "C", "-t", "mood", "-f", "ndjson"]);
    assert_eq!((run.code, runs(&sandbox)), (Some(1), 2), "{run:?}");
    assert!(run.stdout.contains("\"kind\":\"rate_limited\""), "{run:?}");
    let sandbox =
        machine("      mood: {command: [sh, -c, 'echo ran >> ~/ran; exit 1', sh, '{symbol}']}\n");
    sandbox.run(&["fetch", "A", "B", "C", "D", "E", "-t", "mood"]);
    let run = sandbox.run(&["fetch", "F", "-t", "mood"]);
    run.fails(1, &["it failed again and again"]);
    assert_eq!(runs(&sandbox), 5);
}

#[test]
fn what_cannot_be_a_program_is_told_with_its_line_and_what_would_be_right() {
    let check = |text: &str| -> Run {
        let sandbox = Sandbox::new();
        sandbox.config(text);
        sandbox.run(&["config", "check"])
    };
    let endpoint = |text: &str| {
        check(&format!("providers:\n  m:\n    kind: command\n    endpoints:\n      {text}\n"))
    };
    for (text, says) in [
        (
            "mood: {ttl: 5}",
            &["config.yaml:5:7: the endpoint `mood` has no `command`", "[python3"][..],
        ),
        ("mood: {command: python3 x}", &["config.yaml:5:", "is a single value, not a list"]),
        ("mood: {command: []}", &["has no `command`"]),
        ("mood: {command: ['']}", &["config.yaml:5:14", "the program has no name"]),
        ("mood: {command: [a, '{symbl}']}", &["config.yaml:5:", "did you mean `{symbol}`?"]),
        ("mood: {command: ['{symbol}']}", &["cannot depend on what is asked"]),
        ("mood: {command: [a, '{from:ms}']}", &["config.yaml:5:14", "when bars begin"]),
        ("quote: {command: [a]}", &["config.yaml:5:7", "my_quote"]),
        ("mood: {command: [a], path: /x}", &["`path` is for the kind http"]),
        ("mood: {command: [a], fields: {price: /p}}", &["`fields` is for the kind http"]),
        ("mood: {command: [a], classes: [stock]}", &["`classes` is for the kind http"]),
        ("mood: {command: [a], retry_after: /a}", &["`retry_after` is for the kind http"]),
        ("mood: {command: [a], timeout: 0}", &["`timeout` is 0"]),
        ("mood: {command: [a], timeout: soon}", &["`soon` is not a duration"]),
        ("mood: {command: [a], output: jsn}", &["did you mean `json`?"]),
        (
            "mood: {command: [a], inputs: [quote]}",
            &["did you mean `providers.m.endpoints.mood.input`?"],
        ),
        ("mood: {command: [a], input: [qoute]}", &["config.yaml:5:28", "did you mean `quote`?"]),
        ("mood: {command: [a], input: ['bars:1x']}", &["`1x`"]),
        ("mood: {command: [a], input: ['quote:1d']}", &["says an interval"]),
        ("mood: {command: [a], input: [mood]}", &["would be handed what it prints itself"]),
        (
            "{a: {command: [x], input: [b]}, b: {command: [x], input: [a]}}",
            &["handed what it prints"],
        ),
    ] {
        endpoint(text).fails(2, says);
    }
    for (key, says) in [
        ("base_url: http://a", "`base_url` is for what is asked over a network"),
        ("auth: {query: k}", "`auth` is for what"),
        ("headers: {A: b}", "`headers` is for what"),
        ("tls: system", "`tls` is for what"),
        ("names: {BTC: XBT}", "`names` is for the kind http"),
        ("latency: 5", "`latency` is for the kind demo"),
    ] {
        let text = format!("providers:\n  m:\n    kind: command\n    {key}\n    endpoints: {{}}\n");
        check(&text).fails(2, &[says, "config.yaml:4:5", "hint: "]);
    }
    let http = "providers:\n  m:\n    kind: http\n    base_url: http://a\n    endpoints:\n      x: {path: /x, timeout: 5s}\n";
    check(http)
        .fails(2, &["config.yaml:6:", "`timeout` is for the kind command", "providers.m.timeout"]);
}

#[test]
fn the_example_predicts_from_what_it_is_handed() {
    if !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/predict.yaml");
    let example = example.to_str().unwrap();
    let run = sandbox.json(&["--config", example, "fetch", "NVDA", "-t", "prediction"]);
    let payload = &run[0]["payload"];
    assert_eq!(payload["symbol"], "NVDA");
    assert!(payload["price"].as_f64().unwrap() > 0.0, "{payload}");
    assert!(payload["confidence"].as_f64().is_some_and(|sure| (0.0..=1.0).contains(&sure)));
}
