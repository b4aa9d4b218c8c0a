-- The first schema: entries, how they are used, and statistics.
--
-- All times are milliseconds since 1970-01-01T00:00:00Z, all sizes bytes.

-- One value of one provider. A rowid table: a value above a quarter page would otherwise cost an
-- overflow page and three times the time to read.
CREATE TABLE entry (
    id            INTEGER PRIMARY KEY, -- XXH3 of the key, low four bits clear, plus a slot 0 to 15
    key           TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    fetched_at_ms INTEGER NOT NULL,
    own_ttl_ms    INTEGER,             -- only of what `put` wrote
    shape         INTEGER NOT NULL,    -- codec in the low four bits, format above (src/codec.rs)
    raw_bytes     INTEGER NOT NULL,    -- the length before packing
    sum           INTEGER NOT NULL,    -- XXH3 over all the rest
    body          BLOB    NOT NULL
);

-- What eviction needs, apart from the values, so that counting a read rewrites 30 bytes and not a
-- page of values.
CREATE TABLE usage (
    id           INTEGER PRIMARY KEY,  -- entry.id
    used_at_ms   INTEGER NOT NULL,     -- the last read or write that is known
    hits         INTEGER NOT NULL,
    gone_hint_ms INTEGER               -- when it was to be gone by the rules at writing; NULL: never
);
CREATE INDEX usage_by_use ON usage (used_at_ms);
CREATE INDEX usage_by_end ON usage (gone_hint_ms) WHERE gone_hint_ms IS NOT NULL;

CREATE TABLE tag (
    tag TEXT    NOT NULL,
    id  INTEGER NOT NULL,              -- entry.id
    PRIMARY KEY (tag, id)
) WITHOUT ROWID;

-- Counters, by day: a new counter is a new name and needs no migration.
CREATE TABLE stat (
    day       INTEGER NOT NULL,        -- days since 1970-01-01, UTC
    dimension TEXT    NOT NULL,        -- key, hour, caller, latency, age
    name      TEXT    NOT NULL,        -- of the dimension: quote:stock:AAPL@yahoo, 15, bot, disk
    measure   TEXT    NOT NULL,        -- disk, miss, calls, error.upstream, or a histogram's bucket
    n         INTEGER NOT NULL,
    PRIMARY KEY (day, dimension, name, measure)
) WITHOUT ROWID;

-- How far the hit log is folded into the tables above.
CREATE TABLE hit_log (
    generation INTEGER NOT NULL,       -- of the file, as its header says
    folded     INTEGER NOT NULL        -- bytes of it that are counted
);
INSERT INTO hit_log VALUES (0, 0);
