//! What each provider is sent, and who is told the key.

use super::{LATER, at, speaking};
use crate::sandbox::{Sandbox, Upstream, reply};

/// A key that stands out in any text.
const KEY: &str = "s3cr3t-k3y/with+odd&characters";

/// A machine whose providers are all one upstream that speaks as the real ones do.
fn everybody() -> (Upstream, Sandbox) {
    let (upstream, sandbox) = speaking();
    let sandbox =
        sandbox.with_provider("binance", upstream.url()).with_provider("fred", upstream.url());
    (upstream, sandbox.env("FRED_API_KEY", KEY))
}

#[test]
fn yahoo_is_asked_in_its_own_spelling() {
    let (upstream, sandbox) = everybody();
    for (symbol, path) in [
        ("AAPL", "/v8/finance/chart/AAPL"),
        ("BRK.B", "/v8/finance/chart/BRK-B"),
        ("^GSPC", "/v8/finance/chart/%5EGSPC"),
        ("fx:EURUSD", "/v8/finance/chart/EURUSD=X"),
        ("BTC-USD", "/v8/finance/chart/BTC-USD"),
    ] {
        sandbox.json(&["fetch", symbol, "-p", "yahoo"]);
        let asked = upstream.seen().pop().unwrap().path;
        assert_eq!(asked.replace("%3D", "="), format!("{path}?interval=1d&range=1d"));
    }
}

#[test]
fn binance_is_sent_nothing_that_it_does_not_read() {
    let (upstream, sandbox) = everybody();
    for (symbol, path) in [
        ("BTC", "/api/v3/ticker/24hr?symbol=BTCUSDT"),
        ("BTC/USDT", "/api/v3/ticker/24hr?symbol=BTCUSDT"),
        ("ETH/BTC", "/api/v3/ticker/24hr?symbol=ETHBTC"),
    ] {
        sandbox.json(&["fetch", symbol, "--refresh"]);
        assert_eq!(upstream.seen().pop().unwrap().path, path);
    }
}

#[test]
fn a_provider_that_lacks_the_pair_is_passed_over() {
    let (upstream, sandbox) = everybody();
    sandbox.config("chains: {crypto: [binance, yahoo]}\n");
    let dollars = &sandbox.json(&["fetch", "BTC-USD"])[0];
    assert_eq!(dollars["provider"], "yahoo");
    assert_eq!(dollars["symbol"], "BTC/USD");
    let tether = &sandbox.json(&["fetch", "BTC"])[0];
    assert_eq!(tether["provider"], "binance");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn fred_is_asked_with_the_key_of_the_environment() {
    let (upstream, sandbox) = everybody();
    sandbox.json(&["fetch", "GDP"]);
    let asked = upstream.seen().pop().unwrap().path;
    assert_eq!(
        asked,
        "/fred/series/observations?series_id=GDP&file_type=json&api_key=s3cr3t-k3y%2Fwith%2Bodd%26characters"
    );
    sandbox.json(&["fetch", "GDP", "-t", "quote"]);
    let asked = upstream.seen().pop().unwrap().path;
    assert!(asked.contains("&sort_order=desc&limit="), "{asked}");
    // The alias of the seeds.
    sandbox.json(&["fetch", "CPI_INDEX"]);
    assert!(upstream.seen().pop().unwrap().path.contains("series_id=CPIAUCSL&"));
}

#[test]
fn without_a_key_fred_is_not_asked() {
    let (upstream, sandbox) = everybody();
    let sandbox = sandbox.env("FRED_API_KEY", "").env("MCACHE_CHAINS__MACRO", "[fred]");
    let run = sandbox.run(&["fetch", "GDP", "-f", "json"]);
    insta::assert_snapshot!(run.shown(), @r#"
    [
    {"symbol":"GDP","error":{"kind":"unauthorized","message":"fred needs a key and has none"}}
    ]
    ! error: GDP: fred needs a key and has none
    ! hint: set the variable FRED_API_KEY to the key of fred
    exit 1
    "#);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_key_can_come_from_a_file_and_go_into_a_header() {
    let (upstream, sandbox) = everybody();
    sandbox.file("home/.config/mcache/fred.key", "from-a-file\nsecond line\n");
    sandbox
        .config("providers:\n  fred:\n    auth: {query: ~, header: X-Api-Key, file: fred.key}\n");
    sandbox.json(&["fetch", "GDP"]);
    let asked = upstream.seen().pop().unwrap();
    assert!(!asked.path.contains("api_key"), "{asked:?}");
    assert!(
        asked.headers.iter().any(|h| h.eq_ignore_ascii_case("x-api-key: from-a-file")),
        "{asked:?}"
    );
}

#[test]
fn the_key_is_shown_nowhere() {
    let (_upstream, sandbox) = everybody();
    let encoded = "s3cr3t-k3y%2Fwith";
    let mut said = Vec::new();
    let mut run = |sandbox: &Sandbox, arguments: &[&str]| {
        for format in ["json", "table"] {
            let run = sandbox.run(&[arguments, &["-v", "--explain", "-f", format]].concat());
            said.push(format!("{run:?}"));
        }
    };
    run(&sandbox, &["fetch", "GDP"]);
    // Upstreams that repeat what they were sent, in a body, a page and a redirect.
    let echo = |status: u16, kind: &'static str| {
        Upstream::start(move |incoming| {
            let body = match kind {
                "fred" => format!("{{\"error_code\":400,\"error_message\":\"{KEY} is bad\"}}"),
                _ => format!("<html>{KEY} {}</html>", incoming.path),
            };
            reply(status, "text/html", body.as_bytes())
        })
    };
    for (status, kind) in [(400, "fred"), (500, "page"), (403, "page"), (200, "page")] {
        let echo = echo(status, kind);
        let sandbox = Sandbox::new().env("FRED_API_KEY", KEY).with_provider("fred", echo.url());
        run(&sandbox, &["fetch", "GDP", "--refresh", "--max-wait", "0"]);
        assert!(echo.count() >= 1, "the second may find it paused");
    }
    let sandbox = sandbox.with_provider("fred", &super::nobody());
    said.push(format!("{:?}", at(&sandbox, LATER, &["fetch", "GDP", "--refresh", "-v"])));
    for arguments in [&["config", "show"][..], &["stats"], &["keys"], &["--help"]] {
        said.push(format!("{:?}", sandbox.run(arguments)));
    }
    let said = said.join("\n");
    for secret in [KEY, encoded] {
        assert!(!said.contains(secret), "{said}");
    }
    let mut files = 0;
    for file in std::fs::read_dir(sandbox.cache()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(KEY) && !text.contains(encoded), "{}", path.display());
            files += 1;
        }
    }
    assert!(files > 0);
}

