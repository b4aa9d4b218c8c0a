//! Texts with names in braces, into which a question is filled: paths, queries, bodies, and what programs
//! are told.
//!
//! A name that nothing is known for makes the whole text impossible, so an endpoint that needs the two
//! sides of a pair has nothing to say of a stock, and one that needs upstream's own name of a symbol nothing
//! of one that has none. The key of a provider is not known here: where it goes stays marked.

mod braces;
mod place;

pub(super) use place::sides;

use super::Names;
use crate::error::Usage;
use crate::market::{Params, Symbol};
use crate::provider::TOKEN;
use crate::span::Span;
use braces::{Of, Piece};
use place::{Form, Manner, Place};

/// A text with places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Place(Place),
}

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling<'a> {
    pub(super) symbol: &'a Symbol,
    /// What upstream calls symbols.
    pub(super) names: &'a Names,
    /// What upstream calls the interval of the bars that are asked for.
    pub(super) interval: Option<&'a str>,
    /// When those begin.
    pub(super) span: Option<Span>,
    /// What parameters are, first where a question says so, then where the endpoint does.
    pub(super) params: [&'a Params; 2],
}

impl Template {
    /// Reads a query or a body: a brace is one unless a name stands in it, and `{{` and `}}` are braces.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        Self::read(text, Of::Request)
    }

    /// Reads a path, in which no brace stands but those of names, and those that are doubled.
    pub fn of_path(text: &str) -> Result<Self, Usage> {
        Self::read(text, Of::Path)
    }

    /// Reads an argument of a program: as a body, but `${` is of the shell that it may be for.
    pub fn of_program(text: &str) -> Result<Self, Usage> {
        Self::read(text, Of::Program)
    }

    fn read(text: &str, of: Of) -> Result<Self, Usage> {
        let parts = braces::pieces(text, of)?.into_iter().map(|piece| match piece {
            Piece::Text(text) => Ok(Part::Text(text.into())),
            Piece::Name(name) => Place::parse(name, of).map(Part::Place),
        });
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// Whether it says anything of a symbol.
    pub(super) fn names_a_symbol(&self) -> bool {
        self.places()
            .any(|place| matches!(place, Place::Symbol(_) | Place::Base(_) | Place::Quote(_)))
    }

    /// Whether it says when bars begin.
    pub(super) fn names_a_span(&self) -> bool {
        self.places().any(|place| matches!(place, Place::From(_) | Place::To(_)))
    }

    /// Whether it says what only bars have: when they begin, or how long they are.
    pub fn names_bars(&self) -> bool {
        self.names_a_span() || self.names_an_interval()
    }

    /// Whether it says how long bars are.
    pub fn names_an_interval(&self) -> bool {
        self.places().any(|place| *place == Place::Interval)
    }

    /// Whether it takes a symbol only by the name that upstream has for it.
    pub fn names_the_named(&self) -> bool {
        let is_named = |manner: &Form| *manner == Form::Named;
        self.places().any(|place| match place {
            Place::Symbol(manner) | Place::Base(manner) | Place::Quote(manner) => is_named(manner),
            _ => false,
        })
    }

    /// Whether the first that stands in it is of a symbol.
    pub(super) fn begins_with_a_symbol(&self) -> bool {
        matches!(
            self.0.first(),
            Some(Part::Place(Place::Symbol(_) | Place::Base(_) | Place::Quote(_)))
        )
    }

    /// Whether nothing is filled into it.
    pub fn is_plain(&self) -> bool {
        self.places().next().is_none()
    }

    /// The parameters that it names.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.places().filter_map(|place| match place {
            Place::Param(name, _) => Some(&**name),
            _ => None,
        })
    }

    /// Whether it says where the key of the provider goes.
    pub fn names_the_token(&self) -> bool {
        self.places().any(|place| *place == Place::Token)
    }

    /// Whether it may be left out.
    pub fn is_optional(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Param(_, Manner::Optional)))
    }

    /// Whether it is left out, since nobody says what it is.
    pub(super) fn is_left_out(&self, filling: &Filling<'_>) -> bool {
        self.places().any(|place| {
            matches!(place, Place::Param(_, Manner::Optional)) && place.value(filling).is_none()
        })
    }

    /// The first parameter that it needs and nobody says.
    pub(super) fn lacks(&self, filling: &Filling<'_>) -> Option<&str> {
        self.places().find_map(|place| match place {
            Place::Param(_, Manner::Optional) => None,
            Place::Param(name, _) if place.value(filling).is_none() => Some(&**name),
            _ => None,
        })
    }

    /// The text with everything filled in, each value as `spelt`; none if one is not known.
    pub(super) fn filled(
        &self,
        filling: &Filling<'_>,
        spelt: impl Fn(&str) -> String,
    ) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(Place::Token) => out.push_str(TOKEN),
                Part::Place(place) => {
                    let value = place.value(filling)?;
                    if matches!(place, Place::Param(_, Manner::Slashes)) {
                        let segments: Vec<String> = value.split('/').map(&spelt).collect();
                        out.push_str(&segments.join("/"));
                    } else {
                        out.push_str(&spelt(&value));
                    }
                }
            }
        }
        Some(out)
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place(place) => Some(place),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Class;
    use crate::time::Timestamp;

    fn filled(template: &str, class: Class, name: &str) -> Option<String> {
        let span = Span::new(Timestamp::from_seconds(0), Timestamp::from_seconds(86_400));
        let symbol = Symbol::new(class, name);
        let of = |text| Params::parse([text]).unwrap();
        let params = [&of("depth=10"), &of("depth=20")];
        let names = [("BTC", "XBT"), ("DOGE/USD", "dogecoin"), ("BTC/USDT", "bitcoin")];
        let names = Names::new(names.map(|(of, is)| (of.into(), is.into())));
        let filling =
            Filling { symbol: &symbol, names: &names, interval: Some("1D"), span, params };
        Template::parse(template).unwrap().filled(&filling, |value| format!("<{value}>"))
    }

    #[test]
    fn a_question_is_spelt_as_the_template_says() {
        for (template, class, name, expected) in [
            ("/q/{symbol}", Class::Stock, "BRK.B", Some("/q/<BRK.B>")),
            ("{base}-{quote}", Class::Crypto, "SOL", Some("<SOL>-<USDT>")),
            ("{base:lower}{quote:lower}", Class::Crypto, "ETH/EUR", Some("<eth><eur>")),
            ("{base}{quote:lower}", Class::Crypto, "ETH/BTC", Some("<ETH><xbt>")),
            ("{base:name}", Class::Crypto, "BTC/EUR", Some("<XBT>")),
            ("{base:name}", Class::Crypto, "ETH/EUR", None),
            ("{symbol:name}", Class::Crypto, "DOGE/USD", Some("<dogecoin>")),
            ("{symbol:name}", Class::Crypto, "BTC", Some("<XBT>")),
            ("{symbol:name}", Class::Crypto, "DOGE", None),
            ("{symbol:name}", Class::Stock, "DOGE", None),
            ("{base}/{quote}", Class::Fx, "EURUSD", Some("<EUR>/<USD>")),
            ("{base}", Class::Stock, "AAPL", None),
            ("{symbol:lower}", Class::Crypto, "ETH", Some("<eth>")),
            ("{interval}:{from}:{to:ms}", Class::Stock, "A", Some("<1D>:<0>:<86400000>")),
            (
                "{from:date} {to:rfc3339}",
                Class::Stock,
                "A",
                Some("<1970-01-01> <1970-01-02T00:00:00Z>"),
            ),
            (
                "{from:day_before} {to:day_after} {to:yyyymmdd}",
                Class::Stock,
                "A",
                Some("<1969-12-31> <1970-01-03> <19700102>"),
            ),
            ("{{{param:depth}}}", Class::Stock, "A", Some("{<10>}")),
            ("{param:width}", Class::Stock, "A", None),
            ("{param:depth:slashes}", Class::Stock, "A", Some("<10>")),
            ("{param:depth:optional}", Class::Stock, "A", Some("<10>")),
            ("/bot{token}/x", Class::Stock, "A", Some("/bot{token}/x")),
            ("", Class::Stock, "A", Some("")),
        ] {
            assert_eq!(filled(template, class, name).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn a_template_says_what_it_needs() {
        let template = |text| Template::parse(text).unwrap();
        assert!(template("{base}").names_a_symbol() && !template("{param:x}").names_a_symbol());
        assert!(template("{to:ms}").names_a_span() && !template("{interval}").names_a_span());
        assert!(template("{to:ms}").names_bars() && template("{interval}").names_bars());
        assert!(!template("{symbol}").names_bars());
        assert!(template("{base:name}").names_the_named());
        assert!(!template("{base}{interval}").names_the_named());
        let params = "{param:a}{param:b:slashes}{param:c:optional}";
        assert_eq!(template(params).params().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(template(params).is_optional() && !template("{param:a:slashes}").is_optional());
        assert!(
            template("/{token}/x").names_the_token() && !template("{{token}}").names_the_token()
        );
    }

    #[test]
    fn a_parameter_with_slashes_is_encoded_between_them_and_an_unsaid_one_is_told() {
        let symbol = Symbol::new(Class::Stock, "A");
        let said = Params::parse(["path=a/b c/d"]).unwrap();
        let params = [&said, Params::none()];
        let names = Names::default();
        let filling =
            Filling { symbol: &symbol, names: &names, interval: None, span: None, params };
        let of = |text: &str| Template::parse(text).unwrap();
        let filled = of("/f/{param:path:slashes}").filled(&filling, |v| v.replace(' ', "%20"));
        assert_eq!(filled.as_deref(), Some("/f/a/b%20c/d"));
        let unsaid = of("{param:path}{param:x:optional}{param:y}");
        assert_eq!(unsaid.lacks(&filling), Some("y"));
        assert!(unsaid.is_left_out(&filling) && !of("{param:path:optional}").is_left_out(&filling));
    }
}
