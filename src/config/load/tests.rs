//! What a file says, layer over layer, and how its mistakes are told.

use super::*;
use crate::config::tree::Leaf;
use std::time::Duration;

const SEED: &str = r#"
cache:
  memory: {enabled: true, max_size: 1000, default_ttl_hours: 24}
  disk: {enabled: true, cache_dir: "./cache", max_size_gb: 10, compression: true}
  ttl_by_data_type:
    OHLCV: {market_hours: 300, after_hours: 86400}
    ADJUSTED_CLOSE: 86400
    DIVIDEND: 604800
    CPI_INDEX: 86400
    TREASURY_3M: 3600
"#;

/// A folder with a file in it.
fn file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn load(text: &str, sources: Sources) -> Result<Layers, Usage> {
    let (_folder, path) = file(text);
    let shorter = |text: String| text.replace(&path.display().to_string(), "c.yaml");
    Layers::load(Sources { file: Some(path.clone()), ..sources })
        .map_err(|usage| Usage { message: shorter(usage.message), hint: usage.hint.map(shorter) })
}

fn profile(name: &str) -> Sources {
    Sources { profile: Some(name.to_owned()), ..Sources::default() }
}

fn value(layers: &Layers, path: &[&str]) -> (String, String) {
    let (leaf, origin) = layers.get(path).unwrap();
    let Leaf::Text(text) = leaf else { panic!("{leaf:?}") };
    (text.to_string(), origin.to_string())
}

#[test]
fn the_block_of_the_seed_document_loads_as_it_stands() {
    let block = "cache:\n  memory:\n    enabled: true\n    max_size: 1000\n    \
                 default_ttl_hours: 24\n  disk:\n    cache_dir: \"./cache\"\n    max_size_gb: 10\n  \
                 ttl_by_data_type:\n    OHLCV:\n      market_hours: 300\n      after_hours: 86400\n";
    for text in [SEED, block] {
        let (folder, path) = file(text);
        let layers = Layers::load(Sources { file: Some(path), ..Sources::default() }).unwrap();
        let cache = |rest: &[&'static str]| [&["cache"], rest].concat();
        assert_eq!(layers.number(&cache(&["memory", "default_ttl_hours"])), Some(24.0));
        assert_eq!(layers.number(&cache(&["disk", "max_size_gb"])), Some(10.0));
        assert_eq!(
            layers.duration(&cache(&["ttl_by_data_type", "OHLCV", "after_hours"])),
            Some(Duration::from_hours(24))
        );
        let said = layers.path(&cache(&["disk", "cache_dir"])).unwrap();
        assert_eq!(said, folder.path().join("./cache"), "relative to the file");
    }
}

/// Stands for the hint that names all keys.
const KEYS: &str = "the keys are …";

/// A file, the message and the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "cache:\n  disk:\n    max_sise_gb: 2\n",
        "c.yaml:3:5: unknown key `cache.disk.max_sise_gb`",
        "did you mean `cache.disk.max_size_gb`?",
    ),
    (
        "cache: {disk: {max_sise_gb: 2}}",
        "c.yaml:1:16: unknown key `cache.disk.max_sise_gb`",
        "did you mean `cache.disk.max_size_gb`?",
    ),
    (
        "profiles:\n  dev:\n    ttl:\n      qoute: 5\n",
        "c.yaml:4:7: unknown key `profiles.dev.ttl.qoute`",
        "did you mean `profiles.dev.ttl.quote`?",
    ),
    ("profile: {}", "c.yaml:1:1: unknown key `profile`", "did you mean `profiles`?"),
    (
        "ttl:\n  quote: {stock: 5x}\n",
        "c.yaml:2:18: `ttl.quote.stock`: `5x` is not a duration",
        "write seconds (90) or 500ms, 30s, 5m, 1h, 7d",
    ),
    (
        "cache:\n  disk:\n    max_size_gb: {a: 1}\n",
        "c.yaml:3:18: `cache.disk.max_size_gb` is a map, not a number from 0.001 to 1000000",
        "",
    ),
    (
        "providers:\n  yahoo:\n    limits: 60/1m\n",
        "c.yaml:3:13: `providers.yahoo.limits` is a single value, not a list of limits like [60/1m]",
        "",
    ),
    (
        "providers:\n  yahoo:\n    limits:\n    - 60/1m\n    - 10/x\n",
        "c.yaml:5:7: `providers.yahoo.limits`: `10/x` is not a limit",
        "write calls/time with both above zero: 60/1m, 20/10s, 2/s; calls of a calendar's day or month stand in `budget`",
    ),
    (
        "cache:\n  - disk\n",
        "c.yaml:2:3: `cache` is a list, not a map",
        "the keys of `cache` are memory, disk, ttl_by_data_type",
    ),
    (
        "cache: {disk: {enabled: true, enabled: false}}",
        "c.yaml:1:31: `cache.disk.enabled` stands here for the second time",
        "keep one of the two",
    ),
    (
        "symbols: {btc: crypto, BTC: stock}",
        "c.yaml:1:24: `symbols.BTC` stands here for the second time",
        "keep one of the two",
    ),
    ("- a\n", "c.yaml:1:1: the file is a list, not a map", KEYS),
    (
        "cache: [a",
        "c.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence at line 1 column 8",
        "",
    ),
    (
        "cache:\n  ttl_by_data_type:\n    OHLVC: 5\n",
        "c.yaml:3:5: unknown key `cache.ttl_by_data_type.OHLVC`",
        "did you mean `cache.ttl_by_data_type.OHLCV`?",
    ),
    ("profiles: {dev: 5}", "c.yaml:1:17: `profiles.dev` is not a map", KEYS),
];

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_meant() {
    for (text, message, hint) in MISTAKES {
        let usage = load(text, Sources::default()).unwrap_err();
        let hint = if *hint == KEYS { schema::keys_of("") } else { (*hint).to_owned() };
        assert_eq!((usage.message.as_str(), usage.hint.unwrap_or_default()), (*message, hint));
    }
}

