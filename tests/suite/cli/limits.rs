//! `limits`: may a call be made now, and if not, when and why; and what keeps to it: budgets,
//! reserves, weights, pauses by hand.

use mcache::clock::Clock;
use mcache::time::{Timestamp, Zone};
use serde_json::{Value, json};

use super::{reply_with, speaking};
use crate::sandbox::{Sandbox, Upstream};

/// The only row of a provider without limits of endpoints.
fn row(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let rows = sandbox.json(&[&["limits"], arguments].concat());
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    rows[0].clone()
}

/// An instant in the output.
fn instant(value: &Value) -> Timestamp {
    Timestamp::parse(value.as_str().unwrap_or_else(|| panic!("{value} is no instant"))).unwrap()
}

/// How many seconds from now, real time, an instant in the output is.
fn seconds_left(value: &Value) -> u64 {
    instant(value).since(Clock::system().real_now()).as_secs()
}

/// A machine whose `yahoo` answers everything with this status, and its upstream.
fn answering(status: u16, headers: &str) -> (Upstream, Sandbox) {
    let headers = headers.to_owned();
    let upstream = Upstream::start(move |_| reply_with(status, &headers, "{}"));
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    (upstream, sandbox)
}

/// Asserts that yahoo may not be called, how it is said to be, and that a fetch is told the same.
fn is_kept_from(sandbox: &Sandbox, health: &str, reason: &str) -> Value {
    let row = row(sandbox, &["yahoo"]);
    assert_eq!((&row["may_call"], &row["health"]), (&json!(false), &json!(health)), "{row}");
    assert_eq!(row["reason"], reason, "{row}");
    let calls = sandbox.json(&["stats"])["upstream_calls"].clone();
    let run = sandbox.run(&["fetch", "ZZZ", "--max-wait", "0"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(health == "paused" || run.stderr.contains(reason), "{run:?}");
    assert_eq!(sandbox.json(&["stats"])["upstream_calls"], calls, "nobody was asked");
    row
}

/// The providers that are configured, by name.
fn providers(sandbox: &Sandbox) -> Vec<String> {
    let rows = sandbox.json(&["limits"]);
    let name = |row: &Value| row["provider"].as_str().unwrap().to_owned();
    let mut names: Vec<String> = rows.as_array().unwrap().iter().map(name).collect();
    names.dedup();
    names
}

/// Has no provider but these, and no chains but theirs.
fn keep_only(sandbox: &Sandbox, kept: &[&str]) {
    let gone = providers(sandbox).into_iter().filter(|name| !kept.contains(&name.as_str()));
    let gone: Vec<String> = gone.map(|name| format!("  {name}: ~\n")).collect();
    let chain = |class: &str| {
        let of = if class == "macro" { "fred" } else { "yahoo" };
        if kept.contains(&of) { format!("  {class}: [{of}]\n") } else { format!("  {class}: ~\n") }
    };
    let chains: String = ["stock", "index", "fx", "crypto", "macro"].map(chain).concat();
    sandbox.config(&format!("providers:\n{}chains:\n{chains}", gone.concat()));
}

#[test]
fn where_nothing_was_called_everything_may_be_and_looking_creates_nothing() {
    let sandbox = Sandbox::new();
    keep_only(&sandbox, &["binance", "demo", "fred", "yahoo"]);
    insta::assert_snapshot!(sandbox.run(&["limits"]).shown(), @r"
    PROVIDER  MAY CALL  HEALTH  LIMITS        BUDGET  RESETS (UTC)  STRATEGY  UNTIL (UTC)  REASON
    binance   yes       ok      0 of 3000/1m                        normal
    demo      yes       ok                                          normal
    fred      yes       ok      0 of 2/1s                           normal
    yahoo     yes       ok      0 of 60/1m                          normal
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["limits", "yahoo", "-f", "json"]).shown(), @r#"
    [{"provider":"yahoo","endpoint":null,"may_call":true,"until":null,"reason":null,"strategy":"normal","health":"ok","limits":[{"window":"60/1m","used":0,"limit":60,"resets_at":null}],"budget":null}]
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["limits", "-f", "csv"]).shown(), @r"
    provider,endpoint,may_call,until,reason,strategy,health,window,used,limit,resets_at
    binance,,true,,,normal,ok,3000/1m,0,3000,
    demo,,true,,,normal,ok,,,,
    fred,,true,,,normal,ok,2/1s,0,2,
    yahoo,,true,,,normal,ok,60/1m,0,60,
    exit 0
    ");
    assert!(!sandbox.cache().exists());
}

#[test]
fn what_is_used_is_shown_in_every_format() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__BUDGET", "500/month");
    let before = Clock::system().real_now();
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    let row = row(&sandbox, &["yahoo"]);
    let window = &row["limits"][0];
    assert_eq!((&window["used"], &window["limit"]), (&json!(2), &json!(60)), "{row}");
    let empty = instant(&window["resets_at"]).since(before).as_secs();
    assert!((60..75).contains(&empty), "the window is empty a minute after the last call: {row}");
    assert_eq!(row["budget"]["used"], 2, "{row}");
    let ndjson = sandbox.run(&["limits", "-f", "ndjson"]);
    let lines = ndjson.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert_eq!(lines.filter(|line| *line == row).count(), 1, "{ndjson:?}");
    let csv = sandbox.run(&["limits", "yahoo", "-f", "csv"]).stdout;
    let lines: Vec<&str> = csv.lines().skip(1).collect();
    assert!(lines[0].starts_with("yahoo,,true,,,normal,ok,60/1m,2,60,2"), "{csv}");
    assert!(lines[1].starts_with("yahoo,,true,,,normal,ok,500/month,2,500,2"), "{csv}");
    let table = sandbox.run(&["limits", "yahoo"]).stdout;
    assert!(table.contains("2 of 60/1m  2 of 500/month"), "{table}");
    sandbox.run(&["limits", "-f", "prometheus"]).fails(2, &["this command has no format"]);
    let empty = Sandbox::new();
    keep_only(&empty, &[]);
    assert_eq!(empty.run(&["limits", "-f", "json"]).stdout, "[]\n");
    assert!(empty.run(&["limits", "-f", "csv"]).stdout.starts_with("provider,endpoint,"));
}

