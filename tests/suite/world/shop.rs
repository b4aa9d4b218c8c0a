//! A cache in this process, over a folder and an upstream of its own, at an instant that the test
//! says.

use mcache::cache::{Answer, Cache, Filled, News, Purpose, Question, Slice};
use mcache::calendar::{Calendars, Exchange};
use mcache::clock::Clock;
use mcache::config::{Choice, Config, Environment, Said};
use mcache::market::{Adjust, BarSeries, DataType, Interval};
use mcache::policy::{Asked, Terms};
use mcache::span::Span;

use super::World;
use super::stock::at;

/// What is asked of the cache.
#[derive(Clone, Debug)]
pub struct Ask {
    pub name: String,
    pub interval: Interval,
    pub asked: Asked,
    pub adjust: Adjust,
    pub final_only: bool,
    pub refresh: bool,
}

impl Ask {
    /// Days, as most ask for them.
    pub fn days(name: &str, asked: Asked) -> Self {
        let (name, interval) = (name.to_owned(), Interval::Day1);
        Self { name, interval, asked, adjust: Adjust::Splits, final_only: false, refresh: false }
    }

    /// When the bars begin that are meant at an instant.
    pub fn span(&self, now: i64) -> Span {
        let exchange = match self.name.split_once('.') {
            _ if self.name == "BTC" => Exchange::ALWAYS,
            Some((_, "L")) => Exchange::from_name("XLON").unwrap(),
            _ => Exchange::from_name("XNYS").unwrap(),
        };
        self.asked.span(self.interval, &Calendars::default(), Some(exchange), at(now)).unwrap()
    }
}

/// A folder with a configuration.
pub struct Shop {
    _folder: tempfile::TempDir,
    config: Config,
    join_gap: u32,
}

impl Shop {
    /// Whose upstream is this one; what is said last counts.
    pub fn of(world: &World, join_gap: u32, set: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let environment = Environment::from([
            ("HOME", home.as_str()),
            ("MCACHE_PROVIDERS__YAHOO__BASE_URL", world.upstream.url()),
            ("MCACHE_PROVIDERS__BINANCE__BASE_URL", world.upstream.url()),
            ("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]"),
            ("MCACHE_PROVIDERS__BINANCE__LIMITS", "[]"),
        ]);
        let set = set.iter().map(|&set| set.to_owned()).collect();
        let config = Config::load(Said { set, ..Said::default() }, environment).unwrap();
        Self { _folder: folder, config, join_gap }
    }

    /// The cache as another process finds it, at an instant.
    pub fn open(&self, now: i64) -> Cache {
        self.config
            .open_with(|options| {
                options.clock = Clock::starting_at(at(now));
                options.rules.series.join_gap = self.join_gap;
            })
            .unwrap()
    }

    fn question(&self, ask: &Ask) -> Question {
        let slice = Slice {
            interval: ask.interval,
            asked: ask.asked,
            adjust: ask.adjust,
            final_only: ask.final_only,
            ..Slice::default()
        };
        let symbol = self.config.symbol(&ask.name).unwrap();
        let choice = Choice { slice, ..Choice::default() };
        let questions = self.config.questions(&[symbol], &[DataType::Bars], &choice);
        questions.unwrap().remove(0)
    }

    /// What the cache answers, of several asked at once.
    pub fn answers(&self, cache: &Cache, asks: &[Ask]) -> Vec<Answer> {
        self.told(cache, asks).0
    }

    /// What the cache answers, of several asked at once, and how far each was said to be on the way.
    pub fn told(&self, cache: &Cache, asks: &[Ask]) -> (Vec<Answer>, Vec<(usize, Filled)>) {
        let questions: Vec<Question> = asks.iter().map(|ask| self.question(ask)).collect();
        let refresh = asks.iter().any(|ask| ask.refresh);
        let terms = Terms { refresh, ..Terms::default() };
        let mut answers: Vec<Option<Answer>> = asks.iter().map(|_| None).collect();
        let mut filled = Vec::new();
        let mut deliver = |index: usize, news| match news {
            News::Page(page) => {
                assert!(answers[index].is_none(), "a page after the answer: {page:?}");
                filled.push((index, page));
            }
            News::Answer(answer) => assert!(answers[index].replace(*answer).is_none()),
        };
        cache.fetch(&questions, &terms, Purpose::Read, &mut deliver).unwrap();
        (answers.into_iter().map(Option::unwrap).collect(), filled)
    }

    /// How many bars the cache knew of at an instant.
    pub fn bars_known_at(&self, cache: &Cache, ask: &Ask, at_ms: i64) -> usize {
        let served = cache.recall(&self.question(ask), at(at_ms)).unwrap();
        served.bars.unwrap().bars.len()
    }

    /// The bars that the cache answers with, and when those that are not final were fetched.
    pub fn bars(&self, cache: &Cache, ask: &Ask) -> (BarSeries, i64) {
        let answer = self.answers(cache, std::slice::from_ref(ask)).remove(0);
        let served = answer.outcome.unwrap_or_else(|error| panic!("{ask:?}: {error:?}"));
        let series = served.bars.unwrap_or_else(|| panic!("{ask:?}: no bars"));
        (BarSeries::clone(&series), served.entry.fetched_at.as_ms())
    }
}
