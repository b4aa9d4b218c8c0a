//! What of a part of a series is held, and so how long it answers.
//!
//! A part whose bars are all final never goes stale by itself: only a split or a dividend can change
//! what is read of it, so it lives as long as what is known of those. One that ends behind the final
//! bars lives by the rules of bars, or of what is worked out of them: until that is stale, it is told as
//! of when the newest bars came. One with a hole answers nobody, unless a part will do.

use std::collections::HashMap;
use std::time::Duration;

use super::{ActionsFor, Slice};
use crate::cache::lookup::Found;
use crate::cache::{Cache, Question};
use crate::calendar::Calendars;
use crate::entry::{Entry, Format, Life, State, Until};
use crate::error::Usage;
use crate::key::Key;
use crate::market::{Bars, DataType};
use crate::policy::plan::holes;
use crate::policy::{Finality, Known, Reader, Terms};
use crate::span::{Span, Spans};
use crate::tier::series::Head;
use crate::time::Timestamp;

use super::fill::with_tail;

/// What is held of a part of a series.
#[derive(Clone, Debug)]
pub(in crate::cache) struct Part {
    /// What is known of the series.
    pub(in crate::cache) head: Head,
    /// From when to when bars are wanted; none if only final ones are, and there can be none.
    pub(in crate::cache) span: Option<Span>,
    /// What of that is not held at all.
    pub(in crate::cache) holes: Spans,
    /// The chunks that are at hand.
    pub(in crate::cache) chunks: HashMap<i64, Bars>,
}

impl Cache {
    /// Refuses questions whose span cannot be.
    pub fn check(&self, questions: &[Question]) -> Result<(), Usage> {
        for question in questions {
            if let Some(slice) = &question.slice {
                self.check_as_of(slice)?;
                self.span(question, slice, &Known::default(), self.clock.now())?;
            }
        }
        Ok(())
    }

    /// From when to when bars are wanted by who asks at an instant.
    pub(super) fn span(
        &self,
        question: &Question,
        slice: &Slice,
        known: &Known,
        now: Timestamp,
    ) -> Result<Span, Usage> {
        let exchange = self.rules.exchange(&question.key, known);
        let now = slice.as_of.unwrap_or(now);
        slice.asked.span(slice.interval, self.calendars(), exchange, now)
    }

    /// The same, up to where bars are final if only those are wanted.
    pub(super) fn wanted(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
        known: &Known,
        now: Timestamp,
    ) -> Result<Option<Span>, Usage> {
        let span = self.span(question, slice, known, now)?;
        if !slice.final_only {
            return Ok(Some(span));
        }
        let finality = self.finality(question, slice, provider, known);
        Ok(Span::new(span.start(), span.end().min(finality.horizon(slice.as_of.unwrap_or(now)))))
    }

    pub(super) fn calendars(&self) -> &Calendars {
        self.rules.calendars()
    }