#[test]
fn an_upstream_that_is_asked_too_often_is_limited_until_it_says() {
    let (upstream, sandbox) = answering(429, "Retry-After: 1000");
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]).fails(1, &["HTTP 429"]);
    let row = is_kept_from(&sandbox, "limited", "it answered HTTP 429");
    assert!((980..=1000).contains(&seconds_left(&row["until"])), "{row}");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn an_upstream_that_says_so_with_a_status_of_success_is_believed() {
    let body = r#"{"Note": "our call frequency is 5 calls per minute"}"#;
    let upstream = Upstream::saying(200, "application/json", body);
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]);
    is_kept_from(&sandbox, "limited", "it said that it is asked too often");
}

#[test]
fn who_is_banned_is_told_until_when() {
    let (_upstream, sandbox) = answering(418, "Retry-After: 7200");
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]);
    let row = is_kept_from(&sandbox, "banned", "it answered HTTP 418");
    assert!((7180..=7200).contains(&seconds_left(&row["until"])), "{row}");
    let (_upstream, sandbox) = answering(403, "");
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]);
    is_kept_from(&sandbox, "banned", "it answered HTTP 403");
}

#[test]
fn who_failed_five_times_in_a_row_is_sick() {
    let (upstream, sandbox) = answering(500, "");
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__CONCURRENCY", "1");
    sandbox.run(&["fetch", "A", "B", "C", "D", "--max-wait", "0"]);
    assert_eq!(row(&sandbox, &["yahoo"])["health"], "ok");
    sandbox.run(&["fetch", "E", "--max-wait", "0"]);
    let row = row(&sandbox, &["yahoo"]);
    assert_eq!((&row["may_call"], &row["health"]), (&json!(false), &json!("sick")), "{row}");
    let reason = row["reason"].as_str().unwrap();
    assert!(reason.starts_with("it failed again and again: yahoo failed with HTTP 500"), "{row}");
    assert!(seconds_left(&row["until"]) <= 10, "{row}");
    sandbox.run(&["fetch", "F", "--max-wait", "0"]).fails(1, &[reason, "--resume"]);
    assert_eq!(upstream.count(), 5);
}

