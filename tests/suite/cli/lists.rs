//! Lists: the portfolio, the watchlists and the files that they stand in.

use super::speaking;
use crate::sandbox::Sandbox;

/// The keys that a list comes to, in order, with data that is invented.
fn keys(sandbox: &Sandbox, list: &str) -> String {
    let records = sandbox.json(&["fetch", list, "-p", "demo", "-t", "quote"]);
    let key = |record: &serde_json::Value| {
        record["cache"]["key"].as_str().unwrap().trim_start_matches("quote:").to_owned()
    };
    records.as_array().unwrap().iter().map(key).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_portfolio_may_stand_in_any_kind_of_file() {
    let sandbox = Sandbox::new();
    sandbox.config("portfolio: {positions: [NVDA], file: positions}\n");
    let beside = |name: &str| format!("home/.config/mcache/{name}");
    for text in [
        "Name,Symbol,Quantity\r\nNorway,NO,3\r\n,0700,\r\n\"T, R\",TRUE,1\r\n",
        "portfolio:\n  positions:\n  - {symbol: NO, quantity: 3}\n  - 0700\n  - TRUE\n",
        "- NO\n- 0700\n- TRUE\n",
        "\u{feff}NO 0700 # of today\r\n\r\nTRUE, nvda\r\n",
    ] {
        sandbox.file(&beside("positions"), text);
        assert_eq!(keys(&sandbox, "@portfolio"), "stock:NVDA stock:NO stock:0700 stock:TRUE");
    }
    // The name of a file says what it is, before what stands in it does.
    sandbox.file(&beside("positions.yaml"), "positions: [NO]");
    sandbox.config("portfolio: {file: positions.yaml}\n");
    assert_eq!(keys(&sandbox, "@portfolio"), "stock:NO");
}

#[test]
fn all_is_the_portfolio_and_then_every_watchlist_each_symbol_once() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "portfolio: {positions: [NVDA, BTC]}\n\
         watchlists:\n  tech: [nvda, AMD]\n  coins: {file: lists/coins.txt}\n",
    );
    sandbox.file("home/.config/mcache/lists/coins.txt", "BTC-USDT ETH");
    assert_eq!(keys(&sandbox, "@all"), "stock:NVDA crypto:BTC crypto:ETH stock:AMD");
    assert_eq!(keys(&sandbox, "@coins"), "crypto:BTC crypto:ETH");
    assert_eq!(keys(&sandbox, "@tech"), "stock:NVDA stock:AMD");
}

#[test]
fn a_file_stands_where_whoever_names_it_stands() {
    let sandbox = Sandbox::new();
    sandbox.config("portfolio: {file: mine.txt}\n");
    sandbox.file("home/.config/mcache/mine.txt", "AAPL");
    sandbox.file("mine.txt", "MSFT");
    sandbox.file("home/other.txt", "IBM");
    assert_eq!(keys(&sandbox, "@portfolio"), "stock:AAPL");
    for (file, symbol) in [("mine.txt", "MSFT"), ("~/other.txt", "IBM")] {
        let set = format!("portfolio.file={file}");
        let records = sandbox.json(&["fetch", "@portfolio", "-p", "demo", "--set", &set]);
        assert_eq!(records[0]["symbol"], symbol);
    }
    let sandbox = sandbox.env("MCACHE_WATCHLISTS__X__FILE", "mine.txt");
    assert_eq!(keys(&sandbox, "@x"), "stock:MSFT");
}

#[test]
fn what_is_held_and_watched_is_warmed_without_a_word() {
    let (upstream, sandbox) = speaking();
    sandbox
        .run(&["warm"])
        .fails(2, &["there is nothing to ask for", "`portfolio`", "`watchlists`"]);
    sandbox.config("portfolio: {file: held.csv}\nwatchlists: {tech: [AMD, INTC]}\n");
    let held = sandbox.file("home/.config/mcache/held.csv", "symbol\nIBM\nAMD\n");
    assert_eq!(sandbox.run(&["warm"]).code, Some(0));
    assert_eq!(upstream.count(), 3);
    assert_eq!(sandbox.run(&["warm", "@portfolio", "--refresh"]).code, Some(0));
    assert_eq!(upstream.count(), 5);
    // A list that is empty is no mistake, but it is nothing to ask for.
    std::fs::write(held, "symbol\n").unwrap();
    sandbox.run(&["warm", "@portfolio"]).fails(2, &["the list is empty"]);
    assert_eq!(sandbox.run(&["config", "check"]).code, Some(0));
}

