-- By what upstream may say that a value is still the same, so that no body is paid for it.
--
-- Read only when upstream is about to be asked, so it stands apart from the entries: a hit never
-- sees it. Only of values that came with an ETag or a Last-Modified.

CREATE TABLE validator (
    id            INTEGER PRIMARY KEY, -- entry.id
    etag          TEXT,
    last_modified TEXT,                -- as upstream wrote it
    request       INTEGER NOT NULL,    -- XXH3 over the request that they hold for, and over its reading
    sum           INTEGER NOT NULL     -- XXH3 over all the rest and the value (src/codec.rs)
);
