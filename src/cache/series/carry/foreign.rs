//! Files that others have written.