#[test]
fn a_pause_by_hand_holds_for_every_process_until_it_is_ended() {
    let (upstream, sandbox) = speaking();
    let run = sandbox.run(&["limits", "yahoo", "--pause", "12h"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.stderr.starts_with("yahoo is paused until 2"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    let paused = is_kept_from(&sandbox, "paused", "paused by hand");
    assert!((43_180..=43_200).contains(&seconds_left(&paused["until"])), "{paused}");
    sandbox.run(&["fetch", "AAPL"]).fails(1, &["yahoo is paused until", "limits yahoo --resume"]);
    assert_eq!(upstream.count(), 0);
    let table = sandbox.run(&["limits"]).stdout;
    let is_paused = |line: &str| line.split_whitespace().take(3).eq(["yahoo", "no", "paused"]);
    assert!(table.lines().any(is_paused), "{table}");

    let run = sandbox.run(&["limits", "yahoo", "--resume"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.stderr, "yahoo may be asked again\n");
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    let quiet = sandbox.run(&["limits", "yahoo", "--pause", "1h", "-q"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""), "{quiet:?}");
}

#[test]
fn a_pause_may_end_at_a_time_and_the_last_word_of_a_user_holds() {
    let sandbox = Sandbox::new();
    for until in ["2999-01-01T00:00:00Z", "2999-01-01"] {
        sandbox.run(&["limits", "yahoo", "--pause", until]).fails(2, &["is too far away"]);
    }
    let tomorrow = Clock::system().real_now() + std::time::Duration::from_hours(24);
    sandbox.run(&["limits", "yahoo", "--pause", &tomorrow.to_string()]);
    assert_eq!(instant(&row(&sandbox, &["yahoo"])["until"]), tomorrow);
    sandbox.run(&["limits", "yahoo", "--pause", "90"]);
    assert!(seconds_left(&row(&sandbox, &["yahoo"])["until"]) <= 90, "shorter than the first");
}

#[test]
fn a_pause_by_hand_shortens_none_that_upstream_asked_for_but_resume_ends_it() {
    let (upstream, sandbox) = answering(418, "Retry-After: 7200");
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]);
    let run = sandbox.run(&["limits", "yahoo", "--pause", "1m"]);
    assert!(run.stderr.contains("UTC already: it answered HTTP 418"), "{run:?}");
    assert!(seconds_left(&row(&sandbox, &["yahoo"])["until"]) > 7000);
    sandbox.run(&["limits", "yahoo", "--resume"]);
    sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]);
    assert_eq!(upstream.count(), 2, "it was asked again, and so was the key");
}

#[test]
fn resume_closes_the_breaker_and_lets_keys_be_asked_again() {
    let (upstream, sandbox) = answering(500, "");
    sandbox.run(&["fetch", "A", "B", "C", "D", "E", "--max-wait", "0"]);
    let asked = upstream.count();
    sandbox.run(&["fetch", "A", "--max-wait", "0"]);
    assert_eq!(upstream.count(), asked);
    sandbox.run(&["limits", "yahoo", "--resume"]);
    assert_eq!(row(&sandbox, &["yahoo"])["health"], "ok");
    sandbox.run(&["fetch", "A", "--max-wait", "0"]);
    assert_eq!(upstream.count(), asked + 1);
}

