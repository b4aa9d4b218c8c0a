//! Programs that are asked: `kind: command`.
//!
//! An endpoint is a program with its arguments, into which a question is filled, and what it prints is
//! the answer. Nothing here starts anything: that is [`upstream`](crate::upstream)'s, which gives back
//! how the program has [ended](Ended). There is no shell: an argument stays one, whatever is in it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::http::Template;
use super::{Ask, Charts, Pace, Provider, Reply, Request, excerpt, http, shown, status_error};
use crate::error::{Error, Kind, Usage, sanitized};
use crate::market::{
    DataType, EndpointName, ExchangeCode, Interval, Json, Params, Payload, Quote, Record, Symbol,
};
use crate::time::Timestamp;

/// The exit code by which a program says that it knows nothing of a symbol: `EX_NOINPUT` of
/// sysexits.h, which no interpreter ends with by itself.
pub const NOT_FOUND: i32 = 66;

/// How much of what a program has said of its failure is shown, in characters.
const LONGEST_COMPLAINT: usize = 150;

/// Everything that a provider has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// Its endpoints, each name once.
    pub endpoints: Vec<Endpoint>,
}

/// One program, and what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its name, which is the type of what it gives.
    pub name: EndpointName,
    /// The program and its arguments; never empty.
    pub command: Vec<Template>,
    /// Where it runs; none is where mcache does.
    pub folder: Option<PathBuf>,
    /// What parameters are, unless a question says otherwise.
    pub params: Params,
    /// The records that it gets on its standard input.
    pub input: Vec<Input>,
    /// The longest that it may take, if that is not as long as any other of its provider.
    pub timeout: Option<Duration>,
    /// What it prints.
    pub output: Output,
}

/// What a program prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// JSON if it can be read as such, else text, else bytes.
    #[default]
    Any,
    /// JSON.
    Json,
    /// Text.
    Text,
    /// Bytes, whatever they are.
    Bytes,
}

impl Output {
    /// Those that can be said, with their names in the configuration.
    pub const NAMED: [(&str, Self); 3] =
        [("json", Self::Json), ("text", Self::Text), ("bytes", Self::Bytes)];
}

/// A record that a program gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What it is called in what the program reads: as the configuration writes it.
    pub name: Box<str>,
    /// The type as it is written.
    pub data_type: Box<str>,
    /// How long bars are, where it says so.
    pub interval: Interval,
}

impl Input {
    /// Reads a type, of bars with their interval: `quote`, `bars:1h`. Whether there is such a type is
    /// not known here.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let (data_type, interval) = match text.split_once(':') {
            None => (text, Interval::default()),
            Some((data_type, interval)) => {
                if DataType::parse(data_type) != Ok(DataType::Bars) {
                    return Err(Usage::new(format!(
                        "`{}` says an interval, which only bars have",
                        sanitized(text)
                    ))
                    .hint("write the type alone, or bars with an interval: bars:1d"));
                }
                (data_type, Interval::parse(interval)?)
            }
        };
        if DataType::parse(data_type).is_err() {
            EndpointName::parse(data_type)?;
        }
        Ok(Self { name: text.into(), data_type: data_type.into(), interval })
    }
}

/// A program as it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// Where it runs; none is where mcache does.
    pub folder: Option<PathBuf>,
    /// The longest that it may take, if that is its own.
    pub timeout: Option<Duration>,
}

/// How a program has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// By itself, or by a signal.
    pub how: End,
    /// What it printed on its standard output.
    pub output: Vec<u8>,
    /// The last of what it said on its standard error.
    pub said: Vec<u8>,
}

/// By what a program has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this exit code.
    Code(i32),
    /// By a signal of this number.
    Signal(i32),
}

impl Ended {
    /// What it printed, if it says that all is well; else what it says went wrong. `who` failed.
    pub fn printed(self, who: &str) -> Result<Vec<u8>, Error> {
        let why = match self.how {
            End::Code(0) => return Ok(self.output),
            End::Code(code) => format!("failed with exit code {code}"),
            End::Signal(signal) => format!("was ended by signal {signal}"),
        };
        // Some tell what is wrong where they print what is right.
        let said = [&*self.said, &self.output[self.output.len().saturating_sub(2048)..]];
        let said = said.into_iter().map(complaint).find(|said| !said.is_empty());
        let message = match said.unwrap_or_default() {
            said if said.is_empty() => format!("{who} {why}"),
            said => format!("{who} {why}: {said}"),
        };
        Err(Error::new(Kind::Upstream, message)
            .hint("run the program by hand to see all that it says; nothing was stored"))
    }
}

