-- Under which definition of its endpoint an entry came, where that is not the default one.
--
-- When the definition that is configured is another, the entry is stale. Read in one statement with
-- the entries, and empty as long as nobody configures a version.

CREATE TABLE definition (
    id     INTEGER PRIMARY KEY, -- entry.id
    number INTEGER NOT NULL,    -- XXH3 over what the definition says
    sum    INTEGER NOT NULL     -- XXH3 over it and the name and age of the entry (src/codec.rs)
);
