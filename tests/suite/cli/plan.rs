//! `--plan` of `fetch` and `warm`: what it would take, and that nobody is called for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{SOON, at, json_at, speaking};
use crate::sandbox::{Sandbox, Upstream};

/// What stands in the cache folder, file by file; not the index that readers of SQLite share, nor the
/// empty log that they leave beside it.
fn files(sandbox: &Sandbox) -> BTreeMap<PathBuf, Vec<u8>> {
    let Ok(folder) = std::fs::read_dir(sandbox.cache()) else { return BTreeMap::new() };
    let paths = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let kept = paths.filter(|path| !path.to_string_lossy().ends_with("-shm"));
    let contents = kept.map(|path| (path.clone(), std::fs::read(path).unwrap()));
    contents.filter(|(_, bytes)| !bytes.is_empty()).collect()
}

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_plan_calls_nobody_and_writes_nothing() {
    let (upstream, sandbox) = speaking();
    for command in [["fetch", "AAPL", "--plan"], ["warm", "AAPL", "--plan"]] {
        assert_eq!(sandbox.run(&command).code, Some(0));
    }
    assert_eq!(upstream.count(), 0);
    assert!(!sandbox.cache().exists(), "not even the folder is made");
    sandbox.run(&["warm", "AAPL"]);
    sandbox.run(&["fetch", "AAPL"]);
    let before = files(&sandbox);
    assert!(before.len() > 2, "{before:?}");
    for command in
        [&["fetch", "AAPL", "MSFT"][..], &["warm", "AAPL", "MSFT"], &["warm", "--top", "5"]]
    {
        let run = at(&sandbox, SOON, &[command, &["--plan"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert!(files(&sandbox) == before, "a file of the cache has changed");
    assert_eq!(upstream.count(), 1);
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["requests"], &stats["upstream_calls"]), (&1.into(), &1.into()));
}

#[test]
fn a_plan_for_programs_is_one_object_with_items_and_providers() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["warm", "AAPL"]);
    let plan = json_at(&sandbox, SOON, &["warm", "AAPL", "MSFT", "--plan"]);
    let all = ["calls", "cost", "fresh", "items", "providers", "seconds", "stale_at_open", "unfit"];
    assert_eq!(names(&plan), all);
    assert_eq!((&plan["calls"], &plan["fresh"], &plan["unfit"]), (&json!(1), &json!(1), &json!(0)));
    let why = plan["items"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("fresh until Wed 2026-07-01 15:00:3"), "{why}");
    assert_eq!(
        plan["items"],
        json!([
            {"key": "quote:stock:AAPL", "provider": "yahoo", "endpoint": "quote", "state": "fresh",
             "calls": 0, "why": why},
            {"key": "quote:stock:MSFT", "provider": "yahoo", "endpoint": "quote", "state": "missing",
             "calls": 1, "why": "it is not held"},
        ])
    );
    let yahoo = &plan["providers"]["yahoo"];
    let of_provider =
        ["budget_left", "calls", "cost", "endpoints", "fresh", "reason", "seconds", "unfit"];
    assert_eq!(names(yahoo), of_provider);
    assert_eq!(yahoo["endpoints"], json!({"quote": {"calls": 1, "fresh": 1}}));
    assert_eq!(yahoo["budget_left"], Value::Null);
    // The same of fetch, which has the same answer.
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL", "MSFT", "--plan"])["items"],
        plan["items"]
    );
}

