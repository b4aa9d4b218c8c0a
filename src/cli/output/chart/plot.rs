//! The picture itself: candles or a line, volumes below, an axis at each side.

use super::canvas::{Canvas, Paint};
use super::scale::Scale;
use super::{Candle, Picture};
use crate::cli::ui::Style;

/// How wide a chart is in a pipe.
const WIDTH: u16 = 80;

/// How many rows prices have, and volumes.
const ROWS: usize = 15;
const VOLUME_ROWS: usize = 3;

/// The most columns from one candle to the next.
const WIDEST: usize = 4;

/// Steps of an eighth of a row.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The dots of a braille character by row and column.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Draws a picture that has at least one price.
pub(super) fn draw(picture: &Picture, style: Style) -> Canvas {
    let width = usize::from(style.width.unwrap_or(WIDTH).clamp(30, 240));
    let color = style.color;
    let steps = ROWS * if picture.is_candles { 2 } else { 4 };
    let values = picture.candles.iter().flat_map(|candle| [candle.high, candle.low]);
    let Some(scale) = Scale::of(values, steps) else { return Canvas::new(0, 0) };
    let ticks = scale.ticks(5);
    let margin = ticks.iter().map(|tick| tick.1.chars().count()).max().unwrap_or(0) + 2;
    let columns = width.saturating_sub(margin).max(1);
    let frame = Frame { left: margin, columns: used(picture, columns), color };
    let has_volume = picture.is_candles && picture.candles.iter().any(|c| c.volume > 0.0);
    let bottom = ROWS + if has_volume { VOLUME_ROWS } else { 0 };
    let mut canvas = Canvas::new(width, bottom + 2);
    for row in 0..bottom {
        canvas.set(margin - 1, row, '│', Paint::Faint);
    }
    for (value, text) in &ticks {
        let row = scale.step(*value) * ROWS / steps;
        canvas.text(margin - 2 - text.chars().count(), row, text, Paint::Plain);
        canvas.set(margin - 1, row, '┤', Paint::Faint);
        if color {
            for column in 0..frame.columns {
                canvas.set(margin + column, row, '┈', Paint::Faint);
            }
        }
    }
    if picture.is_candles {
        let candles = grouped(&picture.candles, frame.columns);
        frame.candles(&candles, &scale, &mut canvas);
        if has_volume {
            frame.volumes(&candles, &mut canvas);
        }
    } else {
        frame.line(&picture.candles, &scale, &mut canvas);
    }
    frame.dates(picture, bottom, &mut canvas);
    canvas
}

/// How many columns are drawn in: few bars are not drawn far apart.
fn used(picture: &Picture, columns: usize) -> usize {
    let bars = picture.candles.len().max(1);
    if !picture.is_candles || bars >= columns {
        return columns;
    }
    (bars * (columns / bars).min(WIDEST)).max(columns.min(24))
}

/// At most so many candles: neighbours are drawn as one.
fn grouped(candles: &[Candle], most: usize) -> Vec<Candle> {
    let groups = candles.len().min(most);
    let group = |at: usize| {
        let bars = &candles[at * candles.len() / groups..(at + 1) * candles.len() / groups];
        let (first, last) = (bars.first()?, bars.last()?);
        Some(Candle {
            open: first.open,
            high: bars.iter().map(|bar| bar.high).fold(f64::NAN, f64::max),
            low: bars.iter().map(|bar| bar.low).fold(f64::NAN, f64::min),
            close: last.close,
            volume: bars.iter().map(|bar| bar.volume).sum(),
        })
    };
    (0..groups).filter_map(group).collect()
}

/// Where things are drawn.
struct Frame {
    /// The column right of the axis.
    left: usize,
    /// How many columns there are.
    columns: usize,
    color: bool,
}

impl Frame {
    /// The column of one of so many candles.
    fn column(&self, at: usize, of: usize) -> usize {
        let apart = (self.columns / of.max(1)).max(1);
        self.left + (apart - 1) / 2 + at * apart
    }

    /// The column of dots of one of so many points, counted from the axis.
    fn dot_column(&self, at: usize, of: usize) -> usize {
        (at * (self.columns * 2).saturating_sub(1)).checked_div(of - 1).unwrap_or(0)
    }

