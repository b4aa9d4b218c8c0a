//! `config check --live`: one call past the cache, and what was understood of it.

use crate::sandbox::{Incoming, Sandbox, Upstream, reply};

/// The key that the machine's acme wants, and that it likes to repeat.
const KEY: &str = "s3cr3t/k3y";

/// A machine that knows these endpoints of an upstream, which wants a key.
fn machine(upstream: &Upstream, endpoints: &str) -> Sandbox {
    let sandbox = Sandbox::new().env("ACME_API_KEY", KEY);
    sandbox.config(&format!(
        "providers:\n  acme:\n    kind: http\n    base_url: \"{}\"\n    auth: {{query: apikey}}\n    endpoints:{endpoints}",
        upstream.url()
    ));
    sandbox
}

const ENDPOINTS: &str = r#"
      quote:
        path: /v1/quote/{symbol}
        ok: {/status: ok}
        errors: {not_found: {/code: 404}, rate_limited: {/message: "*limit*"}}
        fields: {price: /data/last, previous_close: /data/prev, time: /data/ts}
        time: {unit: milliseconds}
      bars:
        path: /v1/bars/{symbol}
        query: {start: "{from:date}", end: "{to:date}", step: "{interval}"}
        intervals: {1d: D}
        max_rows: 1000
        rows: /data
        shape: arrays
        fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /5}
        time: {unit: "%Y-%m-%d"}
      series:
        path: /v1/series/{symbol}
        shape: csv
        fields: {date: day, value: value}
        missing: ["", "."]
      coinlist: {path: /v1/coinlist}
      book: {path: "/v1/book/{symbol}", query: {depth: "{param:depth}"}}
"#;

