//! The requests that fill a part of a series, one after the other.
//!
//! Each page is stored as it comes, so whoever is killed half-way loses nothing that had come. The
//! lock of the series is kept from the first request to the last.

use std::cmp::Reverse;
use std::time::Duration;

use super::fill::{Came, Fill, Taken};
use super::hollow::part;
use super::standing::told;
use super::{ActionsFor, Slice};
use crate::cache::errand::Flight;
use crate::cache::fly::unsupported;
use crate::cache::{Cache, Question};
use crate::calendar::Date;
use crate::entry::{Entry, Format, State};
use crate::error::{Error, Kind};
use crate::flight::Holder;
use crate::market::{Interval, Page, Reach, SessionKind};
use crate::policy::plan::holes;
use crate::policy::{Known, Terms, TooOld, Want};
use crate::provider::Piece;
use crate::span::{Span, Spans};
use crate::tier::series::Head;
use crate::tier::{Stored, Tier as _};
use crate::time::Timestamp;
use crate::upstream::Site;

/// A flight that fills a series.
#[derive(Debug)]
pub(in crate::cache) struct Leg {
    /// What is held by now.
    pub(super) fill: Fill,
    /// What is known of the head's entry.
    pub(in crate::cache) known: Known,
    /// What the questions want, each by its index.
    wishes: Vec<(usize, Wish)>,
    reach: Reach,
    /// The lock of the series.
    pub(in crate::cache) holder: Option<Holder>,
    /// What the request under way asks for.
    pub(in crate::cache) piece: Option<Piece>,
    /// When it was decided how far bars are wanted: what goes as far as there is anything is as of
    /// then, however long it waited for its turn and for the requests before it.
    pub(super) planned_at: Timestamp,
    /// What upstream had nothing for, and is asked for again by who wants everything anew.
    pub(super) hollow: Spans,
    /// The sessions for which it had nothing now.
    pub(super) gaps: Vec<Date>,
    /// The requests made by now.
    pub(in crate::cache) calls: u32,
    /// How many of them brought a page.
    pub(super) pages: u32,
    /// Why the last of them came to nothing.
    pub(super) failed: Option<Error>,
}

/// How far a series has been filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// How many pages of it were kept.
    pub pages: u32,
    /// How many it takes in all, as far as is known by now.
    pub of: u32,
}

/// What bars must have come with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Needs {
    /// Prices alone: what comes out of a file need not say more.
    #[default]
    Prices,
    /// What was split and paid out as well.
    Actions,
}

/// What a question wants of a series.
#[derive(Clone, Debug, Default)]
struct Wish {
    /// When the bars begin that must be held.
    span: Option<Span>,
    /// When those begin that must be held besides, to know what has happened to prices.
    also: Option<Span>,
    /// With what those must have come.
    needs: Needs,
    /// Whether what is held behind the final bars is fresh enough.
    edge_will_do: bool,
    /// Why it cannot be had.
    refused: Option<Error>,
}

impl Cache {
    /// Takes up a series to fill it. What is held is read anew under its lock: another process may
    /// have filled some of it.
    pub(in crate::cache) fn embark(
        &self,
        questions: &[Question],
        flight: &Flight,
        site: &Site,
        terms: &Terms,
    ) -> Result<Leg, Error> {
        let question = &questions[flight.index];
        let interval = question.slice.as_ref().map_or(Interval::Day1, Slice::stored);
        let charts = site.speech.provider().charts();
        let reach = charts.and_then(|charts| charts.reach(&question.symbol, interval));
        let reach = reach.ok_or_else(|| unsupported(question))?;
        let held = self.held(question, terms);
        let head = held.as_ref().and_then(|held| Head::from_body(&held.entry.body).ok());
        let edge_at = held.as_ref().filter(|_| head.is_some()).map(|held| held.entry.fetched_at);
        let mut leg = Leg {
            fill: Fill { head: head.unwrap_or_default(), edge_at, ..Fill::default() },
            known: held.as_ref().map(|held| held.known.clone()).unwrap_or_default(),
            wishes: Vec::new(),
            reach,
            holder: None,
            piece: None,
            planned_at: self.clock.now(),
            hollow: Spans::new(),
            gaps: Vec::new(),
            calls: 0,
            pages: 0,
            failed: None,
        };
        for index in flight.indices() {
            let wish = self.wish(&questions[index], &leg, held.as_ref(), site, terms);
            leg.wishes.push((index, wish));
        }
        if leg.wishes.iter().all(|(_, wish)| wish.refused.is_some()) {
            let refused = leg.wishes.into_iter().find_map(|(_, wish)| wish.refused);
            return Err(refused.unwrap_or_else(|| unsupported(question)));
        }
        self.open_chunks(question, &mut leg);
        if terms.refresh {
            self.doubt(question, &mut leg);
        }
        self.plan(questions, &mut leg);
        Ok(leg)
    }

