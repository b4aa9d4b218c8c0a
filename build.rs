//! Turns `cache_config.yaml` and the exchanges' calendars into tables, so that a run parses no YAML
//! unless the user has some, and no calendar at all.
//!
//! Whether the shipped values are right is asked by a test of the crate, not here: this only
//! flattens.

use std::fmt::Write as _;
use std::path::PathBuf;

#[path = "build/calendars.rs"]
mod calendars;
#[path = "src/calendar/date.rs"]
pub mod date;
#[path = "src/config/tree/mod.rs"]
pub mod tree;

use tree::{Found, Guide, Leaf, Refusal};

/// Takes every key and every value.
struct Anything;

impl Guide for Anything {
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
        Ok(tree::below(parent, name))
    }

    fn admit(&self, _: &str, _: Found) -> Result<(), Refusal> {
        Ok(())
    }

    fn check(&self, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}

/// What the paths of providers begin with.
const PROVIDERS: &str = "providers\t";

/// Whether it says how late a provider is. A hit asks for all that say so, and must not look through
/// what is said of requests and replies, which is a hundred times as much.
fn is_delay(path: &str) -> bool {
    matches!(path.split(tree::SEPARATOR).collect::<Vec<_>>()[..], [_, _, "delays", _])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FILE: &str = "cache_config.yaml";
    println!("cargo::rerun-if-changed={FILE}");
    println!("cargo::rerun-if-changed=src/config/tree");
    println!("cargo::rerun-if-changed=build.rs");
    let text = std::fs::read_to_string(FILE)?;
    let mut leaves =
        tree::flatten(&text, &Anything).map_err(|fault| format!("{FILE}: {fault:?}"))?;
    leaves.sort_by(|a, b| a.0.cmp(&b.0));
    let of_providers = |(path, _): &(String, Leaf)| path.starts_with(PROVIDERS);
    let first = leaves.iter().position(of_providers).unwrap_or(0);
    let end = leaves.iter().rposition(of_providers).map_or(first, |last| last + 1);
    let delays: Vec<usize> = (first..end).filter(|at| is_delay(&leaves[*at].0)).collect();
    let mut code = "pub(crate) static DEFAULTS: &[(&str, Leaf)] = &[\n".to_owned();
    for (path, leaf) in leaves {
        let leaf = match leaf {
            Leaf::Text(text) => format!("Text(Cow::Borrowed({text:?}))"),
            Leaf::List(items) => {
                let items: Vec<String> =
                    items.iter().map(|item| format!("Cow::Borrowed({item:?})")).collect();
                format!("List(Cow::Borrowed(&[{}]))", items.join(", "))
            }
            Leaf::Null => "Null".to_owned(),
        };
        writeln!(code, "    ({path:?}, Leaf::{leaf}),")?;
    }
    code.push_str("];\n");
    writeln!(code, "pub(crate) const PROVIDERS: std::ops::Range<usize> = {first}..{end};")?;
    writeln!(code, "pub(crate) static DELAYS: &[u16] = &{delays:?};")?;
    #[expect(
        clippy::disallowed_methods,
        reason = "cargo says it in the environment and nowhere else"
    )]
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo gives no OUT_DIR")?);
    std::fs::write(out.join("defaults.rs"), code)?;
    std::fs::write(out.join("calendars.rs"), calendars::code()?)?;
    Ok(())
}
