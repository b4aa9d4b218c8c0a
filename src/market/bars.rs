//! Bars in columns: what a symbol cost from one instant to the next.

/// How settled a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BarState {
    /// Its interval has not ended.
    Live,
    /// It has ended, and may still be corrected.
    Provisional,
    /// It does not change any more.
    Final,
}

impl BarState {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Provisional => "provisional",
            Self::Final => "final",
        }
    }
}

/// Bars of one symbol and one interval, oldest first, in columns of one length.
///
/// Prices and volumes are as the provider sent them, to the last bit; what it did not send is NaN.
///
/// Invariant: times ascend without repeating; `days` is as long as `times` for days and longer
/// intervals and empty for shorter ones; a bar has a close.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    /// When each begins, in milliseconds UTC: of a day, when its session opens.
    pub times: Vec<i64>,
    /// The exchange's date of each, in days since 1970-01-01.
    pub days: Vec<i32>,
    /// The first price.
    pub open: Vec<f64>,
    /// The highest.
    pub high: Vec<f64>,
    /// The lowest.
    pub low: Vec<f64>,
    /// The last.
    pub close: Vec<f64>,
    /// What was traded, in units of the instrument.
    pub volume: Vec<f64>,
    /// The close as the provider adjusts it for splits and dividends.
    pub adjusted: Vec<f64>,
}

/// One bar.
#[derive(Clone, Copy, Debug)]
pub struct Bar {
    /// When it begins, in milliseconds UTC.
    pub time: i64,
    /// The exchange's date, in days since 1970-01-01, for days and longer intervals.
    pub day: Option<i32>,
    /// The first price.
    pub open: f64,
    /// The highest.
    pub high: f64,
    /// The lowest.
    pub low: f64,
    /// The last.
    pub close: f64,
    /// What was traded.
    pub volume: f64,
    /// The close as the provider adjusts it.
    pub adjusted: f64,
}

impl Bars {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The bar at this place.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn bar(&self, at: usize) -> Bar {
        Bar {
            time: self.times[at],
            day: self.days.get(at).copied(),
            open: self.open[at],
            high: self.high[at],
            low: self.low[at],
            close: self.close[at],
            volume: self.volume[at],
            adjusted: self.adjusted[at],
        }
    }

    /// Puts one behind the others; it must be later than they are.
    pub fn push(&mut self, bar: Bar) {
        self.times.push(bar.time);
        self.days.extend(bar.day);
        self.open.push(bar.open);
        self.high.push(bar.high);
        self.low.push(bar.low);
        self.close.push(bar.close);
        self.volume.push(bar.volume);
        self.adjusted.push(bar.adjusted);
    }

    /// Puts later bars behind these.
    pub fn append(&mut self, later: &Self) {
        self.times.extend_from_slice(&later.times);
        self.days.extend_from_slice(&later.days);
        self.open.extend_from_slice(&later.open);
        self.high.extend_from_slice(&later.high);
        self.low.extend_from_slice(&later.low);
        self.close.extend_from_slice(&later.close);
        self.volume.extend_from_slice(&later.volume);
        self.adjusted.extend_from_slice(&later.adjusted);
    }

    /// The bars at these places.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[must_use]
    pub fn slice(&self, places: std::ops::Range<usize>) -> Self {
        let days = if self.days.is_empty() { &[][..] } else { &self.days[places.clone()] };
        Self {
            times: self.times[places.clone()].to_vec(),
            days: days.to_vec(),
            open: self.open[places.clone()].to_vec(),
            high: self.high[places.clone()].to_vec(),
            low: self.low[places.clone()].to_vec(),
            close: self.close[places.clone()].to_vec(),
            volume: self.volume[places.clone()].to_vec(),
            adjusted: self.adjusted[places].to_vec(),
        }
    }

    /// The places of the bars that begin from one instant up to, but not at, another, in
    /// milliseconds UTC.
    pub fn within(&self, from_ms: i64, to_ms: i64) -> std::ops::Range<usize> {
        let from = self.times.partition_point(|time| *time < from_ms);
        from..self.times.partition_point(|time| *time < to_ms).max(from)
    }
}

/// Equal to the last bit: what is missing equals what is missing.
impl PartialEq for Bar {
    fn eq(&self, other: &Self) -> bool {
        let bits = |bar: &Self| {
            [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.adjusted].map(f64::to_bits)
        };
        (self.time, self.day) == (other.time, other.day) && bits(self) == bits(other)
    }
}

/// Equal to the last bit: what is missing equals what is missing.
impl PartialEq for Bars {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && (0..self.len()).all(|at| self.bar(at) == other.bar(at))
    }
}
