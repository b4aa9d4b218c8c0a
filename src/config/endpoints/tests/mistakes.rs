//! Definitions that are wrong: where, and what would be right.

use super::*;

/// Endpoints, the message and the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "quote: {path: /q, fields: {prise: /p}}",
        "c.yaml:6:34: unknown key `providers.acme.endpoints.quote.fields.prise`",
        "did you mean `providers.acme.endpoints.quote.fields.price`?",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1d: D}\n  fields: {time: /0, price: /1}",
        "c.yaml:9:28: `bars` has no field `price`",
        "the fields of `bars` are time, close, open, high, low, volume, adjusted_close",
    ),
    (
        "series: {path: /s, fields: {date: /d, volume: /v}}",
        "c.yaml:6:45: `series` has no field `volume`",
        "did you mean `value`?",
    ),
    (
        "quote: {path: /q, fields: {bid: /p}}",
        "c.yaml:6:25: the fields of `quote` lack `price`",
        "write where each stands, as in fields: {price: /data/last}",
    ),
    (
        "bars: {path: /b, intervals: {1d: D}, fields: {close: /p}}",
        "c.yaml:6:44: the fields of `bars` lack `time`",
        "write where each stands, as in fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}",
    ),
    (
        "quote: {path: /q}",
        "c.yaml:6:7: the endpoint `quote` has no `fields`",
        "write where each stands, as in fields: {price: /data/last}; under another name it is kept as it is sent",
    ),
    (
        "qoute: {path: /q, fields: {price: /p}}",
        "c.yaml:6:25: `qoute` has `fields`, which are for quote, bars and series",
        "did you mean `quote`?",
    ),
    (
        "sentiment: {path: /q, fields: {price: /p}}",
        "c.yaml:6:29: `sentiment` has `fields`, which are for quote, bars and series",
        "without them it is kept as it is sent",
    ),
    (
        "sentiment: {path: /q, rows: /p}",
        "c.yaml:6:29: `rows` is for quote, bars, series, and not for `sentiment`",
        "leave it out",
    ),
    (
        "quote: {path: /q, fields: {price: p}}",
        "c.yaml:6:34: `price`: `p` is not a JSON pointer",
        "write a slash before each name: /p",
    ),
    (
        "bars:\n  path: /b\n  rows: data\n  intervals: {1d: D}\n  fields: {time: /0, close: /1}",
        "c.yaml:8:15: `providers.acme.endpoints.bars.rows`: `data` is not a JSON pointer",
        "write a slash before each name: /data",
    ),
    (
        "bars:\n  path: /b\n  shape: arrays\n  intervals: {1d: D}\n  fields: {time: /t, close: /1}",
        "c.yaml:10:18: `time`: `/t` leads to a name, and rows of the shape arrays have none",
        "write which of its values it is: /0 is the first",
    ),
    (
        "bars:\n  path: /b\n  shape: array\n  intervals: {1d: D}\n  fields: {time: /0, close: /1}",
        "c.yaml:8:16: `providers.acme.endpoints.bars.shape`: `array` is not one of objects, arrays, columns, map, csv",
        "did you mean `arrays`?",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1d: D}\n  fields: {time: \"{key}\", close: /1}",
        "c.yaml:9:18: `time` is `{key}`, and only rows of the shape map have names",
        "write `shape: map`, or a JSON pointer",
    ),
    (
        "bars: {path: /b, fields: {time: /t, close: /c}}",
        "c.yaml:6:7: the endpoint `bars` has no `intervals`",
        "write what upstream calls each that it has: intervals: {1d: D, 1h: H}",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1wk: W}\n  fields: {time: /t, close: /c}",
        "c.yaml:8:21: unknown key `providers.acme.endpoints.bars.intervals.1wk`",
        "the keys of `providers.acme.endpoints.bars.intervals` are 1m, 2m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d",
    ),
    (
        "quote:\n  path: /q\n  query: {since: \"{from}\"}\n  fields: {price: /p}",
        "c.yaml:8:17: `quote` says when bars begin, or how long they are",
        "only the endpoint `bars` is asked with {interval}, {from} and {to}",
    ),
    (
        "sentiment: {path: \"/q/{interval}\"}",
        "c.yaml:6:19: `sentiment` says when bars begin, or how long they are",
        "only the endpoint `bars` is asked with {interval}, {from} and {to}",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, intervals: {1d: D}}",
        "c.yaml:6:46: `intervals` is for bars, and not for `quote`",
        "leave it out",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, delimiter: \";\"}",
        "c.yaml:6:46: `delimiter` is for the shape csv",
        "write `shape: csv`",
    ),
    (
        "quote: {path: /q, fields: {price: p}, shape: csv, rows: /d}",
        "c.yaml:6:57: lines of csv are the whole, and `rows` leads into JSON",
        "leave it out",
    ),
    (
        "sentiment: {path: \"/q/{symbol}\", classes: []}",
        "c.yaml:6:40: `sentiment` has no class in `classes`",
        "leave it out: then it is asked about every class",
    ),
    (
        "quote: {path: /q, ok: {status: ok}, fields: {price: /p}}",
        "c.yaml:6:30: unknown key `providers.acme.endpoints.quote.ok.status`",
        "a name here is a JSON pointer such as /status/code, or body for all that is sent",
    ),
    (
        "quote: {path: /q, errors: {notfound: {/a: 1}}, fields: {price: /p}}",
        "c.yaml:6:34: unknown key `providers.acme.endpoints.quote.errors.notfound`",
        "did you mean `providers.acme.endpoints.quote.errors.not_found`?",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, time: {unit: milisecond}}",
        "c.yaml:6:59: `providers.acme.endpoints.quote.time.unit`: `milisecond` is no form of a time",
        "did you mean `milliseconds`?",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, time: {zone: Mars}}",
        "c.yaml:6:59: `providers.acme.endpoints.quote.time.zone`: `Mars` is not a time zone",
        "write a name such as America/New_York, Europe/London or UTC",
    ),
    (
        "quote: {path: \"/q/{param:depth}\", fields: {price: /p}}",
        "c.yaml:6:7: `quote` is asked with {param:depth}, which is nothing",
        "write `params: {depth: …}`; only what is kept as it is sent is asked with --param",
    ),
    (
        "bars: {path: /b, intervals: {1d: D, 1h: H}, fields: {time: /t, close: /c}}",
        "c.yaml:6:24: `bars` has several intervals, and its request says none",
        "write {interval} where upstream is told which is wanted",
    ),
    (
        "quote: {path: /q, classes: [stocks], fields: {price: /p}}",
        "c.yaml:6:35: `providers.acme.endpoints.quote.classes`: `stocks` is not one of stock, crypto, macro, fx, index",
        "did you mean `stock`?",
    ),
    (
        "coinlist: {path: /q, classes: [crypto]}",
        "c.yaml:6:28: `coinlist` has `classes`, and is asked about no symbol",
        "write {symbol} where upstream is told which is wanted, or leave it out",
    ),
    (
        "quote: {path: \"/q/{base:name}\", fields: {price: /p}}",
        "c.yaml:6:7: `quote` wants upstream's own name of a symbol, and there are none",
        "write them beside `endpoints` of acme: names: {BTC: bitcoin}",
    ),
    (
        "quote: {path: q, fields: {price: /p}}",
        "c.yaml:6:15: the path of `quote` has no slash at its start",
        "it is appended to `base_url`: /v1/quote/{symbol}",
    ),
    (
        "sentiment: {path: \"/q/{param:depth:optional}\"}",
        "c.yaml:6:19: the path of `sentiment` cannot be left out",
        "{param:NAME:optional} is for the query; write {param:NAME}",
    ),
    (
        "sentiment: {path: /q, retry_after: parameters}",
        "c.yaml:6:42: `providers.acme.endpoints.sentiment.retry_after`: `parameters` is not a JSON pointer",
        "write a slash before each name: /parameters",
    ),
    (
        "quote: {fields: {price: /p}}",
        "c.yaml:6:7: the endpoint `quote` has no `path`",
        "write where it is asked: /v1/quote/{symbol}",
    ),
];

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_meant() {
    for (endpoints, message, hint) in MISTAKES {
        assert_eq!(mistake(endpoints), ((*message).to_owned(), (*hint).to_owned()), "{endpoints}");
    }
}