    /// How many requests a series takes at most, as far as is known beforehand, and the first of them.
    pub(in crate::cache) fn requests(
        &self,
        questions: &[Question],
        flight: &Flight,
        site: &Site,
        terms: &Terms,
    ) -> Result<(u32, Option<Piece>), Error> {
        let leg = self.embark(questions, flight, site, terms)?;
        Ok((self.filled(questions, &leg).of, leg.piece))
    }

    /// Reads the chunks that are wanted, so that what is damaged is asked for again.
    fn open_chunks(&self, question: &Question, leg: &mut Leg) {
        let Some(provider) = question.providers.first() else { return };
        for (_, wish) in &leg.wishes {
            let Some(span) = wish.span else { continue };
            let refs = leg.fill.head.within(span.start().as_ms(), span.end().as_ms()).to_vec();
            leg.fill.open(refs, &|refs| self.chunks(question, provider, refs));
        }
    }

    /// The head that the tiers hold of the provider that is asked, under the definition in force.
    fn held(&self, question: &Question, terms: &Terms) -> Option<Stored> {
        let provider = question.providers.first().filter(|_| !terms.no_cache)?;
        let shelf = match self.disk() {
            Some(_) => self.read_disk(&question.key)?,
            None => self.memory_in_use().and_then(|memory| memory.get(&question.key).ok()?)?,
        };
        let held = shelf.iter().find(|stored| stored.entry.provider == *provider)?;
        self.rules.is_defined_so(&held.entry, &held.known).then(|| held.clone())
    }

    fn wish(
        &self,
        question: &Question,
        leg: &Leg,
        held: Option<&Stored>,
        site: &Site,
        terms: &Terms,
    ) -> Wish {
        let mut wish = Wish::default();
        let Some(slice) = &question.slice else { return wish };
        let Ok(Some(span)) = self.wanted(question, slice, &site.name, &leg.known, leg.planned_at)
        else {
            return wish;
        };
        if let Some(Stored { entry, known, .. }) = held.filter(|_| !terms.refresh) {
            let life = self.life_as_read(question, entry, known, terms);
            let now = self.clock.now();
            let is_fresh = |at| life.state(at) == State::Fresh;
            wish.edge_will_do = is_fresh(now) && is_fresh(now + terms.min_fresh);
        }
        let (all, also) = self.with_actions(question, slice, leg, span, terms);
        (wish.span, wish.also) = (Some(all), also);
        let tells = self.actions_for(question, slice, &site.name) >= ActionsFor::Telling;
        wish.needs = if tells { Needs::Actions } else { Needs::Prices };
        let held = leg.fill.known();
        if !slice.takes_less()
            && let Err(too_old) = self.plan_for(question, leg, leg.reach, span, &held, whole)
        {
            wish.refused = Some(is_too_old(question, slice, site, too_old.earliest));
        }
        wish
    }

