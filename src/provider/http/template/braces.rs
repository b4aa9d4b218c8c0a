//! Which braces of a text hold a name, and which are braces.
//!
//! Bodies are JSON and arguments are programs, so a brace is a brace unless what stands in it reads like a
//! name: a misspelt one must be told, and `{"a": 1}` is none. Every other one needs the one that closes
//! it, since an open one is rather a name that was not written to its end. What begins doubled ends
//! doubled, and each two are one brace.

use crate::error::{Usage, sanitized};

/// The names of what can be filled in, without how it is written.
const KNOWN: [&str; 8] = ["symbol", "base", "quote", "interval", "from", "to", "param", "token"];

/// Of what a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A path, in which nobody means a brace: all that stands in one is a name.
    Path,
    /// A query or a body.
    Request,
    /// An argument of a program, which may be a shell's: `${HOME}` is its own.
    Program,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// What stays as it is.
    Text(String),
    /// What stands in the braces of a name.
    Name(&'a str),
}

/// How often a brace was written where it was opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Once,
    Twice,
}

/// The parts of a text.
pub(super) fn pieces(text: &str, of: Of) -> Result<Vec<Piece<'_>>, Usage> {
    let mut pieces = Vec::new();
    let (mut plain, mut rest, mut open) = (String::new(), text, Vec::new());
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        let after = &brace[1..];
        plain.push_str(before);
        let is_of_a_shell = of == Of::Program && before.ends_with('$');
        rest = after;
        if brace.starts_with("{{") {
            open.push(Opened::Twice);
            plain.push('{');
            rest = &after[1..];
        } else if brace.starts_with('{') {
            match after.split_once('}') {
                Some((name, after)) if !is_of_a_shell && (of == Of::Path || is_name(name)) => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(Piece::Name(name));
                    rest = after;
                }
                _ => {
                    open.push(Opened::Once);
                    plain.push('{');
                }
            }
        } else {
            plain.push('}');
            if open.last() != Some(&Opened::Once) && after.starts_with('}') {
                open.pop();
                rest = &after[1..];
            } else {
                // One that was written twice need not be closed.
                let opened = open.iter().rposition(|opened| *opened == Opened::Once);
                open.truncate(opened.ok_or_else(|| alone(text))?);
            }
        }
    }
    plain.push_str(rest);
    if open.contains(&Opened::Once) {
        return Err(alone(text));
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// Whether what stands in braces reads like a name, perhaps with how it is written: `symbl`,
/// `symbol:lower`. Behind a name that is known whatever begins with a letter or a digit is meant so.
fn is_name(text: &str) -> bool {
    let (what, how) = match text.split_once(':') {
        Some((what, how)) => (what, Some(how)),
        None => (text, None),
    };
    is_word(what)
        && match how {
            None => true,
            Some(how) if KNOWN.contains(&what) => {
                how.is_empty()
                    || how.starts_with(|c: char| c.is_alphanumeric() || "%_.-".contains(c))
            }
            Some(how) => is_word(how),
        }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

fn alone(text: &str) -> Usage {
    Usage::new(format!("`{}` has a brace without another", sanitized(text)))
        .hint("write {symbol}, or {{ or }} for a brace")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `<` and `>` for the braces of names; none if it is refused.
    fn read(text: &str, of: Of) -> Option<String> {
        let pieces = pieces(text, of).ok()?;
        let shown = pieces.into_iter().map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Name(name) => format!("<{name}>"),
        });
        Some(shown.collect())
    }

    #[test]
    fn a_brace_is_one_unless_a_name_stands_in_it() {
        for (text, expected) in [
            ("{symbol}", "<symbol>"),
            ("{symbl}-{print}", "<symbl>-<print>"),
            ("{symbol:uper}{from:%Y}{to:7}{param:a b}", "<symbol:uper><from:%Y><to:7><param:a b>"),
            (r#"{"a": {symbol}}"#, r#"{"a": <symbol>}"#),
            (r#"{"a": {"b": {"c": 1}}}"#, r#"{"a": {"b": {"c": 1}}}"#),
            (r#"{"a": {}, "b": {{symbol}}}"#, r#"{"a": {}, "b": {symbol}}"#),
            ("{{symbol}} {{{symbol}}}", "{symbol} {<symbol>}"),
            (r#"{{"a": {{"b": {symbol}}}}}"#, r#"{"a": {"b": <symbol>}}"#),
            ("{ price } {print $1} {2,3} {a:1} {x; y}", "{ price } {print $1} {2,3} {a:1} {x; y}"),
            (r#"{symbol: "a"} {symbol:"a"}"#, r#"{symbol: "a"} {symbol:"a"}"#),
            ("}} {{ {a b {{ c}", "} { {a b { c}"),
            ("${symbol}", "$<symbol>"),
            ("", ""),
        ] {
            assert_eq!(read(text, Of::Request).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_brace_behind_a_dollar_is_of_the_shell_that_is_run() {
        let text = "${symbol}${HOME:-{}}{symbol}$${{HOME}}";
        let expected = "${symbol}${HOME:-{}}<symbol>$${HOME}";
        assert_eq!(read(text, Of::Program).as_deref(), Some(expected));
        assert_eq!(read("${symbol", Of::Program), None);
    }

    #[test]
    fn a_brace_has_another_and_a_path_only_those_of_names() {
        for of in [Of::Path, Of::Request, Of::Program] {
            for text in ["{", "}", "{symbol", "symbol}", "{{symbol}", "{symbol}}", "a{b{symbol}"] {
                let read = read(text, of);
                assert!(read.is_none_or(|read| of == Of::Path && read == "a<b{symbol>"), "{text}");
            }
        }
        for (text, expected) in [
            ("/{sym bol}/{}/{{x}}", Some("/<sym bol>/<>/{x}")),
            ("/{ symbol }", Some("/< symbol >")),
            ("/{\"a\"", None),
        ] {
            assert_eq!(read(text, Of::Path).as_deref(), expected, "{text}");
        }
    }
}