#[test]
fn what_is_no_configuration_at_all_says_so() {
    let too_long = format!("# {}\n", "x".repeat(1_000_000));
    for (text, message) in [
        (too_long.as_bytes(), "is longer than 1 MB"),
        (b"cache:\n  \xff\n".as_slice(), "c.yaml:2:3: this is not UTF-8"),
    ] {
        let (_folder, path) = file(text);
        let usage = Layers::load(Sources { file: Some(path), ..Sources::default() }).unwrap_err();
        assert!(usage.message.ends_with(message), "{}", usage.message);
    }
    let folder = tempfile::tempdir().unwrap();
    let from = |path: PathBuf| Layers::load(Sources { file: Some(path), ..Sources::default() });
    let message = from(folder.path().to_owned()).unwrap_err().message;
    assert!(message.contains(" cannot be read: "), "{message}");
    let message = from(folder.path().join("none")).unwrap_err().message;
    assert!(message.ends_with("none does not exist"), "{message}");
    let absent = Some(folder.path().join("none"));
    assert!(Layers::load(Sources { default_file: absent, ..Sources::default() }).is_ok());
    assert!(load("", Sources::default()).unwrap().layers.is_empty());
}

#[test]
fn the_stronger_layer_wins_and_is_named() {
    let text = "crypto_quote: B\nttl: {not_found: 2}\nprofiles: {prod: {crypto_quote: C, ttl: {not_found: 3}}}\n";
    let path = ["crypto_quote"];
    let layers = load(text, Sources::default()).unwrap();
    assert_eq!(value(&layers, &path).0, "B");
    assert!(value(&layers, &path).1.ends_with("/c.yaml"));
    let layers = load(text, profile("prod")).unwrap();
    assert_eq!(value(&layers, &path).0, "C");
    assert!(value(&layers, &path).1.ends_with("/c.yaml, profile prod"));
    assert_eq!(layers.duration(&["ttl", "not_found"]), Some(Duration::from_secs(3)));
    let mut sources = profile("prod");
    sources.environment = vec![
        ("MCACHE_CRYPTO_QUOTE".to_owned(), "D".to_owned()),
        ("MCACHE_TTL__NOT_FOUND".to_owned(), "4".to_owned()),
    ];
    let layers = load(text, sources.clone()).unwrap();
    assert_eq!(value(&layers, &path), ("D".to_owned(), "MCACHE_CRYPTO_QUOTE".to_owned()));
    sources.set = vec!["crypto_quote=E".to_owned(), "crypto_quote=F".to_owned()];
    let layers = load(text, sources.clone()).unwrap();
    assert_eq!(value(&layers, &path), ("F".to_owned(), "--set".to_owned()));
    assert_eq!(value(&layers, &["ttl", "not_found"]).1, "MCACHE_TTL__NOT_FOUND");
    sources.flags =
        vec![Flag { name: "--cache-dir", key: "cache.disk.cache_dir", value: "c".to_owned() }];
    let layers = load(text, sources).unwrap();
    let dir = ["cache", "disk", "cache_dir"];
    assert_eq!(value(&layers, &dir), ("c".to_owned(), "--cache-dir".to_owned()));
    assert_eq!(layers.path(&dir), Some("c".into()), "relative to where the command runs");
}

#[test]
fn an_unknown_profile_names_those_that_there_are() {
    let text = "profiles: {mine: {}, fast: }";
    for name in ["mine", "fast", "dev", "prod"] {
        assert!(load(text, profile(name)).is_ok(), "{name}");
    }
    for (text, name, hint) in [
        (text, "min", "did you mean `mine`?"),
        (text, "prd", "did you mean `prod`?"),
        (text, "elephant", "the profiles are dev, fast, mine, prod"),
        ("", "elephant", "the profiles are dev, prod"),
    ] {
        let usage = load(text, profile(name)).unwrap_err();
        assert_eq!(usage.message, format!("c.yaml: there is no profile `{name}`"));
        assert_eq!(usage.hint.as_deref(), Some(hint));
    }
    assert!(Layers::load(profile("mine")).is_err());
}