#[test]
fn other_formats_of_a_plan_have_a_row_a_key() {
    let (_upstream, sandbox) = speaking();
    let csv = sandbox.run(&["fetch", "AAPL", "BTC", "--plan", "-f", "csv"]).stdout;
    assert_eq!(
        csv,
        "key,provider,endpoint,state,calls,why\n\
         quote:stock:AAPL,yahoo,quote,missing,1,it is not held\n\
         quote:crypto:BTC,binance,quote,missing,1,it is not held\n"
    );
    let lines = sandbox.run(&["warm", "AAPL", "BTC", "--plan", "-f", "ndjson"]).stdout;
    assert_eq!(lines.lines().count(), 2);
    let nothing = sandbox.run(&["warm", "--top", "5", "--plan", "-f", "csv"]).stdout;
    assert_eq!(nothing, "key,provider,endpoint,state,calls,why\n");
    let run = sandbox.run(&["fetch", "AAPL", "BTC", "--plan"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("PROVIDER  ENDPOINT  CALLS  FRESH"), "{run:?}");
    assert!(lines[1].starts_with("binance   quote         1      0"), "{run:?}");
    assert!(lines[3].starts_with("all                     2      0"), "{run:?}");
    for (arguments, says) in [
        (&["fetch", "AAPL", "--plan", "-f", "parquet"][..], "this command has no format `parquet`"),
        (&["warm", "AAPL", "-f", "json"], "this command has no format `json`"),
        (&["fetch", "AAPL", "--plan", "--explain"], "cannot be used with"),
        (&["fetch", "AAPL", "--plan", "-o", "x.csv"], "cannot be used with"),
    ] {
        sandbox.run(arguments).fails(2, &[says]);
    }
}

#[test]
fn the_time_of_a_plan_is_that_of_the_limits() {
    let (_upstream, sandbox) = speaking();
    let warm = |symbols: &[&str], more: &[&str]| {
        let set = ["--plan", "--set", "providers.yahoo.limits=[2/1m]"];
        sandbox.json(&[&["warm"], symbols, &set, more].concat())
    };
    let plan = warm(&["A", "B", "C", "D", "E"], &[]);
    // Two at once, two after a minute, one after two; each window is 20 ms longer than it says.
    assert_eq!((&plan["calls"], &plan["seconds"]), (&json!(5), &json!(120.1)));
    let plan = warm(&["A", "B", "C", "D", "E"], &["--by", "90s"]);
    assert_eq!((&plan["unfit"], &plan["seconds"]), (&json!(1), &json!(60.1)));
    assert_eq!(plan["providers"]["yahoo"]["reason"], "the limit 2/1m is used up");
    let plan = warm(&["A", "B", "C", "D", "E"], &["--max-wait", "0"]);
    assert_eq!((&plan["unfit"], &plan["seconds"]), (&json!(3), &json!(0.0)));
}

#[test]
fn a_plan_says_what_it_costs_and_what_a_budget_leaves_out() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox
        .env("MCACHE_PROVIDERS__YAHOO__BUDGET", "5/month")
        .env("MCACHE_PROVIDERS__YAHOO__COST_PER_CALL", "0.002");
    sandbox.run(&["warm", "A"]);
    let plan = |more: &[&str]| {
        let plan = sandbox.json(&[&["warm", "B", "C", "D", "E", "F", "--plan"], more].concat());
        let yahoo = &plan["providers"]["yahoo"];
        (
            plan["calls"].clone(),
            plan["cost"].clone(),
            yahoo["budget_left"].clone(),
            plan["unfit"].clone(),
        )
    };
    assert_eq!(plan(&[]), (json!(5), json!(0.008), json!(0), json!(1)));
    assert_eq!(plan(&["--budget", "40%"]), (json!(5), json!(0.002), json!(3), json!(4)));
    let run = sandbox.run(&["warm", "B", "C", "D", "E", "F", "--plan"]);
    run.says("1 of 5 calls of yahoo do not fit: the budget 5/month is used up");
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_series_takes_as_many_calls_as_planned() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.with_provider("binance", upstream.url());
    let bars = ["BTC", "-t", "bars", "-i", "1h", "--from", "2026-03-01", "--to", "2026-05-31"];
    let planned = |sandbox: &Sandbox| sandbox.json(&[&["fetch", "--plan"], &bars[..]].concat());
    let plan = planned(&sandbox);
    // 2,208 hours, a thousand bars a request.
    assert_eq!((&plan["calls"], &plan["items"][0]["calls"]), (&json!(3), &json!(3)));
    assert_eq!(plan["items"][0]["why"], "it is not held; about 3 requests");
    assert_eq!(sandbox.run(&[&["warm"], &bars[..]].concat()).code, Some(0));
    assert_eq!(upstream.count(), 3);
    let plan = planned(&sandbox);
    assert_eq!((&plan["calls"], &plan["fresh"]), (&json!(0), &json!(1)));
    let more =
        ["fetch", "BTC", "-t", "bars", "-i", "1h", "--from", "2026-02-01", "--to", "2026-05-31"];
    let plan = sandbox.json(&[&more[..], &["--plan"]].concat());
    assert_eq!(plan["items"][0]["why"], "one stretch of it is not held");
    assert_eq!(plan["calls"], 1);
}

