//! What becomes of a text, and of one that is wrong.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;

/// Lets everything pass but a key or a value called `bad`.
struct Lenient;

impl Guide for Lenient {
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
        self.check(parent, name).map(|()| below(parent, name))
    }

    fn admit(&self, path: &str, _: Found) -> Result<(), Refusal> {
        // Maps stand in the lists called `maps` only.
        let odd = path.ends_with(ITEM) && !path.starts_with("maps");
        let refusal = || Refusal { message: "odd".to_owned(), hint: None };
        if odd { Err(refusal()) } else { Ok(()) }
    }

    fn check(&self, _: &str, text: &str) -> Result<(), Refusal> {
        let refusal = || Refusal { message: "bad".to_owned(), hint: None };
        if text == "bad" { Err(refusal()) } else { Ok(()) }
    }
}

fn text(text: &str) -> Leaf {
    Leaf::Text(Cow::Owned(text.to_owned()))
}

#[test]
fn what_looks_like_another_type_stays_what_was_written() {
    let words = ["NO", "TRUE", "0700", "NULL", "1E5", "600519", "0x10", "1.50", ".5", "Y", "ON"];
    for word in words {
        let yaml = format!("a: {word}\nb: [{word}, x]\n{word}: {{c: {word}}}\n");
        let leaves = flatten(&yaml, &Lenient).unwrap();
        let list = Leaf::List(vec![Cow::Borrowed(word), Cow::Borrowed("x")].into());
        let expected = vec![
            ("a".to_owned(), text(word)),
            ("b".to_owned(), list),
            (format!("{word}\tc"), text(word)),
        ];
        assert_eq!(leaves, expected, "{word}");
    }
}

#[test]
fn nothing_is_not_null_and_quotes_make_a_text_of_both() {
    let yaml = "a: ~\nb: null\nc:\nd: \"\"\ne: '~'\nf: {}\ng: []\n";
    let leaves = flatten(yaml, &Lenient).unwrap();
    let expected = [
        ("a", Leaf::Null),
        ("b", Leaf::Null),
        ("d", text("")),
        ("e", text("~")),
        ("g", Leaf::List(Cow::Borrowed(&[]))),
    ];
    assert_eq!(leaves, expected.map(|(path, leaf)| (path.to_owned(), leaf)));
}