    /// The span, and the time since, if it must be known whether shares were divided, or something was
    /// paid out, after it: as one, or, of what is held until later already, from there on.
    ///
    /// What is asked for now may be of shares as they were divided this morning: once a session has
    /// opened since that was last asked, it is asked too, so that all prices are of the same shares.
    fn with_actions(
        &self,
        question: &Question,
        slice: &Slice,
        leg: &Leg,
        span: Span,
        terms: &Terms,
    ) -> (Span, Option<Span>) {
        let end = span.end().max(self.clock.now() + Duration::from_millis(1));
        let to_now = Span::new(span.start(), end).unwrap_or(span);
        let provider = question.providers.first().map_or("", AsRef::as_ref);
        let finality = self.finality(question, slice, provider, &leg.known);
        let could_begin = |hole| finality.could_begin(hole);
        let head = &leg.fill.head;
        let actions = self.actions_for(question, slice, provider);
        let tells = actions >= ActionsFor::Telling;
        let held = if tells { told(head) } else { leg.fill.known() };
        let is_held = holes(span, &held, &could_begin).is_empty();
        if actions == ActionsFor::Undoing
            && !(is_held && self.knows_basis(question, slice, provider, &leg.known, head, span))
        {
            return (to_now, None);
        }
        let opened_since = |at| Span::new(at, end).is_some_and(could_begin);
        let is_news = !is_held && head.actions_at.is_none_or(opened_since);
        let is_known = !terms.refresh && !is_news && self.knows_actions(question, leg, terms);
        if actions == ActionsFor::Nothing {
            return (span, None);
        }
        if let Some(since) = self.untold(question, slice, provider, &leg.known, head, span) {
            return (span, Span::new(since, end));
        }
        if is_known {
            return (span, None);
        }
        let held_to = head.coverage.rows().last().map(|row| row.span.end());
        match held_to.filter(|held_to| *held_to > span.end()) {
            Some(held_to) => (span, Span::new(held_to, end)),
            None => (to_now, None),
        }
    }

    /// Whether splits and dividends were asked for within their time to live.
    fn knows_actions(&self, question: &Question, leg: &Leg, terms: &Terms) -> bool {
        let Some(at) = leg.fill.head.actions_at else { return false };
        let provider = question.providers.first().map_or("", AsRef::as_ref);
        let (reader, min_fresh) = self.reader_of_actions(question, terms);
        let life = self.life_of_actions(question, provider, &leg.known, reader, at);
        let now = self.clock.now();
        [now, now + min_fresh].into_iter().all(|at| life.state(at) == State::Fresh)
    }

    /// Decides what the next request asks for; nothing if there is nothing left.
    pub(super) fn plan(&self, questions: &[Question], leg: &mut Leg) {
        leg.piece = self.next_piece(questions, leg);
    }

    fn next_piece(&self, questions: &[Question], leg: &Leg) -> Option<Piece> {
        let mut pieces = Vec::new();
        let mut like = None;
        for (index, wish) in leg.granted() {
            let question = &questions[*index];
            for (span, held) in leg.lacking(wish) {
                pieces.extend(self.plan_for(question, leg, leg.reach, span, &held, part(leg)));
            }
            like = question.slice.as_ref().or(like);
        }
        // The newest first: it tells of the splits since, without which older prices would seem to be
        // of another history. Where one request does not give all of a hole, each goes on where the
        // last one ended.
        let is_cut = leg.reach.per_call.is_some() || leg.reach.rows.is_some();
        let oldest_first = |piece: &Span| if is_cut { piece.start() } else { Timestamp::NEVER };
        let newest = |piece: &Span| Reverse(piece.start());
        let first = pieces.into_iter().min_by_key(|piece| (oldest_first(piece), newest(piece)))?;
        let slice = like?;
        let interval = slice.stored();
        Some(Piece {
            interval,
            span: self.overlapping(leg, self.with_tail(questions, leg, first), interval),
            session: slice.session,
        })
    }

    /// How far a series has come, and how far it has to go as it is planned now.
    pub(super) fn filled(&self, questions: &[Question], leg: &Leg) -> Filled {
        let left = leg.piece.map_or(0, |piece| 1 + self.requests_behind(questions, leg, &piece));
        Filled { pages: leg.pages, of: leg.pages.saturating_add(left) }
    }

    /// How many requests are left once this one has come. Each of them goes on where another ended,
    /// and begins one bar before that.
    fn requests_behind(&self, questions: &[Question], leg: &Leg, piece: &Piece) -> u32 {
        let reach = leg.reach.behind_a_bar(piece.interval);
        let mut asked = Spans::from(piece.span);
        let mut left = 0_u32;
        for (index, wish) in leg.granted() {
            for (span, held) in leg.lacking(wish) {
                let held = held.union(&asked);
                for piece in self.plan_for(&questions[*index], leg, reach, span, &held, part(leg)) {
                    // Two questions may want the same.
                    asked.insert(piece);
                    left = left.saturating_add(1);
                }
            }
        }
        left
    }