#[test]
fn resume_says_what_still_stands_in_the_way() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[1/1h]");
    sandbox.run(&["fetch", "AAPL"]);
    let run = sandbox.run(&["limits", "yahoo", "--resume"]);
    assert!(run.stderr.contains("UTC: the limit 1/1h is used up"), "{run:?}");
    assert_eq!(run.code, Some(0));
}

#[test]
fn check_answers_by_the_exit_code_and_prints_unless_it_is_quiet() {
    let (_upstream, sandbox) = speaking();
    assert_eq!(sandbox.run(&["limits", "--check"]).code, Some(0));
    sandbox.run(&["limits", "yahoo", "--pause", "1h"]);
    for (arguments, code) in [
        (&["limits", "--check"][..], 1),
        (&["limits", "yahoo", "--check"], 1),
        (&["limits", "yahoo/quote", "--check"], 1),
        (&["limits", "binance", "--check"], 0),
        (&["limits", "yahoo"], 0),
    ] {
        let run = sandbox.run(arguments);
        assert_eq!(run.code, Some(code), "{arguments:?}");
        assert!(run.stdout.starts_with("PROVIDER"), "{arguments:?}");
        let quiet = sandbox.run(&[arguments, &["-q"]].concat());
        assert_eq!(quiet.code, Some(code), "{arguments:?}");
        assert_eq!(quiet.stdout.is_empty(), arguments.contains(&"--check"), "{arguments:?}");
    }
    let json = sandbox.run(&["limits", "yahoo", "--check", "-f", "json"]);
    assert_eq!(json.code, Some(1));
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()[0]["health"], "paused");
}

#[test]
fn a_budget_is_never_overspent_and_its_end_is_said() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__BUDGET", "3/month");
    let run = sandbox.run(&["fetch", "A", "B", "C", "D", "-f", "json"]);
    let said = "yahoo allows no more requests until";
    run.fails(1, &[said, "(the budget 3/month is used up)", "`mcache limits yahoo` shows its use"]);
    let failed: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(failed.iter().filter(|row| row["error"]["kind"] == "rate_limited").count(), 1);
    assert_eq!(upstream.count(), 3);
    let row = is_kept_from(&sandbox, "limited", "the budget 3/month is used up");
    let month = Zone::UTC.month(Clock::system().real_now()).1;
    let budget = json!({"used": 3, "limit": 3, "resets_at": month.to_string()});
    assert_eq!((&row["budget"], &row["until"]), (&budget, &budget["resets_at"]), "{row}");
    assert_eq!(sandbox.run(&["fetch", "A"]).code, Some(0), "a hit costs nothing");
    let unlimited = ["fetch", "E", "--set", "providers.yahoo.budget=~"];
    assert_eq!(sandbox.run(&unlimited).code, Some(0), "a changed rule holds at once");
}

#[test]
fn a_budget_begins_anew_at_midnight_of_its_zone() {
    let (_upstream, sandbox) = speaking();
    sandbox.config("providers:\n  yahoo: {budget: 10/month, budget_zone: Asia/Tokyo}\n");
    sandbox.run(&["fetch", "AAPL"]);
    let tokyo = Zone::parse("Asia/Tokyo").unwrap();
    let month = tokyo.month(Clock::system().real_now()).1;
    let budget = row(&sandbox, &["yahoo"])["budget"].clone();
    assert_eq!(budget, json!({"used": 1, "limit": 10, "resets_at": month.to_string()}));
    assert!(month.to_string().ends_with("T15:00:00Z"), "{month}");
}

