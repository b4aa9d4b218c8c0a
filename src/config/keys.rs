//! Every key that there is, with the kind of its value, and the words that some of them take: one table,
//! and nothing that is done with it.
//!
//! A key that no release reads yet is not in it: an unknown key is an error, never a promise.
//!
//! *Rules for changing it.* A new key is one line here and one in `cache_config.yaml`; a test
//! holds the two together. In a pattern `*` is any name, `^` any symbol or name of data (kept in
//! upper case), `+` the name of an endpoint, `?` a name of a query, `/` a JSON pointer or the word for all that was sent, `$` a
//! symbol in upper case or a list with its `@`, `<class>` and its like are the words below, `[]` is any
//! item of a list of maps: what stands in one is checked by its key and is no key itself. A key may be
//! both a value and a map (`ttl.quote`): a plain value then stands for what the map does not say.

use super::kind::Kind;

/// The classes.
pub(super) const CLASSES: &[&str] = &["stock", "crypto", "macro", "fx", "index"];
/// The changes that expire something.
pub(super) const CHANGES: &[&str] = &["price_move", "volume_change"];
/// The use cases.
pub(super) const USE_CASES: &[&str] =
    &["trading", "high_volume", "watchlist", "research", "analysis", "historical"];
/// The levels.
pub(super) const LEVELS: &[&str] =
    &["hot", "warm", "cold", "frozen", "critical", "high", "medium", "low"];
