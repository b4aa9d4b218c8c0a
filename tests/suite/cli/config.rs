//! `config`: what is in force and where each value came from.

use crate::sandbox::Sandbox;

/// The block of the seed document, as it stands there.
const SEED: &str = "\
cache:
  memory:
    enabled: true
    max_size: 1000
    default_ttl_hours: 1
  disk:
    enabled: true
    cache_dir: \"./cache\"
    max_size_gb: 1.0
    compression: true
  ttl_by_data_type:
    OHLCV:
      market_hours: 300
      after_hours: 86400
    ADJUSTED_CLOSE: 86400
    DIVIDEND: 604800
    CPI_INDEX: 86400
    TREASURY_3M: 3600
    TOTAL_RETURN: 1800
    INFLATION_RATE: 3600
";

/// Value and origin of one key.
fn shown(sandbox: &Sandbox, arguments: &[&str], key: &str) -> (String, String) {
    let rows = sandbox.json(&[&["config", "show", key], arguments].concat());
    let text = |field: &str| rows[0][field].as_str().unwrap().to_owned();
    assert_eq!(rows[0]["key"], key);
    (text("value"), text("origin"))
}

#[test]
fn every_value_says_where_it_came_from() {
    let sandbox = Sandbox::new();
    let path = sandbox.config("ttl:\n  quote:\n    stock: 40\nprofiles:\n  fast:\n    ttl:\n      quote:\n        stock: 5\n");
    let key = "ttl.quote.stock";
    let file = path.display().to_string();
    assert_eq!(shown(&sandbox, &[], "ttl.quote.crypto"), ("30".into(), "default".into()));
    let (value, origin) = shown(&sandbox, &[], key);
    assert_eq!(value, "40");
    assert!(origin.contains(&file), "{origin}");
    let (value, origin) = shown(&sandbox, &["--profile", "fast"], key);
    assert_eq!(value, "5");
    assert!(origin.contains("fast"), "{origin}");
    let sandbox = sandbox.env("MCACHE_TTL__QUOTE__STOCK", "6");
    let (value, origin) = shown(&sandbox, &["--profile", "fast"], key);
    assert_eq!((value.as_str(), origin.as_str()), ("6", "MCACHE_TTL__QUOTE__STOCK"));
    let (value, origin) = shown(&sandbox, &["--set", "ttl.quote.stock=7"], key);
    assert_eq!((value.as_str(), origin.as_str()), ("7", "--set"));
    let sandbox = sandbox.env("MCACHE_PROFILE", "fast").env("MCACHE_TTL__QUOTE__STOCK", "");
    assert_eq!(shown(&sandbox, &[], key).0, "5");
}

#[test]
fn what_is_shown_can_be_narrowed_to_keys_that_begin_so() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["config", "show", "ttl"]).shown(), @r"
    KEY                   VALUE  FROM
    ttl.chart             600    default
    ttl.not_found         1h     default
    ttl.prediction.hot    1      default
    ttl.prediction.other  3      default
    ttl.quote.crypto      30     default
    ttl.quote.fx          30     default
    ttl.quote.index       30     default
    ttl.quote.macro       300    default
    ttl.quote.stock       30     default
    ttl.series            86400  default
    ttl.ws_history        300    default
    exit 0
    ");
    let disk = sandbox.run(&["config", "show", "cache.disk"]).stdout;
    let keys: Vec<&str> = disk.lines().filter_map(|line| line.split(' ').next()).collect();
    let below =
        ["cache_dir", "compression", "enabled", "max_size_gb"].map(|k| format!("cache.disk.{k}"));
    assert_eq!(keys[1..], below);
    assert!(disk.contains(sandbox.cache().to_str().unwrap()), "it shows the folder: {disk}");
    sandbox.run(&["config", "show", "tttl"]).fails(2, &["no key begins with `tttl`", "hint: "]);
    let lines = sandbox.run(&["config", "show", "ttl", "-f", "ndjson"]);
    assert!(lines.stdout.lines().all(|line| line.starts_with("{\"key\":\"ttl.")), "{lines:?}");
}