/// The last lines of what a program has said, as many as can be shown: of most, the last says most.
fn complaint(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    // Before anything is cut, so that no secret is cut in two before it is recognised.
    let is_of_use = |line: &String| !line.is_empty() && !line.starts_with("hint: ");
    let lines: Vec<String> = text.lines().map(shown).filter(is_of_use).collect();
    let mut kept: Vec<&str> = Vec::new();
    let mut length = 0;
    for line in lines.iter().rev().take(3) {
        length += line.chars().count() + 3;
        if length > LONGEST_COMPLAINT && !kept.is_empty() {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    sanitized(&kept.join(" | "))
}

impl Definition {
    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name.as_str() == name)
    }

    fn giving(&self, data_type: DataType) -> Option<&Endpoint> {
        let DataType::Payload(name) = data_type else { return None };
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// What is to be started for a question; none if something of it is not known.
    pub fn task(&self, ask: &Ask<'_>) -> Option<Task> {
        let endpoint = self.giving(ask.data_type)?;
        let mut arguments = endpoint.arguments(ask.symbol, ask.params)?;
        let program = arguments.first_mut()?;
        // Where a path leads that is relative depends on who starts it.
        if let (true, Some(folder)) = (program.contains('/'), &endpoint.folder) {
            folder.join(Path::new(program)).to_str()?.clone_into(program);
        }
        Some(Task { arguments, folder: endpoint.folder.clone(), timeout: endpoint.timeout })
    }

    /// What a program has printed, to be read as a reply, or what it says is wrong.
    pub fn reply(ask: &Ask<'_>, ended: Ended) -> Result<Reply, Error> {
        let Ask { symbol, provider, .. } = ask;
        if ended.how == End::Code(NOT_FOUND) {
            let message = format!("{provider} knows nothing of `{symbol}`");
            return Err(Error::new(Kind::NotFound, message)
                .hint(format!("its program has ended with exit code {NOT_FOUND}, which says so")));
        }
        Ok(Reply::new(200, ended.printed(provider)?))
    }
}

impl Definition {
    /// The parameters that may be said to a program.
    pub(super) fn params(&self, data_type: DataType) -> Vec<&str> {
        let endpoint = self.endpoint(data_type.as_str());
        let named =
            endpoint.into_iter().flat_map(|of| &of.command).flat_map(http::Template::params);
        let set = endpoint.into_iter().flat_map(|of| of.params.iter()).map(|(name, _)| name);
        named.chain(set).collect()
    }
}

impl Endpoint {
    /// Whether it is asked about a symbol: whoever is told of one is.
    pub fn takes_a_symbol(&self) -> bool {
        !self.input.is_empty() || self.command.iter().any(http::names_a_symbol)
    }

    fn arguments(&self, symbol: &Symbol, params: &Params) -> Option<Vec<String>> {
        let filled = |template| {
            let argument = http::filled(template, symbol, [params, &self.params])?;
            // A symbol may come from anybody, and none is an option of the program.
            let is_option = argument.starts_with('-') && http::begins_with_a_symbol(template);
            (!is_option).then_some(argument)
        };
        self.command.iter().map(filled).collect()
    }
}

impl Provider for Definition {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        let Some(endpoint) = self.giving(data_type) else { return false };
        let mut said = Params::default();
        for name in endpoint.command.iter().flat_map(Template::params) {
            said.set(name, "");
        }
        endpoint.arguments(symbol, &said).is_some()
    }

    /// Its arguments stand where a query does, without names.
    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        let endpoint = self.giving(ask.data_type)?;
        let arguments = endpoint.arguments(ask.symbol, ask.params)?.into_iter();
        Some(Request {
            endpoint: endpoint.name.as_str().to_owned().into(),
            path: String::new(),
            query: arguments.map(|argument| (Cow::Borrowed(""), argument)).collect(),
            body: None,
            weight: 1,
        })
    }

    fn pace(
        &self,
        _: &Ask<'_>,
        _: &Reply,
        _: &dyn Fn(&str) -> Option<String>,
        _: Timestamp,
    ) -> Pace {
        Pace::default()
    }

    fn exchange(&self, _: &Quote) -> Option<ExchangeCode> {
        None
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, _: Timestamp) -> Result<Record, Error> {
        let Some(endpoint) = self.giving(ask.data_type).filter(|_| reply.status == 200) else {
            return Err(status_error(ask, reply));
        };
        let symbol = endpoint.takes_a_symbol().then_some(ask.symbol);
        Ok(Record::Payload(Payload {
            symbol: symbol.map(Symbol::to_string),
            asset_class: symbol.map(|symbol| symbol.class().as_str().to_owned()),
            data_type: ask.data_type.as_str().to_owned(),
            provider: ask.provider.to_owned(),
            payload: payload(ask, endpoint.output, reply)?,
        }))
    }

    fn charts(&self) -> Option<&dyn Charts> {
        None
    }
}