/// How much comes before something else.
pub(super) const PRIORITIES: &[&str] = &["high", "medium", "low"];
/// The kinds of providers.
pub(super) const KINDS: &[&str] = &["yahoo", "binance", "fred", "demo", "http", "command"];
/// What a program may print.
pub(super) const OUTPUTS: &[&str] = &["json", "text", "bytes"];
const SHAPES: &[&str] = &["objects", "arrays", "columns", "map", "csv"];
/// What an answer may be a sign of.
pub(super) const SIGNS: &[&str] = &[
    "rate_limited",
    "unauthorized",
    "not_found",
    "empty",
    "unsupported",
    "invalid_data",
    "upstream",
];
/// What may be read of an answer.
pub(super) const FIELDS: &[&str] = &[
    "price",
    "previous_close",
    "change",
    "change_percent",
    "open",
    "high",
    "low",
    "close",
    "adjusted_close",
    "bid",
    "ask",
    "volume",
    "currency",
    "exchange",
    "time",
    "date",
    "value",
];
/// The intervals that are stored.
pub(super) const INTERVALS: &[&str] =
    &["1m", "2m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];
/// The strategies, and that it is found out.
pub(super) const STRATEGIES: &[&str] = &["auto", "aggressive", "normal", "conservative", "minimal"];

/// What a time to live may be multiplied by.
const FACTOR: Kind = Kind::Number(0.01, 100.0);

/// How long something is kept.
const KEEP: Kind = Kind::DurationOr("unlimited");

/// The seed's names of data; besides these, an alias has a name.
pub(super) const DATA: &[&str] = &[
    "OHLCV",
    "ADJUSTED_CLOSE",
    "DIVIDEND",
    "CPI_INDEX",
    "TREASURY_3M",
    "TOTAL_RETURN",
    "INFLATION_RATE",
];

/// The name under which differences are collected in a file, before any other key.
pub(super) const PROFILES: &str = "profiles";

const HUNDRED_YEARS_IN_HOURS: f64 = 876_000.0;

/// The patterns of all keys, each with the kind of its value.
pub(super) static KEYS: &[(&str, Kind)] = &[
    ("cache.memory.enabled", Kind::Flag),
    ("cache.memory.max_size", Kind::Count(1, 1_000_000_000)),
    ("cache.memory.max_bytes", Kind::Size),
    ("cache.memory.default_ttl_hours", Kind::Number(0.0, HUNDRED_YEARS_IN_HOURS)),
    ("cache.disk.enabled", Kind::Flag),
    ("cache.disk.cache_dir", Kind::Path),
    ("cache.disk.max_size_gb", Kind::Number(0.001, 1e6)),
    ("cache.disk.compression", Kind::FlagOr(&["zstd", "none"])),
    ("cache.ttl_by_data_type.^", Kind::Lasting),
    ("cache.ttl_by_data_type.^.market_hours", Kind::Lasting),
    ("cache.ttl_by_data_type.^.after_hours", Kind::Duration),
    ("ttl.<data>", Kind::Lasting),
    ("ttl.<data>.other", Kind::Lasting),
    ("ttl.<data>.<class>", Kind::Lasting),
    ("ttl.<data>.hot", Kind::Lasting),
    ("ttl.<data>.$", Kind::Lasting),
    ("ttl.not_found", Kind::Duration),
    ("hot_symbols", Kind::Symbols),
    ("levels.<level>", Kind::Lasting),
    ("use_cases.<use>.ttl", Kind::Lasting),
    ("use_cases.<use>.priority", Kind::Word(PRIORITIES)),
    ("use_cases.<use>.real_time", Kind::Flag),
    ("use_cases.<use>.stale_if_error", Kind::DurationOr("keep")),
    ("use_cases.<use>.keep", KEEP),
    ("policy", Kind::Word(&["fixed", "adaptive"])),
    ("adaptive.least", Kind::Number(0.01, 1.0)),
    ("adaptive.most", Kind::Number(1.0, 100.0)),
    ("adaptive.stale", Kind::Share),
    ("early_refresh", Kind::Share),
    ("keep.<data>", KEEP),
    ("keep.payload", KEEP),
    ("keep.put", KEEP),
    ("stale_if_error", Kind::DurationOr("keep")),
    ("series.join_gap", Kind::Count(0, 1_000)),
    ("series.late_correction", Kind::Duration),
    ("series.past", Kind::Count(0, 1_000_000)),
    ("volatility.usual.stock", Kind::Rate),
    ("volatility.usual.index", Kind::Rate),
    ("volatility.usual.fx", Kind::Rate),
    ("volatility.usual.crypto", Kind::Rate),
    ("volatility.least", Kind::Number(0.01, 1.0)),
    ("volatility.most", Kind::Number(1.0, 10.0)),
    ("unusual_volume", Kind::Number(1.0, 1000.0)),
    ("repair", Kind::Word(&["off", "mark"])),
    ("frozen_after", Kind::DurationOr("never")),
    ("frozen_after.<class>", Kind::DurationOr("never")),
    ("strategies.normal.below", Kind::Share),
    ("strategies.conservative.above", Kind::Share),
    ("strategies.conservative.ttl_factor", FACTOR),
    ("strategies.minimal.above", Kind::Share),
    ("strategies.minimal.ttl_factor", FACTOR),
    ("strategies.aggressive.price_move", Kind::Share),
    ("strategies.aggressive.lasts", Kind::Duration),
    ("strategies.aggressive.ttl_factor", FACTOR),
    ("invalidation.<change>", Kind::Share),
    ("invalidation.<change>.<class>", Kind::Share),
    ("invalidation.<change>.hot", Kind::Share),
    ("invalidation.<change>.other", Kind::Share),
    ("invalidation.<change>.$", Kind::Share),
    ("invalidation.expire", Kind::Dependents),
    ("quorum.tolerance", Kind::Share),
    ("quorum.tolerance.<class>", Kind::Share),
    ("rules", Kind::Rules),
    ("rules.[].when", Kind::Template),
    ("rules.[].expire", Kind::Templates),
    ("chains.<class>", Kind::Names),
    ("schedules", Kind::Schedules),
    ("schedules.[].symbols", Kind::Selections),
    ("schedules.[].types", Kind::Types),
    ("schedules.[].every", Kind::Duration),
    ("schedules.[].priority", Kind::Word(PRIORITIES)),
    ("watchlists.*", Kind::Symbols),
    ("watchlists.*.file", Kind::Path),
    ("portfolio.positions", Kind::Symbols),
    ("portfolio.file", Kind::Path),
    ("calendars.file", Kind::Path),
    ("calendars.suffixes.^", Kind::Exchange),
    ("calendars.symbols.^", Kind::Exchange),
    ("crypto_quote", Kind::Symbol),
    ("providers.*.kind", Kind::Word(KINDS)),
    ("providers.*.base_url", Kind::Url),
    ("providers.*.auth.query", Kind::Text),
    ("providers.*.auth.header", Kind::Text),
    ("providers.*.auth.bearer", Kind::Flag),
    ("providers.*.auth.path", Kind::Flag),
    ("providers.*.auth.env", Kind::Variable),
    ("providers.*.auth.file", Kind::Path),
    ("providers.*.headers.*", Kind::Hidden),
    ("providers.*.user_agent", Kind::Text),
    ("providers.*.timeout", Kind::Duration),
    ("providers.*.tls", Kind::Word(&["bundled", "system"])),
    ("providers.*.concurrency", Kind::Count(1, 1000)),
    ("providers.*.limits", Kind::Windows),
    ("providers.*.names.^", Kind::Text),
    ("providers.*.endpoints.+.classes", Kind::Words(CLASSES)),
    ("providers.*.endpoints.+.method", Kind::Word(&["GET", "POST"])),
    ("providers.*.endpoints.+.path", Kind::Route),
    ("providers.*.endpoints.+.query.?", Kind::Filled),
    ("providers.*.endpoints.+.body", Kind::Filled),
    ("providers.*.endpoints.+.params.*", Kind::Text),
    ("providers.*.endpoints.+.ok./", Kind::Expected),
    ("providers.*.endpoints.+.errors.<sign>./", Kind::Expected),
    ("providers.*.endpoints.+.retry_after", Kind::Pointer),
    ("providers.*.endpoints.+.fields.<field>", Kind::Text),
    ("providers.*.endpoints.+.constants.currency", Kind::Text),
    ("providers.*.endpoints.+.constants.exchange", Kind::Text),
    ("providers.*.endpoints.+.time.unit", Kind::TimeUnit),
    ("providers.*.endpoints.+.time.zone", Kind::Zone),
    ("providers.*.endpoints.+.missing", Kind::Marks),
    ("providers.*.endpoints.+.rows", Kind::Pointer),
    ("providers.*.endpoints.+.shape", Kind::Word(SHAPES)),
    ("providers.*.endpoints.+.delimiter", Kind::Delimiter),
    ("providers.*.endpoints.+.intervals.<interval>", Kind::Text),
    ("providers.*.endpoints.+.max_rows", Kind::Count(1, 1_000_000_000)),
    ("providers.*.endpoints.+.command", Kind::Arguments),
    ("providers.*.endpoints.+.input", Kind::Inputs),
    ("providers.*.endpoints.+.output", Kind::Word(OUTPUTS)),
    ("providers.*.endpoints.+.timeout", Kind::Duration),
    ("providers.*.endpoints.+.limit", Kind::Window),
    ("providers.*.endpoints.+.weight", Kind::Count(1, 1_000_000)),
    ("providers.*.endpoints.+.priority", Kind::Word(PRIORITIES)),
    ("providers.*.endpoints.+.ttl", Kind::Lasting),
    ("providers.*.endpoints.+.level", Kind::Word(LEVELS)),
    ("providers.*.endpoints.+.keep", KEEP),
    ("providers.*.delays.<exchange>", Kind::Duration),
    ("providers.*.endpoints.+.version", Kind::Text),
    ("providers.*.budget", Kind::Budget),
    ("providers.*.budget_zone", Kind::Zone),
    ("providers.*.reserve.*", Kind::Share),
    ("providers.*.strategy", Kind::Word(STRATEGIES)),
    ("providers.*.cost_per_call", Kind::Number(0.0, 1e9)),
    ("providers.*.latency", Kind::Duration),
    ("providers.*.error_rate", Kind::Number(0.0, 1.0)),
    ("providers.*.rate_limit", Kind::Window),
    ("aliases.^", Kind::Symbol),
    ("symbols.^", Kind::Word(CLASSES)),
];