    /// When bars of a provider are final.
    pub(super) fn finality(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
        known: &Known,
    ) -> Finality<'_> {
        self.rules.finality(&question.key, provider, known, (slice.stored(), slice.session))
    }

    /// What splits and dividends are to what is read of the bars of a provider.
    pub(super) fn actions_for(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
    ) -> ActionsFor {
        if self.rules.is_silent(provider) {
            return ActionsFor::Nothing;
        }
        slice.actions_for(question)
    }

    /// Judges what was found by the part of a series that is asked for at an instant, if one is.
    pub(in crate::cache) fn stand(
        &self,
        question: &Question,
        terms: &Terms,
        found: &mut Found,
        now: Timestamp,
    ) {
        let Some(slice) = question.slice.as_ref().filter(|_| !found.entry.is_put()) else { return };
        if found.entry.format == Format::NotFound {
            return;
        }
        found.life = self.life_as_read(question, &found.entry, &found.known, terms);
        if question.data_type.made_of() == DataType::Bars {
            self.stand_in_series(question, slice, terms, found, now);
        }
    }

    /// How long an entry answers as what is read of it: what is worked out has its own time to live.
    pub(super) fn life_as_read(
        &self,
        question: &Question,
        entry: &Entry,
        known: &Known,
        terms: &Terms,
    ) -> Life {
        let reader = self.reader_of(&question.key, terms);
        if question.read_as == question.key {
            return self.rules.life(entry, known, reader);
        }
        self.rules.life(&named(entry, &question.read_as), known, reader)
    }

    fn stand_in_series(
        &self,
        question: &Question,
        slice: &Slice,
        terms: &Terms,
        found: &mut Found,
        now: Timestamp,
    ) {
        let head = Head::from_body(&found.entry.body).ok();
        let span = self.wanted(question, slice, &found.entry.provider, &found.known, now).ok();
        let Some((head, span)) = head.zip(span) else {
            // Another release may have written it: it is asked for again.
            found.life = nothing(&found.life);
            return;
        };
        let finality = self.finality(question, slice, &found.entry.provider, &found.known);
        let actions = self.actions_for(question, slice, &found.entry.provider);
        let settled = if actions >= ActionsFor::Telling {
            head.coverage.told()
        } else {
            head.coverage.spans()
        };
        let missing = |span: Option<Span>, held: &Spans| match span {
            Some(span) => holes(span, held, &|hole| finality.could_begin(hole)),
            None => Spans::new(),
        };
        let is_final = missing(span, &settled).is_empty();
        let span = span.map(|span| as_it_lasts(question, slice, found, span, now));
        let holes = missing(span, &with_tail(settled, head.tail));
        if is_final {
            found.life = self.life_of_final(question, slice, terms, found, &head, span);
        } else if !holes.is_empty() {
            found.life = if slice.partial { stale(&found.life) } else { nothing(&found.life) };
        }
        found.part = Some(Box::new(Part { head, span, holes, chunks: HashMap::new() }));
    }

    /// How long final bars answer: as long as it is known how shares were divided since.
    fn life_of_final(
        &self,
        question: &Question,
        slice: &Slice,
        terms: &Terms,
        found: &Found,
        head: &Head,
        span: Option<Span>,
    ) -> Life {
        let life = final_life(&found.life);
        if !self.rules.is_defined_so(&found.entry, &found.known) {
            return stale(&life);
        }
        let (provider, known) = (&found.entry.provider, &found.known);
        let is_followed = self.actions_for(question, slice, provider) > ActionsFor::Nothing;
        if !is_followed || head.coverage.is_empty() {
            return life;
        }
        if span.is_some_and(|s| !self.knows_basis(question, slice, provider, known, head, s)) {
            return nothing(&found.life);
        }
        // It is asked, and answers still if nobody can be.
        if span.is_some_and(|s| self.untold(question, slice, provider, known, head, s).is_some()) {
            return stale(&life);
        }
        let Some(at) = head.actions_at else { return stale(&life) };
        let (reader, _) = self.reader_of_actions(question, terms);
        let actions =
            self.life_of_actions(question, &found.entry.provider, &found.known, reader, at);
        Life { gone_at: life.gone_at, error_until: life.error_until, ..actions }
    }

    /// Whether it is known which splits are in the prices of a span as they were sent, so that these
    /// can be taken out: no session has opened since that was said and before they were sent.
    pub(super) fn knows_basis(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
        known: &Known,
        head: &Head,
        span: Span,
    ) -> bool {
        if self.actions_for(question, slice, provider) < ActionsFor::Undoing {
            return true;
        }
        let Some(newest) = head.bases(span).max() else { return true };
        let Some(at) = head.actions_at else { return false };
        let finality = self.finality(question, slice, provider, known);
        let newest = Timestamp::from_ms(newest.saturating_add(1));
        Span::new(at, newest).is_none_or(|since| !finality.could_begin(since))
            && is_told(&told(head), span.start(), newest.min(at), &finality)
    }

    /// Since when it must be told what became of the shares, so that bars of a span can be compared with
    /// what is held last: where a stretch between both is not held, nobody said so. None if all is told.
    pub(super) fn untold(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
        known: &Known,
        head: &Head,
        span: Span,
    ) -> Option<Timestamp> {
        // What came in one request with a bar was told of the time from that bar on.
        let from = Timestamp::from_ms(head.bases(span).min()?).max(span.start());
        let told = told(head);
        let last = told.bounds()?.end();
        let finality = self.finality(question, slice, provider, known);
        (!is_told(&told, from, last, &finality)).then_some(from)
    }

    /// How long what was fetched of splits and dividends at an instant is as good as new.
    pub(super) fn life_of_actions(
        &self,
        question: &Question,
        provider: &str,
        known: &Known,
        reader: Reader,
        at: Timestamp,
    ) -> Life {
        let dividends = Entry {
            key: Key::of(DataType::Dividends, &question.symbol),
            provider: provider.into(),
            fetched_at: at,
            own_ttl: None,
            format: Format::Binary,
            body: Box::default(),
        };
        self.rules.life(&dividends, known, reader)
    }

    /// Who reads splits and dividends, and how long they must stay fresh: of bars nobody is told that
    /// they are too old, since those do not change.
    pub(super) fn reader_of_actions(
        &self,
        question: &Question,
        terms: &Terms,
    ) -> (Reader, Duration) {
        match question.data_type {
            DataType::Bars => (self.anybody(), Duration::ZERO),
            _ => (self.reader(terms), terms.min_fresh),
        }
    }
}

