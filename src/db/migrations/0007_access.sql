-- When what was read, to try another configuration on it, and how often each value changes.
--
-- All times are milliseconds, instants since 1970-01-01T00:00:00Z. No row may look like one of another
-- table to whoever reads pages without a schema (src/tier/salvage.rs). What stands within the
-- brackets is read at each start: it is short.

-- The newest reads, by the program's time: those of one name that were counted together.
-- id: the running number of the last of them. name: access_name.id. at_ms: the first of them.
-- later: how long after it each further one was, 4 bytes each, little-endian.
CREATE TABLE access (
    id    INTEGER PRIMARY KEY,
    name  INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    later BLOB NOT NULL
);

-- id: XXH3 of the name. name: quote:stock:AAPL@yahoo.
CREATE TABLE access_name (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

-- Of entries that were replaced while `policy: adaptive` was on.
-- id: entry.id. looks: how often the value was looked at anew; below 1000. changes: how often it was
-- another one. elapsed_ms: the time between the looks, all together. sum: XXH3 over all the rest, key
-- and provider (src/codec.rs).
CREATE TABLE pace (
    id         INTEGER PRIMARY KEY,
    looks      INTEGER NOT NULL,
    changes    INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    sum        INTEGER NOT NULL
);
