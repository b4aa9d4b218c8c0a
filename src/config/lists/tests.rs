//! What a file lists, and what is said of a mistake in one.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::{Environment, Said, Sources};

/// What a file of this name with this text lists, by class and name.
fn listed(name: &str, text: impl AsRef<[u8]>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let set = vec![format!("portfolio.file={}", path.display())];
    let layers = Layers::load(Sources { set, ..Sources::default() }).unwrap();
    let place = format!("{}/", folder.path().display());
    match portfolio(&layers) {
        Ok(symbols) => {
            let spelt = |symbol: &Symbol| match symbol.class().as_str() {
                "stock" => symbol.name().to_owned(),
                class => format!("{class}:{}", symbol.name()),
            };
            Ok(symbols.unwrap().iter().map(spelt).collect::<Vec<_>>().join(" "))
        }
        Err(usage) => {
            assert!(usage.hint.is_some_and(|hint| !hint.is_empty()), "{}", usage.message);
            Err(usage.message.replace(&place, ""))
        }
    }
}

const ROWS: &[(&str, &str, &str)] = &[
    // Plain symbols.
    ("a", "AAPL\nMSFT\n", "AAPL MSFT"),
    (
        "a.txt",
        "# mine\n\n aapl, brk-b # two\r\nBTC-USDT\tGDP\r\n",
        "AAPL BRK.B crypto:BTC macro:GDP",
    ),
    ("a.txt", "NO TRUE 0700 NULL 1E5 0700.HK", "NO TRUE 0700 NULL 1E5 0700.HK"),
    ("a.txt", "\u{feff}AAPL,MSFT", "AAPL MSFT"),
    ("a.txt", "AAPL\naapl\nstock:AAPL\n", "AAPL"),
    ("a.txt", "CPI_INDEX", "macro:CPIAUCSL"),
    ("a.txt", "# nothing\n\n", ""),
    ("a.txt", "", ""),
    // Tables.
    ("a.csv", "symbol,quantity\nAAPL,3\nNO,1.5\n0700,\n", "AAPL NO 0700"),
    (
        "a.csv",
        "\u{feff}Name;\"Ticker\";Price\r\n\"A; b\";\"MSFT\";\"1,5\"\r\n\r\nX; TRUE ;2\r\n",
        "MSFT TRUE",
    ),
    ("a.tsv", "Ticker\tSYMBOL\nx y\tIBM\n", "IBM"),
    ("a.CSV", "# of today\n\nSymbol\n\"BRK.B\"\n# no more\n", "BRK.B"),
    ("a.csv", "symbol,quantity\n,7\nAAPL\n", "AAPL"),
    ("a.csv", "symbol\n", ""),
    ("a.csv", "\n", ""),
    ("positions", "Quantity,Symbol\n3,AAPL\n", "AAPL"),
    ("a.txt", "symbol\nAAPL\n", "AAPL"),
    // YAML.
    ("a.yaml", "positions: [AAPL, NO, 0700, TRUE, NULL, 1E5]", "AAPL NO 0700 TRUE NULL 1E5"),
    (
        "a.yml",
        "portfolio:\n  positions:\n  - symbol: NO\n    quantity: 3\n    lots: [{n: 1}, {n: 2}]\n  - MSFT\n",
        "NO MSFT",
    ),
    ("a.yaml", "portfolio: [AAPL]\ncash: {USD: 5}\naccounts: [{positions: 3}]\n", "AAPL"),
    ("a.YAML", "- AAPL\n- {quantity: 1, symbol: btc}\n", "AAPL crypto:BTC"),
    ("a", "# mine\n- AAPL\n- ^GSPC\n", "AAPL index:GSPC"),
    ("a", "---\npositions:\n- AAPL\n", "AAPL"),
    ("a.txt", "positions:\n- AAPL\r\n- MSFT\r\n", "AAPL MSFT"),
    ("a.json", r#"{"positions": [{"symbol": "AAPL", "quantity": 3}]}"#, "AAPL"),
    ("a", r#"["AAPL"]"#, "AAPL"),
    ("a.yaml", "positions:\n", ""),
    ("a.yaml", "positions: ~\n", ""),
    ("a.yaml", "portfolio:\n", ""),
    ("a.yaml", "[]", ""),
    ("a.yaml", "", ""),
];

#[test]
fn a_file_is_read_as_what_it_is() {
    for (name, text, expected) in ROWS {
        assert_eq!(listed(name, text).as_deref(), Ok(*expected), "{name}: {text:?}");
    }
}

const MISTAKES: &[(&str, &[u8], &str)] = &[
    ("a.txt", b"AAPL\n\nA$B\n", "a.txt:3: `A$B` holds '$', which no symbol has"),
    ("a.txt", b"AAPL\r\nx:AAPL\r\n", "a.txt:2: `x` in `x:AAPL` is not a class"),
    ("a.txt", b"@tech", "a.txt:1: `@tech` holds '@', which no symbol has"),
    ("a.txt", b"AAPL\n\0\0\n", "a.txt:2: `` holds '\\0', which no symbol has"),
    ("a.txt", b"AAPL\nM\xc3\n", "--set: a.txt:2:2: this is not UTF-8"),
    ("a.csv", b"AAPL,MSFT\n", "a.csv:1: no column is named `symbol` or `ticker`"),
    ("a.csv", b"# x\n\nAAPL\n", "a.csv:3: no column is named `symbol` or `ticker`"),
    ("a.txt", b"symbol quantity\nAAPL 3\n", "a.txt:1: no column is named `symbol` or `ticker`"),
    (
        "a.csv",
        b"n,symbol\r\n1,AAPL\r\n\r\n# x\r\n2,Cash & more\r\n",
        "a.csv:5: `Cash & more` holds ' ', which no symbol has",
    ),
    ("a.csv", b"symbol\n\"a\nb\"\nA B\n", "a.csv:2: `a b` holds '\\n', which no symbol has"),
    ("a.yaml", b"positions:\n- AAPL\n- A B\n", "a.yaml:3:3: `A B` holds ' ', which no symbol has"),
    ("a.yaml", b"- {symbol: A$}\n", "a.yaml:1:12: `A$` holds '$', which no symbol has"),
    ("a.yaml", b"- AAPL\n- {n: 1}\n- {n: 2}\n", "a.yaml:2:3: a position has no `symbol`"),
    ("a.yaml", b"- {symbol: }\n", "a.yaml:1:3: a position has no `symbol`"),
    ("a.yaml", b"- {symbol: [A]}\n", "a.yaml:1:12: `[].symbol` is a list, not a symbol"),
    ("a.yaml", b"positions: [[A]]\n", "a.yaml:1:13: `positions.[]` is a list, not a symbol"),
    ("a.yaml", b"positions: {AAPL: 3}", "a.yaml:1:12: `positions` is a map, not a list"),
    ("a.yaml", b"positions: AAPL", "a.yaml:1:12: `positions` is a single value, not a list"),
    ("a.yaml", b"AAPL\nMSFT", "a.yaml:1:1: the file is a single value, not a list"),
    ("a.yaml", b"postions: [A]\n", "a.yaml: there is no list `positions`"),
    ("a.yaml", b"portfolio: {cash: 5}\n", "a.yaml: there is no list `positions`"),
    ("a.yaml", b"{}\n---\n{}", "a.yaml: not YAML: "),
    ("a.json", b"[", "a.json:2:1: not YAML: "),
    ("a", b"stock: AAPL\n", "a: there is no list `positions`"),
];

#[test]
fn a_mistake_in_a_file_is_told_with_its_line() {
    for (name, text, expected) in MISTAKES {
        let said = listed(name, text).unwrap_err();
        assert!(said.starts_with(expected), "{:?}: {said}", String::from_utf8_lossy(text));
    }
    let long = "AAPL\n".repeat(1_000_000);
    assert_eq!(listed("a", long), Err("--set: a is longer than 4 MiB".to_owned()));
}

fn config(set: &[&str]) -> Config {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let environment = Environment::from([("HOME", "/nowhere")]);
    Config::load(Said { set, ..Said::default() }, environment).unwrap()
}

#[test]
fn a_symbol_is_once_in_a_list_and_once_in_all() {
    let config = config(&[
        "portfolio.positions=nvda,NVDA,BTC",
        "watchlists.b=AMD,BTC-USDT",
        "watchlists.a=stock:NVDA,CPI_INDEX",
    ]);
    let names = |name| {
        let list = config.list(name).unwrap();
        list.iter().map(|symbol| symbol.name().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("portfolio"), "NVDA BTC");
    assert_eq!(names("b"), "AMD BTC");
    assert_eq!(names("all"), "NVDA BTC CPIAUCSL AMD");
    let Lists { portfolio, watchlists } = &**config.lists().unwrap();
    assert_eq!(*portfolio, config.list("portfolio").unwrap());
    let names: Vec<&str> = watchlists.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn without_lists_there_is_nothing_to_read() {
    for set in [&[][..], &["crypto_quote=EUR"], &["watchlists.a=~", "portfolio.file=~"]] {
        assert_eq!(**config(set).lists().unwrap(), Lists::default(), "{set:?}");
    }
    assert_eq!(config(&[]).list("all"), Ok(vec![]));
    assert_eq!(config(&["portfolio.positions=[]"]).list("portfolio"), Ok(vec![]));
}

#[test]
fn an_unknown_list_is_told_what_was_meant() {
    let config = config(&["watchlists.tech=A"]);
    for (name, hint) in [
        ("tec", "did you mean `@tech`?"),
        ("Portfolio", "did you mean `@portfolio`?"),
        ("al", "did you mean `@all`?"),
        ("elephants", "lists stand under `watchlists` in the configuration"),
        ("", "lists stand under `watchlists` in the configuration"),
    ] {
        let usage = config.list(name).unwrap_err();
        assert_eq!(usage.hint.as_deref(), Some(hint), "{name}");
    }
    let usage = config.list("portfolio").unwrap_err();
    assert!(usage.hint.unwrap().contains("portfolio: {positions: [NVDA]}"));
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        name in "a(\\.csv|\\.yaml|\\.tsv)?",
    ) {
        let _ = listed(&name, bytes);
    }

    #[test]
    fn no_near_miss_makes_it_panic(
        text in "(symbol|positions|portfolio|[A\u{e9}\"',;:#\\-\\[\\]{}~&* \t\r\n]){0,30}",
        name in "a(\\.csv|\\.yaml|\\.tsv)?",
    ) {
        let file = File { name: Path::new(&name).into(), text };
        let layers = Layers::default();
        let _ = text::symbols(&file, &layers);
    }
}
