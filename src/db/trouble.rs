//! What can go wrong with the cache folder, told apart by what to do about it.

use std::io;

use rusqlite::ErrorCode;

/// Why the cache could not be read or written. Never an error of the answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// There is no database yet.
    #[error("it holds nothing yet")]
    Absent,
    /// The file is not what was written.
    #[error("it is damaged ({0})")]
    Damaged(String),
    /// The file is of a later major version, or of another program.
    #[error("{0}")]
    Foreign(String),
    /// Another program holds it.
    #[error("another program has locked it")]
    Locked,
    /// The disk, or the quota, is full.
    #[error("the disk is full")]
    Full,
    /// It may not be opened or written.
    #[error("{0}")]
    Closed(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let said = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DiskFull) => Self::Full,
            // Our statements are constant: if one of them makes no sense, the schema is broken. So
            // are rows that contradict each other or have an impossible size. Without a code it is
            // a conversion: a column holds what was never written into it.
            None
            | Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::Unknown
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig,
            ) => Self::Damaged(said),
            Some(_) => Self::Closed(said),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Closed(error.to_string()),
        }
    }
}