#[test]
fn a_plan_says_which_quotes_the_open_will_make_stale() {
    let (_upstream, sandbox) = speaking();
    let plan = ["warm", "AAPL", "IBM", "BTC", "VOD.L", "--plan"];
    let morning = "2026-07-01T12:48:00Z";
    assert_eq!(
        json_at(&sandbox, morning, &plan)["stale_at_open"],
        json!([{"exchange": "XNYS", "quotes": 2, "opens_at": "2026-07-01T13:30:00Z"}])
    );
    at(&sandbox, morning, &plan).says(
        "2 quotes of XNYS go stale when it opens Wed 2026-07-01 13:30 UTC, in 42 min: warm again after that",
    );
    assert_eq!(sandbox.json(&plan)["stale_at_open"], json!([]), "it is open");
}

#[test]
fn what_nobody_would_be_asked_for_is_said_and_costs_nothing() {
    let (upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "NOSUCH"]);
    let with_another = at(&sandbox, SOON, &["fetch", "GDP", "--plan", "-f", "csv"]);
    assert!(with_another.stdout.contains("series:macro:GDP,fred_csv,series,missing,1,"));
    let sandbox = sandbox.env("MCACHE_CHAINS__MACRO", "[fred]");
    let run = at(&sandbox, SOON, &["fetch", "NOSUCH", "GDP", "--plan"]);
    run.says("quote:stock:NOSUCH would not be asked for: ");
    run.says("series:macro:GDP would not be asked for: fred needs a key and has none");
    let plan = json_at(&sandbox, SOON, &["fetch", "NOSUCH", "GDP", "--plan"]);
    assert_eq!((&plan["calls"], &plan["fresh"]), (&json!(0), &json!(0)));
    let states: Vec<&Value> =
        plan["items"].as_array().unwrap().iter().map(|i| &i["state"]).collect();
    assert_eq!(states, ["refused", "refused"]);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_call_is_planned_for_the_time_that_calls_took() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.run(&["warm", "AAPL"]);
    // As if that one had taken two seconds.
    sandbox.sql("UPDATE stat SET n = 2000000 WHERE dimension = 'key' AND measure = 'call_us'");
    let symbols = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
    let plan = sandbox.json(&[&["warm", "--plan", "--jobs", "4"], &symbols[..]].concat());
    assert_eq!((&plan["calls"], &plan["seconds"]), (&json!(9), &json!(6.0)));
}