#[test]
fn a_file_that_is_no_list_stops_whoever_asks_for_it() {
    let (upstream, sandbox) = speaking();
    sandbox.config("crypto_quote: USDT\nwatchlists:\n  good: [IBM]\n  bad:\n    file: list\n");
    let long = "AAPL\n".repeat(1 << 20);
    let png = b"\x89PNG\r\n\x1a\n\0\0";
    let files: [(&[u8], &str, &str); 6] = [
        (long.as_bytes(), "config.yaml:5:5: ", "is longer than 4 MiB"),
        (png, "list:1:1: ", "this is not UTF-8"),
        (b"AAPL\n\nA$B\n", "list:3: ", "`A$B` holds '$'"),
        (b"positions:\n- AAPL\n- A B\n", "list:3:3: ", "`A B` holds ' '"),
        (b"name,ticker\n\nx,AAPL\ny,A B\n", "list:4: ", "`A B` holds ' '"),
        (b"symbols:\n- AAPL\n", "list: ", "there is no list `positions`"),
    ];
    let refused = |place: &str, says: &str| {
        for command in [&["fetch", "@bad"][..], &["warm"], &["config", "check"]] {
            sandbox.run(command).fails(2, &["error: ", place, says, "hint: "]);
        }
    };
    refused("config.yaml:5:5: ", "list does not exist");
    for (text, place, says) in files {
        sandbox.file("home/.config/mcache/list", text);
        refused(place, says);
    }
    std::fs::remove_file(sandbox.path("home/.config/mcache/list")).unwrap();
    std::fs::create_dir(sandbox.path("home/.config/mcache/list")).unwrap();
    refused("config.yaml:5:5: ", "list cannot be read");
    assert_eq!(upstream.count(), 0, "nothing was done");
    // What is fresh depends on what is on a list, so nobody is answered without it.
    sandbox.run(&["fetch", "@good"]).fails(2, &["config.yaml:5:5: ", "list cannot be read"]);
    assert_eq!(sandbox.run(&["config", "show"]).code, Some(0));
}

#[test]
fn a_name_that_cannot_be_a_list_is_refused_where_it_stands() {
    let sandbox = Sandbox::new();
    for (name, hint) in [("portfolio", "`portfolio`, beside"), ("all", "`@all` is")] {
        sandbox.config(&format!("watchlists:\n  tech: [A]\n  {name}: [B]\n"));
        let says = format!("config.yaml:3:3: a watchlist cannot be named `{name}`");
        sandbox.run(&["stats"]).fails(2, &[&says, hint]);
    }
    sandbox.config("watchlists: {tech: [A]}\n");
    sandbox
        .run(&["fetch", "@portfolio"])
        .fails(2, &["no list `@portfolio`", "{positions: [NVDA]}"]);
    sandbox.run(&["fetch", "@tec"]).fails(2, &["no list `@tec`", "did you mean `@tech`?"]);
    sandbox.config("watchlists: {tech: {flle: x}}\n");
    sandbox
        .run(&["stats"])
        .fails(2, &["`watchlists.tech.flle`", "did you mean `watchlists.tech.file`?"]);
    sandbox.config("portfolio: {positions: [\"x:A\"]}\n");
    sandbox.run(&["fetch", "@portfolio"]).fails(2, &["config.yaml:1:13: ", "`x` in `x:A`"]);
}

#[test]
fn a_file_is_read_anew_whenever_it_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.config("watchlists: {a: {file: a}}\n");
    for symbol in ["IBM", "AMD"] {
        sandbox.file("home/.config/mcache/a", symbol);
        assert_eq!(keys(&sandbox, "@a"), format!("stock:{symbol}"));
    }
}
