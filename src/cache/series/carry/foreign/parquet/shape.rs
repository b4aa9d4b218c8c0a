//! What stands in the foot of a file and in the head of a page: which field is of which kind.
//!
//! The format's library knows a field by its number and reads what it expects there, whatever kind the
//! file declares. So each number that it knows is here with the kind that it takes for granted; all
//! others it skips by the kind that is declared. It holds for version 60 of the library, as
//! `reading.rs` asks it: without statistics, and built without encryption.

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Whatever is declared: the library skips it.
    Any,
    Truth,
    Byte,
    Short,
    Int,
    Long,
    Real,
    Bytes,
    List(&'static Shape),
    Struct(Fields),
}

/// The fields of a struct that the library knows, by their numbers.
pub(super) type Fields = &'static [(i64, Shape)];

use Shape::{Any, Byte, Bytes, Int, List, Long, Real, Short, Struct, Truth};

impl Shape {
    /// What a field is that has this number.
    pub(super) fn of(fields: Fields, id: i64) -> Self {
        fields.iter().find(|(known, _)| *known == id).map_or(Any, |(_, shape)| *shape)
    }

    /// Whether it is declared as this kind of Thrift's compact form.
    pub(super) fn is(self, kind: u8) -> bool {
        match self {
            Any => true,
            Truth => kind == 1 || kind == 2,
            Byte => kind == 3,
            Short => kind == 4,
            Int => kind == 5,
            Long => kind == 6,
            Real => kind == 7,
            Bytes => kind == 8,
            List(_) => kind == 9,
            Struct(_) => kind == 12,
        }
    }
}

/// A struct of which nothing is read.
const EMPTY: Shape = Struct(&[]);

/// The foot of a file.
pub(super) const FOOT: Fields = &[
    (1, Int),
    (2, List(&Struct(ELEMENT))),
    (3, Long),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&Struct(&[(1, Bytes), (2, Bytes)]))),
    (6, Bytes),
    (7, List(&Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))),
    (8, EMPTY),
    (9, Bytes),
];

/// An element of the schema: its name is the fourth field, and how many it holds the fifth.
pub(super) const ELEMENT: Fields = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Bytes),
    (5, Int),
    (6, Int),
    (7, Int),
    (8, Int),
    (9, Int),
    (10, Struct(LOGICAL)),
];

const LOGICAL: Fields = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, Int), (2, Int)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (9, EMPTY),
    (10, Struct(&[(1, Byte), (2, Truth)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Int)])),
    (19, EMPTY),
];

const TIME: Shape = Struct(&[(1, Truth), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);

const ROW_GROUP: Fields = &[
    (1, List(&Struct(CHUNK))),
    (2, Long),
    (3, Long),
    (4, List(&Struct(&[(1, Int), (2, Truth), (3, Truth)]))),
    (5, Long),
    (6, Long),
    (7, Short),
];

const CHUNK: Fields = &[
    (1, Bytes),
    (2, Long),
    (3, Struct(COLUMN)),
    (4, Long),
    (5, Int),
    (6, Long),
    (7, Int),
    (8, EMPTY),
    (9, Bytes),
];

/// A column; its path and its statistics are skipped.
const COLUMN: Fields = &[
    (1, Int),
    (2, List(&Int)),
    (4, Int),
    (5, Long),
    (6, Long),
    (7, Long),
    (9, Long),
    (10, Long),
    (11, Long),
    (14, Long),
    (15, Int),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&Int))])),
];

const BOX: Fields =
    &[(1, Real), (2, Real), (3, Real), (4, Real), (5, Real), (6, Real), (7, Real), (8, Real)];

/// The head of a page: what it comes to is the second field.
pub(super) const HEAD: Fields = &[
    (1, Int),
    (2, Int),
    (3, Int),
    (4, Int),
    (5, Struct(&[(1, Int), (2, Int), (3, Int), (4, Int), (5, EMPTY)])),
    (6, EMPTY),
    (7, Struct(&[(1, Int), (2, Int), (3, Truth)])),
    (8, Struct(HEAD_2)),
];

/// The head of a page of the second version: its levels are as long as the fifth and sixth field say.
pub(super) const HEAD_2: Fields =
    &[(1, Int), (2, Int), (3, Int), (4, Int), (5, Int), (6, Int), (7, Truth), (8, EMPTY)];