/// The span of which bars are wanted: of what is worked out of them and lasts by its own rule, no more
/// than there was when the newest came. Bars themselves are as new as can be.
fn as_it_lasts(
    question: &Question,
    slice: &Slice,
    found: &Found,
    span: Span,
    now: Timestamp,
) -> Span {
    let is_worked_out = question.data_type != DataType::Bars && slice.as_of.is_none();
    if !is_worked_out || found.life.state(now) != State::Fresh {
        return span;
    }
    Span::new(span.start(), span.end().min(found.life.fetched_at)).unwrap_or(span)
}

/// Of which spans it was said what happened to the shares: of those that are held, but for what came
/// out of a file that says nothing of that.
pub(super) fn told(head: &Head) -> Spans {
    with_tail(head.coverage.told(), head.tail)
}

/// Whether it was said of all sessions from one instant to another.
pub(super) fn is_told(
    told: &Spans,
    from: Timestamp,
    to: Timestamp,
    finality: &Finality<'_>,
) -> bool {
    let could_begin = |hole| finality.could_begin(hole);
    Span::new(from, to).is_none_or(|span| holes(span, told, &could_begin).is_empty())
}

/// An entry of another name that is as old as this one, without its value.
pub(super) fn named(entry: &Entry, key: &Key) -> Entry {
    Entry {
        key: key.clone(),
        provider: entry.provider.clone(),
        fetched_at: entry.fetched_at,
        own_ttl: entry.own_ttl,
        format: entry.format,
        body: Box::default(),
    }
}

/// The life of what does not change any more.
pub(super) fn final_life(life: &Life) -> Life {
    Life {
        ttl: Timestamp::NEVER.since(life.fetched_at),
        expires_at: Timestamp::NEVER,
        until: Until::Final,
        error_until: Timestamp::NEVER,
        gone_at: Timestamp::NEVER,
        ..*life
    }
}

/// The life of what answers if nothing better can be had.
pub(in crate::cache) fn stale(life: &Life) -> Life {
    let expires_at = life.expires_at.min(life.fetched_at);
    Life { ttl: Duration::ZERO, expires_at, until: Until::Ttl, ..*life }
}

/// The life of what answers nobody.
fn nothing(life: &Life) -> Life {
    let never = Timestamp::from_ms(0);
    Life { error_until: never, gone_at: never, ..stale(life) }
}
