//! Opening: what a hit needs and nothing else, and what the first writer makes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Place, Trouble};

/// The first SQLite without the WAL-reset bug.
const OLDEST_SQLITE: i32 = 3_051_003;

pub(super) const ANOTHER_PROGRAM: &str = "was made by another program";

/// How long a reader waits for a writer that is closing the WAL.
const READER_WAIT: Duration = Duration::from_millis(500);

/// Has SQLite plan a statement without looking at what is bound to it.
///
/// Where it looks, as it does with a parameter in the condition of a join, it plans anew whenever the
/// bindings were cleared, which is each time that a statement comes out of the cache: a hundred
/// microseconds for each look-up.
fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Opens for reading; creates nothing.
pub(super) fn reader(place: &Place) -> Result<Connection, Trouble> {
    check_library()?;
    let (connection, version) = made_or_absent(place, &mut open_for_reading)?;
    match version {
        0 => Err(Trouble::Absent),
        version if version / 1000 == place.schema.major => Ok(connection),
        version => Err(foreign(place, version)),
    }
}

/// A connection with the version of what it was opened on.
type Opened = (Connection, i32);

fn open_for_reading(place: &Place) -> Result<Opened, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place.path(), flags)?;
    connection.busy_timeout(READER_WAIT)?;
    plan_once(&connection)?;
    let version = user_version(&connection)?;
    Ok((connection, version))
}

/// Opens what may not be there, or only by the time that it is looked for: the first answer of
/// another process makes it at any moment.
fn made_or_absent(
    place: &Place,
    open: &mut dyn FnMut(&Place) -> Result<Opened, Trouble>,
) -> Result<Opened, Trouble> {
    let mut opened = open(place);
    if matches!(opened, Err(Trouble::Closed(_))) {
        // A folder that may not be looked into is no empty one.
        if matches!(place.path().try_exists(), Ok(false)) {
            return Err(Trouble::Absent);
        }
        // It may have been made between the two looks, so the first says nothing of it.
        opened = open(place);
    }
    match opened {
        Err(Trouble::Closed(why)) => read_only_folder(place).ok_or(Trouble::Closed(why)),
        opened => opened,
    }
}

/// In a folder that cannot be written SQLite cannot make the index of the WAL. If there is no WAL,
/// nobody is writing either, and the file can be read as it stands.
fn read_only_folder(place: &Place) -> Option<Opened> {
    (!holds_something(place, "wal")).then(|| as_it_stands(place)).flatten()
}

/// Opens for one read without locks and without the index of the WAL, if the database is at rest:
/// all that was ever committed is in the file. Somebody may begin to write right after; the caller
/// must not believe anything that it cannot verify.
pub(super) fn at_rest(place: &Place) -> Option<Connection> {
    check_library().ok()?;
    if !is_at_rest(place) {
        return None;
    }
    let (connection, version) = as_it_stands(place)?;
    (version / 1000 == place.schema.major).then_some(connection)
}

/// Whether nobody is writing: neither a WAL nor a journal holds anything.
pub(super) fn is_at_rest(place: &Place) -> bool {
    !holds_something(place, "wal") && !holds_something(place, "journal")
}

/// Whether the file that SQLite keeps beside the database under this name has any bytes.
fn holds_something(place: &Place, suffix: &str) -> bool {
    place.beside(suffix).metadata().is_ok_and(|file| file.len() > 0)
}

fn as_it_stands(place: &Place) -> Option<Opened> {
    let path = place.path().to_str()?.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(format!("file:{path}?immutable=1"), flags).ok()?;
    plan_once(&connection).ok()?;
    let version = user_version(&connection).ok()?;
    Some((connection, version))
}