#[test]
fn a_map_in_a_list_is_kept_as_text() {
    let yaml = "maps:\n- {a: NO, b: [x, 0700]}\n- x\n- c: 'say \"\\'\n  d: ~\n- {}\n";
    let items = [r#"{"a":"NO","b":["x","0700"]}"#, "x", r#"{"c":"say \"\\"}"#, "{}"];
    let list = Leaf::List(items.map(Cow::Borrowed).to_vec().into());
    assert_eq!(flatten(yaml, &Lenient), Ok(vec![("maps".to_owned(), list)]));
}

#[test]
fn a_document_that_says_nothing_has_no_leaves() {
    for yaml in ["", "\n", "# only a comment\n", "---\n", "~", "{}", "---\n...\n", "\u{feff}"] {
        assert_eq!(flatten(yaml, &Lenient), Ok(vec![]), "{yaml:?}");
    }
}

#[test]
fn a_fault_is_where_it_stands() {
    for (yaml, place, message) in [
        ("bad: 1", (1, 1), "bad"),
        ("a:\n  b: 1\n  bad: 1\n", (3, 3), "bad"),
        ("a: {b: 1, bad: {c: 1}}", (1, 11), "bad"),
        ("a:\n  b:   bad\n", (2, 8), "bad"),
        ("é: {ü: \"bad\"}", (1, 8), "bad"),
        ("a: [x, bad]", (1, 8), "bad"),
        ("a:\n- x\n- bad\n", (3, 3), "bad"),
        ("a: &x bad", (1, 4), "bad"),
        ("a: {b: 1}\na: {c: 1}\n", (2, 1), "`a` stands here for the second time"),
        ("a:\n  b: 1\n  c: 2\n  b: 3\n", (4, 3), "`a.b` stands here for the second time"),
        ("a: [x, [y]]", (1, 8), "`a` holds a list"),
        ("a:\n- x\n- y: z\n", (3, 3), "`a` holds a map"),
        ("maps:\n- a: x\n  bad: y\n", (3, 3), "bad"),
        ("maps:\n- a: x\n- b: [x, bad]\n", (3, 10), "bad"),
        ("maps: [{a: x, a: y}]", (1, 15), "`maps.[].a` stands here for the second time"),
        ("maps: [[x]]", (1, 8), "`maps` holds a list"),
        ("a: !tag x", (1, 4), "not YAML: a: a tag (`!…`) means nothing here"),
        ("a: *nowhere", (1, 4), "not YAML: unknown anchor"),
    ] {
        let fault = flatten(yaml, &Lenient).unwrap_err();
        assert_eq!((fault.place, fault.refusal.message.as_str()), (Some(place), message), "{yaml}");
    }
}

#[test]
fn what_is_no_yaml_says_so_and_where() {
    for (yaml, place) in [
        ("a: [1, 2\nb: 3\n", Some((2, 2))),
        ("a: b: c", Some((1, 5))),
        ("\ta: 1", Some((1, 1))),
        ("a: 1\nb: \u{7}x\n", Some((2, 4))),
        ("a: \"x", Some((1, 6))),
        ("? [a, b]\n: c\n", Some((1, 3))),
        ("a: 1\n---\nb: 2\n", None),
    ] {
        let fault = flatten(yaml, &Lenient).unwrap_err();
        assert!(fault.refusal.message.starts_with("not YAML: "), "{yaml:?}: {fault:?}");
        assert_eq!(fault.place, place, "{yaml:?}: {fault:?}");
    }
}

#[test]
fn an_unfolded_list_may_hold_anything_and_keeps_its_order() {
    struct Words(std::cell::RefCell<Vec<String>>);
    impl Guide for Words {
        fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
            Lenient.enter(parent, name)
        }

        fn admit(&self, _: &str, _: Found) -> Result<(), Refusal> {
            Ok(())
        }

        fn check(&self, path: &str, text: &str) -> Result<(), Refusal> {
            self.0.borrow_mut().push(format!("{}={text}", shown(path)));
            Lenient.check(path, text)
        }
    }
    let words = Words(std::cell::RefCell::default());
    assert_eq!(unfold("a: [NO, {b: 0700, c: [x]}, y, ~]\nd: e", &words), Ok(()));
    assert_eq!(words.0.take(), ["a.[]=NO", "a.[].b=0700", "a.[].c.[]=x", "a.[]=y", "d=e"]);
    let fault = unfold("- x\n- b: bad\n", &words).unwrap_err();
    assert_eq!((fault.place, fault.refusal.message.as_str()), (Some((2, 6)), "bad"));
}

#[test]
fn anchors_are_followed_and_bombs_are_not() {
    let leaves = flatten("a: &x {b: 1}\nc: *x\n", &Lenient).unwrap();
    assert_eq!(leaves[1], ("c\tb".to_owned(), text("1")));
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for i in 1..40 {
        writeln!(bomb, "a{i}: &a{i} {{l: *a{0}, r: *a{0}}}", i - 1).unwrap();
    }
    assert!(flatten(&bomb, &Lenient).is_err());
    assert!(flatten(&"[".repeat(1000), &Lenient).is_err());
    assert!(flatten(&"{a: ".repeat(1000), &Lenient).is_err());
}

#[test]
fn a_path_is_shown_with_dots() {
    assert_eq!(shown("symbols\tBRK.B"), "symbols.\"BRK.B\"");
    assert_eq!(shown("cache\tdisk"), "cache.disk");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(yaml in "\\PC{0,60}") {
        let _ = flatten(&yaml, &Lenient);
    }

    #[test]
    fn no_punctuation_makes_it_panic(yaml in "[ab~!&*<>|?:,%@'\"#\\[\\]{}\\-\n\t 01.]{0,60}") {
        let _ = flatten(&yaml, &Lenient);
    }
}