    fn candles(&self, candles: &[Candle], scale: &Scale, canvas: &mut Canvas) {
        for (at, candle) in candles.iter().enumerate() {
            let column = self.column(at, candles.len());
            let is_up = candle.close >= candle.open;
            let (top, bottom) = (candle.open.max(candle.close), candle.open.min(candle.close));
            let wick = scale.step(candle.high.max(top))..=scale.step(candle.low.min(bottom));
            let body = scale.step(top)..=scale.step(bottom);
            // Each row is two steps: what stands in the upper one, and what in the lower.
            let weight = |step: usize| match (body.contains(&step), wick.contains(&step)) {
                (true, _) => 2,
                (_, true) => 1,
                _ => 0,
            };
            for row in wick.start() / 2..=wick.end() / 2 {
                let c = match (weight(2 * row), weight(2 * row + 1)) {
                    (0, 0) => continue,
                    (1, 0) => '╵',
                    (0, 1) => '╷',
                    (1, 1) => '│',
                    (2, _) | (_, 2) if is_up && !self.color => '║',
                    (2, 0) => '╹',
                    (0, 2) => '╻',
                    (1, _) => '╽',
                    (_, 1) => '╿',
                    _ => '┃',
                };
                let paint = if is_up { Paint::Up } else { Paint::Down };
                canvas.set(column, row, c, paint);
            }
        }
    }

    /// What was traded, below the prices.
    fn volumes(&self, candles: &[Candle], canvas: &mut Canvas) {
        let volumes = candles.iter().map(|candle| candle.volume);
        let Some(scale) = Scale::of(volumes.chain([0.0]), VOLUME_ROWS * 8 + 1) else { return };
        for (at, candle) in candles.iter().enumerate() {
            let column = self.column(at, candles.len());
            let eighths = VOLUME_ROWS * 8 - scale.step(candle.volume);
            let paint = if candle.close >= candle.open { Paint::Up } else { Paint::Down };
            for row in 0..VOLUME_ROWS {
                let filled = eighths.saturating_sub((VOLUME_ROWS - 1 - row) * 8).min(8);
                if filled > 0 {
                    canvas.set(column, ROWS + row, EIGHTHS[filled], paint);
                }
            }
        }
    }

    /// The closes, joined; where one is missing, the line has a gap.
    fn line(&self, points: &[Candle], scale: &Scale, canvas: &mut Canvas) {
        let mut closes = points.iter().map(|point| point.close).filter(|close| close.is_finite());
        let (first, last) = (closes.next(), closes.next_back());
        let paint = if last >= first || last.is_none() { Paint::Up } else { Paint::Down };
        let mut dot = |x: usize, y: usize| {
            let (column, row) = (self.left + x / 2, y / 4);
            let before = u32::from(canvas.get(column, row));
            let before = if (0x2800..0x2900).contains(&before) { before } else { 0x2800 };
            let c = char::from_u32(before | DOTS[y % 4][x % 2]).unwrap_or(' ');
            canvas.set(column, row, c, paint);
        };
        let mut before: Option<(usize, usize)> = None;
        for (at, point) in points.iter().enumerate() {
            let here = point
                .close
                .is_finite()
                .then(|| (self.dot_column(at, points.len()), scale.step(point.close)));
            if let Some((x, y)) = here {
                let (from_x, from_y) = before.unwrap_or((x, y));
                let steps = x.abs_diff(from_x).max(y.abs_diff(from_y)).max(1);
                for step in 0..=steps {
                    let between =
                        |from: usize, to: usize| (from * (steps - step) + to * step) / steps;
                    dot(between(from_x, x), between(from_y, y));
                }
            }
            before = here;
        }
    }

    /// The axis of time, with the first and the last date, and as many between as fit.
    fn dates(&self, picture: &Picture, row: usize, canvas: &mut Canvas) {
        let labels = &picture.labels;
        canvas.set(self.left - 1, row, '└', Paint::Faint);
        for column in 0..self.columns {
            canvas.set(self.left + column, row, '─', Paint::Faint);
        }
        let Some(last) = labels.len().checked_sub(1) else { return };
        let longest = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
        let parts = match self.columns / (longest + 4) {
            0 | 1 => 1,
            2..=4 => 2,
            _ => 4,
        };
        let mut free = 0;
        for part in 0..=parts {
            let at = last * part / parts;
            let (label, length) = (&labels[at], labels[at].chars().count());
            let column = if picture.is_candles {
                let candles = labels.len().min(self.columns);
                self.column(at * candles / labels.len(), candles) - self.left
            } else {
                self.dot_column(at, labels.len()) / 2
            };
            let begin = match part {
                0 => 0,
                _ if part == parts => self.columns.saturating_sub(length),
                _ => column.saturating_sub(length / 2),
            };
            if begin < free {
                continue;
            }
            free = begin + length + 2;
            canvas.set(self.left + column, row, '┬', Paint::Faint);
            canvas.text(self.left + begin, row + 1, label, Paint::Plain);
        }
    }
}