    /// Plans what a question is to be asked for.
    fn plan_for<T>(
        &self,
        question: &Question,
        leg: &Leg,
        reach: Reach,
        wanted: Span,
        held: &Spans,
        plan: impl FnOnce(&Want<'_>) -> T,
    ) -> T {
        let provider = question.providers.first().map_or("", AsRef::as_ref);
        let slice = question.slice.as_ref();
        let (interval, session) = slice.map_or((Interval::Day1, SessionKind::Regular), |slice| {
            (slice.stored(), slice.session)
        });
        let finality =
            self.rules.finality(&question.key, provider, &leg.known, (interval, session));
        plan(&Want {
            wanted,
            held,
            interval,
            reach,
            join_gap: self.rules.series.join_gap,
            now: self.clock.now(),
            bars_held: &|span| leg.fill.bars_within(span),
            could_begin: &|span| {
                // Of what nothing is known it is not known either whether there is such a symbol.
                leg.is_blank()
                    || (leg.reach.since.is_none_or(|since| since < span.end())
                        && finality.could_begin(span))
            },
        })
    }

    /// The span of a request, up to now if it goes behind the final bars, with all of what is held there
    /// if that counts: of bars that are not final only those of the last request are kept.
    fn with_tail(&self, questions: &[Question], leg: &Leg, span: Span) -> Span {
        let Some(tail) = leg.fill.head.tail else { return span };
        let will_do = |(_, wish): &(usize, Wish)| wish.edge_will_do;
        let counts = leg.fill.asked.contains(tail.start()) || leg.wishes.iter().any(will_do);
        let horizon = leg.wishes.iter().find_map(|(index, _)| {
            let question = &questions[*index];
            let (slice, provider) = (question.slice.as_ref()?, question.providers.first()?);
            Some(self.finality(question, slice, provider, &leg.known).horizon(leg.planned_at))
        });
        if horizon.is_none_or(|horizon| span.end() <= horizon) {
            return span;
        }
        let now = leg.planned_at + Duration::from_millis(1);
        let end = span.end().max(tail.end().min(now));
        let start = if counts { span.start().min(tail.start()) } else { span.start() };
        Span::new(start, end).unwrap_or(span)
    }

    /// The span of a request, from the last final bar on if it goes on behind that: the bar proves
    /// that the prices are of the same history still.
    fn overlapping(&self, leg: &Leg, span: Span, interval: Interval) -> Span {
        let touches =
            leg.fill.head.coverage.rows().iter().any(|row| row.span.end() == span.start());
        let oldest = leg.reach.back.map(|back| self.clock.now() - back);
        let last = leg.fill.last_final_before(span.start()).filter(|_| touches);
        let Some(start) = last.filter(|last| oldest.is_none_or(|oldest| oldest <= *last)) else {
            return span;
        };
        let end = span.end().min(start + leg.reach.longest(interval));
        // A piece that the last bar lies too far behind is better had without it.
        Span::new(start, end).filter(|with| with.end() > span.start()).unwrap_or(span)
    }

    /// Puts a page in its place; what is to be stored beside the head.
    pub(in crate::cache) fn settle(
        &self,
        question: &Question,
        leg: &mut Leg,
        page: &Page,
        at: Timestamp,
        terms: &Terms,
    ) -> Taken {
        let (Some(piece), Some(provider)) = (leg.piece.take(), question.providers.first()) else {
            return Taken::default();
        };
        let kind = (piece.interval, piece.session);
        let finality = self.rules.finality(&question.key, provider, &leg.known, kind);
        // What is stored nowhere stays in the head.
        let seals = self.disk().is_some() && !terms.no_cache;
        let load = |refs: &_| self.chunks(question, provider, refs);
        let is_open = piece.span.end() > leg.planned_at;
        let at = if is_open { leg.planned_at } else { at };
        let came = Came { piece: &piece, at, is_open, finality: &finality, seals, load: &load };
        leg.fill.take(page, &came)
    }
}

impl Leg {
    /// All that must be held to grant what can be granted.
    pub(super) fn wanted(&self) -> Spans {
        self.granted().flat_map(|(_, wish)| [wish.span, wish.also]).flatten().collect()
    }

