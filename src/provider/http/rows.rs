//! The rows of a reply, whatever shape they have: what stands in each of the places that are wanted.
//!
//! A value is text here, with every digit that was sent. What is marked as missing is none; but what is
//! needed and is not even there means that upstream speaks otherwise than the configuration says,
//! which is never taken for nothing.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::pointer::{Level, Pointer, content};
use super::verdict::Body;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An array of objects.
    Objects,
    /// An array of arrays.
    Arrays,
    /// An object of arrays of one length, each with one value of every row.
    Columns,
    /// An object whose names say when.
    Map,
    /// Lines with a header, whose values this stands between.
    Csv(u8),
}

/// Where a value stands in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Where this leads, from the row; in lines, the column of this name or number.
    At(Pointer),
    /// The name under which the row stands in a map.
    Key,
}

/// Where rows are, and how they are written.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// From the whole.
    pub at: Pointer,
    /// How they are written.
    pub shape: Shape,
}

/// What stands in the wanted places of a row; none where it is missing.
pub(super) type Cells<'a, const N: usize> = [Option<Cow<'a, str>>; N];

/// The places that are wanted of each row, of which the first `needed` must be there.
pub(super) struct Wanted<'p, const N: usize> {
    pub(super) places: [Option<&'p Place>; N],
    pub(super) needed: usize,
    /// What stands for a value that is missing.
    pub(super) missing: &'p [Box<str>],
}

impl<const N: usize> Wanted<'_, N> {
    /// What stands in the wanted places, each looked up by `find`.
    pub(super) fn cells<'a>(
        &self,
        find: impl Fn(&Place) -> Option<&'a RawValue>,
        key: Option<&Cow<'a, str>>,
    ) -> Result<Cells<'a, N>, String> {
        let mut cells = [const { None }; N];
        for (at, place) in self.places.iter().enumerate() {
            let Some(place) = place else { continue };
            let found = match (place, key) {
                (Place::Key, Some(key)) => Some(key.clone()),
                _ => match find(place) {
                    Some(value) => content(value)?,
                    None if at < self.needed => return Err(lacks(place)),
                    None => None,
                },
            };
            cells[at] = found.filter(|text| !self.is_missing(text));
        }
        Ok(cells)
    }

    fn is_missing(&self, text: &str) -> bool {
        let text = text.trim();
        self.missing.iter().any(|mark| **mark == *text)
    }
}

impl Rows {
    /// The wanted cells of every row of a body, in its order.
    pub(super) fn cells<'a, const N: usize>(
        &self,
        body: Body<'a>,
        wanted: &Wanted<'_, N>,
    ) -> Result<Vec<Cells<'a, N>>, String> {
        if let Shape::Csv(delimiter) = self.shape {
            return lines(body.text, delimiter, wanted);
        }
        let json = match body.json {
            Some(json) => json,
            // The parser says where it fails.
            None => serde_json::from_str(body.text).map_err(|error| error.to_string())?,
        };
        let rows = self.at.find(json).ok_or_else(|| format!("it has no `{}`", self.at))?;
        let level = Level::of(rows);
        match (self.shape, level) {
            (Shape::Objects | Shape::Arrays, Some(Level::Array(rows))) => {
                rows.into_iter().map(|row| self.row(row, None, wanted)).collect()
            }
            (Shape::Map, Some(Level::Object(rows))) => {
                rows.iter().map(|(key, row)| self.row(row, Some(key), wanted)).collect()
            }
            (Shape::Columns, Some(level @ Level::Object(_))) => columns(&level, wanted),
            (Shape::Map | Shape::Columns, _) => Err(format!("{} is no object", self.told())),
            _ => Err(format!("{} is no array", self.told())),
        }
    }

    fn row<'a, const N: usize>(
        &self,
        row: &'a RawValue,
        key: Option<&Cow<'a, str>>,
        wanted: &Wanted<'_, N>,
    ) -> Result<Cells<'a, N>, String> {
        let level = match (self.shape, Level::of(row)) {
            (Shape::Objects, level @ Some(Level::Object(_)))
            | (Shape::Arrays, level @ Some(Level::Array(_)))
            | (Shape::Map, level) => level,
            (Shape::Objects, _) => return Err("one of its rows is no object".to_owned()),
            _ => return Err("one of its rows is no array".to_owned()),
        };
        let find = |place: &Place| match place {
            // The value in a map may be the row itself.
            Place::At(pointer) if *pointer == Pointer::default() => Some(row),
            Place::At(pointer) => pointer.find_in(level.as_ref()?),
            Place::Key => None,
        };
        wanted.cells(find, key)
    }

    /// What the rows are called in a complaint.
    fn told(&self) -> String {
        match self.at.to_string() {
            whole if whole.is_empty() => "the whole".to_owned(),
            at => format!("its `{at}`"),
        }
    }
}

/// Rows of which each column is an array.
fn columns<'a, const N: usize>(
    level: &Level<'a>,
    wanted: &Wanted<'_, N>,
) -> Result<Vec<Cells<'a, N>>, String> {
    let mut found: [Option<Vec<&'a RawValue>>; N] = [const { None }; N];
    let mut length = None;
    for (at, place) in wanted.places.iter().enumerate() {
        let Some(Place::At(pointer)) = place else { continue };
        let column = match pointer.find_in(level) {
            Some(value) if value.get() != "null" => value,
            _ if at < wanted.needed => return Err(format!("it has no `{pointer}`")),
            _ => continue,
        };
        let Some(Level::Array(values)) = Level::of(column) else {
            return Err(format!("its `{pointer}` is no array"));
        };
        if *length.get_or_insert(values.len()) != values.len() {
            return Err("its columns differ in length".to_owned());
        }
        found[at] = Some(values);
    }
    let mut rows = Vec::with_capacity(length.unwrap_or_default());
    for row in 0..length.unwrap_or_default() {
        let mut cells = [const { None }; N];
        for (cell, column) in cells.iter_mut().zip(&found) {
            let Some(value) = column.as_ref().and_then(|column| column.get(row)) else { continue };
            *cell = content(value)?.filter(|text| !wanted.is_missing(text));
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// Rows that are lines of text.
fn lines<'a, const N: usize>(
    text: &str,
    delimiter: u8,
    wanted: &Wanted<'_, N>,
) -> Result<Vec<Cells<'a, N>>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let wrong = |error: csv::Error| error.to_string();
    let header = reader.headers().map_err(wrong)?.clone();
    let mut places = [const { None }; N];
    for (at, place) in wanted.places.iter().enumerate() {
        let Some(Place::At(pointer)) = place else { continue };
        places[at] = pointer.column(header.iter()).filter(|place| *place < header.len());
        if places[at].is_none() && at < wanted.needed {
            return Err(format!(
                "it has no column `{}`",
                pointer.to_string().trim_start_matches('/')
            ));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        rows.push(places.map(|place| {
            let text = record.get(place?)?;
            (!wanted.is_missing(text)).then(|| Cow::Owned(text.to_owned()))
        }));
    }
    Ok(rows)
}

fn lacks(place: &Place) -> String {
    match place {
        Place::At(pointer) => format!("it has no `{pointer}`"),
        Place::Key => "its rows have no names".to_owned(),
    }
}
