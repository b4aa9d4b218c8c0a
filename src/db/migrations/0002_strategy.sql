-- The strategy of each provider: a hit multiplies its time to live by what it says.
--
-- Worked out by whoever asks upstream and read by everybody, in one statement with the entries:
-- the calls from which it follows stand in another file, which no hit opens. The instants let it
-- decay without anybody writing. All times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE strategy (
    provider              TEXT    NOT NULL PRIMARY KEY,
    minimal_until_ms      INTEGER NOT NULL, -- real time, whatever MCACHE_NOW says; so are the others
    conservative_until_ms INTEGER NOT NULL,
    aggressive_until_ms   INTEGER NOT NULL,
    sum                   INTEGER NOT NULL  -- XXH3 over all the rest (src/codec.rs)
) WITHOUT ROWID;