fn answer(incoming: &Incoming) -> Vec<u8> {
    let body = match incoming.path.split('?').next().unwrap() {
        "/v1/quote/AAPL" => {
            r#"{"status":"ok","data":{"last":"1.50","prev":1.250,"ts":1782917999123}}"#.to_owned()
        }
        "/v1/quote/MSFT" => format!(r#"{{"status":"bad","error":"apikey={KEY} \u001b[31m"}}"#),
        "/v1/quote/NOSUCH" => r#"{"status":"bad","code":404}"#.to_owned(),
        "/v1/series/GDP" => "day,value\n2026-04-01,2.50\n2026-01-01,.\n".to_owned(),
        "/v1/coinlist" => format!(r#"["BTC","{KEY}"]"#),
        _ => r#"{"data":[["2026-07-01",3,4.5,2,3.5,100],["2026-06-30",2,4,1,3,"200"]]}"#.to_owned(),
    };
    reply(200, "application/json", body.as_bytes())
}

/// What is shown, with the address and the time that differ from run to run left out.
fn check(sandbox: &Sandbox, upstream: &Upstream, arguments: &[&str]) -> String {
    let run = sandbox.run(&[&["config", "check", "--live"], arguments].concat());
    let shown = run.shown().replace(upstream.url(), "URL");
    assert!(!shown.contains("s3cr3t"), "{shown}");
    let line = |line: &str| match line.strip_suffix(" ms") {
        Some(rest) => format!("{} … ms", rest.rsplit_once(' ').unwrap().0),
        None => line.to_owned(),
    };
    shown.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_was_read_is_shown_with_where_it_stands() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let check = |arguments: &[&str]| check(&sandbox, &upstream, arguments);
    insta::assert_snapshot!(check(&["acme"]), @r"
    asked    quote of AAPL from acme
    request  GET URL/v1/quote/AAPL?apikey=***
    answer   200, application/json, 70 B, … ms
    shape    an object: status (text), data (an object of 3)
    ok       /status is ok: ok
    FIELD           VALUE                     FROM        SENT
    price           1.50                      /data/last  1.50
    previous_close  1.250                     /data/prev  1.250
    change          0.250                     -           -
    change_percent  20                        -           -
    time            2026-07-01T14:59:59.123Z  /data/ts    1782917999123
    understood; nothing was stored
    exit 0
    ");
    insta::assert_snapshot!(check(&["acme/bars", "MSFT"]), @r"
    asked    bars of MSFT from acme
    request  GET URL/v1/bars/MSFT?end=2026-07-01&start=2026-06-24&step=D&apikey=***
    answer   200, application/json, 70 B, … ms
    shape    an object: data (an array of 2)
    FIELD        VALUE                     FROM   SENT
    bars         2                         -      -
    first close  2026-06-30T13:30:00Z 3    -      -
    last close   2026-07-01T13:30:00Z 3.5  -      -
    rows         -                         /data  an array of 2
    close        -                         /4     3.5
    high         -                         /2     4.5
    low          -                         /3     2
    open         -                         /1     3
    time         -                         /0     2026-07-01
    volume       -                         /5     100
    understood; nothing was stored
    exit 0
    ");
}

#[test]
fn a_series_is_told_by_its_ends_and_what_has_no_fields_by_its_shape() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let check = |arguments: &[&str]| check(&sandbox, &upstream, arguments);
    insta::assert_snapshot!(check(&["acme", "GDP"]), @r"
    asked    series of GDP from acme
    request  GET URL/v1/series/GDP?apikey=***
    answer   200, application/json, 39 B, … ms
    shape    3 lines of text: `day,value 2026-04-01,2.50 2026-01-01,.`
    FIELD         VALUE            FROM   SENT
    observations  2                -      -
    first         2026-01-01 null  -      -
    last          2026-04-01 2.50  -      -
    date          -                day    2026-04-01
    value         -                value  2.50
    understood; nothing was stored
    exit 0
    ");
    insta::assert_snapshot!(check(&["acme/coinlist"]), @r"
    asked    coinlist from acme
    request  GET URL/v1/coinlist?apikey=***
    answer   200, application/json, 13 B, … ms
    shape    an array of 2, the first is text
    understood; nothing was stored
    exit 0
    ");
}

#[test]
fn each_is_one_call_past_the_cache_and_nothing_is_kept_of_it() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    for of in ["acme", "acme/bars", "acme/coinlist", "acme"] {
        check(&sandbox, &upstream, &[of]);
    }
    assert_eq!(upstream.count(), 4);
    assert!(upstream.seen()[0].path.contains("apikey="));
    assert_eq!(sandbox.json(&["keys"]), serde_json::json!([]));
    assert_eq!(sandbox.json(&["stats"])["upstream_calls"], 4);
    sandbox.run(&["fetch", "AAPL", "-p", "acme"]);
    check(&sandbox, &upstream, &["acme"]);
    assert_eq!(upstream.count(), 6, "a fresh entry is of no matter");
    let files = std::fs::read(sandbox.cache().join("cache.db")).unwrap();
    assert!(!String::from_utf8_lossy(&files).contains("s3cr3t"));
}

#[test]
fn in_json_it_is_one_object() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let report = sandbox.json(&["config", "check", "--live", "acme/quote", "aapl"]);
    assert_eq!(report["understood"], true);
    assert_eq!(report["request"]["method"], "GET");
    assert_eq!(
        (&report["answer"]["status"], &report["answer"]["bytes"]),
        (&200.into(), &70.into())
    );
    assert_eq!(
        report["fields"][0],
        serde_json::json!({"field": "price", "value": "1.50", "from": "/data/last", "sent": "1.50"})
    );
    let failed = sandbox.run(&["config", "check", "--live", "acme", "NOSUCH", "-f", "json"]);
    let report: serde_json::Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!((failed.code, &report["error"]["kind"]), (Some(1), &"not_found".into()));
    let hint = "`providers.acme.endpoints.quote.errors.not_found` says so of `404` at `/code`";
    assert_eq!(report["hints"][0], hint);
}

/// The same machine, whose configuration looks elsewhere.
fn mistaken(upstream: &Upstream) -> Sandbox {
    let wrong = ENDPOINTS
        .replace("price: /data/last", "price: /data/lst, volume: /vol")
        .replace("rows: /data", "rows: /dat")
        .replace("date: day", "date: dya")
        .replace("time: /data/ts", "time: /ts");
    machine(upstream, &wrong)
}

#[test]
fn what_was_not_understood_is_shown_with_what_to_change() {
    let upstream = Upstream::start(answer);
    let sandbox = mistaken(&upstream);
    let check = |arguments: &[&str]| check(&sandbox, &upstream, arguments);
    insta::assert_snapshot!(check(&["acme"]), @r#"
    asked    quote of AAPL from acme
    request  GET URL/v1/quote/AAPL?apikey=***
    answer   200, application/json, 70 B, … ms
    shape    an object: status (text), data (an object of 3)
    ok       /status is ok: ok
    FIELD           VALUE  FROM        SENT
    previous_close  -      /data/prev  1.250
    price           -      /data/lst   -
    time            -      /ts         -
    volume          -      /vol        -
    ! error: AAPL: what acme sent for `AAPL` cannot be read (it has no `/data/lst`): `{"status":"ok","data":{"last":"1.50","prev":1.250,"ts":1782917999123}}`
    ! hint: `providers.acme.endpoints.quote.fields.price` is `/data/lst`, where nothing stands: did you mean `/data/last`?
    ! hint: `providers.acme.endpoints.quote.fields.time` is `/ts`, where nothing stands, so it stays empty: did you mean `/data/ts`?
    ! hint: `providers.acme.endpoints.quote.fields.volume` is `/vol`, where nothing stands, so it stays empty: what is looked into has status, data
    exit 1
    "#);
    insta::assert_snapshot!(check(&["acme/bars"]), @r#"
    asked    bars of AAPL from acme
    request  GET URL/v1/bars/AAPL?end=2026-07-01&start=2026-06-24&step=D&apikey=***
    answer   200, application/json, 70 B, … ms
    shape    an object: data (an array of 2)
    FIELD   VALUE  FROM  SENT
    rows    -      /dat  -
    close   -      /4    -
    high    -      /2    -
    low     -      /3    -
    open    -      /1    -
    time    -      /0    -
    volume  -      /5    -
    ! error: AAPL: what acme sent for `AAPL` cannot be read (it has no `/dat`): `{"data":[["2026-07-01",3,4.5,2,3.5,100],["2026-06-30",2,4,1,3,"200"]]}`
    ! hint: `providers.acme.endpoints.bars.rows` is `/dat`, where nothing stands: did you mean `/data`?
    exit 1
    "#);
}

#[test]
fn what_upstream_says_of_itself_is_shown_beside_what_is_expected() {
    let upstream = Upstream::start(answer);
    let sandbox = mistaken(&upstream);
    let check = |arguments: &[&str]| check(&sandbox, &upstream, arguments);
    insta::assert_snapshot!(check(&["acme/series"]), @r"
    asked    series of GDP from acme
    request  GET URL/v1/series/GDP?apikey=***
    answer   200, application/json, 39 B, … ms
    shape    3 lines of text: `day,value 2026-04-01,2.50 2026-01-01,.`
    FIELD  VALUE  FROM   SENT
    date   -      dya    -
    value  -      value  2.50
    ! error: GDP: what acme sent for `GDP` cannot be read (it has no column `dya`): `day,value 2026-04-01,2.50 2026-01-01,.`
    ! hint: `providers.acme.endpoints.series.fields.date` is `dya`, where nothing stands: its columns are day, value
    exit 1
    ");
    insta::assert_snapshot!(check(&["acme", "MSFT"]), @r"
    asked    quote of MSFT from acme
    request  GET URL/v1/quote/MSFT?apikey=***
    answer   200, application/json, 48 B, … ms
    shape    an object: status (text), error (text)
    ok       /status is not ok: bad
    FIELD           VALUE  FROM        SENT
    previous_close  -      /data/prev  -
    price           -      /data/lst   -
    time            -      /ts         -
    volume          -      /vol        -
    ! error: MSFT: acme failed on `MSFT` (apikey=*** [31m)
    ! hint: `providers.acme.endpoints.quote.ok` wants `ok` at `/status`, and `bad` stands there
    exit 1
    ");
}

#[test]
fn a_provider_that_does_not_know_the_sample_may_know_something_else() {
    let nothing = Upstream::saying(404, "text/html", "<html>\u{1b}]0;gone\u{7}</html>");
    let sandbox = machine(&nothing, "\n      quote: {path: \"/{symbol}\", fields: {price: /p}}\n");
    let run = sandbox.run(&["config", "check", "--live", "acme"]);
    run.fails(1, &["hint: name a symbol that it has: `mcache config check --live acme SYMBOL`"]);
    assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{run:?}");
}

#[test]
fn what_stands_in_no_optional_place_is_said_although_the_answer_is_understood() {
    let upstream = Upstream::start(answer);
    let wrong = ENDPOINTS.replace("time: /data/ts", "time: /data/ts, volume: /data/vol");
    let run = machine(&upstream, &wrong).run(&["config", "check", "--live", "acme"]);
    run.says("hint: `providers.acme.endpoints.quote.fields.volume` is `/data/vol`, where nothing stands, so it stays empty: `/data` has last, prev, ts");
}

#[test]
fn an_answer_without_end_of_names_is_cut() {
    let names: Vec<String> =
        (0..2_000).map(|n| format!("\"\u{9b}{n}{}\":{{\"x\":[{n}]}}", "n".repeat(90))).collect();
    let body = format!("{{{}}}", names.join(","));
    let upstream = Upstream::saying(200, "application/json", &body);
    let sandbox = machine(&upstream, ENDPOINTS);
    let run = sandbox.run(&["config", "check", "--live", "acme"]);
    run.fails(1, &[]);
    assert!(run.stdout.len() + run.stderr.len() < 8000, "{}", run.stdout.len());
    assert!(!run.stdout.contains('\u{9b}') && !run.stderr.contains('\u{9b}'));
}

#[test]
fn every_kind_that_is_built_in_can_be_tried() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .with_provider("binance", upstream.url())
        .with_provider("fred", upstream.url())
        .env("FRED_API_KEY", "0123456789abcdef0123456789abcdef");
    for (of, request, says) in [
        ("yahoo", "/v8/finance/chart/AAPL", "previous_close  226.26"),
        ("yahoo/bars", "/v8/finance/chart/AAPL", "first close"),
        ("binance", "/api/v3/ticker/24hr", "currency"),
        ("binance/bars", "/api/v3/klines", "last close"),
        ("fred", "/fred/series/observations?series_id=GDP", "price"),
        ("fred/series", "/fred/series/observations?series_id=GDP", "observations"),
        ("demo", "127.0.0.1", "228.83"),
    ] {
        let run = sandbox.run(&["config", "check", "--live", of]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert!(run.stdout.contains(request) && run.stdout.contains(says), "{of}: {run:?}");
        assert!(!run.stdout.contains("0123456789abcdef"), "{run:?}");
        assert!(run.stdout.ends_with("understood; nothing was stored\n"), "{run:?}");
    }
    assert_eq!(sandbox.json(&["keys"]), serde_json::json!([]));
}

#[test]
fn the_limits_hold_and_nobody_is_asked_who_may_not_be() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    sandbox.run(&["limits", "acme", "--pause", "12h"]);
    let run = sandbox.run(&["config", "check", "--live", "acme"]);
    run.fails(1, &["acme is paused until", "hint: `mcache limits acme --resume` ends it"]);
    assert_eq!(upstream.count(), 0);
    let sandbox = Sandbox::new().with_provider("yahoo", &super::nobody());
    sandbox.run(&["config", "check", "--live", "yahoo"]).fails(1, &["cannot be reached"]);
    let keyless = Sandbox::new();
    keyless.run(&["config", "check", "--live", "fred"]).fails(1, &["FRED_API_KEY"]);
}

#[test]
fn what_makes_no_sense_is_refused_before_anybody_is_asked() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    for (arguments, says) in [
        (&["--live", "acm"][..], "did you mean `acme`?"),
        (&["--live", "acme/qoute"], "did you mean `quote`?"),
        (&["--live", "acme", "A A"], "error: "),
        (&["--live", "yahoo", "GDP"], "yahoo has nothing that can be asked of `GDP`"),
        (&["--live", "acme/book", "--param", "dpth"], "error: "),
        (&["--live", "acme", "--offline"], "--offline asks nobody"),
        (&["--live", "acme", "-f", "csv"], "its formats are table, json"),
        (&["AAPL"], "--live"),
        (&["--live", "acme", "--set", "providers.acme.timeout=soon"], "providers.acme.timeout"),
    ] {
        sandbox.run(&[&["config", "check"], arguments].concat()).fails(2, &[says]);
    }
    assert_eq!(upstream.count(), 0);
    // A parameter that has no default has to be said.
    sandbox.run(&["config", "check", "--live", "acme/book"]).fails(1, &["a `depth`"]);
    let said = ["config", "check", "--live", "acme/book", "--param", "depth=5"];
    assert_eq!(sandbox.run(&said).code, Some(0));
    assert!(upstream.seen()[0].path.contains("depth=5"));
}

#[test]
fn of_a_program_its_arguments_and_what_it_printed_are_shown() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.config(
        r#"
providers:
  model:
    kind: command
    endpoints:
      prediction: {command: [sh, -c, 'echo "{\"up\": 0.7, \"of\": \"$1\"}"', sh, "{symbol}", "two words"]}
      handed: {command: [sh, -c, "cat > /dev/null; echo sold"], input: [quote]}
      mute: {command: ["true"]}
      broken: {command: [sh, -c, "echo '{\"up\": NaN}'; echo $1 >&2", sh, "token=s3cr3t"]}
"#,
    );
    let check = |arguments: &[&str]| check(&sandbox, &upstream, arguments);
    insta::assert_snapshot!(check(&["model/prediction", "NVDA"]), @r#"
    asked    prediction of NVDA from model
    program  ["sh","-c","echo \"{\\\"up\\\": 0.7, \\\"of\\\": \\\"$1\\\"}\"","sh","NVDA","two words"]
    answer   exit code 0, 26 B, … ms
    shape    an object: up (number), of (text)
    understood; nothing was stored
    exit 0
    "#);
    assert_eq!(sandbox.json(&["keys"]), serde_json::json!([]));
    insta::assert_snapshot!(check(&["model/mute"]), @r#"
    asked    mute from model
    program  ["true"]
    answer   exit code 0, 0 B, … ms
    shape    nothing
    ! error: model: what model printed for `model` cannot be read (it printed nothing): an empty body
    ! hint: nothing was stored; `output: text` keeps whatever text is printed
    exit 1
    "#);
    insta::assert_snapshot!(check(&["model/broken"]), @r#"
    asked    broken from model
    program  ["sh","-c","echo '{\"up\": NaN}'; echo $1 >&2","sh","token=[redacted]"]
    answer   exit code 0, 12 B, … ms
    shape    1 lines of text: `{"up": NaN}`
    ! error: model: what model printed for `model` cannot be read (it is no JSON): `{"up": NaN}`
    ! hint: nothing was stored; `output: text` keeps whatever text is printed
    exit 1
    "#);
    insta::assert_snapshot!(check(&["model/handed", "AAPL"]), @r#"
    asked    handed of AAPL from model
    program  ["sh","-c","cat > /dev/null; echo sold"]
    handed   quote
    answer   exit code 0, 5 B, … ms
    shape    1 lines of text: `sold`
    understood; nothing was stored but what it was handed
    exit 0
    "#);
    assert_eq!(sandbox.json(&["keys"])[0]["key"], "quote:stock:AAPL");
    let report = sandbox.json(&["config", "check", "--live", "model/prediction", "NVDA"]);
    assert_eq!(report["request"], serde_json::Value::Null);
    assert_eq!(report["program"].as_array().unwrap()[3..], ["sh", "NVDA", "two words"]);
}