#[test]
fn what_is_reserved_is_left_to_its_owner() {
    let (upstream, sandbox) = speaking();
    sandbox.config("providers:\n  yahoo: {limits: [4/1h], budget: 100/day, reserve: {bot: 50%}}\n");
    let run = sandbox.run(&["fetch", "A", "B", "C", "--max-wait", "0"]);
    let reason = "the limit 4/1h is used up, but for what is kept for bot";
    run.fails(1, &[reason]);
    assert_eq!(upstream.count(), 2);
    is_kept_from(&sandbox, "limited", reason);
    assert_eq!(sandbox.run(&["limits", "yahoo", "--check", "-q"]).code, Some(1));
    let bot = ["limits", "yahoo", "--check", "-q", "--caller", "bot"];
    assert_eq!(sandbox.run(&bot).code, Some(0));
    let sandbox = sandbox.env("MCACHE_CALLER", "bot");
    let run = sandbox.run(&["fetch", "D", "E", "F", "--max-wait", "0"]);
    run.fails(1, &["(the limit 4/1h is used up)"]);
    assert_eq!(upstream.count(), 4);
    assert_eq!(row(&sandbox, &["yahoo"])["limits"][0]["used"], 4);
}

#[test]
fn an_endpoint_with_limits_of_its_own_has_a_row_of_its_own() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__ENDPOINTS__QUOTE__LIMIT", "1/1h");
    let run = sandbox.run(&["fetch", "A", "B", "--max-wait", "0"]);
    run.fails(1, &["(the limit 1/1h is used up)"]);
    let rows = sandbox.json(&["limits", "yahoo"]);
    let of = |n: usize| [&rows[n]["endpoint"], &rows[n]["may_call"], &rows[n]["health"]];
    assert_eq!(of(0), [&Value::Null, &json!(true), &json!("ok")], "{rows}");
    assert_eq!(of(1), [&json!("quote"), &json!(false), &json!("limited")], "{rows}");
    let windows = |n: usize| rows[n]["limits"].as_array().unwrap().len();
    assert_eq!((windows(0), windows(1)), (1, 2), "a call of it has to fit into both: {rows}");
    assert_eq!(sandbox.json(&["limits", "yahoo/quote"]), json!([rows[1]]));
    // Of all providers an endpoint is told that is used, and not those that are idle.
    let all = sandbox.json(&["limits"]);
    let endpoints = all.as_array().unwrap().iter().filter(|row| !row["endpoint"].is_null());
    assert_eq!(endpoints.collect::<Vec<_>>(), [&rows[1]]);
    assert_eq!(sandbox.json(&["limits", "cryptometer"]).as_array().unwrap().len(), 18);
    assert_eq!(row(&sandbox, &["fred/series"])["limits"][0]["window"], "2/1s");
}

#[test]
fn a_call_takes_its_weight_of_a_limit() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("binance", upstream.url());
    let sandbox = sandbox.env("MCACHE_PROVIDERS__BINANCE__LIMITS", "[5/1h]");
    sandbox.run(&["fetch", "BTC"]);
    sandbox.run(&["fetch", "ETH"]);
    let full = row(&sandbox, &["binance"]);
    assert_eq!(full["limits"][0]["used"], 4, "{full}");
    assert_eq!(full["may_call"], false, "one is left, and no call weighs so little: {full}");
    sandbox.run(&["fetch", "SOL", "-p", "binance", "--max-wait", "0"]).fails(1, &["used up"]);
    let sandbox = sandbox.env("MCACHE_PROVIDERS__BINANCE__ENDPOINTS__QUOTE__WEIGHT", "1");
    assert_eq!(row(&sandbox, &["binance"])["may_call"], true);
    assert_eq!(sandbox.run(&["fetch", "SOL", "-p", "binance"]).code, Some(0));
    assert_eq!(row(&sandbox, &["binance"])["limits"][0]["used"], 5);
}

