-- The market of each symbol: where it trades, how much it moves, and how much of it is usual.
--
-- Brought up to date by whoever stores a quote, in the same transaction. A hit reads the first
-- columns of one row of `market` in the statement that finds its entry, and nothing else of either.
-- All times are milliseconds since 1970-01-01T00:00:00Z by the program's clock (MCACHE_NOW).

CREATE TABLE market (
    symbol         TEXT    NOT NULL PRIMARY KEY, -- with its class, as in keys: stock:AAPL
    exchange       TEXT,             -- ISO 10383, or 24/7, or FX; NULL: nobody has said so
    volatility_ppm INTEGER,          -- realised, a year, in millionths; NULL: not known
    high_from_ms   INTEGER,          -- when more was traded than usual; NULL: never
    high_until_ms  INTEGER,
    high_permille  INTEGER,          -- how many thousandths of the median that was
    high_days      INTEGER,          -- of how many days the median was
    sum            INTEGER NOT NULL, -- XXH3 over all of the above (src/codec.rs)
    seen_at_ms     INTEGER NOT NULL, -- when the last quote was asked for
    pace           BLOB    NOT NULL, -- what the next volatility is worked out of (src/db/markets.rs)
    pace_sum       INTEGER NOT NULL  -- XXH3 over symbol, seen_at_ms and pace
) WITHOUT ROWID;

-- The volumes of a symbol at one time of day, as one provider counts them.
CREATE TABLE volume (
    symbol   TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    slot     INTEGER NOT NULL,       -- the quarter of an hour of the day in UTC, 0 to 95
    day      INTEGER NOT NULL,       -- the last in the history, days since 1970-01-01
    history  BLOB    NOT NULL,       -- up to 20 days and what was traded (src/db/markets.rs)
    sum      INTEGER NOT NULL,       -- XXH3 over all the rest
    PRIMARY KEY (symbol, provider, slot)
) WITHOUT ROWID;