    /// The wishes that can be granted.
    fn granted(&self) -> impl Iterator<Item = &(usize, Wish)> {
        self.wishes.iter().filter(|(_, wish)| wish.refused.is_none())
    }

    /// Whether some of what is wanted is held.
    pub(in crate::cache) fn holds_some(&self) -> bool {
        let known = self.fill.known();
        let spans = self.granted().filter_map(|(_, wish)| wish.span);
        spans.into_iter().any(|span| !known.intersection(&span.into()).is_empty())
    }

    /// What must be held to grant a wish, each with what of it need not be asked for.
    fn lacking(&self, wish: &Wish) -> impl Iterator<Item = (Span, Spans)> {
        let bars = wish.span.map(|span| (span, self.held_for(wish, wish.needs)));
        let actions = wish.also.map(|span| (span, self.held_for(wish, Needs::Actions)));
        bars.into_iter().chain(actions)
    }

    /// What need not be asked for to grant a wish, by itself or for what is told of splits and dividends.
    fn held_for(&self, wish: &Wish, needs: Needs) -> Spans {
        let mut held = self.needless(needs).union(&self.fill.asked);
        if let Some(tail) = self.fill.head.tail.filter(|_| wish.edge_will_do) {
            held.insert(tail);
        }
        held
    }

    /// Whether nothing is known of the series, and nobody was asked.
    fn is_blank(&self) -> bool {
        let head = &self.fill.head;
        head.coverage.is_empty() && head.tail.is_none() && self.fill.asked.is_empty()
    }

    /// Whether a page has no bar at all though bars that have ended came of its time before: of such
    /// an answer nothing is believed. A file may hold what the provider never had.
    pub(super) fn is_contradicted_by(&self, page: &Page) -> bool {
        let Some(span) = self.piece.map(|piece| piece.span).filter(|_| page.bars.is_empty()) else {
            return false;
        };
        let head = &self.fill.head;
        // With the first it may begin only for the sake of the overlap, and who is asked for what comes
        // behind a bar need not send that one.
        let is_sent = |ms: &i64| span.start().as_ms() < *ms && *ms < span.end().as_ms();
        let ended = &head.recent.times[..head.ended];
        ended.iter().any(is_sent) && !head.coverage.is_imported(span)
    }

    /// What is final and need not be asked for again.
    fn needless(&self, needs: Needs) -> Spans {
        let rows = self.fill.head.coverage.rows().iter();
        let rows = rows.filter(|row| needs == Needs::Prices || !row.is_silent);
        rows.map(|row| row.span).collect::<Spans>().minus(&self.hollow)
    }

    /// The head of the series as an entry, once something has come of it.
    pub(super) fn entry(&self, question: &Question) -> Option<Entry> {
        Some(Entry {
            key: question.key.clone(),
            provider: question.providers.first()?.clone(),
            // Where no bar can be, nobody was asked, and there is nothing: a weekend, or what is final of
            // a day that has only begun.
            fetched_at: self
                .fill
                .edge_at
                .or_else(|| self.failed.is_none().then_some(self.planned_at))?,
            own_ttl: None,
            format: Format::Binary,
            body: self.fill.head.to_body().into(),
        })
    }

    /// Why a question cannot be answered, though others can.
    pub(super) fn refusal(&self, index: usize) -> Option<&Error> {
        let wish = self.wishes.iter().find(|(of, _)| *of == index)?;
        wish.1.refused.as_ref()
    }
}

/// The requests for all that is missing, unless some of it cannot be had.
fn whole(want: &Want<'_>) -> Result<Vec<Span>, TooOld> {
    want.whole()
}

/// The error for bars that are older than what a provider gives.
fn is_too_old(question: &Question, slice: &Slice, site: &Site, earliest: Timestamp) -> Error {
    let (name, interval, symbol) = (&site.name, slice.stored().as_str(), &question.symbol);
    let message = format!("{name} has no {interval} bars of `{symbol}` from before {earliest}");
    Error::new(Kind::Unsupported, message).hint(format!(
        "say --from {earliest}, --partial for what can be had, or a longer --interval"
    ))
}