#[test]
fn stats_say_of_a_provider_what_limits_say() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__BUDGET", "3/month");
    sandbox.run(&["fetch", "A", "B", "C", "D"]);
    let same = |stats: &Value| {
        let of = &stats["providers"]["yahoo"];
        let row = row(&sandbox, &["yahoo"]);
        for field in ["strategy", "health", "until", "reason", "limits", "budget"] {
            assert_eq!(of[field], row[field], "{field}: {stats}");
        }
    };
    let stats = sandbox.json(&["stats"]);
    same(&stats);
    assert_eq!(stats["providers"]["yahoo"]["health"], "limited");
    assert_eq!(stats["rate_limit_blocks"], 1);
    assert_eq!(sandbox.json(&["stats", "--limits"]), sandbox.json(&["limits"]));
    assert_eq!(sandbox.run(&["stats", "--limits"]).stdout, sandbox.run(&["limits"]).stdout);
    sandbox.run(&["stats", "--reset"]);
    let stats = sandbox.json(&["stats"]);
    same(&stats);
    let names: Vec<&String> = stats["providers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["yahoo"], "called without a counter: {stats}");
    assert_eq!(stats["providers"]["yahoo"]["calls"], 0);
    sandbox.run(&["stats", "--limits", "--since", "1d"]).fails(2, &["cannot be used with"]);
    sandbox.run(&["stats", "--limits", "-f", "prometheus"]).fails(2, &["no format"]);
}

#[test]
fn the_table_of_stats_names_limits_where_there_is_something_to_say() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    assert!(!sandbox.run(&["stats"]).stdout.contains("FULLEST"), "nobody is limited");
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__BUDGET", "3/month");
    sandbox.run(&["fetch", "B", "C", "D", "E"]);
    sandbox.run(&["limits", "fred", "--pause", "1h"]);
    let stats = sandbox.run(&["stats"]).stdout;
    let rows: Vec<&str> = stats.lines().skip_while(|line| !line.contains("FULLEST")).collect();
    assert_eq!(rows.len(), 3, "{stats}");
    assert!(rows[1].starts_with("fred      paused   normal    0 of 2/1s"), "{stats}");
    assert!(rows[1].ends_with("paused by hand"), "{stats}");
    assert!(rows[2].starts_with("yahoo     limited  minimal   4 of 60/1m"), "{stats}");
    assert!(rows[2].contains("0 of 3/month") && rows[2].ends_with("is used up"), "{stats}");
}

#[test]
fn a_scraper_gets_the_use_of_limits_and_the_same_lines_in_the_same_order() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox
        .env("MCACHE_PROVIDERS__YAHOO__BUDGET", "9/month")
        .env("MCACHE_PROVIDERS__YAHOO__ENDPOINTS__QUOTE__LIMIT", "10/1h");
    sandbox.run(&["fetch", "A", "B", "NOSUCH"]);
    sandbox.run(&["limits", "fred", "--pause", "1h"]);
    let exposition = || sandbox.run(&["stats", "-f", "prometheus"]).stdout;
    let text = exposition();
    for line in [
        "mcache_provider_window_used{provider=\"yahoo\",window=\"60/1m\"} 3.0",
        "mcache_provider_window_used{provider=\"yahoo\",endpoint=\"quote\",window=\"10/1h\"} 3.0",
        "mcache_provider_window_limit{provider=\"yahoo\",window=\"60/1m\"} 60.0",
        "mcache_provider_window_limit{provider=\"binance\",window=\"3000/1m\"} 3000.0",
        "mcache_provider_budget_used{provider=\"yahoo\"} 3.0",
        "mcache_provider_budget_limit{provider=\"yahoo\"} 9.0",
        "mcache_provider_health{provider=\"yahoo\",health=\"ok\"} 1.0",
        "mcache_provider_health{provider=\"fred\",health=\"ok\"} 0.0",
        "mcache_provider_health{provider=\"fred\",health=\"paused\"} 1.0",
    ] {
        assert_eq!(text.lines().filter(|known| *known == line).count(), 1, "{line}: {text}");
    }
    for _ in 0..3 {
        assert_eq!(exposition(), text);
    }
}

