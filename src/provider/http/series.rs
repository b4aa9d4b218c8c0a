//! A macro series out of the rows of a reply.

use super::fields::{Reading, SERIES, SERIES_FIELDS, needed, number};
use super::rows::Wanted;
use super::verdict::Body;
use crate::calendar::Date;
use crate::error::Error;
use crate::market::{DataType, Observation, Series};
use crate::provider::{Ask, Reply, nonsense};

impl Reading {
    /// The series in a reply.
    pub(super) fn series(&self, ask: &Ask<'_>, reply: &Reply) -> Result<Series, Error> {
        let refused = |why: String| nonsense(ask, reply, why);
        let body = Body::of(reply).ok_or_else(|| refused("it is no text".to_owned()))?;
        Ok(Series {
            symbol: ask.symbol.to_string(),
            asset_class: ask.symbol.class().as_str().to_owned(),
            data_type: DataType::Series.as_str().to_owned(),
            provider: ask.provider.to_owned(),
            observations: self.observations(body).map_err(refused)?,
        })
    }

    /// The values, oldest first: upstream may have them the other way round.
    fn observations(&self, body: Body<'_>) -> Result<Vec<Observation>, String> {
        let Some(rows) = &self.rows else { return Err("nothing is said of its rows".to_owned()) };
        let wanted = Wanted {
            places: self.places(SERIES_FIELDS),
            needed: needed(SERIES),
            missing: &self.missing,
        };
        let mut observations = Vec::new();
        for [date, value] in rows.cells(body, &wanted)? {
            let date = date.ok_or("one of its rows has no date")?;
            let date = Date::from_days(self.moment("date", &date)?.day).to_string();
            let value = value.map(|text| number("value", &text)).transpose()?;
            observations.push(Observation { date, value });
        }
        // Dates in this spelling sort as texts do.
        if let [first, .., last] = &observations[..]
            && first.date > last.date
        {
            observations.reverse();
        }
        Ok(observations)
    }
}
