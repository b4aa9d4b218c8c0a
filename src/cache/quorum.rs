//! One question to several providers at once: do they agree?
//!
//! Each of the first so many of the chain is answered as if it were alone, out of the cache while that
//! is fresh; whoever fails, or has only something stale, is replaced by the next of the chain. The
//! answer is that of the best. Nothing is averaged: a price that nobody gave is not served.

use std::ops::Range;
use std::time::Duration;

use super::chain::combined;
use super::{Answer, Cache, Interrupted, News, PassedOver, Purpose, Question, Served, Status};
use crate::db::tally::Tally;
use crate::error::{Error, Kind};
use crate::market::{Class, Quote};
use crate::number::Number;
use crate::policy::{Agreement, Terms};
use crate::units::Share;
use crate::warning::Warning;

/// What several providers said.
#[derive(Clone, Debug)]
pub struct Quorum {
    /// How many were to answer.
    pub asked: usize,
    /// Who did, best first.
    pub votes: Vec<Vote>,
    /// Whether they agree; none if fewer than two answered.
    pub agreement: Option<Agreement>,
}

/// What one of them said.
#[derive(Clone, Debug)]
pub struct Vote {
    /// Who.
    pub provider: Box<str>,
    /// What it costs.
    pub price: Number,
    /// As of when, if that is said.
    pub time: Option<String>,
}

/// How many are asked, and how far apart they may be.
pub struct Consensus<'a> {
    /// How many.
    pub number: usize,
    /// How far a price of this class may be from the median.
    pub tolerance: &'a dyn Fn(Class) -> Option<Share>,
}

/// How far the vote on one question has come.
#[derive(Default)]
struct Ballot {
    /// How many of its chain were asked.
    asked: usize,
    /// Who answered, by the place in the chain.
    votes: Vec<(usize, Answer, Vote)>,
    /// What is held, and stale, of the first who failed and has any.
    stale: Option<Answer>,
    /// The requests that all who were asked have cost.
    calls: u32,
    passed: Vec<PassedOver>,
}

impl Cache {
    /// Answers questions for quotes by the word of several providers each: `deliver` gets the index of
    /// a question and its answer, as it comes. Each provider that is asked counts as a request.
    pub fn fetch_quorum(
        &self,
        questions: &[Question],
        consensus: &Consensus<'_>,
        terms: &Terms,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        let mut ballots: Vec<Option<Ballot>> =
            questions.iter().map(|_| Some(Ballot::default())).collect();
        while ballots.iter().any(Option::is_some) {
            let mut round = Vec::new();
            for (index, ballot) in ballots.iter_mut().enumerate() {
                let Some(ballot) = ballot else { continue };
                let links = ballot.next(&questions[index], consensus.number);
                round.extend(links.map(|link| (index, link)));
            }
            let of = |(index, link): &(usize, usize)| {
                let question = &questions[*index];
                to_one(question, &question.providers[*link])
            };
            let asked: Vec<Question> = round.iter().map(of).collect();
            let polled = self.fetch(&asked, terms, Purpose::Read, &mut |at, news| {
                let (index, link) = round[at];
                if let (News::Answer(answer), Some(ballot)) = (news, &mut ballots[index]) {
                    ballot.count(link, &asked[at], *answer, terms);
                }
            });
            for (index, ballot) in ballots.iter_mut().enumerate() {
                let question = &questions[index];
                // An interrupt leaves some of them unheard.
                let is_heard = |ballot: &mut Ballot| {
                    ballot.votes.len() >= consensus.number
                        || (polled.is_ok() && ballot.asked >= question.providers.len())
                };
                if let Some(ballot) = ballot.take_if(is_heard) {
                    let answer = self.decided(question, ballot, consensus);
                    deliver(index, News::Answer(Box::new(answer)));
                }
            }
            polled?;
        }
        Ok(())
    }

    /// The answer to a question on which everybody has been heard.
    fn decided(
        &self,
        question: &Question,
        mut ballot: Ballot,
        consensus: &Consensus<'_>,
    ) -> Answer {
        if question.providers.len() < consensus.number {
            let answer = Answer::new(Err(too_few(question, consensus.number)), Duration::ZERO);
            let mut tally = Tally::default();
            self.count_refused(&mut tally, question, &answer);
            self.store(&mut [], &tally, &[]);
            return answer;
        }
        ballot.votes.sort_by_key(|(link, ..)| *link);
        let (answers, votes): (Vec<Answer>, Vec<Vote>) =
            ballot.votes.into_iter().map(|(_, answer, vote)| (answer, vote)).unzip();
        let failed = || Answer::new(Err(combined(&ballot.passed)), Duration::ZERO);
        let best = answers.into_iter().next().or(ballot.stale);
        let mut answer = best.unwrap_or_else(failed);
        if let Ok(served) = &mut answer.outcome {
            served.upstream_calls = ballot.calls;
            let why = || combined(&ballot.passed).message;
            let (quorum, warnings) = tallied(question, votes, consensus, &why);
            answer.warnings.extend(warnings);
            answer.quorum = Some(Box::new(quorum));
        }
        answer.passed = ballot.passed;
        answer
    }
}