#[test]
fn the_seeds_block_loads_as_it_stands() {
    let sandbox = Sandbox::new();
    sandbox.config(SEED);
    assert_eq!(sandbox.run(&["config", "check"]).code, Some(0));
    for (key, value) in [
        ("cache.memory.max_size", "1000"),
        ("cache.disk.max_size_gb", "1.0"),
        ("cache.ttl_by_data_type.OHLCV.market_hours", "300"),
        ("cache.ttl_by_data_type.OHLCV.after_hours", "86400"),
        ("cache.ttl_by_data_type.TREASURY_3M", "3600"),
    ] {
        let (shown, origin) = shown(&sandbox, &[], key);
        assert_eq!(shown, value, "{key}");
        assert!(origin.ends_with("config.yaml"), "{origin}");
    }
    // A relative folder is relative to the file.
    sandbox.run(&["put", "a", "1"]);
    assert!(sandbox.path("home/.config/mcache/cache/cache.db").exists());
    assert!(!sandbox.cache().exists());
    // The seeds' names of single series are rules.
    let record = &sandbox.json(&["fetch", "TREASURY_3M", "GDP", "-p", "demo"]);
    assert_eq!(record[0]["cache"]["ttl_seconds"], 3600.0);
    assert_eq!(record[1]["cache"]["ttl_seconds"], 86400.0);
}

#[test]
fn the_file_is_looked_for_where_it_is_said_to_be() {
    let sandbox = Sandbox::new();
    let home = sandbox.path("home/.config/mcache/config.yaml");
    assert_eq!(sandbox.run(&["config", "path"]).stdout, format!("{}\n", home.display()));
    let other = sandbox.file("other.yaml", "crypto_quote: USDC\n");
    let third = sandbox.file("third.yaml", "crypto_quote: EUR\n");
    let sandbox = sandbox.env("MCACHE_CONFIG", other.to_str().unwrap());
    assert_eq!(sandbox.run(&["config", "path"]).stdout, format!("{}\n", other.display()));
    assert_eq!(shown(&sandbox, &[], "crypto_quote").0, "USDC");
    let flag = ["--config", third.to_str().unwrap()];
    assert_eq!(shown(&sandbox, &flag, "crypto_quote").0, "EUR");
    let sandbox = Sandbox::new();
    let folder = sandbox.path("elsewhere");
    let sandbox = sandbox.env("XDG_CONFIG_HOME", folder.to_str().unwrap());
    let path = folder.join("mcache/config.yaml");
    assert_eq!(sandbox.run(&["config", "path"]).stdout, format!("{}\n", path.display()));
}

#[test]
fn the_cache_is_where_it_is_said_to_be() {
    let sandbox = Sandbox::new().env("MCACHE_CACHE_DIR", "by-variable");
    sandbox.run(&["put", "a", "1"]);
    assert!(sandbox.path("by-variable/cache.db").exists());
    sandbox.run(&["put", "a", "1", "--cache-dir", "by-flag"]);
    assert!(sandbox.path("by-flag/cache.db").exists());
    let xdg = sandbox.path("xdg");
    let sandbox = sandbox.env("MCACHE_CACHE_DIR", "").env("XDG_CACHE_HOME", xdg.to_str().unwrap());
    sandbox.run(&["put", "a", "1"]);
    assert!(xdg.join("mcache/cache.db").exists());
    assert!(!sandbox.cache().exists());
}