#[test]
fn a_key_goes_into_the_path_where_it_says_so_and_nowhere_else() {
    for (auth, endpoint, message, hint) in [
        (
            "{path: true}",
            "{path: /getUpdates}",
            "the path of `updates` does not say where the key goes",
            "`auth` has it in the path: write {token} there, as in /bot{token}/x",
        ),
        (
            "{query: key}",
            "{path: '/bot{token}/getUpdates'}",
            "the path of `updates` has a {token}, and no key goes there",
            "write `auth: {path: true, env: …}`",
        ),
        (
            "{path: true}",
            "{path: '/bot{token}/x', query: {key: '{token}'}}",
            "`updates` has a {token} outside of its path",
            "a key stands in the path; for the query write `auth: {query: …}`",
        ),
        (
            "{path: true}",
            "{path: '/bot{token}/x', method: POST, body: '{token}'}",
            "`updates` has a {token} outside of its path",
            "a key stands in the path; for the query write `auth: {query: …}`",
        ),
        (
            "{path: true, bearer: true}",
            "{path: '/bot{token}/x'}",
            "a key is sent in one place, and here are several",
            "keep one of query, header, bearer and path; ~ removes one",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        let text = format!(
            "providers:\n  acme:\n    kind: http\n    base_url: https://acme.example\n    \
             auth: {auth}\n    endpoints:\n      updates: {endpoint}\n"
        );
        std::fs::write(&path, text).unwrap();
        let environment = Environment::from([("HOME", "/nowhere")]);
        let said = Asked { file: Some(path), ..Asked::default() };
        let usage = Config::load(said, environment).unwrap_err();
        assert!(usage.message.ends_with(message), "{}", usage.message);
        assert_eq!(usage.hint.as_deref(), Some(hint), "{endpoint}");
    }
    let environment = Environment::from([("HOME", "/nowhere")]);
    let set = vec!["providers.yahoo.auth.path=true".to_owned()];
    let usage = Config::load(Asked { set, ..Asked::default() }, environment).unwrap_err();
    assert!(usage.message.ends_with("`yahoo` has no place for a key in its paths"), "{usage:?}");
}

#[test]
fn a_key_that_is_sent_nowhere_is_no_silence() {
    let load = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        std::fs::write(&path, text).unwrap();
        let environment = Environment::from([("HOME", "/nowhere")]);
        Config::load(Asked { file: Some(path), ..Asked::default() }, environment)
    };
    let acme = |auth: &str| {
        load(&format!(
            "providers:\n  acme:\n    kind: http\n    base_url: https://acme.example\n    \
             auth: {auth}\n    endpoints:\n      updates: {{path: '/{{symbol}}'}}\n"
        ))
    };
    for auth in [
        "{env: ACME_KEY}",
        "{file: acme.key}",
        "{bearer: false, env: ACME_KEY}",
        "{query: ~, env: ACME_KEY}",
    ] {
        let usage = acme(auth).err().unwrap_or_else(|| panic!("{auth} is taken"));
        assert!(usage.message.contains("c.yaml:5:"), "{auth}: {}", usage.message);
        let says = "the key of `acme` is sent nowhere: `auth` does not say where";
        assert!(usage.message.ends_with(says), "{auth}: {}", usage.message);
        assert!(usage.hint.is_some_and(|hint| hint.contains("bearer: true")), "{auth}");
    }
    for auth in ["{bearer: true, env: ACME_KEY}", "{header: X-Key}", "{query: key, file: acme.key}"]
    {
        acme(auth).unwrap();
    }
    // The place is shipped, or is taken away where the key's name is.
    load("providers: {fred: {auth: {env: MY_KEY}}}\n").unwrap();
    load("providers: {fred: {auth: {query: ~}}}\n").unwrap();
}

#[test]
fn every_provider_that_is_shipped_is_without_a_mistake() {
    let layers = Layers::default();
    let mut endpoints = 0;
    for provider in layers.names(&["providers"]) {
        if layers.text(&["providers", &provider, "kind"]) == Some("http") {
            for name in layers.names(&["providers", &provider, "endpoints"]) {
                check(&layers, &provider, &name).unwrap_or_else(|mistake| panic!("{mistake:?}"));
                endpoints += 1;
            }
        }
    }
    assert!(endpoints >= 29, "only {endpoints} endpoints");
    // And to whoever says something of one of them.
    let environment = || Environment::from([("HOME", "/nowhere")]);
    for provider in layers.names(&["providers"]) {
        let set = vec![format!("providers.{provider}.timeout=5s")];
        Config::load(Asked { set, ..Asked::default() }, environment()).unwrap();
    }
}
