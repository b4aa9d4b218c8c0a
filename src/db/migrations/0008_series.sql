-- The final bars of series, apart from the entries: what does not change any more is written once, and
-- a look-up of what is newest reads none of it. And what stood there before it was corrected.
--
-- A chunk is found by the directory in the body of its entry and in no other way, and believed if its
-- sum fits; so what an older release leaves behind is never read. That one drops entries and knows
-- nothing of chunks: a trigger drops them with their entry. To replace an entry fires none, so its
-- chunks stay (SQLite fires it then only with `recursive_triggers`, which nobody switches on).
--
-- Rowid tables: of a body of ten kilobytes a table without them would leave half of the last page of
-- each empty. No row may look like one of another table to whoever reads pages without a schema
-- (src/tier/salvage.rs). What stands within the brackets is read at each start: it is short.

-- series: entry.id. id: XXH3 of the body. first_ms: when the first bar begins. sum: XXH3 over id, body,
-- and key and provider of the entry (src/codec). body: bars and their bases (src/tier/series/chunk.rs).
CREATE TABLE chunk (
    series   INTEGER NOT NULL,
    id       INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    sum      INTEGER NOT NULL,
    body     BLOB    NOT NULL,
    PRIMARY KEY (series, id)
);

-- Values as they were known once, for who asks as of then; of each series the newest so many.
-- series: entry.id, of bars or of any other value. known_from_ms, known_until_ms: from when up to, but
-- not at, when they were thought to be true. body: packed, first how (src/tier/series/past.rs).
-- sum: XXH3 over all the rest, and key and provider of the entry.
CREATE TABLE past (
    series         INTEGER NOT NULL,
    known_from_ms  INTEGER NOT NULL,
    known_until_ms INTEGER NOT NULL,
    body           BLOB    NOT NULL,
    sum            INTEGER NOT NULL
);
CREATE INDEX past_by_end ON past (series, known_until_ms);

CREATE TRIGGER entry_dropped AFTER DELETE ON entry BEGIN
    DELETE FROM chunk WHERE series = OLD.id;
    DELETE FROM past WHERE series = OLD.id;
END;
