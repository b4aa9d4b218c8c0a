-- What an event has expired: a price that moved, a key that was put. What is marked stays held, and
-- is stale from that instant on.
--
-- Apart from the entries, so that expiring one rewrites 40 bytes and no value; read in one
-- statement with them. A value that was fetched later than `expired_at_ms` is fresh, whoever left
-- the mark. All times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE mark (
    id            INTEGER PRIMARY KEY, -- entry.id
    expired_at_ms INTEGER NOT NULL,    -- by the program's clock, as entry.fetched_at_ms
    why           TEXT    NOT NULL,    -- price_move, volume_change, rule
    sum           INTEGER NOT NULL     -- XXH3 over all the rest, key and provider (src/codec.rs)
);

-- What an event expires it names by patterns of keys: entries are found by what these begin with,
-- and no value is read for a key that is not meant. With the provider, since a pattern may name one,
-- and since a row of an index on the key alone would look like one of `tag` to a repair.
CREATE INDEX entry_by_key ON entry (key, provider);

-- An entry that is replaced or dropped loses its tags, and there may be as many as entries.
CREATE INDEX tag_by_entry ON tag (id);
