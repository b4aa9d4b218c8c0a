//! How long an answer is fresh: the hours of exchanges, use cases, levels, symbols and lists; and
//! that it says why.

use serde_json::{Value, json};

use super::{at, json_at, nobody, yahoo};
use crate::sandbox::{Sandbox, Upstream};

const SUNDAY: &str = "2026-06-28T12:00:00Z";
const MONDAY_OPEN: &str = "2026-06-29T13:30:00Z";

/// An upstream as the real ones, and a machine whose Yahoo and Binance it is.
fn speaking() -> (Upstream, Sandbox) {
    let (upstream, sandbox) = super::speaking();
    let sandbox = sandbox.with_provider("binance", upstream.url());
    let sandbox = sandbox.with_provider("fred", upstream.url()).env("FRED_API_KEY", "0");
    (upstream, sandbox)
}

/// The `cache` of the first answer to a fetch at a time.
fn cache_at(sandbox: &Sandbox, now: &str, arguments: &[&str]) -> Value {
    json_at(sandbox, now, &[&["fetch"], arguments].concat())[0]["cache"].clone()
}

/// The time to live of an answer in the middle of a session, in seconds.
fn ttl(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    cache_at(sandbox, crate::sandbox::NOW, arguments)["ttl_seconds"].clone()
}

#[test]
fn a_quote_of_the_week_end_is_fresh_until_monday_and_tells_why_in_three_lines() {
    let (upstream, sandbox) = speaking();
    assert_eq!(cache_at(&sandbox, "2026-06-27T09:00:00Z", &["AAPL"])["status"], "miss");
    let held = at(&sandbox, SUNDAY, &["fetch", "AAPL", "--explain"]);
    let lines: Vec<&str> = held.stdout.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "  ttl.quote.stock: 30 s",
            "  calendar XNAS: closed since Fri 2026-06-26 20:00 UTC, \
             nothing new before it opens Mon 2026-06-29 13:30 UTC",
            "  no call was made: fresh until Mon 2026-06-29 13:30 UTC",
        ]
    );
    let cache = cache_at(&sandbox, "2026-06-29T13:29:00Z", &["AAPL"]);
    assert_eq!((&cache["status"], &cache["expires_at"]), (&json!("hit"), &json!(MONDAY_OPEN)));
    assert_eq!(upstream.count(), 1, "nobody asks on a Sunday");
    assert_eq!(cache_at(&sandbox, MONDAY_OPEN, &["AAPL"])["status"], "miss");
}