#[test]
fn a_new_cache_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a", "1"]);
    let mode = std::fs::metadata(sandbox.cache()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn init_writes_the_commented_defaults_and_never_over_a_file() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("home/.config/mcache/config.yaml");
    let run = sandbox.run(&["config", "init"]);
    assert_eq!((run.code, run.stdout), (Some(0), format!("{}\n", path.display())));
    let shipped = include_str!("../../../cache_config.yaml");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), shipped);
    assert_eq!(sandbox.run(&["config", "check"]).code, Some(0));
    sandbox.config("crypto_quote: USDC\n");
    sandbox.run(&["config", "init"]).fails(2, &["is there already", "hint: it was left as it is"]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "crypto_quote: USDC\n");
    // A broken file is no reason not to say where it is, or to write another.
    sandbox.config("{{{");
    assert_eq!(sandbox.run(&["config", "path"]).code, Some(0));
    let other = sandbox.run(&["config", "init", "--config", "new/other.yaml"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert!(sandbox.path("new/other.yaml").exists());
}

#[test]
fn check_says_that_all_is_well_and_where_the_cache_is() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["config", "check"]);
    let folder = sandbox.cache();
    assert_eq!(
        run.stdout,
        format!("the configuration is right; the cache is in {}\n", folder.display())
    );
    let foreign = sandbox.env("KINGFISHER_CACHE_DIR", "/elsewhere").run(&["config", "check"]);
    foreign.fails(0, &["KINGFISHER_CACHE_DIR is not read", "--cache-dir"]);
}

#[test]
fn what_only_requests_of_configuration_have_is_refused_of_a_provider_that_is_built_in() {
    let sandbox = Sandbox::new();
    for (said, says) in [
        ("names: {BTC: XBT}", "config.yaml:3:5: `names` is for the kind http"),
        ("endpoints: {quote: {path: /q}}", "config.yaml:3:25: `path` is for the kind http"),
        ("endpoints: {quote: {fields: {price: /p}}}", "`fields` is for the kind http"),
        ("endpoints: {quote: {params: {a: b}}}", "`params` is for the kind http"),
        ("endpoints: {quote: {classes: [stock]}}", "`classes` is for the kind http"),
        ("endpoints: {quote: {retry_after: /a}}", "`retry_after` is for the kind http"),
    ] {
        sandbox.config(&format!("providers:\n  yahoo:\n    {said}\n"));
        sandbox.run(&["config", "check"]).fails(2, &[says, "hint: leave it out"]);
    }
    sandbox.config("providers: {yahoo: {endpoints: {quote: {limit: 9/1m, ttl: 5, version: 2}}}}\n");
    sandbox.run(&["config", "check"]).fails(0, &[]);
}

#[test]
fn a_profile_states_only_what_differs() {
    let sandbox = Sandbox::new();
    sandbox.config("ttl: {quote: {stock: 40}}\nprofiles:\n  prod:\n    keep: {quote: 1d}\n");
    let value = |arguments: &[&str], key: &str| shown(&sandbox, arguments, key).0;
    assert_eq!(value(&["--profile", "prod"], "ttl.quote.stock"), "40");
    assert_eq!(value(&["--profile", "prod"], "keep.quote"), "1d");
    assert_eq!(value(&[], "keep.quote"), "7d");
    sandbox
        .run(&["config", "check", "--profile", "prd"])
        .fails(2, &["there is no profile `prd`", "`prod`"]);
}

#[test]
fn the_shipped_profiles_need_no_file() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.run(&["config", "show", "ttl.quote", "--profile", "dev"]).shown(), @r"
    KEY               VALUE  FROM
    ttl.quote.crypto  5m     default, profile dev
    ttl.quote.fx      5m     default, profile dev
    ttl.quote.index   5m     default, profile dev
    ttl.quote.macro   300    default
    ttl.quote.stock   5m     default, profile dev
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["config", "show", "cache.memory", "--profile", "prod"]).shown(), @r"
    KEY                             VALUE   FROM
    cache.memory.default_ttl_hours  1       default
    cache.memory.enabled            true    default
    cache.memory.max_bytes          256MiB  default, profile prod
    cache.memory.max_size           10000   default, profile prod
    exit 0
    ");
    for (profile, gigabytes) in [("dev", "0.1"), ("prod", "10")] {
        let (value, origin) = shown(&sandbox, &["--profile", profile], "cache.disk.max_size_gb");
        assert_eq!((value, origin), (gigabytes.into(), format!("default, profile {profile}")));
    }
    let of_dev =
        &sandbox.json(&["fetch", "AAPL", "GDP", "-p", "demo", "-t", "quote", "--profile", "dev"]);
    assert_eq!(of_dev[0]["cache"]["ttl_seconds"], 300.0);
    assert_eq!(of_dev[1]["cache"]["ttl_seconds"], 300.0);
    assert_eq!(sandbox.json(&["fetch", "AAPL", "-p", "demo"])[0]["cache"]["ttl_seconds"], 30.0);
    sandbox
        .run(&["config", "check", "--profile", "prd"])
        .fails(2, &["there is no profile `prd`", "did you mean `prod`?"]);
    let none = sandbox.run(&["config", "show", "profiles"]);
    none.fails(2, &["no key begins with `profiles`"]);
}

