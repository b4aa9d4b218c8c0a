//! A persistent cache for market data, shared by every script on the machine.
//!
//! # The life of a request
//!
//! `mcache fetch AAPL` is read by [`cli`], which asks [`config`] for a question (symbol, type, key,
//! providers) and for a [`Cache`](cache::Cache). The cache looks the key up in its [`tier`]s and
//! asks [`policy`] what to do with what is held. A fresh [`entry`] answers at once. Else one process
//! of the machine, the one that holds the [`flight`] of the key, asks: [`upstream`], the only door to
//! the network, sends the request that a [`provider`] wrote, within the limits that [`ledger`] keeps
//! for all processes, and what comes back is read by the provider, checked by [`validate`], sealed by
//! [`codec`] and stored in the [`db`], before it is answered; the others wait for it. What failed is
//! answered with a stale entry and a [`warning`], or with an [`error`].
//!
//! # The floors
//!
//! ```text
//!  7  surface    cli                                  terminal, argv
//!  6  assembly   config                               configuration files, environment
//!  5  cache      cache                                one request, start to end
//!  4  upstream   upstream                             the network out, other programs
//!  3  storage    codec ← db ← ledger ← flight ← tier  the cache folder
//!  2  rules      entry ← validate ← policy ← provider nothing at all
//!  1  market     market ← calendar ← key              nothing at all
//!  0  words      error ← time ← units ← warning ← number ← span ← clock
//! ```
//!
//! `a ← b`: `b` may use `a`. **A module uses what is on a lower floor, or to its left on its own;
//! nothing else.** A test reads this table and holds the code to it. The last column is what a
//! floor touches of the outside world; `clock` alone reads the time of day. Floors 0 to 3 block;
//! async lives in `upstream` and in the part of `cache` that waits for it.
//!
//! # Where a rule is
//!
//! | question | place |
//! |---|---|
//! | How long is this fresh, and why? | [`policy::Rules`] |
//! | What is an answer for, and what comes first? | [`policy::use_case`] |
//! | What do the hours of an exchange make of it? | [`policy::hours`] |
//! | How long, by how often it changes? | [`policy::adaptive`] |
//! | What would other rules have come to? | [`policy::replay`], `cache/what_if.rs` |
//! | How carefully is a provider asked? | [`policy::strategy`] |
//! | How much does a symbol move, and is more of it traded than usual? | [`policy::volatility`], [`policy::volume`] |
//! | What is known of the market of a symbol? | [`policy::market`], [`db::markets`] |
//! | What does the configuration say of an endpoint? | [`policy::Endpoints`], `config/freshness.rs` |
//! | When is an entry fresh, stale, gone? | [`entry::Life`] |
//! | Answer, ask or refuse? | [`policy::next()`] |
//! | When may a stale entry stand in? | [`policy::fallback`] |
//! | Who may answer, in which order? | `config/assembly.rs`, `cache/lookup.rs` |
//! | Who is asked next when one fails, and what is said when all have? | `cache/chain.rs` |
//! | Do several providers agree? | [`policy::quorum`], `cache/quorum.rs` |
//! | What expires what, before its time? | [`policy::event`], `tier/expire.rs` |
//! | What is a key, a glob, a `{name}` in one? | [`key`] |
//! | How is a symbol spelt? | [`market::Symbol`] |
//! | When is an exchange open? | [`calendar`] |
//! | What is on a list? | `config/lists/` |
//! | What is kept warm, how often, and what first? | `config/schedules.rs`, `cli/commands/selection.rs` |
//! | What would it take? | `cache/planned/`, [`ledger::Outlook`] |
//! | What is refused as nonsense? | [`validate`] |
//! | What is kept of what was refused? | [`db::quarantine`], `upstream/rejected.rs`, `cache/quarantine.rs` |
//! | What is possible and looks wrong? When does a quote stand still? | [`market::faults()`], [`policy::Frozen`], `cache/noticed.rs` |
//! | What does Yahoo send, and call an exchange? | `provider/yahoo/{wire,exchanges}.rs` |
//! | How does a provider of one's own speak, and what is read of it? | `provider/http/`, `config/endpoints/` |
//! | Which program is run, what does it print, what is it handed? | `provider/command.rs`, `upstream/process.rs`, `cache/input.rs` |
//! | What is a record in JSON? | `cache/record/` |
//! | What may a program ask for that is run? | `upstream/program.rs` |
//! | What stands where a configuration looks, and what was meant where nothing does? | `provider/http/findings.rs`, `cache/probe.rs` |
//! | What is known of a class, all at once? | `cli/commands/summary.rs` |
//! | Who asks for a key, and who waits? | [`flight`], `cache/fly.rs` |
//! | What is under way, and what does it come to? | `cache/errand.rs`, `cache/answer.rs` |
//! | What is asked for in one request? | `cache/batch.rs`, [`provider::Provider::most_at_once`] |
//! | When may the next call start? | [`ledger`] |
//! | How is one question sent, and what does its answer come to? | `upstream/conversation.rs`, `upstream/answer.rs` |
//! | What does a refusal lead to, or a failure? What is tried again? | `ledger/health.rs`, `upstream/retry.rs` |
//! | What is said of who may not be asked? | `upstream/turn.rs`, `cache/limits.rs` |
//! | Who tries after an outage, and who waits for what comes of it? | `ledger/health.rs`, `upstream/turn.rs` |
//! | Does a failure say anything of what was asked about? | `upstream/answer.rs` |
//! | By what may upstream confirm a value? What was a version? | `provider/validators.rs`, `db/validators.rs`, `db/definitions.rs` |
//! | What stands on the disk? | [`db`], [`codec`] |
//! | What goes when it is full? What becomes of trouble? | `cache/store.rs` |
//! | What is sound, and what is done about what is not? | `cache/verify.rs`, `tier/salvage.rs`, [`db::pages`] |
//! | Which part of a series is meant, and what of it is held? | [`policy::wanted`], `cache/series/standing.rs` |
//! | What is asked for of a series? | [`policy::plan`], [`policy::coverage`], `cache/series/flight.rs` |
//! | What if upstream had nothing of a session? | [`policy::hollow`], `cache/series/hollow.rs` |
//! | When is a bar final? | [`policy::finality`] |
//! | What becomes of a page? Was history restated? | `cache/series/fill.rs` |
//! | What do splits and dividends make of a price? | [`market::adjust()`], [`market::Actions`] |
//! | What is worked out of bars? | `cache/series/reading.rs`, [`market::derived`], [`market::resample()`] |
//! | What was known when, and what has changed since? | `cache/series/past.rs`, `cache/series/changed.rs`, [`market::changes()`] |
//! | What leaves the cache as a file, and comes out of one? | `cache/series/carry/`, [`tier::series::parcel`] |
//! | How are bars kept, and what goes into which chunk? | [`tier::series`], `tier/disk/chunks.rs` |
//! | What does a hit write? | [`db::hits`] |
//! | What is counted, and what does it mean? | [`db::tally`], [`cache::Report`] |
//! | What was read when? | [`db::accesses`] |
//! | Which key of the configuration is there? | `config/keys.rs`, [`config::schema`] |
//! | When is a program run instead of reading a key? | `cache/through.rs` |
//! | What is typed, printed, and ended with? | `cli/args/`, `cli/output/`, `cli/exit.rs` |

pub mod cache;
pub mod calendar;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod config;
pub mod db;
pub mod entry;
pub mod error;
pub mod flight;
pub mod key;
pub mod ledger;
pub mod market;
pub mod number;
pub mod policy;
pub mod provider;
pub mod span;
pub mod tier;
pub mod time;
pub mod units;
pub mod upstream;
pub mod validate;
pub mod warning;