/// Opens for writing, creating and migrating; the caller holds the write lock.
pub(super) fn writer(place: &Place, wait: Duration) -> Result<Connection, Trouble> {
    check_library()?;
    let path = place.path();
    drop(create_file(&path, |options| {
        options.read(true).write(true);
    })?);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags)?;
    connection.busy_timeout(wait)?;
    plan_once(&connection)?;
    let version = user_version(&connection)?;
    if version == 0 {
        create(&connection, place)?;
    } else if version / 1000 != place.schema.major {
        return Err(foreign(place, version));
    }
    if header(place).is_some_and(|header| header[18] > 2) {
        // SQLite takes it for a later format and refuses to write, today and for ever.
        return Err(Trouble::Damaged("its header is not one that SQLite writes".to_owned()));
    }
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let kept = super::LONGEST_KEPT_WAL.cast_signed();
    connection.pragma_update(None, "journal_size_limit", kept)?;
    if version < place.schema.version() {
        migrate(&mut connection, place)?;
    }
    Ok(connection)
}

/// What can be said only before the first table.
fn create(connection: &Connection, place: &Place) -> Result<(), Trouble> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(Trouble::Foreign(ANOTHER_PROGRAM.to_owned()));
    }
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    let journal = if network_kind(&place.folder).is_some() { "TRUNCATE" } else { "WAL" };
    connection.query_row(&format!("PRAGMA journal_mode = {journal}"), [], |_| Ok(()))?;
    connection.pragma_update(None, "application_id", place.schema.application_id)?;
    Ok(())
}

fn migrate(connection: &mut Connection, place: &Place) -> Result<(), Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = user_version(&transaction)?;
    // Asked of the connection: what was just created has its header in the WAL.
    let made_by: i32 = transaction.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if made_by != place.schema.application_id {
        return Err(Trouble::Foreign(ANOTHER_PROGRAM.to_owned()));
    }
    let done = usize::try_from(version % 1000).unwrap_or(0);
    for migration in place.schema.migrations.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    if version < place.schema.version() {
        transaction.pragma_update(None, "user_version", place.schema.version())?;
    }
    transaction.commit()?;
    Ok(())
}

/// Whether the database can be read from end to end and has the tables of the first migration. A
/// file that cannot be opened for another reason than damage is not judged.
pub(super) fn is_sound(place: &Place) -> Result<bool, Trouble> {
    let damage_is_no = |trouble: Trouble| match trouble {
        Trouble::Damaged(_) | Trouble::Absent => Ok(false),
        other => Err(other),
    };
    let check = || -> Result<bool, Trouble> {
        let connection = reader(place)?;
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let mut find = connection.prepare("SELECT count(*) FROM sqlite_schema WHERE name = ?1")?;
        for table in place.schema.tables {
            let found: i64 = find.query_row([table], |row| row.get(0))?;
            if found != 1 {
                return Ok(false);
            }
        }
        Ok(said == "ok")
    };
    check().or_else(damage_is_no)
}

/// Refuses a database that another program made, though its version may look like ours.
pub(super) fn is_ours(place: &Place) -> Result<(), Trouble> {
    match header(place) {
        Some(header) if header[68..] != place.schema.application_id.to_be_bytes() => {
            Err(Trouble::Foreign(ANOTHER_PROGRAM.to_owned()))
        }
        _ => Ok(()),
    }
}

/// The start of the file, if it is a database: the magic of SQLite, the version that may write it
/// in byte 18, the application's number in bytes 68 to 71.
pub(super) fn header(place: &Place) -> Option<[u8; 72]> {
    let mut header = [0; 72];
    File::open(place.path()).ok()?.read_exact(&mut header).ok()?;
    header.starts_with(b"SQLite format 3\0").then_some(header)
}

fn user_version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn foreign(place: &Place, version: i32) -> Trouble {
    Trouble::Foreign(if version >= 1000 {
        format!(
            "was made by another version of mcache (schema {version}, this one writes {})",
            place.schema.version()
        )
    } else {
        ANOTHER_PROGRAM.to_owned()
    })
}

fn check_library() -> Result<(), Trouble> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Trouble::Closed(format!(
            "this build has SQLite {}, which can lose committed data; 3.51.3 or later is needed",
            rusqlite::version()
        )));
    }
    Ok(())
}