#[test]
fn a_shipped_profile_is_over_the_file_and_under_the_files_own() {
    let (size, bytes) = (["cache", "memory", "max_size"], ["cache", "memory", "max_bytes"]);
    let layers = Layers::load(profile("prod")).unwrap();
    assert_eq!(value(&layers, &size), ("10000".into(), "default, profile prod".into()));
    let text = "profiles: {prod: {cache: {memory: {max_size: 7}}}, dev: {ttl: {quote: 60}}}\n\
                cache: {memory: {max_size: 5, max_bytes: 1MiB}}\nttl: {quote: {fx: 1}}";
    let layers = load(text, profile("prod")).unwrap();
    assert_eq!(value(&layers, &size).0, "7");
    assert!(value(&layers, &size).1.ends_with("/c.yaml, profile prod"));
    assert_eq!(value(&layers, &bytes), ("256MiB".into(), "default, profile prod".into()));
    let layers = load(text, profile("dev")).unwrap();
    assert_eq!(value(&layers, &size), ("100".into(), "default, profile dev".into()));
    assert!(value(&layers, &bytes).1.ends_with("/c.yaml"));
    // A plain value stands for all that weaker layers say below it.
    assert_eq!(layers.duration(&["ttl", "quote", "stock"]), None);
    assert_eq!(layers.duration(&["ttl", "quote"]), Some(Duration::from_mins(1)));
}

#[test]
fn tickers_are_what_was_written() {
    let text = "watchlists: {a: [NO, TRUE, 0700, NULL, ON, 600519, 1E5, BRK.B]}\n\
                symbols: {NO: stock, TRUE: stock, 0700: stock, NULL: stock, brk.b: stock}\n\
                aliases: {Y: NULL, X: TRUE}\n";
    let layers = load(text, Sources::default()).unwrap();
    assert_eq!(
        layers.list(&["watchlists", "a"]).unwrap(),
        ["NO", "TRUE", "0700", "NULL", "ON", "600519", "1E5", "BRK.B"]
    );
    for name in ["NO", "TRUE", "0700", "NULL", "BRK.B"] {
        assert_eq!(layers.text(&["symbols", name]), Some("stock"), "{name}");
    }
    assert_eq!(layers.text(&["aliases", "Y"]), Some("NULL"));
    assert!(layers.all().any(|(path, ..)| path == "symbols.\"BRK.B\""));
}

#[test]
fn a_name_of_data_may_be_an_alias() {
    let text = "aliases: {OUTPUT: macro:GDP}\ncache: {ttl_by_data_type: {OUTPUT: 5}}\n";
    assert!(load(text, Sources::default()).is_ok());
    let only_in_profile = "profiles: {p: {cache: {ttl_by_data_type: {ELEPHANTS: 5}}}}";
    assert!(load(only_in_profile, Sources::default()).is_ok());
    let usage = load(only_in_profile, profile("p")).unwrap_err();
    assert_eq!(usage.message, "c.yaml:1:43: unknown key `cache.ttl_by_data_type.ELEPHANTS`");
}

#[test]
fn a_home_that_nobody_knows_is_an_error_where_it_is_needed() {
    let text = "providers: {fred: {auth: {file: ~/key}}}";
    let usage = load(text, Sources::default()).unwrap_err();
    assert_eq!(usage.message, "c.yaml:1:27: `~/key` cannot be found: there is no home folder");
    let layers = load(text, Sources { home: Some("/h".into()), ..Sources::default() }).unwrap();
    assert_eq!(layers.path(&["providers", "fred", "auth", "file"]), Some("/h/key".into()));
}

#[test]
fn line_ends_and_anchors_of_other_editors_change_no_place() {
    for (text, message) in [
        ("ttl:\r\n  quote: 5x\r\n", "c.yaml:2:10: `ttl.quote`: `5x` is not a duration"),
        ("\u{feff}ttl: {quote: 5x}", "c.yaml:1:14: `ttl.quote`: `5x` is not a duration"),
        (
            "ttl: &t {quote: 5x}\nprofiles: {a: {ttl: *t}}",
            "c.yaml:1:17: `ttl.quote`: `5x` is not a duration",
        ),
        ("hello", "c.yaml:1:1: the file is a single value, not a map"),
        ("\"\\e[31m\": 1", "c.yaml:1:1: unknown key `[31m`"),
    ] {
        assert_eq!(load(text, Sources::default()).unwrap_err().message, message);
    }
}

#[test]
fn a_later_mistake_finds_its_place_again() {
    let (_folder, path) =
        file("chains:\n  stock: [yaho]\nprofiles:\n  p:\n    chains: {fx: [yaho]}\n");
    let sources = Sources { file: Some(path.clone()), ..profile("p") };
    let layers =
        Layers::load(Sources { set: vec!["chains.macro=x".to_owned()], ..sources }).unwrap();
    for (path_of, place) in [
        (["chains", "stock"], format!("{}:2:3: no", path.display())),
        (["chains", "fx"], format!("{}:5:14: no", path.display())),
        (["chains", "macro"], "--set: no".to_owned()),
        (["chains", "index"], "default: no".to_owned()),
    ] {
        assert_eq!(layers.at(&path_of, Usage::new("no")).message, place);
    }
}
