//! `fetch --class CLASS --all`: what the cache knows of a class, in one answer.
//!
//! Nobody has named these symbols, so nobody is asked for them: what is stale is served as that, unless
//! the command line says how fresh it has to be. Whatever is held is found in the list of keys; who may
//! answer for each is the chain's business, as ever.

use std::collections::{BTreeMap, BTreeSet};

use crate::cache::{Cache, Listing, Question, Selection, Slice};
use crate::cli::args::{Asked, Fetch};
use crate::cli::ui::Ui;
use crate::config::{Choice, Config};
use crate::entry::State;
use crate::error::Usage;
use crate::key::{Key, PUT};
use crate::market::{Class, DataType, Params, Symbol};
use crate::policy::Terms;

/// The class of which everything is wanted, if that is asked for; refused where it makes no sense.
fn class(args: &Fetch) -> Result<Option<Class>, Usage> {
    let example = "`mcache fetch --class crypto --all` gives what the cache holds of a class";
    match (args.class, args.all) {
        (None, false) => Ok(None),
        (None, true) => Err(Usage::new("--all is of a class, and none is said")
            .hint(format!("{example}; `mcache fetch @all` asks for every list"))),
        (Some(class), false) => Err(Usage::new("--class is the class of which --all is wanted")
            .hint(format!(
                "{example}; the class of one symbol stands before it, as in `{}:NAME`",
                class.as_str()
            ))),
        (Some(_), true) if !args.symbols.is_empty() => {
            Err(Usage::new("either symbols are named, or all that is held of a class is wanted")
                .hint("leave the symbols away, or --class and --all"))
        }
        (Some(_), true) if args.no_cache => {
            Err(Usage::new("--all is what the cache holds, and --no-cache reads nothing of it")
                .hint("leave --no-cache away; --refresh asks for all of them"))
        }
        (class, true) => Ok(class),
    }
}

/// Asks nobody, unless it is said how fresh the answers have to be: then as if all had been named.
pub(super) fn terms(mut terms: Terms, asked: &Asked) -> Terms {
    let wants_fresh = asked.refresh || asked.max_age.is_some() || asked.min_fresh.is_some();
    terms.offline |= !wants_fresh;
    terms
}

/// What the cache knows of a class.
pub(super) struct Summary {
    /// A question for each thing that is held and may answer, in the order of the keys.
    pub(super) questions: Vec<Question>,
    /// The same, or one like them where there is none: by this the head of a table is known.
    pub(super) alike: Vec<Question>,
    class: Class,
    types: Vec<DataType>,
    /// Who else holds something, and how much, where there is nothing else.
    others: BTreeMap<String, usize>,
}

impl Summary {
    /// Looks through the keys, if that is asked for.
    pub(super) fn of(
        args: &Fetch,
        slice: &Slice,
        cache: &Cache,
        config: &Config,
    ) -> anyhow::Result<Option<Self>> {
        let (Some(class), asked) = (class(args)?, &args.asked) else { return Ok(None) };
        let provider = asked.provider.as_deref();
        let types = types(class, asked, config)?;
        let listed = held(class, &types, cache, config)?;
        let params = Params::parse(asked.params.iter().map(String::as_str))?;
        let choice = Choice { provider, slice: slice.clone(), params };
        let names: BTreeSet<&str> = listed.iter().filter_map(|l| l.key.symbol()).collect();
        // What `put` wrote may stand under a name that no symbol has.
        let symbol = |name: &&str| config.symbol(&format!("{}:{name}", class.as_str())).ok();
        let symbols: Vec<Symbol> = names.iter().filter_map(symbol).collect();
        let mut holders: BTreeMap<&Key, Vec<&str>> = BTreeMap::new();
        for listing in &listed {
            holders.entry(&listing.key).or_default().push(&listing.provider);
        }
        let mut questions = config.questions(&symbols, &types, &choice)?;
        questions.retain(|question| {
            let holders = holders.get(&question.key).map(Vec::as_slice).unwrap_or_default();
            holders.iter().any(|holder| may_answer(question, holder))
        });
        let mut others = BTreeMap::new();
        for listing in listed.iter().filter(|_| questions.is_empty()) {
            *others.entry(listing.provider.clone()).or_default() += 1;
        }
        let alike = if questions.is_empty() {
            config.questions(&[Symbol::new(class, "-")], &types, &choice)?
        } else {
            questions.clone()
        };
        Ok(Some(Self { questions, alike, class, types, others }))
    }

    /// Says that there is nothing, and who else has given something.
    pub(super) fn say_nothing(&self, ui: &mut Ui) {
        if !self.questions.is_empty() {
            return;
        }
        let types: Vec<&str> = self.types.iter().map(DataType::as_str).collect();
        let others: Vec<String> = self
            .others
            .iter()
            .map(|(name, number)| format!("; {number} of `{name}`: `-p {name}` shows them"))
            .collect();
        let (types, class) = (types.join(", "), self.class.as_str());
        ui.note(&format!("the cache holds no {types} of {class}{}", others.concat()));
    }
}

/// The types that are asked for; bars are no summary: which of them is meant has to be said of a symbol.
fn types(class: Class, asked: &Asked, config: &Config) -> Result<Vec<DataType>, Usage> {
    let provider = asked.provider.as_deref();
    let types: Vec<DataType> = if asked.types.is_empty() {
        vec![DataType::usual(class)]
    } else {
        let parse = |text: &String| config.data_type(text, provider);
        asked.types.iter().map(parse).collect::<Result<_, _>>()?
    };
    match types.iter().find(|data_type| data_type.made_of() == DataType::Bars) {
        None => Ok(types),
        Some(bars) => Err(Usage::new(format!(
            "--all is of quotes, of series and of what endpoints gave, not of {}",
            bars.as_str()
        ))
        .hint(format!("name the symbols: `mcache keys 'bars:{}:*'` lists them", class.as_str()))),
    }
}

/// What is held of a class and not gone.
fn held(
    class: Class,
    types: &[DataType],
    cache: &Cache,
    config: &Config,
) -> Result<Vec<Listing>, Usage> {
    let pattern =
        |of: &DataType| config.pattern(&format!("{}:{}:*", of.made_of().as_str(), class.as_str()));
    let mut listed = cache.list(&Selection {
        patterns: types.iter().map(pattern).collect::<Result<_, _>>()?,
        states: vec![State::Fresh, State::Stale],
        ..Selection::default()
    });
    listed.retain(|listing| !listing.not_found);
    Ok(listed)
}

/// Whether what this provider gave answers a question.
fn may_answer(question: &Question, holder: &str) -> bool {
    match holder {
        PUT => !question.pinned,
        holder => question.providers.iter().any(|provider| **provider == *holder),
    }
}
