//! Tables that stand beside the entries and that a later migration has added.
//!
//! A database that an older release made and that nobody has written since does not have them;
//! readers never migrate, and may not be able to. So every statement that joins one goes through
//! [`prepare`], which leaves out what is not there, and every change of one through [`prepare_alone`].

use rusqlite::{CachedStatement, Connection, Transaction};

use super::Trouble;

/// A table that a statement may join.
struct Joined {
    name: &'static str,
    /// How a statement names it, to be able to do without it.
    clause: &'static str,
    /// What takes its place: a row that belongs to nobody.
    nobody: &'static str,
}

static JOINED: [Joined; 4] = [
    Joined {
        name: "strategy",
        clause: "JOIN strategy s",
        nobody: "JOIN (SELECT NULL AS provider, NULL AS minimal_until_ms,
            NULL AS conservative_until_ms, NULL AS aggressive_until_ms, NULL AS sum) s",
    },
    Joined {
        name: "definition",
        clause: "JOIN definition d",
        nobody: "JOIN (SELECT NULL AS id, NULL AS number, NULL AS sum) d",
    },
    Joined {
        name: "market",
        clause: "JOIN market m",
        nobody: "JOIN (SELECT NULL AS symbol, NULL AS exchange, NULL AS volatility_ppm,
            NULL AS high_from_ms, NULL AS high_until_ms, NULL AS high_permille,
            NULL AS high_days, NULL AS sum, NULL AS seen_at_ms, NULL AS pace,
            NULL AS pace_sum) m",
    },
    Joined {
        name: "mark",
        clause: "JOIN mark k",
        nobody: "JOIN (SELECT NULL AS id, NULL AS expired_at_ms, NULL AS why, NULL AS sum) k",
    },
];

/// The tables with a row for an entry, which a release that does not know them leaves behind.
const OF_ENTRIES: [&str; 4] = ["validator", "definition", "mark", "pace"];

/// Prepares a statement, if need be without the tables that it joins and that are not there.
pub fn prepare<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, Trouble> {
    let error = match connection.prepare_cached(sql) {
        Ok(prepared) => return Ok(prepared),
        Err(error) => error,
    };
    // A statement that makes no sense is damage. Here it may only be an older schema.
    let mut without = sql.to_owned();
    for table in &JOINED {
        if sql.contains(table.clause) && !is_there(connection, table.name)? {
            without = without.replace(table.clause, table.nobody);
        }
    }
    if without == sql { Err(error.into()) } else { Ok(connection.prepare_cached(&without)?) }
}

/// Prepares what reads or changes this table alone; none if it is not there. That one was lost is no
/// reason to set all the entries aside.
pub fn prepare_alone<'c>(
    connection: &'c Connection,
    table: &str,
    sql: &str,
) -> Result<Option<CachedStatement<'c>>, Trouble> {
    match connection.prepare_cached(sql) {
        Err(_) if !is_there(connection, table)? => Ok(None),
        prepared => Ok(Some(prepared?)),
    }
}

/// Drops rows that belong to no entry, of those that come first in each table from this id on and of
/// the very first, at most so many each: of a short table, all of them.
pub fn drop_orphans(transaction: &Transaction<'_>, from: i64, most: i64) -> Result<(), Trouble> {
    for table in OF_ENTRIES {
        let sql = format!(
            "DELETE FROM {table} WHERE id IN (
                 SELECT s.id FROM (SELECT id FROM {table} WHERE id >= ?1 ORDER BY id LIMIT ?2) s
                 WHERE NOT EXISTS (SELECT 1 FROM entry e WHERE e.id = s.id))"
        );
        if let Some(mut delete) = prepare_alone(transaction, table, &sql)? {
            for from in [from, i64::MIN] {
                delete.execute([from, most])?;
            }
        }
    }
    Ok(())
}

/// Whether there is such a table.
pub fn is_there(connection: &Connection, table: &str) -> Result<bool, Trouble> {
    let mut find = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1")?;
    Ok(find.exists([table])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_does_without_each_table_that_is_not_there() {
        let sql = "SELECT k.name, s.sum, m.sum FROM (SELECT 'a' AS name) k
                   LEFT JOIN strategy s ON s.provider = k.name
                   LEFT JOIN market m ON m.symbol = k.name";
        let strategy = "CREATE TABLE strategy (provider TEXT, sum INTEGER);
                        INSERT INTO strategy VALUES ('a', 1);";
        let market = "CREATE TABLE market (symbol TEXT, sum INTEGER);
                      INSERT INTO market VALUES ('a', 2);";
        for (tables, expected) in [
            (String::new(), (None, None)),
            (strategy.to_owned(), (Some(1), None)),
            (market.to_owned(), (None, Some(2))),
            ([strategy, market].concat(), (Some(1), Some(2))),
        ] {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&tables).unwrap();
            let mut found = prepare(&connection, sql).unwrap();
            let sums: (Option<i64>, Option<i64>) =
                found.query_row([], |row| Ok((row.get(1)?, row.get(2)?))).unwrap();
            assert_eq!(sums, expected, "{tables}");
        }
        let connection = Connection::open_in_memory().unwrap();
        assert!(prepare(&connection, "SELECT x FROM entry").is_err(), "that is damage");
    }
}