/// What the votes come to, and what is said of it; `why` the others gave none.
fn tallied(
    question: &Question,
    votes: Vec<Vote>,
    consensus: &Consensus<'_>,
    why: &dyn Fn() -> String,
) -> (Quorum, Vec<Warning>) {
    let mut warnings = Vec::new();
    let (symbol, of) = (question.symbol.to_string(), consensus.number);
    if votes.len() < of {
        let (symbol, answered) = (symbol.clone(), votes.len());
        warnings.push(Warning::NoQuorum { symbol, answered, of, why: why() });
    }
    let prices: Vec<f64> = votes.iter().map(|vote| vote.price.as_f64()).collect();
    let agreement = Agreement::of(&prices, (consensus.tolerance)(question.symbol.class()));
    if let Some(Agreement { agreed: false, spread }) = agreement {
        let spread = format!("{:.2} %", spread.0 * 100.0);
        let prices = votes.iter().map(Vote::says).collect();
        warnings.push(Warning::Disagreement { symbol, spread, prices });
    }
    (Quorum { asked: of, votes, agreement }, warnings)
}

impl Ballot {
    /// The places in the chain of those who are asked next: as many as are lacking, nobody of a chain
    /// that is too short.
    fn next(&mut self, question: &Question, number: usize) -> Range<usize> {
        let (from, most) = (self.asked, question.providers.len());
        self.asked = if most < number { most } else { most.min(from + number - self.votes.len()) };
        if most < number { 0..0 } else { from..self.asked }
    }

    /// Counts what the provider at this place of the chain has come to.
    fn count(&mut self, link: usize, question: &Question, answer: Answer, terms: &Terms) {
        let provider = question.providers.first().cloned().unwrap_or_default();
        let is_stale = |served: &&Served| served.status == Status::Stale && !terms.offline;
        self.calls += answer.calls();
        let served = answer.outcome.as_ref().ok();
        let vote = served.filter(|served| !is_stale(served)).and_then(|served| {
            let quote: Quote = serde_json::from_slice(&served.entry.body).ok()?;
            Some(Vote { provider: provider.clone(), price: quote.price, time: quote.time })
        });
        if let Some(vote) = vote {
            return self.votes.push((link, answer, vote));
        }
        let is_old = || {
            let message = format!("{provider} gave nothing newer than what is held of it");
            Error::new(Kind::Upstream, message)
        };
        let error = answer.outcome.as_ref().err().cloned().unwrap_or_else(is_old);
        self.passed.push(PassedOver { provider, error });
        if answer.outcome.is_ok() && self.stale.is_none() {
            self.stale = Some(answer);
        }
    }
}

impl Vote {
    /// Who says what, as of when.
    fn says(&self) -> String {
        let time = self.time.as_ref().map(|time| format!(" at {time}")).unwrap_or_default();
        format!("{} {}{time}", self.provider, self.price.as_str())
    }
}

/// The questions to those who are asked first for a vote, or why there can be none.
pub fn first_votes(question: &Question, number: usize) -> Result<Vec<Question>, Error> {
    let first = question.providers.get(..number).ok_or_else(|| too_few(question, number))?;
    Ok(first.iter().map(|provider| to_one(question, provider)).collect())
}

/// The question to one provider alone; what `put` wrote is nobody's word.
fn to_one(question: &Question, provider: &str) -> Question {
    Question { providers: vec![provider.into()], pinned: true, ..question.clone() }
}

/// The error of a chain that is shorter than what is wanted.
fn too_few(question: &Question, number: usize) -> Error {
    let (symbol, class) = (&question.symbol, question.symbol.class().as_str());
    let what = question.data_type.in_prose();
    let able = match question.providers.as_slice() {
        [] => format!("no provider of the {class} chain has {what}"),
        [one] => format!("of the {class} chain only {one} has {what}"),
        [most @ .., last] => {
            format!("of the {class} chain only {} and {last} have {what}", most.join(", "))
        }
    };
    Error::new(Kind::Unsupported, format!("{able} of `{symbol}`, and --quorum asks {number}"))
        .hint(format!("name more providers under `chains.{class}`, or ask fewer"))
}