#[test]
fn of_a_chain_it_is_planned_who_would_be_asked() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new();
    let url = upstream.url();
    sandbox.config(&format!(
        "providers:
  first: {{kind: yahoo, base_url: \"{url}\", limits: []}}
  second: {{kind: yahoo, base_url: \"{url}\", limits: []}}
chains: {{stock: [first, second]}}
"
    ));
    let planned = |more: &[&str]| {
        let plan = sandbox.json(&[&["fetch", "AAPL", "--plan"], more].concat());
        let items = plan["items"].as_array().unwrap().clone();
        let who = |item: &Value| item["provider"].as_str().unwrap().to_owned();
        (items.iter().map(who).collect::<Vec<_>>(), plan["calls"].clone(), plan["unfit"].clone())
    };
    let of = |who: &[&str], calls: i64, unfit: i64| {
        (who.iter().map(ToString::to_string).collect::<Vec<_>>(), json!(calls), json!(unfit))
    };
    assert_eq!(planned(&[]), of(&["first"], 1, 0));
    assert_eq!(planned(&["--quorum", "2"]), of(&["first", "second"], 2, 0));
    let short = sandbox.run(&["fetch", "AAPL", "--plan", "--quorum", "3"]);
    short.says("quote:stock:AAPL would not be asked for: of the stock chain only first and second");
    // Whoever is limited is passed over, unless all are.
    sandbox.run(&["limits", "first", "--pause", "1h"]);
    assert_eq!(planned(&[]), of(&["second"], 1, 0));
    sandbox.run(&["limits", "second", "--pause", "1h"]);
    assert_eq!(planned(&[]), of(&["first"], 1, 1));
    assert_eq!(upstream.count(), 0);
}

#[test]
fn of_a_chain_it_is_planned_who_would_be_asked_after_what_is_planned_already() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new();
    let url = upstream.url();
    sandbox.config(&format!(
        "providers:
  first: {{kind: yahoo, base_url: \"{url}\", limits: [2/1h]}}
  second: {{kind: yahoo, base_url: \"{url}\", limits: []}}
  pairs: {{kind: binance, base_url: \"{url}\", limits: [2/1h]}}
  others: {{kind: binance, base_url: \"{url}\", limits: []}}
chains: {{stock: [first, second], crypto: [pairs, others]}}
"
    ));
    let planned = |arguments: &[&str]| {
        let plan = sandbox.json(&[arguments, &["--plan"]].concat());
        let items = plan["items"].as_array().unwrap().clone();
        let who = |item: &Value| item["provider"].as_str().unwrap().to_owned();
        (items.iter().map(who).collect::<Vec<_>>().join(" "), plan["calls"].clone())
    };
    let fetch = ["fetch", "A", "B", "C", "D", "E"];
    assert_eq!(planned(&fetch), ("first first second second second".to_owned(), json!(5)));
    // A request for several at once is one, whoever they are.
    let both = ["fetch", "BTC", "ETH", "SOL"];
    assert_eq!(planned(&both), ("pairs pairs pairs".to_owned(), json!(1)));
    let run = sandbox.run(&fetch);
    assert_eq!(run.code, Some(0), "{run:?}");
    let limits = sandbox.json(&["limits", "first"]);
    assert_eq!((&limits[0]["limits"][0]["used"], upstream.count()), (&json!(2), 5));
    // What nobody gives at once is planned for each of them by itself.
    sandbox.run(&["limits", "pairs", "--pause", "1h"]);
    assert_eq!(planned(&both), ("others others others".to_owned(), json!(3)));
}

#[test]
fn what_programs_would_be_handed_is_planned_where_it_is_not_fresh() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.config(
        "providers:
  model:
    kind: command
    endpoints:
      inner: {command: [cat], input: [quote], output: json}
      outer: {command: [cat], input: [inner, quote], output: json}
",
    );
    sandbox.run(&["fetch", "AAPL"]);
    let fetch = ["fetch", "AAPL", "MSFT", "-t", "outer"];
    let rows = |arguments: &[&str]| {
        let run = at(&sandbox, SOON, &[arguments, &["--plan", "-f", "csv"]].concat());
        run.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        rows(&fetch),
        [
            "outer:stock:AAPL,model,outer,missing,1,it is not held",
            "outer:stock:MSFT,model,outer,missing,1,it is not held",
            "inner:stock:AAPL,model,inner,missing,1,it is not held; a program is handed it",
            "inner:stock:MSFT,model,inner,missing,1,it is not held; a program is handed it",
            "quote:stock:MSFT,yahoo,quote,missing,1,it is not held; a program is handed it",
        ]
    );
    let before = json_at(&sandbox, SOON, &["stats"])["upstream_calls"].as_i64().unwrap();
    assert_eq!(at(&sandbox, SOON, &fetch).code, Some(0));
    let after = json_at(&sandbox, SOON, &["stats"])["upstream_calls"].as_i64().unwrap();
    assert_eq!(after - before, 5);
    // A flag that is about the answer is about the answer.
    assert_eq!(rows(&["fetch", "AAPL", "-t", "outer", "--refresh"]).len(), 1);
    // What is asked for anyway is planned once.
    let both = rows(&["fetch", "IBM", "-t", "quote,inner"]);
    assert_eq!(both.len(), 2, "{both:?}");
}
