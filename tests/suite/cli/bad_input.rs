//! What cannot be meant: each a message that names it, something to do, exit code 2, and nothing
//! done.

use super::speaking;
use crate::sandbox::{Run, Sandbox};

/// That nothing was printed as data, nothing was asked and nothing was made.
fn refused(run: &Run, says: &[&str]) {
    run.fails(2, says);
    assert!(run.stdout.is_empty(), "{run:?}");
    assert!(run.stderr.len() < 2000, "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
}

#[test]
fn a_symbol_that_can_be_none_is_refused() {
    let (upstream, sandbox) = speaking();
    for (symbol, says) in [
        ("", "a symbol is empty"),
        (" ", "a symbol is empty"),
        ("A B", "holds ' ', which no symbol has"),
        ("AAPL;rm", "holds ';'"),
        ("AAPL\n", "AAPL"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("AAPL\u{1b}[31m", "holds '\\u{1b}'"),
        ("é", "holds 'é'"),
        ("$AAPL", "holds '$'"),
        ("stok:AAPL", "did you mean `stock`?"),
        ("stock:", "is not a symbol"),
        ("a:b:c", "`a` in `a:b:c` is not a class"),
        ("...", "is not a symbol"),
        ("BTC/", "is not a symbol"),
        ("/USDT", "is not a symbol"),
        ("@", "there is no list `@`"),
    ] {
        let run = sandbox.run(&["fetch", "MSFT", symbol]);
        if run.code == Some(2) {
            refused(&run, &["error: ", says, "hint: "]);
        } else {
            assert!(["AAPL\n", "../../etc/passwd"].contains(&symbol), "{symbol:?}: {run:?}");
        }
    }
    sandbox.run(&["clear", "--all"]);
    let huge = "A".repeat(100_000);
    let before = upstream.count();
    refused(&sandbox.run(&["fetch", &huge]), &["is longer than 48 characters"]);
    refused(&sandbox.run(&["fetch", "AAPL", &format!("@{huge}")]), &["there is no list"]);
    assert_eq!(upstream.count(), before);
}

#[test]
fn a_symbol_never_leaves_its_place_in_the_path() {
    let (upstream, sandbox) = speaking();
    for symbol in ["../../etc/passwd", "..", "A/../B", "A&B", "stock:A/B"] {
        sandbox.run(&["fetch", symbol, "-p", "yahoo"]);
    }
    for asked in upstream.seen() {
        let symbol = asked.path.strip_prefix("/v8/finance/chart/").unwrap();
        let (symbol, query) = symbol.split_once('?').unwrap();
        assert_eq!(query, "interval=1d&range=1d");
        assert!(!symbol.contains('/') && symbol != "..", "{}", asked.path);
    }
}

#[test]
fn arguments_that_mean_nothing_are_refused() {
    let (upstream, sandbox) = speaking();
    let huge = "x".repeat(100_000);
    for (arguments, says) in [
        (&["fetch"][..], "<SYMBOL>"),
        (&["ftech", "AAPL"], "fetch"),
        (&["fetch", "AAPL", "--refesh"], "--refresh"),
        (&["fetch", "AAPL", "-t", "qoute"], "did you mean `quote`?"),
        (&["fetch", "AAPL", "-t", "elephant"], "the types are quote, bars, series"),
        (&["fetch", "AAPL", "-t", ""], "is not a type"),
        (&["fetch", "AAPL", "-p", "yaho"], "did you mean `yahoo`?"),
        (&["fetch", "AAPL", "-p", ""], "there is no provider"),
        (&["fetch", "AAPL", "-p", &huge], "there is no provider"),
        (&["fetch", "AAPL", "-t", &huge], "is not a type"),
        (&["fetch", "AAPL", "--max-age", "5x"], "`5x` is not a duration"),
        (&["fetch", "AAPL", "--max-age", ""], "is not a duration"),
        (&["fetch", "AAPL", "--max-age", "1e3"], "is not a duration"),
        (&["fetch", "AAPL", "--max-age=-5"], "is not a duration"),
        (&["fetch", "AAPL", "--max-stale", "200y"], "is not a duration"),
        (&["fetch", "AAPL", "--min-fresh", "999999d"], "the longest is 100 years"),
        (&["fetch", "AAPL", "--refresh", "--no-cache"], "cannot be used with"),
        (&["fetch", "AAPL", "--refresh", "--offline"], "cannot be used with"),
        (&["fetch", "AAPL", "--caller", "two words"], "is not the name of a caller"),
        (&["fetch", "AAPL", "--caller", &huge], "is not the name of a caller"),
        (&["warm", "AAPL", "--jobs", "0"], "0 is not in 1..=1000"),
        (&["get", &huge], "is longer than 512 bytes"),
        (&["keys", &huge], "is longer than 512 bytes"),
        (&["put", "a", "1", "--ttl", "soon"], "is not a duration"),
        (&["config"], "Usage: mcache config"),
        (&["config", "show", &huge], "no key begins with"),
    ] {
        refused(&sandbox.run(arguments), &[says]);
    }
    sandbox.run(&[]).fails(2, &["Usage: mcache [OPTIONS] <COMMAND>"]);
    assert_eq!(upstream.count(), 0);
    assert!(!sandbox.cache().exists(), "nothing was done");
}

#[test]
fn a_wrong_set_names_the_nearest_key() {
    let sandbox = Sandbox::new();
    for (set, says) in [
        ("ttl.quote.stock", "--set: `ttl.quote.stock` has no `=`"),
        ("=1", "--set: `=1` has an empty name in its key"),
        ("tttl.quote=1", "did you mean `ttl`?"),
        ("ttl.quoet=1", "did you mean `ttl.quote`?"),
        ("cache.disk.max_size=1", "did you mean `cache."),
        ("ttl.quote.stock=abc", "--set: `ttl.quote.stock`: `abc` is not a duration"),
        ("ttl.quote.stock=-1", "--set: `ttl.quote.stock`: `-1` is not a duration"),
        ("cache.memory.max_size=lots", "--set: `cache.memory.max_size`: `lots`"),
        ("cache.memory.max_bytes=5XB", "--set: `cache.memory.max_bytes`: `5XB`"),
        ("cache.disk.max_size_gb=-1", "--set: `cache.disk.max_size_gb`"),
        ("cache.disk.enabled=maybe", "--set: `cache.disk.enabled`"),
        ("cache=1", "--set: `cache` is a single value, not a map"),
        ("providers.yahoo.base_url=ftp://x", "`providers.yahoo.base_url`"),
        ("providers.yahoo.base_url=not a url", "base_url"),
        ("providers.yahoo.limits=[many]", "--set: `providers.yahoo.limits`"),
        ("providers.yahoo.kind=yahho", "`yahoo`"),
        ("providers.acme.base_url=http://127.0.0.1:1", "the provider `acme` has no `kind`"),
        ("chains.stock=[yahho]", "did you mean `yahoo`?"),
        ("chains.stock=[demo]", "cannot stand in a chain"),
        ("profiles.x.ttl.quote=1", "`profiles` stand in a file"),
    ] {
        refused(&sandbox.run(&["config", "check", "--set", set]), &["error: ", says]);
    }
}

#[test]
fn a_wrong_file_is_said_with_line_column_and_the_nearest_name() {
    let sandbox = Sandbox::new();
    for (yaml, place, says) in [
        ("tttl: {}\n", ":1:1: ", "did you mean `ttl`?"),
        ("ttl:\n  quote:\n    stok: 5\n", ":3:5: ", "did you mean `ttl.quote.stock`?"),
        ("ttl:\n  quote:\n    stock: fast\n", ":3:12: ", "`fast` is not a duration"),
        ("cache:\n  memory:\n    max_size: -1\n", ":3:15: ", "`-1`"),
        ("cache: 5\n", ":1:8: ", "`cache` is a single value, not a map"),
        ("cache:\n  - 1\n", ":2:3: ", "`cache` is a list, not a map"),
        ("chains:\n  stock: yahoo\n", ":2:10: ", "`chains.stock`"),
        ("chains:\n  stock: [yahho]\n", ":2:3: ", "did you mean `yahoo`?"),
        ("providers:\n  yahoo:\n    base_url: nowhere\n", "", "base_url"),
        ("ttl: {quote: 5\n", ":2:1: ", "not YAML"),
        ("a: b: c\n", ":1:5: ", ""),
        ("- 1\n", ":1:1: ", "the file is a list, not a map"),
        ("just words\n", ":1:1: ", "the file is a single value, not a map"),
        ("\tttl: 1\n", ":1:1: ", ""),
        ("ttl: {quote: 5}\nttl: {quote: 6}\n", ":2:1: ", ""),
        (
            "cache:\n  ttl_by_data_type:\n    OHLVC: 5\n",
            ":3:",
            "did you mean `cache.ttl_by_data_type.OHLCV`?",
        ),
        ("profiles:\n  dev:\n    tttl: 1\n", ":3:5: ", "`profiles.dev.tttl`"),
    ] {
        let path = sandbox.config(yaml);
        let at = format!("error: {}{place}", path.display());
        let run = sandbox.run(&["fetch", "AAPL"]);
        refused(&run, &[&at, says]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be_so() {
    let sandbox = Sandbox::new();
    refused(
        &sandbox.run(&["stats", "--config", "nowhere.yaml"]),
        &["nowhere.yaml does not exist", "config init"],
    );
    refused(&sandbox.run(&["stats", "--config", "home"]), &["home", "cannot be read"]);
    let huge = sandbox.file("huge.yaml", "# padding\n".repeat(200_000));
    refused(
        &sandbox.run(&["stats", "--config", huge.to_str().unwrap()]),
        &["huge.yaml is longer than 1 MB"],
    );
    let binary = sandbox.file("binary.yaml", [b't', b't', b'l', b'\n', 0xff, 0xfe]);
    refused(
        &sandbox.run(&["stats", "--config", binary.to_str().unwrap()]),
        &["binary.yaml:2:1: this is not UTF-8"],
    );
    let deep = sandbox.file("deep.yaml", "[".repeat(100_000));
    refused(&sandbox.run(&["stats", "--config", deep.to_str().unwrap()]), &["deep.yaml"]);
    let bomb: Vec<String> = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]", n - 1)).collect();
    let bomb = sandbox.file("bomb.yaml", format!("a0: &a0 [x]\n{}\n", bomb.join("\n")));
    refused(&sandbox.run(&["stats", "--config", bomb.to_str().unwrap()]), &["bomb.yaml"]);
    let empty = sandbox.file("empty.yaml", "");
    assert_eq!(sandbox.run(&["stats", "--config", empty.to_str().unwrap()]).code, Some(0));
    let comments = sandbox.file("comments.yaml", "\u{feff}# only a comment\n---\n");
    assert_eq!(sandbox.run(&["stats", "--config", comments.to_str().unwrap()]).code, Some(0));
}

#[test]
fn a_wrong_variable_is_said_by_its_name() {
    for (name, value, says) in [
        (
            "MCACHE_TTL__QUOTE__STOCK",
            "fast",
            "MCACHE_TTL__QUOTE__STOCK: `ttl.quote.stock`: `fast` is not a duration",
        ),
        ("MCACHE_TTL__QOUTE", "5", "did you mean `MCACHE_TTL__QUOTE`?"),
        ("MCACHE_CAHCE__DISK__ENABLED", "true", "did you mean `MCACHE_CACHE"),
        ("MCACHE_PROFIL", "x", "did you mean `MCACHE_PROFILE`?"),
        ("MCACHE_PROFILE", "nope", "there is no profile `nope`"),
        ("MCACHE_CONFIG", "nowhere.yaml", "nowhere.yaml does not exist"),
        ("MCACHE_CALLER", "two words", "is not the name of a caller"),
        ("MCACHE_NOW", "tomorrow", "MCACHE_NOW: "),
        ("MCACHE_NOW", "2026-13-01T00:00:00Z", "MCACHE_NOW: "),
        ("MCACHE_NOW", "0", "MCACHE_NOW: "),
    ] {
        refused(&Sandbox::new().env(name, value).run(&["stats"]), &["error: ", says]);
    }
    // What does not look like ours is somebody else's.
    assert_eq!(Sandbox::new().env("MCACHE_SOMETHING_ELSE", "1").run(&["stats"]).code, Some(0));
}

#[test]
fn an_empty_list_is_nothing_to_ask_for() {
    let sandbox = Sandbox::new();
    refused(&sandbox.run(&["fetch", "@all"]), &["there is nothing to ask for", "hint: "]);
    refused(&sandbox.run(&["fetch", "@tech"]), &["there is no list `@tech`", "`watchlists`"]);
}

#[test]
fn a_mistake_among_many_stops_them_all() {
    let (upstream, sandbox) = speaking();
    refused(&sandbox.run(&["fetch", "AAPL", "MSFT", "A B"]), &["`A B`"]);
    assert_eq!(upstream.count(), 0, "nothing was done");
    assert!(!sandbox.cache().exists());
}