/// Makes the cache folder: nobody else may look into it, unless it was there and is shared.
pub(crate) fn create_folder(folder: &Path) -> Result<(), Trouble> {
    create_folder_for(folder, 0o700)
}

/// Makes a folder in the cache folder: for its owner alone, or for the group that may write the
/// cache folder as well.
pub(crate) fn create_inner_folder(folder: &Path) -> Result<(), Trouble> {
    let mode = if is_shared(folder) { 0o2770 } else { 0o700 };
    create_folder_for(folder, mode)?;
    if mode != 0o700 {
        // As with a file: the umask usually takes the group's right to write.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(mode));
    }
    Ok(())
}

fn create_folder_for(folder: &Path, mode: u32) -> Result<(), Trouble> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(folder)
        .map_err(|error| Trouble::Closed(format!("the folder cannot be made: {error}")))
}

/// Whether the folder that this lies in is one that a group may write.
fn is_shared(path: &Path) -> bool {
    path.parent()
        .and_then(|folder| folder.metadata().ok())
        .is_some_and(|folder| folder.permissions().mode() & 0o020 != 0)
}

/// Opens or creates a file in the cache folder: for its owner alone, or, in a folder that a group
/// may write, for the group as well, whatever the umask.
pub(crate) fn create_file(path: &Path, how: impl FnOnce(&mut OpenOptions)) -> io::Result<File> {
    let mut options = OpenOptions::new();
    how(&mut options);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    let shared = is_shared(path);
    let mode = if shared { 0o660 } else { 0o600 };
    let file = options.create(true).mode(mode).open(path)?;
    if shared {
        // The umask usually takes the group's right to write. Who lost the race to create the
        // file does not own it and needs not change it.
        let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    }
    Ok(file)
}

/// The kind of network file system that a folder lies on; none for a local one.
///
/// WAL needs memory shared between all who use the database, which no network gives.
pub(super) fn network_kind(folder: &Path) -> Option<String> {
    const KINDS: [&str; 9] =
        ["nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "fuse", "afs"];
    let folder: PathBuf = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let kind = mounts
        .lines()
        .filter_map(|line| {
            // proc(5): the fifth field is the mount point, the kind follows a lone dash.
            let point = line.split(' ').nth(4)?.replace("\\040", " ");
            let kind = line.split_once(" - ")?.1.split(' ').next()?;
            folder.starts_with(&point).then(|| (point.len(), kind.to_owned()))
        })
        .max_by_key(|(length, _)| *length)?
        .1;
    let remote = KINDS.contains(&kind.as_str())
        // The root of a container without privileges is fuse and local.
        || (kind.starts_with("fuse.") && kind != "fuse.fuse-overlayfs");
    remote.then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_sqlite_is_one_that_loses_nothing() {
        assert!(check_library().is_ok(), "{}", rusqlite::version());
    }

    #[test]
    fn a_database_that_another_makes_while_it_is_looked_for_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place { folder: folder.path().to_owned(), schema: &super::super::CACHE };
        // It goes on writing: what it wrote stands in the WAL alone.
        let another = super::super::Database::at(folder.path());
        let mut looks = 0;
        let opened = made_or_absent(&place, &mut |place| {
            looks += 1;
            let opened = open_for_reading(place);
            if looks == 1 {
                assert!(matches!(opened, Err(Trouble::Closed(_))), "{opened:?}");
                another.write(|_| Ok(())).unwrap();
                assert!(holds_something(place, "wal"));
            }
            opened
        });
        assert_eq!(opened.unwrap().1, place.schema.version());
    }

    #[test]
    fn a_folder_of_our_own_is_not_a_network() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(network_kind(folder.path()), None);
    }

    #[test]
    fn a_file_in_a_shared_folder_is_for_the_group() {
        for (folder_mode, file_mode) in [(0o700, 0o600), (0o770, 0o660)] {
            let folder = tempfile::tempdir().unwrap();
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(folder_mode)).unwrap();
            let file = create_file(&folder.path().join("x"), |options| {
                options.write(true);
            })
            .unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, file_mode, "{folder_mode:o}");
        }
    }
}
