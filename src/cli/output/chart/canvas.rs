//! A grid of characters with a paint each, written line by line.

use std::io::{self, Write};

use crate::cli::ui::Style;

/// How a character is painted where colour is allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    /// As everything else.
    #[default]
    Plain,
    /// Of what has risen.
    Up,
    /// Of what has fallen.
    Down,
    /// Of what should not be in the way: axes and lines.
    Faint,
    /// Of what is read first.
    Strong,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "\u{1b}[0m",
            Self::Up => "\u{1b}[0;32m",
            Self::Down => "\u{1b}[0;31m",
            Self::Faint => "\u{1b}[0;2m",
            Self::Strong => "\u{1b}[0;1m",
        }
    }

    /// The text in this paint, if colour is allowed.
    pub(super) fn of(self, text: &str, style: Style) -> String {
        if style.color {
            format!("{}{text}{}", self.code(), Self::Plain.code())
        } else {
            text.to_owned()
        }
    }
}

/// Characters by row and column; what lies outside is not drawn.
pub(super) struct Canvas {
    width: usize,
    cells: Vec<(char, Paint)>,
}

impl Canvas {
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, cells: vec![(' ', Paint::Plain); width * height] }
    }

    /// Draws a character.
    pub(super) fn set(&mut self, column: usize, row: usize, c: char, paint: Paint) {
        if column < self.width
            && let Some(cell) = self.cells.get_mut(row * self.width + column)
        {
            *cell = (c, paint);
        }
    }

    /// The character that stands there; a space outside.
    pub(super) fn get(&self, column: usize, row: usize) -> char {
        let cell = (column < self.width).then(|| self.cells.get(row * self.width + column));
        cell.flatten().map_or(' ', |cell| cell.0)
    }

    /// Draws a text.
    pub(super) fn text(&mut self, column: usize, row: usize, text: &str, paint: Paint) {
        for (at, c) in text.chars().enumerate() {
            self.set(column + at, row, c, paint);
        }
    }

    /// Writes all rows, without the spaces at their ends.
    pub(super) fn write(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        for row in self.cells.chunks(self.width.max(1)) {
            let end = row.iter().rposition(|(c, _)| *c != ' ').map_or(0, |last| last + 1);
            let (mut line, mut paint) = (String::new(), Paint::Plain);
            for (c, wanted) in &row[..end] {
                if style.color && *wanted != paint && *c != ' ' {
                    paint = *wanted;
                    line.push_str(paint.code());
                }
                line.push(*c);
            }
            if paint != Paint::Plain {
                line.push_str(Paint::Plain.code());
            }
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}
