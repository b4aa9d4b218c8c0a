//! What is typed, configured, and stands in headers.

use mcache::config::Layers;
use mcache::config::tree::flatten;
use mcache::config::{SHIPPED, schema};
use mcache::key::{Key, Pattern, Template};
use mcache::market::{Params, Symbol};
use mcache::number::Number;
use mcache::provider::Validators;
use mcache::provider::http::{Pointer, TimeUnit};
use mcache::time::{Timestamp, Zone};
use mcache::units::{parse_bytes, parse_duration, parse_rate, parse_share};

use super::Target;

/// A key of each kind of value.
const KEYS: [&str; 26] = [
    "cache.memory.enabled",
    "cache.memory.max_size",
    "cache.memory.max_bytes",
    "cache.disk.max_size_gb",
    "cache.disk.compression",
    "ttl.quote",
    "keep.quote",
    "hot_symbols",
    "volatility.usual.stock",
    "adaptive.stale",
    "invalidation.expire",
    "rules",
    "chains.stock",
    "crypto_quote",
    "calendars.suffixes.L",
    "providers.a.base_url",
    "providers.a.auth.env",
    "providers.a.limits",
    "providers.a.budget",
    "providers.a.budget_zone",
    "providers.a.endpoints.quote.path",
    "providers.a.endpoints.quote.time.unit",
    "providers.a.endpoints.quote.rows",
    "providers.a.endpoints.quote.delimiter",
    "providers.a.endpoints.quote.limit",
    "providers.a.endpoints.quote.errors.empty./data",
];

const VALUES: [&str; 22] = [
    "true",
    "30s",
    "5m-10m",
    "64MiB",
    "2%",
    "[BTC, ETH]",
    "100/1m",
    "500/day",
    "America/New_York",
    "prediction:*:{symbol}",
    "{when: \"a:{x}\", expire: [b]}",
    "https://api.example.com/v1",
    "/v1/quote/{symbol:lower}/{param:depth}",
    "/data/0/~1a",
    "%Y-%m-%d",
    "milliseconds",
    "FRED_API_KEY",
    "zstd",
    "XLON",
    "unlimited",
    "0.5",
    "tab",
];

const NUMBERS: [&str; 9] = [
    "84123.45000000",
    "-0.5",
    "1e-7",
    "12345678901234567890",
    "170141183460469231731687303715884105727.5",
    "30s",
    "7d",
    "2.5%",
    "64MiB",
];

const NAMES: [&str; 12] = [
    "quote:stock:AAPL",
    "bars:crypto:BTC/USDT:1d@binance",
    "prediction:*:{symbol}",
    "pair_strategies:ETH/USDT",
    "^GSPC",
    "BTC-USD",
    "fx:EURUSD",
    "BRK.B",
    "price:crypto:BTC",
    "ws_history:BTC:1D",
    "depth=10",
    "/data/*/0/~0~1",
];

const TIMES: [&str; 9] = [
    "2026-07-01T15:00:00Z",
    "2026-07-01T15:00:00.123456789+05:30",
    "2026-07-01",
    "Wed, 01 Jul 2026 15:02:00 GMT",
    "20260701 15:30",
    "%Y-%m-%dT%H:%M:%S%z",
    "Europe/London",
    "\"33a64df551425fcc55e4d42a148795d9f25f89d4\"",
    "W/\"0815\"",
];

const YAML: [&str; 4] = [
    "cache:\n  disk: {max_size_gb: 2, compression: true}\nttl:\n  quote: {stock: 30, NVDA: 10}\n",
    "providers:\n  acme:\n    kind: http\n    endpoints:\n      quote: {path: /q, fields: {price: /p}}\n",
    "rules:\n  - {when: \"a:{x}\", expire: [\"b:{x}\"]}\n  - {when: c, expire: [d]}\nwatchlists:\n  tech: [AMD, INTC]\n",
    "a: &x [1, 2]\nb: *x\n? c\n: |\n  text\n  more\n<<: {d: !!str 1}\n---\ne: 'f'\n",
];

pub(super) fn targets() -> Vec<Target> {
    let layers = Layers::default();
    let mut yaml: Vec<String> = YAML.map(str::to_owned).to_vec();
    // The defaults are long: a screenful from here and there.
    let lines: Vec<&str> = SHIPPED.lines().collect();
    yaml.extend(lines.chunks(60).map(|part| part.join("\n") + "\n"));
    vec![
        Target::new("numbers", NUMBERS, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Some(number) = Number::parse(&text) {
                let _ = number.minus(&Number::parse("0.1").unwrap());
                let _ = Number::rounded(number.as_f64(), 4);
            }
            let _ = (parse_duration(&text), parse_bytes(&text), parse_share(&text));
            let _ = parse_rate(&text);
        }),
        Target::new("names", NAMES, move |bytes| {
            let text = String::from_utf8_lossy(bytes);
            if let Ok(key) = Key::parse(&text, &layers) {
                let _ = (key.class(), key.symbol(), key.interval(), key.subject());
                let _ = Pattern::parse(&text, &layers).map(|pattern| pattern.picks(&key, "a"));
            }
            let _ = Symbol::parse(&text, &layers).map(|s| (s.as_rate(), s.share_class().is_some()));
            let _ = Template::capturing(&text, &layers).map(|of| of.captures(&text).is_some());
            let _ = (Template::parse(&text, &layers), Params::parse([&*text].into_iter()));
            let _ = Pointer::parse(&text);
        }),
        Target::new("times", TIMES, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (Timestamp::parse(&text), Timestamp::from_date(&text));
            let _ = (Timestamp::from_http_date(&text), TimeUnit::parse(&text));
            let zone = Zone::parse(&text).unwrap_or(Zone::UTC);
            let _ = (zone.read_iso(&text), zone.read(&text, "%Y%m%d %H:%M"));
            let _ = zone.read("2026-07-01", &text);
            let _ = Validators::of(1, &|_| Some(text.clone().into_owned()));
        }),
        Target::new("values", VALUES, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            for key in KEYS {
                let _ = schema::check("", &key.replace('.', "\t"), &text);
            }
        }),
        Target::new("yaml", yaml, |bytes| {
            let _ = flatten(&String::from_utf8_lossy(bytes), &schema::Keys::default());
        }),
    ]
}