#[test]
fn a_quote_from_before_the_close_is_stale_once_the_close_is_known() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_TTL__QUOTE__STOCK", "1h");
    assert_eq!(
        cache_at(&sandbox, "2026-07-01T19:50:00Z", &["AAPL"])["expires_at"],
        "2026-07-01T20:00:00Z"
    );
    assert_eq!(cache_at(&sandbox, "2026-07-01T20:00:00Z", &["AAPL"])["status"], "miss");
    assert_eq!(cache_at(&sandbox, "2026-07-02T13:00:00Z", &["AAPL"])["status"], "hit");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_provider_that_publishes_late_has_the_close_later() {
    // What upstream says of the exchange is stronger than what the symbol looks like.
    for (symbol, code) in [("VOD.L", "LSE"), ("VODAFONE", "LSE"), ("VOD.L", "XYZ")] {
        let body = yahoo(symbol, "70", &format!(r#","exchangeName":"{code}""#));
        let upstream = Upstream::saying(200, "application/json", &body);
        let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
        let sandbox = sandbox.env("MCACHE_TTL__QUOTE__STOCK", "1h");
        let london = |now| cache_at(&sandbox, now, &[symbol])["expires_at"].clone();
        // Closed since 15:30, and Yahoo hears of it twenty minutes later.
        assert_eq!(london("2026-07-01T15:40:00Z"), "2026-07-01T15:50:00Z", "{symbol} {code}");
        assert_eq!(london("2026-07-01T15:50:00Z"), "2026-07-02T07:00:00Z", "{symbol} {code}");
        assert_eq!(upstream.count(), 2);
    }
}

#[test]
fn a_half_day_ends_early_and_a_holiday_is_no_session() {
    let (_upstream, sandbox) = speaking();
    // The day after Thanksgiving closes at 13:00 New York time.
    let long = ["AAPL", "--use", "historical"];
    let half = cache_at(&sandbox, "2026-11-27T17:55:00Z", &long);
    assert_eq!(half["expires_at"], "2026-11-27T18:00:00Z");
    // Independence Day is kept on Friday the 3rd.
    let holiday = cache_at(&sandbox, "2026-07-03T15:00:00Z", &["MSFT"]);
    assert_eq!(holiday["expires_at"], "2026-07-06T13:30:00Z");
}

#[test]
fn what_never_closes_is_bounded_by_no_calendar() {
    let (_upstream, sandbox) = speaking();
    let coin = cache_at(&sandbox, SUNDAY, &["BTC"]);
    assert_eq!(coin["ttl_seconds"], 30.0);
}

#[test]
fn days_of_ones_own_are_kept_and_a_symbol_may_be_told_its_exchange() {
    let (_upstream, sandbox) = speaking();
    sandbox.file(
        "home/.config/mcache/days.csv",
        "exchange,session,open,close,break_start,break_end\nXNAS,2026-07-01,,,,\n",
    );
    sandbox.config(
        "calendars:\n  file: days.csv\n  symbols:\n    SONY: XTKS\n    brk-b: XTKS\n    index:FTSE: XLON\n  suffixes:\n    .QQ: XTKS\n",
    );
    let closed = cache_at(&sandbox, "2026-07-01T15:00:00Z", &["AAPL"]);
    assert_eq!(closed["expires_at"], "2026-07-02T13:30:00Z");
    for (symbol, opens) in [
        // Tokyo is asleep.
        ("SONY", "2026-07-02T00:00:00Z"),
        ("BRK.B", "2026-07-02T00:00:00Z"),
        ("^FTSE", "2026-07-02T07:00:00Z"),
    ] {
        let cache = cache_at(&sandbox, "2026-07-01T16:00:00Z", &[symbol]);
        assert_eq!(cache["expires_at"], opens, "{symbol}");
    }
    // Of `X.QQ` upstream says nothing here.
    let upstream = Upstream::saying(200, "application/json", &yahoo("X.QQ", "7", ""));
    let sandbox = sandbox.with_provider("yahoo", upstream.url());
    let cache = cache_at(&sandbox, "2026-07-01T16:00:00Z", &["X.QQ"]);
    assert_eq!(cache["expires_at"], "2026-07-02T00:00:00Z");
}

#[test]
fn what_the_seed_says_of_market_hours_is_stronger_than_what_is_shipped_as_one_number() {
    let (_upstream, sandbox) = speaking();
    sandbox.config("cache: {ttl_by_data_type: {CPI_INDEX: {market_hours: 60, after_hours: 70}}}");
    assert_eq!(ttl(&sandbox, &["CPI_INDEX"]), 60.0);
}

#[test]
fn a_refresh_that_fails_does_not_say_that_no_call_was_made() {
    let (_upstream, sandbox) = speaking();
    cache_at(&sandbox, crate::sandbox::NOW, &["AAPL"]);
    let broken = Upstream::saying(500, "text/plain", "no");
    let sandbox = sandbox.with_provider("yahoo", broken.url());
    let run = sandbox.run(&["fetch", "AAPL", "--refresh", "--explain", "--max-wait", "0"]);
    assert!(run.stdout.contains("upstream failed: fresh until"), "{run:?}");
}

#[test]
fn beyond_the_calendars_end_hours_are_guessed_and_it_is_said() {
    let (_upstream, sandbox) = speaking();
    let run = at(&sandbox, "2031-06-28T12:00:00Z", &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.json()[0]["cache"]["expires_at"], "2031-06-30T13:30:00Z");
    assert_eq!(run.code, Some(0));
    assert_eq!(run.stderr.matches("guess").count(), 1, "{run:?}");
    let known = at(&sandbox, SUNDAY, &["fetch", "MSFT", "-f", "json"]);
    assert_eq!(known.stderr, "");
}

#[test]
fn a_use_case_that_is_given_sets_how_fresh_an_answer_has_to_be() {
    let (_upstream, sandbox) = speaking();
    for (use_case, seconds) in [
        ("trading", 30.0),
        ("high_volume", 60.0),
        ("watchlist", 120.0),
        ("research", 300.0),
        ("analysis", 300.0),
        ("historical", 900.0),
    ] {
        assert_eq!(ttl(&sandbox, &["AAPL", "--use", use_case]), seconds, "{use_case}");
    }
    assert_eq!(ttl(&sandbox, &["AAPL", "-u", "research", "--max-age", "20s"]), 20.0);
    sandbox.run(&["fetch", "AAPL", "--use", "tradign"]).fails(2, &["did you mean `trading`?"]);
    sandbox
        .run(&["fetch", "AAPL", "--use", "fun"])
        .fails(2, &["the uses are trading, high_volume"]);
}

#[test]
fn one_entry_serves_every_use_as_far_as_it_is_fresh_enough() {
    let (upstream, sandbox) = speaking();
    cache_at(&sandbox, "2026-07-01T15:00:00Z", &["AAPL"]);
    let later = "2026-07-01T15:04:00Z";
    assert_eq!(cache_at(&sandbox, later, &["AAPL", "--use", "analysis"])["status"], "hit");
    assert_eq!(cache_at(&sandbox, later, &["AAPL", "--use", "trading"])["status"], "miss");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_position_is_traded_and_a_list_is_watched() {
    let (_upstream, sandbox) = speaking();
    sandbox.config(
        "ttl: {quote: 1h}\nportfolio: {positions: [NVDA]}\nwatchlists: {tech: [NVDA, AMD], coins: [btc/usdt]}\n",
    );
    for (symbol, seconds) in [("NVDA", 30.0), ("AMD", 120.0), ("BTC", 120.0), ("IBM", 3600.0)] {
        assert_eq!(ttl(&sandbox, &[symbol]), seconds, "{symbol}");
    }
    let why =
        |symbol| cache_at(&sandbox, crate::sandbox::NOW, &[symbol, "--explain"])["why"].clone();
    assert_eq!(
        why("NVDA"),
        json!(["ttl.quote: 60 min", "use_cases.trading: 30 s: it is in the portfolio"])
    );
    assert_eq!(
        why("AMD"),
        json!(["ttl.quote: 60 min", "use_cases.watchlist: 2 min: it is on a watchlist"])
    );
    // Given is stronger than known; what does not move with the price is not concerned.
    assert_eq!(ttl(&sandbox, &["NVDA", "--use", "historical"]), 900.0);
    sandbox.config("watchlists: {economy: [GDP]}\n");
    assert_eq!(ttl(&sandbox, &["GDP"]), 86_400.0);
}

#[test]
fn a_symbol_and_a_list_may_have_times_of_their_own() {
    let (_upstream, sandbox) = speaking();
    sandbox.config(
        "watchlists: {tech: [NVDA, AMD, AAPL]}\n\
         hot_symbols: [TSLA]\n\
         ttl:\n  quote: {stock: 50, hot: 5, \"@tech\": 20, NVDA: 10, crypto:ETH: 7, other: 99}\n",
    );
    for (symbol, seconds) in [
        ("IBM", 50.0),
        ("TSLA", 5.0),
        ("AMD", 20.0),
        ("NVDA", 10.0),
        ("ETH", 7.0),
        ("EURUSD=X", 30.0),
    ] {
        assert_eq!(ttl(&sandbox, &[symbol]), seconds, "{symbol}");
    }
    for (config, says) in [
        ("ttl: {quote: {stok: 5}}", "did you mean `ttl.quote.stock`?"),
        ("ttl: {quote: {\"@techs\": 5}}\nwatchlists: {tech: [A]}", "did you mean `@tech`?"),
        ("hot_symbols: [\"x:A\"]", "`x` in `x:A` is not a class"),
        (
            "invalidation: {price_move: {\"@techs\": 5%}}\nwatchlists: {tech: [A]}",
            "did you mean `@tech`?",
        ),
        ("invalidation: {price_move: {stok: 5%}}", "did you mean `invalidation.price_move.stock`?"),
        ("ttl: {quote: {NVDA: 5x}}", "`5x` is not a duration"),
        ("ttl: {quote: 5m-2m}", "ends before it begins"),
        ("levels: {tepid: 5m}", "unknown key `levels.tepid`"),
        ("use_cases: {tradng: {ttl: 5}}", "did you mean `use_cases.trading`?"),
        ("use_cases: {trading: {priority: highest}}", "is not one of high, medium, low"),
        ("providers: {yahoo: {endpoints: {quote: {level: tepid}}}}", "is not one of hot, warm"),
        ("providers: {yahoo: {delays: {XLOM: 5m}}}", "XLOM"),
    ] {
        sandbox.config(config);
        sandbox.run(&["fetch", "AAPL"]).fails(2, &["config.yaml:", says]);
    }
}

#[test]
fn an_endpoint_has_a_time_or_a_level_and_a_range_is_walked_by_the_strategy() {
    let (_upstream, sandbox) = speaking();
    for (endpoint, seconds) in [
        ("ttl: 10m", 600.0),
        ("level: hot", 300.0),
        ("level: warm", 900.0),
        ("level: cold", 3600.0),
        ("level: frozen", 21_600.0),
        ("level: critical", 210.0),
        ("level: high", 450.0),
        ("level: medium", 1350.0),
        ("level: low", 12_600.0),
        ("ttl: 20s-40s", 30.0),
    ] {
        sandbox
            .config(&format!("providers: {{binance: {{endpoints: {{quote: {{{endpoint}}}}}}}}}"));
        assert_eq!(ttl(&sandbox, &["BTC"]), seconds, "{endpoint}");
    }
    for (strategy, seconds) in
        [("aggressive", 120.0), ("normal", 210.0), ("conservative", 300.0), ("minimal", 300.0)]
    {
        sandbox.config(&format!(
            "providers: {{binance: {{strategy: {strategy}, endpoints: {{quote: {{level: critical}}}}}}}}"
        ));
        assert_eq!(ttl(&sandbox, &["BTC"]), seconds, "{strategy}");
    }
}

#[test]
fn for_trading_an_answer_may_be_five_minutes_stale_and_no_more() {
    let (_upstream, sandbox) = speaking();
    cache_at(&sandbox, "2026-07-01T15:00:00Z", &["AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    for (now, use_case, code) in [
        ("2026-07-01T15:05:00Z", "trading", 0),
        ("2026-07-01T15:06:00Z", "trading", 1),
        ("2026-07-01T15:06:00Z", "watchlist", 0),
    ] {
        assert_eq!(
            at(&sandbox, now, &["fetch", "AAPL", "-u", use_case]).code,
            Some(code),
            "{now} {use_case}"
        );
    }
}

#[test]
fn how_long_a_value_is_kept_may_depend_on_its_use_and_its_endpoint() {
    let (_upstream, sandbox) = speaking();
    cache_at(&sandbox, "2026-07-01T15:00:00Z", &["AAPL"]);
    let offline = |config: &str, flags: &[&str]| {
        sandbox.config(config);
        let arguments = [&["fetch", "AAPL", "--offline"], flags].concat();
        at(&sandbox, "2026-07-01T16:00:00Z", &arguments).code
    };
    assert_eq!(offline("", &[]), Some(0));
    assert_eq!(offline("providers: {yahoo: {endpoints: {quote: {keep: 10m}}}}", &[]), Some(1));
    assert_eq!(offline("use_cases: {trading: {keep: 10m}}", &[]), Some(0));
    assert_eq!(offline("use_cases: {trading: {keep: 10m}}", &["-u", "trading"]), Some(1));
    assert_eq!(offline("keep: {quote: 10m}", &[]), Some(1));
    assert_eq!(offline("keep: {quote: unlimited}", &[]), Some(0));
}

#[test]
fn a_changed_rule_holds_at_once_for_what_is_stored() {
    let (upstream, sandbox) = speaking();
    cache_at(&sandbox, "2026-07-01T15:00:00Z", &["AAPL"]);
    let later = "2026-07-01T15:01:30Z";
    sandbox.config("watchlists: {tech: [AAPL]}");
    assert_eq!(cache_at(&sandbox, later, &["AAPL"])["status"], "hit");
    sandbox.config("portfolio: {positions: [AAPL]}");
    assert_eq!(json_at(&sandbox, later, &["keys"])[0]["state"], "stale");
    assert_eq!(upstream.count(), 1);
}

/// How many of forty symbols that were warmed together a second warming asks for again.
fn asked_again(after: &str, config: &str) -> usize {
    let (upstream, sandbox) = speaking();
    sandbox.config(config);
    let symbols: Vec<String> = (0..40).map(|n| format!("S{n}")).collect();
    let warm =
        [&["warm"], symbols.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat();
    at(&sandbox, "2026-07-01T15:00:00Z", &warm);
    let before = upstream.count();
    assert_eq!(before, 40);
    assert_eq!(at(&sandbox, after, &warm).code, Some(0));
    let again = upstream.count() - before;
    // A fetch never misses before its time.
    let fetch = [&["fetch"], &warm[1..]].concat();
    assert_eq!(at(&sandbox, after, &fetch).code, Some(0));
    assert_eq!(upstream.count(), before + again);
    again
}

#[test]
fn warm_refreshes_early_and_not_everything_at_once() {
    const HOUR: &str = "ttl: {quote: 1h}\nproviders: {yahoo: {limits: []}}\n";
    assert_eq!(asked_again("2026-07-01T15:47:00Z", HOUR), 0, "not in the first four fifths");
    let some = asked_again("2026-07-01T15:54:00Z", HOUR);
    assert!((4..=36).contains(&some), "half of it is over, and {some} of 40 were asked");
    let off = format!("{HOUR}early_refresh: 0%\n");
    assert_eq!(asked_again("2026-07-01T15:59:00Z", &off), 0);
}

#[test]
fn warm_asks_for_nothing_early_while_the_market_is_closed() {
    let (upstream, sandbox) = speaking();
    at(&sandbox, SUNDAY, &["warm", "AAPL", "MSFT"]);
    at(&sandbox, "2026-06-29T13:29:00Z", &["warm", "AAPL", "MSFT"]);
    assert_eq!(upstream.count(), 2);
}

#[test]
fn warm_begins_with_what_matters_most() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.config(
        "portfolio: {positions: [NVDA]}\nwatchlists: {tech: [AMD]}\n\
         use_cases: {watchlist: {priority: low}}\nproviders: {yahoo: {concurrency: 1}}\n",
    );
    sandbox.run(&["warm", "AMD", "IBM", "NVDA"]);
    let asked: Vec<String> = upstream.seen().into_iter().map(|seen| seen.path).collect();
    let order =
        ["NVDA", "IBM", "AMD"].map(|symbol| asked.iter().position(|path| path.contains(symbol)));
    assert!(order.is_sorted() && order[0] == Some(0), "{asked:?}");
}

#[test]
fn a_reserve_may_belong_to_a_use_case() {
    let (_upstream, sandbox) = speaking();
    sandbox.config("providers: {yahoo: {limits: [2/1h], reserve: {trading: 50%}}}\n");
    assert_eq!(sandbox.run(&["fetch", "AAPL", "--max-wait", "0"]).code, Some(0));
    let refused = sandbox.run(&["fetch", "MSFT", "--max-wait", "0"]);
    refused.fails(1, &["what is kept for trading"]);
    assert_eq!(sandbox.run(&["fetch", "IBM", "-u", "trading", "--max-wait", "0"]).code, Some(0));
}

#[test]
fn offline_names_another_provider_only_if_another_gave_an_answer() {
    let (_upstream, sandbox) = speaking();
    cache_at(&sandbox, crate::sandbox::NOW, &["AAPL"]);
    let later = "2026-07-01T15:10:00Z";
    let gone = at(&sandbox, later, &["fetch", "AAPL", "--offline", "--set", "keep.quote=1m"]);
    assert!(gone.stderr.contains("warm the cache first"), "{gone:?}");
    let another = at(&sandbox, later, &["fetch", "AAPL", "--offline", "-p", "demo"]);
    assert!(another.stderr.contains("add `--provider yahoo`"), "{another:?}");
}