#[test]
fn a_profile_is_over_the_file_and_ones_own_is_merged_over_the_shipped_one() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "profiles:\n  dev:\n    cache: {memory: {max_size: 7}}\n  devel: {crypto_quote: EUR}\n\
         ttl: {quote: {stock: 40, macro: 50}}\n",
    );
    let value = |key: &str| shown(&sandbox, &["--profile", "dev"], key);
    assert_eq!(value("ttl.quote.stock"), ("5m".into(), "default, profile dev".into()));
    assert_eq!(value("ttl.quote.macro").0, "50", "the profile says nothing of it");
    let (size, origin) = value("cache.memory.max_size");
    assert_eq!(size, "7");
    assert!(origin.ends_with("config.yaml, profile dev"), "{origin}");
    assert_eq!(value("cache.disk.max_size_gb").0, "0.1");
    assert_eq!(shown(&sandbox, &["--profile", "devel"], "ttl.quote.stock").0, "40");
    sandbox.run(&["stats", "--profile", "deve"]).fails(2, &["no profile `deve`", "`dev"]);
}

#[test]
fn aliases_classes_and_the_quote_of_coins_are_configuration() {
    let sandbox = Sandbox::new();
    sandbox
        .config("symbols: {NEAR: crypto}\naliases: {APPLE: \"stock:AAPL\"}\ncrypto_quote: USDC\n");
    let keys: Vec<String> = sandbox
        .json(&["fetch", "NEAR", "apple", "BTC", "BTC/USDT", "-p", "demo"])
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["cache"]["key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        keys,
        ["quote:crypto:NEAR/USDC", "quote:stock:AAPL", "quote:crypto:BTC/USDC", "quote:crypto:BTC"]
    );
}

#[test]
fn nothing_said_below_providers_differs_in_nothing() {
    let check = |text: &str| {
        let sandbox = Sandbox::new();
        sandbox.config(text);
        sandbox.run(&["config", "check"])
    };
    for text in ["providers: {}\n", "providers:\nttl: {quote: 1m}\n"] {
        check(text).fails(0, &[]);
    }
    let says = ["config.yaml:1:", "`providers` is nothing, not a map", "hint: leave it out"];
    check("providers: ~\n").fails(2, &says);
    Sandbox::new()
        .run(&["config", "check", "--set", "providers=~"])
        .fails(2, &["--set: ", says[1]]);
}

#[test]
fn set_takes_a_map_as_it_takes_a_list_of_maps() {
    let sandbox = Sandbox::new();
    let set = ["--set", "watchlists={a: [X, NO], b: [Y]}", "--set", "ttl.quote={stock: 7}"];
    let shown = |key: &str| sandbox.run(&[&["config", "show", key], &set[..]].concat()).stdout;
    assert!(shown("watchlists").contains("[X, NO]"), "{}", shown("watchlists"));
    assert!(shown("ttl.quote.stock").contains('7') && shown("ttl.quote.crypto").contains("30"));
    for (wrong, says) in [
        ("watchlists={a: [X], a: [Y]}", "--set"),
        ("ttl={quote: {stok: 7}}", "did you mean"),
        ("ttl={quote: {stock: soon}}", "ttl.quote.stock"),
        ("ttl={quote", "--set"),
    ] {
        sandbox.run(&["config", "show", "--set", wrong]).fails(2, &[says]);
    }
}
