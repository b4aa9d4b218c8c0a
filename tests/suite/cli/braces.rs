//! Braces in what is filled in: people write JSON and programs there, and misspelt names are told.

use serde_json::json;

use super::command;
use crate::sandbox::{Sandbox, Upstream};

/// What each of these programs prints for NVDA.
fn printed(command: &str) -> serde_json::Value {
    let sandbox = command::machine(&format!("      prediction: {{command: {command}}}\n"));
    sandbox.json(&["fetch", "NVDA", "-t", "prediction"])[0]["payload"].clone()
}

#[test]
fn a_brace_of_a_program_is_a_brace() {
    for (command, expected) in [
        (r#"[sh, -c, "echo '{\"p\": 1}'"]"#, json!({"p": 1})),
        (r#"[sh, -c, "echo '{\"p\": {\"of\": \"{symbol}\"}}'"]"#, json!({"p": {"of": "NVDA"}})),
        (r#"[awk, "BEGIN{print 1}"]"#, json!(1)),
        (r#"[sh, -c, "echo \"${MCACHE_KEY}\"", sh, "{symbol}"]"#, json!("prediction:stock:NVDA\n")),
        (r#"[sh, -c, "symbol=its_own; echo \"${symbol}\""]"#, json!("its_own\n")),
        (r#"[echo, "{{\"p\": {{\"q\": 2}}}}"]"#, json!({"p": {"q": 2}})),
        (r#"[echo, "of {{symbl}} {} {1,2}"]"#, json!("of {symbl} {} {1,2}\n")),
    ] {
        assert_eq!(printed(command), expected, "{command}");
    }
}

#[test]
fn a_name_that_a_program_is_not_told_is_an_error_with_those_that_it_is() {
    for (argument, says) in [
        ("{symbl}", "did you mean `{symbol}`?"),
        (
            "{frm}",
            "the names are symbol, symbol:lower, base, base:lower, quote, quote:lower and param:NAME",
        ),
        ("{tokn}", "{{tokn}} is {tokn} itself"),
        ("{symbol", "has a brace without another"),
        ("symbol}", "has a brace without another"),
    ] {
        let sandbox =
            command::machine(&format!("      prediction: {{command: [echo, \"{argument}\"]}}\n"));
        let run = sandbox.run(&["fetch", "NVDA", "-t", "prediction"]);
        run.fails(2, &[says, "config.yaml:6"]);
        for name in ["{from", "{to", "{interval", "{token"] {
            assert!(!run.stderr.contains(name) || argument.contains(name), "{argument}: {run:?}");
        }
    }
}

/// A machine whose acme is asked so for its book.
fn machine(upstream: &Upstream, book: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers:\n  acme:\n    kind: http\n    base_url: \"{}\"\n    endpoints:\n      book: {book}\n",
        upstream.url()
    ));
    sandbox
}

#[test]
fn a_body_of_json_is_written_as_json() {
    let upstream = Upstream::saying(200, "application/json", "{}");
    for (body, sent) in [
        (r#"{"pair": "{symbol}"}"#, r#"{"pair": "NVDA"}"#),
        (r#"{"a": {"depth": {param:depth}}}"#, r#"{"a": {"depth": 10}}"#),
        (r#"{{"a": {{"depth": {param:depth}}}}}"#, r#"{"a": {"depth": 10}}"#),
        (
            r#"{"query": "{ quote(of: \"{symbol}\") { price } }"}"#,
            r#"{"query": "{ quote(of: \"NVDA\") { price } }"}"#,
        ),
    ] {
        let book = format!("{{method: POST, path: /book, params: {{depth: 10}}, body: '{body}'}}");
        let run = machine(&upstream, &book).run(&["fetch", "NVDA", "-t", "book", "-p", "acme"]);
        assert_eq!(run.code, Some(0), "{body}: {run:?}");
        assert_eq!(String::from_utf8_lossy(&upstream.seen().last().unwrap().body), sent);
    }
}

#[test]
fn what_is_a_mistake_in_a_path_stays_one() {
    let upstream = Upstream::saying(200, "application/json", "{}");
    for path in
        ["/{symbol", "/symbol}", "/{sym bol}", "/{ symbol }", "/{}", "/{symbol/x}", "/{\"x\"}"]
    {
        let run = machine(&upstream, &format!("{{path: '{path}'}}")).run(&["config", "check"]);
        run.fails(2, &["config.yaml:6", "`"]);
    }
    for query in ["{symbol", "{symbl}", "{from:%Y}", "{symbol:uper}", "}"] {
        let book = format!("{{path: /book, query: {{q: '{query}'}}}}");
        machine(&upstream, &book).run(&["config", "check"]).fails(2, &["config.yaml:6", "hint: "]);
    }
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_query_may_have_names_with_brackets() {
    let upstream = Upstream::saying(200, "application/json", "{}");
    let book =
        r#"{path: /book, query: {"sort[0][field]": "{symbol}", "fields[]": "{param:f:optional}"}}"#;
    let sandbox = machine(&upstream, book);
    let fetch = ["fetch", "NVDA", "-t", "book", "-p", "acme", "--param", "f=Name"];
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    let path = upstream.seen()[0].path.clone();
    assert_eq!(path, "/book?fields%5B%5D=Name&sort%5B0%5D%5Bfield%5D=NVDA");
    let shown = sandbox.run(&["config", "show", "providers.acme"]);
    assert!(shown.stdout.contains("sort[0][field]"), "{shown:?}");
    for name in ["a b", "a[b", "[a]", "a[b]c", "a[ ]"] {
        let book = format!("{{path: /book, query: {{\"{name}\": x}}}}");
        machine(&upstream, &book)
            .run(&["config", "check"])
            .fails(2, &["config.yaml:6", "brackets"]);
    }
}