#[test]
fn who_asks_is_said_and_can_be_changed() {
    let (upstream, sandbox) = everybody();
    let agent = |upstream: &Upstream| {
        let asked = upstream.seen().pop().unwrap();
        let lines =
            asked.headers.into_iter().filter(|h| h.to_lowercase().starts_with("user-agent:"));
        lines.collect::<Vec<_>>().join("|").to_lowercase()
    };
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(agent(&upstream), concat!("user-agent: mcache/", env!("CARGO_PKG_VERSION")));
    sandbox.json(&["fetch", "MSFT", "--set", "providers.yahoo.user_agent=desk/7 ({version})"]);
    assert_eq!(agent(&upstream), concat!("user-agent: desk/7 (", env!("CARGO_PKG_VERSION"), ")"));
}

#[test]
fn further_headers_are_sent_and_not_shown() {
    let (upstream, sandbox) = everybody();
    sandbox.config("providers:\n  yahoo:\n    headers: {X-Desk: hush-hush}\n");
    sandbox.json(&["fetch", "AAPL"]);
    let asked = upstream.seen().pop().unwrap();
    assert!(asked.headers.iter().any(|h| h.eq_ignore_ascii_case("x-desk: hush-hush")), "{asked:?}");
    let shown = sandbox.run(&["config", "show"]);
    assert!(
        shown.stdout.contains("providers.yahoo.headers.X-Desk") && !shown.stdout.contains("hush")
    );
}

#[test]
fn a_base_url_may_have_a_prefix() {
    let (upstream, sandbox) = speaking();
    for base in [format!("{}/mirror/of", upstream.url()), format!("{}/mirror/of/", upstream.url())]
    {
        let set = format!("providers.yahoo.base_url={base}");
        // The upstream here knows no prefix: what it is asked is what matters.
        sandbox.run(&["fetch", "AAPL", "--no-cache", "--set", &set]);
        let asked = upstream.seen().pop().unwrap().path;
        assert_eq!(asked, "/mirror/of/v8/finance/chart/AAPL?interval=1d&range=1d");
    }
}

#[test]
fn a_provider_under_a_name_of_ones_own_speaks_as_its_kind() {
    let (upstream, sandbox) = speaking();
    sandbox.config(&format!(
        "providers:\n  mirror: {{kind: yahoo, base_url: \"{}\"}}\nchains:\n  stock: [mirror]\n",
        upstream.url()
    ));
    let record = &sandbox.json(&["fetch", "AAPL"])[0];
    assert_eq!(record["provider"], "mirror");
    assert_eq!(sandbox.json(&["keys"])[0]["provider"], "mirror");
    // Another provider's value is another entry.
    assert_eq!(sandbox.json(&["fetch", "AAPL", "-p", "yahoo"])[0]["cache"]["status"], "miss");
    assert_eq!(sandbox.json(&["keys"]).as_array().unwrap().len(), 2);
}
