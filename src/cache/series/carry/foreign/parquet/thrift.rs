//! The compact form of Thrift, in which a file says what is in it: walked, never kept.
//!
//! It refuses all that the format's library could take for something else: a field of another kind
//! than the library expects under that number, a number that it would cut off, and lists of truths,
//! whose length the library does not know.

use bytes::Bytes;

use super::packed::Front;
use super::shape::{ELEMENT, FOOT, Fields, HEAD, HEAD_2, Shape};
use crate::cache::carry::foreign::MOST_BYTES;

/// The most elements of a schema.
const MOST_ELEMENTS: u64 = 10_000;

/// How deep a schema may be nested: a list of maps of lists is deep enough.
const DEEPEST: usize = 50;

/// The most bytes that the names of all columns come to, each with those of what it lies in: the
/// library keeps them so.
const LONGEST_NAMES: u64 = 16 << 20;

/// The most things that the library makes of a foot: columns of row groups, most of all.
const MOST_THINGS: u64 = 1 << 18;

/// How deep Thrift is followed.
const DEEPEST_STRUCT: usize = 20;

/// What is looked at of the head of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// What it comes to, in bytes.
    pub(super) unpacked: u64,
    /// How many of those are not compressed.
    pub(super) levels: u64,
}

/// Asked of a field by its number, which is of the kind that it should be; whether it was read, or
/// none if it makes no sense.
type Each<'a> = &'a mut dyn FnMut(&mut Thrift, i64) -> Option<bool>;

/// A value of Thrift in its compact form.
pub(super) struct Thrift {
    front: Front,
    /// How many structs stood in lists that the library keeps.
    things: u64,
}

impl Thrift {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { front: Front::new(bytes), things: 0 }
    }

    /// Walks the foot of a file; none if the library could not stand it.
    pub(super) fn foot(mut self) -> Option<()> {
        let mut has_schema = false;
        self.fields(0, FOOT, &mut |foot, id| {
            if id == 2 {
                has_schema = true;
                foot.schema()?;
            }
            Some(id == 2)
        })?;
        has_schema.then_some(())
    }

    /// Walks the head of a page.
    pub(super) fn head(mut self) -> Option<Head> {
        let mut head = Head::default();
        self.fields(0, HEAD, &mut |this, id| {
            match id {
                2 => head.unpacked = this.size()?,
                8 => this.fields(1, HEAD_2, &mut |this, id| {
                    let is_level = matches!(id, 5 | 6);
                    if is_level {
                        head.levels += this.size()?;
                    }
                    Some(is_level)
                })?,
                _ => return Some(false),
            }
            Some(true)
        })?;
        (head.levels <= head.unpacked && head.unpacked <= MOST_BYTES).then_some(head)
    }

    /// Walks a schema: how many columns it has, and how deep they are nested.
    fn schema(&mut self) -> Option<()> {
        let (count, kind) = self.list()?;
        if count > MOST_ELEMENTS || !Shape::Struct(ELEMENT).is(kind) {
            return None;
        }
        // How many are still to come at each depth, and how long the names are that lead there.
        let mut open: Vec<(u64, u64)> = vec![(1, 0)];
        let mut names = 0;
        for _ in 0..count {
            while open.last().is_some_and(|(left, _)| *left == 0) {
                open.pop();
            }
            let (left, path) = open.last_mut()?;
            *left -= 1;
            let (mut children, mut path) = (0, *path + size_of::<String>() as u64);
            self.fields(0, ELEMENT, &mut |element, id| {
                match id {
                    4 => path += element.bytes()? as u64,
                    5 => children = element.size()?,
                    _ => return Some(false),
                }
                Some(true)
            })?;
            if children == 0 {
                names += path;
            }
            if children > count || open.len() > DEEPEST || names > LONGEST_NAMES {
                return None;
            }
            open.push((children, path));
        }
        open.iter().all(|(left, _)| *left == 0).then_some(())
    }

    /// Walks the fields of a struct; each is walked unless it was read. None if it makes no sense.
    fn fields(&mut self, depth: usize, known: Fields, each: Each<'_>) -> Option<()> {
        let mut id = 0;
        loop {
            let [head] = self.front.array()?;
            let (step, kind) = (i64::from(head >> 4), head & 0xf);
            if kind == 0 {
                return Some(());
            }
            let next = if step == 0 { self.front.zigzag()? } else { id + step };
            // A field that is there twice could say something else the second time.
            id = Some(next).filter(|next| *next > id && *next <= i64::from(i16::MAX))?;
            let shape = Some(Shape::of(known, id)).filter(|shape| shape.is(kind))?;
            if !each(self, id)? {
                self.value(kind, shape, depth)?;
            }
        }
    }

    /// Walks a value of a kind, which is what it should be.
    fn value(&mut self, kind: u8, shape: Shape, depth: usize) -> Option<()> {
        match shape {
            // The library cuts off what is larger.
            Shape::Short => i16::try_from(self.front.zigzag()?).ok().map(drop),
            Shape::Int => i32::try_from(self.front.zigzag()?).ok().map(drop),
            Shape::Struct(known) if depth <= DEEPEST_STRUCT => {
                self.fields(depth + 1, known, &mut |_, _| Some(false))
            }
            Shape::List(of) => {
                let (count, kind) = self.list()?;
                if matches!(of, Shape::Struct(_)) {
                    self.things = self.things.checked_add(count)?;
                }
                if self.things > MOST_THINGS || !of.is(kind) {
                    return None;
                }
                (0..count).try_for_each(|_| self.value(kind, *of, depth + 1))
            }
            _ => self.skip(kind, depth),
        }
    }

    /// Passes over a value as the library does.
    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST_STRUCT {
            return None;
        }
        match kind {
            1 | 2 => Some(()),
            3 => self.front.take(1).map(drop),
            4..=6 => self.front.varint().map(drop),
            7 => self.front.take(8).map(drop),
            8 => self.bytes().map(drop),
            9 | 10 => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip(kind, depth + 1))
            }
            12 => self.fields(depth + 1, &[], &mut |_, _| Some(false)),
            _ => None,
        }
    }

    /// How many elements of which kind a list has; none if they are truths, which are a byte each in
    /// the format and nothing when the library passes over them.
    fn list(&mut self) -> Option<(u64, u8)> {
        let [head] = self.front.array()?;
        let (count, kind) = (u64::from(head >> 4), head & 0xf);
        let count = if count == 15 { self.front.varint()? } else { count };
        // Some writers give an empty list no kind.
        (kind > 2 || head == 0).then_some((count, kind))
    }

    /// Passes over bytes; how many there were.
    fn bytes(&mut self) -> Option<usize> {
        let length = usize::try_from(self.front.varint()?).ok()?;
        self.front.take(length).map(|taken| taken.len())
    }

    /// A number of 32 bits that is not negative.
    fn size(&mut self) -> Option<u64> {
        let size = i32::try_from(self.front.zigzag()?).ok()?;
        u64::try_from(size).ok()
    }
}