/// What was printed, as it is said to be.
fn payload(ask: &Ask<'_>, output: Output, reply: &Reply) -> Result<Json, Error> {
    let refused = |why: &str| {
        let (Ask { symbol, provider, .. }, printed) = (ask, excerpt(&reply.body));
        let message =
            format!("what {provider} printed for `{symbol}` cannot be read ({why}): {printed}");
        let hint = "nothing was stored; `output: text` keeps whatever text is printed";
        Err(Error::new(Kind::InvalidData, message).hint(hint))
    };
    let text = std::str::from_utf8(&reply.body);
    if output == Output::Bytes && !reply.body.is_empty() {
        return Ok(Json::binary(&reply.body, None));
    }
    match text {
        Ok(text) if text.trim().is_empty() => refused("it printed nothing"),
        Ok(text) if output == Output::Text => Ok(Json::text(text)),
        Ok(text) => match Json::parse(text) {
            Some(json) => Ok(json),
            // As Python prints a NaN.
            None if output == Output::Json || text.trim_start().starts_with(['{', '[']) => {
                refused("it is no JSON")
            }
            None => Ok(Json::text(text)),
        },
        Err(_) if matches!(output, Output::Json | Output::Text) => refused("it is not UTF-8"),
        Err(_) => Ok(Json::binary(&reply.body, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Class;

    fn definition(command: &[&str], output: Output) -> Definition {
        let template = |text: &&str| Template::of_program(text).unwrap();
        let endpoint = Endpoint {
            name: EndpointName::parse("prediction").unwrap(),
            command: command.iter().map(template).collect(),
            folder: Some("/models".into()),
            params: Params::parse(["depth=10"]).unwrap(),
            input: Vec::new(),
            timeout: None,
            output,
        };
        Definition { endpoints: vec![endpoint] }
    }

    fn with_ask<T>(class: Class, name: &str, of: impl FnOnce(&Ask<'_>) -> T) -> T {
        let symbol = Symbol::new(class, name);
        let data_type = DataType::Payload(EndpointName::parse("prediction").unwrap());
        of(&Ask { symbol: &symbol, data_type, provider: "model", params: Params::none() })
    }

    fn arguments(command: &[&str], class: Class, name: &str) -> Option<Vec<String>> {
        let definition = definition(command, Output::Any);
        with_ask(class, name, |ask| {
            let task = definition.task(ask);
            assert_eq!(task.is_some(), definition.has(ask.symbol, ask.data_type));
            assert_eq!(task.is_some(), definition.request(ask).is_some());
            task.map(|task| task.arguments)
        })
    }

    #[test]
    fn a_question_is_filled_into_arguments_that_stay_as_many() {
        let said = ["./predict", "{symbol:lower} x", "--of={base}/{quote}", "{param:depth}", ""];
        let filled = ["/models/./predict", "eth x", "--of=ETH/USDT", "10", ""];
        assert_eq!(arguments(&said, Class::Crypto, "ETH").unwrap(), filled);
        assert_eq!(arguments(&said, Class::Stock, "AAPL"), None, "a stock has no two sides");
        let said = ["x", "{symbol}"];
        assert_eq!(arguments(&said, Class::Stock, "--config=/x"), None, "a symbol is no option");
        let said = ["x", "--of={symbol}"];
        assert_eq!(arguments(&said, Class::Stock, "-A").unwrap(), ["x", "--of=-A"]);
        // Without a slash it is looked up, and what a shell would make of it is of no matter.
        let said = ["python3", "$(rm -rf /)", "a;b|c"];
        assert_eq!(arguments(&said, Class::Stock, "AAPL").unwrap(), said);
        assert_eq!(arguments(&["/bin/x"], Class::Stock, "A").unwrap(), ["/bin/x"]);
    }

    #[test]
    fn what_is_printed_is_kept_as_it_is_said_to_be() {
        let kept = |output, printed: &[u8]| {
            let definition = definition(&["x"], output);
            let reply = Reply::new(200, printed.to_vec());
            with_ask(Class::Stock, "AAPL", |ask| {
                definition.read(ask, &reply, Timestamp::from_ms(0)).map(|record| match record {
                    Record::Payload(payload) => {
                        assert_eq!(payload.symbol, None, "nobody told it of one");
                        payload.payload.as_str().to_owned()
                    }
                    _ => unreachable!("a program gives nothing else"),
                })
            })
        };
        for (output, printed, expected) in [
            (Output::Any, &b"{\"p\": 0.70}\n"[..], Some("{\"p\":0.70}")),
            (Output::Any, b"0.7", Some("0.7")),
            (Output::Text, b"0.7\n", Some("\"0.7\\n\"")),
            (Output::Any, b"up", Some("\"up\"")),
            (Output::Any, b"{\"p\": NaN}", None),
            (Output::Text, b"{\"p\": NaN}", Some("\"{\\\"p\\\": NaN}\"")),
            (Output::Json, b"up", None),
            (Output::Any, b" \n", None),
            (Output::Bytes, b"", None),
            (Output::Text, b"\xff", None),
            (Output::Json, b"\xff", None),
        ] {
            let found = kept(output, printed);
            assert_eq!(found.as_deref().ok(), expected, "{output:?} {printed:?}");
            if let Err(error) = found {
                assert!(error.kind == Kind::InvalidData && error.hint.is_some(), "{error:?}");
            }
        }
        for output in [Output::Any, Output::Bytes] {
            assert!(kept(output, b"\xff\x00").unwrap().contains("\"base64\":\"/wA=\""));
        }
    }

    #[test]
    fn a_failure_is_told_with_the_last_of_what_was_said() {
        let key = "0123456789abcdef0123456789abcdef";
        let ended = |how, said: &str| Ended { how, output: b"{}".to_vec(), said: said.into() };
        assert_eq!(ended(End::Code(0), "careful").printed("model").unwrap(), b"{}");
        for (how, said, message) in [
            (End::Code(3), "a\nb\n\nc\nd\n", "model failed with exit code 3: b | c | d"),
            (End::Code(1), " \n", "model failed with exit code 1: {}"),
            (End::Signal(9), "\u{1b}[31mred\n", "model was ended by signal 9: [31mred"),
            (
                End::Code(1),
                &format!("bad token={key}"),
                "model failed with exit code 1: bad token=[redacted]",
            ),
            (
                End::Code(1),
                &format!("{}\nwhy", "x y ".repeat(100)),
                "model failed with exit code 1: why",
            ),
        ] {
            let error = ended(how, said).printed("model").unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (Kind::Upstream, message));
            assert!(error.hint.is_some());
        }
        let long = ended(End::Code(1), &"x ".repeat(5000)).printed("model").unwrap_err();
        assert!(long.message.chars().count() < 250, "{long}");
    }

    #[test]
    fn an_input_is_a_type_and_of_bars_an_interval() {
        let parsed = |text| Input::parse(text).map(|i| (i.data_type.to_string(), i.interval));
        assert_eq!(parsed("quote").unwrap(), ("quote".to_owned(), Interval::default()));
        assert_eq!(parsed("bars:1h").unwrap(), ("bars".to_owned(), Interval::Hour1));
        assert_eq!(parsed("ls_ratio").unwrap().0, "ls_ratio");
        for text in ["quote:1d", "bars:7x", "", "a b", "ls_ratio:1d"] {
            assert!(Input::parse(text).is_err(), "{text}");
        }
    }
}