#[test]
fn what_cannot_be_kept_is_not_said_to_be_done() {
    let sandbox = Sandbox::new();
    sandbox.file("occupied", "");
    for change in [&["--pause", "1h"][..], &["--resume"]] {
        let run = sandbox.run(&[&["limits", "yahoo", "--cache-dir", "occupied"], change].concat());
        run.fails(1, &["error: yahoo could not be", "hint: ", "warning: limits hold within"]);
        assert_eq!(run.stdout, "");
    }
    let run = sandbox.run(&["limits", "yahoo", "--cache-dir", "occupied"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let sandbox = Sandbox::new();
    for (arguments, says) in [
        (
            &["limits", "yahooo"][..],
            &["there is no provider `yahooo`", "did you mean `yahoo`?"][..],
        ),
        (&["limits", "yahoo/qoute"], &["yahoo has no endpoint `qoute`", "did you mean `quote`?"]),
        (&["limits", "yahoo/"], &["yahoo has no endpoint ``", "its endpoints are bars, quote"]),
        (&["limits", "/quote"], &["there is no provider ``"]),
        (&["limits", "yahoo/quote/x"], &["yahoo has no endpoint `quote/x`"]),
        (&["limits", "yahoo", "--pause", "soon"], &["`soon` is neither a duration nor a time"]),
        (&["limits", "yahoo", "--pause", "0"], &["`0` is not in the future", "hint: write 30m"]),
        (&["limits", "yahoo", "--pause", "2020-01-01"], &["is not in the future"]),
        (&["limits", "yahoo", "--pause", "200000d"], &["neither a duration nor a time"]),
        (&["limits", "yahoo", "--pause", "36600d"], &["is too far away"]),
        (&["limits", "yahoo", "--pause", "-1h"], &["-1"]),
        (&["limits", "yahoo", "--pause"], &["DURATION|UNTIL"]),
        (&["limits", "--pause", "1h"], &["PROVIDER[/ENDPOINT]"]),
        (&["limits", "--resume"], &["PROVIDER[/ENDPOINT]"]),
        (&["limits", "yahoo/quote", "--pause", "1h"], &["a pause holds for a whole provider"]),
        (&["limits", "yahoo/quote", "--resume"], &["leave `/quote` away"]),
        (&["limits", "yahoo", "--pause", "1h", "--resume"], &["cannot be used with"]),
        (&["limits", "yahoo", "--pause", "1h", "--check"], &["cannot be used with"]),
        (&["limits", "yahoo", "--resume", "--check"], &["cannot be used with"]),
        (&["limits", "yahoo", "binance"], &["unexpected argument"]),
        (&["warm", "AAPL", "--budget", "half"], &["`half` is not a share", "write percent"]),
        (&["warm", "AAPL", "--budget", "101%"], &["`101%` is not a share"]),
    ] {
        let run = sandbox.run(arguments);
        run.fails(2, says);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
    assert!(!sandbox.cache().exists());
}

#[test]
fn a_mistake_in_the_configuration_of_limits_has_its_place() {
    let sandbox = Sandbox::new();
    for (text, place, says) in [
        ("budget: 500", "3:13", "`providers.acme.budget`: `500` is not a budget"),
        ("budget: 0/day", "3:13", "`0/day` is not a budget"),
        ("budget_zone: Mars/Olympus", "3:18", "`Mars/Olympus` is not a time zone"),
        ("reserve: {bot: 20}", "3:20", "`20` is not a share"),
        ("reserve: {bot: 60%, desk: 40%}", "3:", "what is reserved leaves nothing for the others"),
        ("reserve: {bot: 100%}", "3:", "what is reserved leaves nothing for the others"),
        ("endpoints: {quote: {limit: 10}}", "3:32", "`10` is not a limit"),
        ("endpoints: {quote: {weight: 0}}", "3:33", "`0` is not a whole number"),
        ("endpoints: {series: {limit: 1/1m}}", "3:", "acme has no endpoint `series`"),
        ("endpoints: {qoute: {limit: 1/1m}}", "3:", "did you mean `quote`?"),
    ] {
        let path = sandbox.config(&format!(
            "providers:\n  acme: {{kind: yahoo, base_url: http://127.0.0.1:9,\n    {text}}}\n"
        ));
        let place = format!("{}:{place}", path.display());
        sandbox.run(&["limits"]).fails(2, &[&place, says]);
    }
}
