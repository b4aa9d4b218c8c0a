//! What a program that is asked is handed: records, each asked for like any other.
//!
//! They are had before the program's own key is flown for, so nobody holds a key while it waits for
//! another. What cannot be had is `null`, and said: whether it can do without is the program's to know.

use std::collections::HashMap;

use serde::Serialize;

use super::lookup::Missing;
use super::{Answer, Cache, Interrupted, News, Purpose, Question, Served};
use crate::entry::Format;
use crate::market::{BarSeries, Json};
use crate::policy::Terms;
use crate::time::Timestamp;
use crate::warning::Warning;

/// What programs are handed on their standard input, by the key and the provider that they are asked as.
pub(super) type Handed = HashMap<String, Vec<u8>>;

/// The contract's `cache` object.
#[derive(Serialize)]
struct Told<'a> {
    key: &'a str,
    status: &'static str,
    tier: &'static str,
    fetched_at: Timestamp,
    expires_at: Timestamp,
    age_seconds: f64,
    ttl_seconds: f64,
    upstream_calls: u32,
}

/// The contract's record of bars.
#[derive(Serialize)]
struct BarsRecord<'a> {
    symbol: &'a str,
    asset_class: &'a str,
    #[serde(rename = "type")]
    data_type: &'static str,
    provider: &'a str,
    interval: &'static str,
    currency: Option<&'a str>,
    adjust: &'static str,
    bars: Vec<BarRecord>,
}

#[derive(Serialize)]
struct BarRecord {
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    // What is not known is NaN, which is written as null.
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    adjusted_close: f64,
    volume: f64,
    state: &'static str,
}

impl Cache {
    /// What every program is handed that may be asked, also behind others in a chain: once the first
    /// is under way, nothing else can be had before it has answered.
    pub(super) fn hand_inputs(
        &self,
        questions: &[Question],
        open: &[(usize, Missing)],
        (terms, purpose): (&Terms, Purpose),
    ) -> Result<Handed, Interrupted> {
        let mut handed = Handed::new();
        let mut wanted: Vec<Question> = Vec::new();
        let mut owners: Vec<(String, Box<str>)> = Vec::new();
        for question in open.iter().map(|(index, _)| &questions[*index]) {
            for provider in &question.providers {
                let name = format!("{}@{provider}", question.key);
                if handed.contains_key(&name) {
                    continue;
                }
                for (input, question) in (self.inputs)(question, provider) {
                    handed.entry(name.clone()).or_default();
                    wanted.push(question);
                    owners.push((name.clone(), input));
                }
            }
        }
        if wanted.is_empty() {
            return Ok(handed);
        }
        let Terms { no_cache, max_wait, budget, by, .. } = *terms;
        let terms = Terms { no_cache, max_wait, budget, by, ..Terms::default() };
        let mut answers: Vec<Option<Answer>> = wanted.iter().map(|_| None).collect();
        self.fetch(&wanted, &terms, purpose, &mut |index, news| {
            if let News::Answer(answer) = news {
                answers[index] = Some(*answer);
            }
        })?;
        for ((name, input), (question, answer)) in
            owners.into_iter().zip(wanted.iter().zip(answers))
        {
            let text = handed.entry(name).or_default();
            text.extend_from_slice(if text.is_empty() { b"{" } else { b"," });
            text.extend_from_slice(Json::text(&input).as_str().as_bytes());
            text.push(b':');
            text.extend_from_slice(self.handed(question, &input, answer).as_bytes());
        }
        for text in handed.values_mut() {
            text.extend_from_slice(b"}\n");
        }
        Ok(handed)
    }

    /// A record as a program is handed it, with what is to be said of it.
    fn handed(&self, question: &Question, input: &str, answer: Option<Answer>) -> String {
        let Some(Answer { outcome, warnings, .. }) = answer else { return "null".to_owned() };
        for warning in warnings {
            self.warn(warning);
        }
        match outcome {
            Ok(served) => self.record(question, &served),
            Err(error) => {
                let (symbol, input) = (question.symbol.to_string(), input.to_owned());
                self.warn(Warning::NotHanded { symbol, input, why: error.message });
                "null".to_owned()
            }
        }
    }

    /// A record as `fetch -f json` gives it.
    fn record(&self, question: &Question, served: &Served) -> String {
        let entry = &served.entry;
        let text = || String::from_utf8_lossy(&entry.body);
        let record = match (&served.bars, entry.format) {
            (Some(series), _) => bars(series),
            (None, Format::Json) => text().into_owned(),
            (None, Format::Binary) => Json::binary(&entry.body, None).as_str().to_owned(),
            (None, _) => Json::text(&text()).as_str().to_owned(),
        };
        let told = Told {
            key: entry.key.as_str(),
            status: served.status.as_str(),
            tier: served.answered_by.as_str(),
            fetched_at: entry.fetched_at,
            expires_at: served.life.expires_at,
            age_seconds: entry.age(self.clock.now()).as_secs_f64(),
            ttl_seconds: served.life.ttl.as_secs_f64(),
            upstream_calls: served.upstream_calls,
        };
        let told = serde_json::to_string(&told).unwrap_or_default();
        let record = record.trim();
        match record.strip_suffix('}').filter(|_| record.starts_with('{')) {
            Some(open) if open.trim_end() == "{" => format!("{{\"cache\":{told}}}"),
            Some(open) => format!("{open},\"cache\":{told}}}"),
            // What `put` wrote may be anything.
            None => {
                let symbol = Json::text(question.symbol.name());
                let symbol = symbol.as_str();
                format!("{{\"symbol\":{symbol},\"payload\":{record},\"cache\":{told}}}")
            }
        }
    }
}

/// Bars as a record.
fn bars(series: &BarSeries) -> String {
    let of = &series.bars;
    let bar = |at: usize| BarRecord {
        time: Timestamp::from_ms(of.times[at]),
        date: of
            .days
            .get(at)
            .map(|day| crate::calendar::Date::from_days(i64::from(*day)).to_string()),
        open: of.open[at],
        high: of.high[at],
        low: of.low[at],
        close: of.close[at],
        adjusted_close: of.adjusted[at],
        volume: of.volume[at],
        state: series.state(at).as_str(),
    };
    let record = BarsRecord {
        symbol: &series.symbol,
        asset_class: &series.asset_class,
        data_type: "bars",
        provider: &series.provider,
        interval: series.interval.as_str(),
        currency: series.currency.as_deref(),
        adjust: series.adjust.as_str(),
        bars: (0..of.len()).map(bar).collect(),
    };
    serde_json::to_string(&record).unwrap_or_default()
}
