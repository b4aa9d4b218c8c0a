//! `calendar`: is the market open, when does it next open and close; its sessions; what cron asks;
//! what a user says of days. A sandbox starts on a Wednesday, in New York's morning.

use serde_json::json;

use super::at;
use crate::sandbox::Sandbox;

const DAYS: &str = "exchange,session,open,close,break_start,break_end\n\
                    XNYS,2026-07-01,,,,\n\
                    XNYS,2026-07-02,09:30,12:00,,\n";

#[test]
fn it_says_of_every_exchange_whether_it_is_open_and_until_when() {
    let sandbox = Sandbox::new();
    // Some minutes before the hour: the clock runs, and what is left is told in whole hours.
    let run = at(&sandbox, "2026-07-01T14:50:00Z", &["calendar"]);
    let row = |name: &str| run.stdout.lines().find(|line| line.starts_with(name)).unwrap();
    insta::assert_snapshot!([row("EXCH"), row("XNYS"), row("XTKS"), row("FX"), row("24/7")].join("\n"), @r"
    EXCHANGE  NAME                            OPEN  UNTIL (UTC)           IN  NOW THERE
    XNYS      New York Stock Exchange         yes   2026-07-01 20:00     5 h  Wed 10:50
    XTKS      Tokyo Stock Exchange            no    2026-07-02 00:00     9 h  Wed 23:50
    FX        Currencies                      yes   2026-07-03 21:00     2 d  Wed 10:50
    24/7      Always open                     yes                             Wed 14:50
    ");
    assert_eq!((run.code, run.stderr.as_str(), run.stdout.lines().count()), (Some(0), "", 31));
    let rows = sandbox.json(&["calendar"]);
    assert_eq!(rows.as_array().unwrap().len(), 30, "{rows}");
    assert!(!sandbox.cache().exists(), "it opens no cache");
}

#[test]
fn it_says_of_one_exchange_what_is_known_of_it_now() {
    let sandbox = Sandbox::new();
    let run = at(&sandbox, "2026-07-02T02:45:00Z", &["calendar", "tse"]);
    insta::assert_snapshot!(run.shown(), @r"
    exchange    XTKS (Tokyo Stock Exchange)
    zone        Asia/Tokyo, now Thu 11:45
    open        no
    since       2026-07-02 02:30 UTC (Thu 11:30 there)
    next open   2026-07-02 03:30 UTC (Thu 12:30 there)
    next close  2026-07-02 06:30 UTC (Thu 15:30 there)
    session     2026-07-02, Thu 09:00 to Thu 15:30 there
    break       Thu 11:30 to Thu 12:30 there
    known       2000-01-01 to 2028-12-31 (exchange_calendars 4.13.2, tzdata 2026f)
    exit 0
    ");
    let run = at(&sandbox, "2026-11-27T15:00:00Z", &["calendar", "NYSE"]);
    assert!(run.stdout.contains("half day"), "{run:?}");
    insta::assert_snapshot!(sandbox.run(&["calendar", "XNYS", "-f", "json"]).shown(), @r#"
    [{"exchange":"XNYS","zone":"America/New_York","is_open":true,"since":"2026-07-01T13:30:00Z","until":"2026-07-01T20:00:00Z","next_open":"2026-07-02T13:30:00Z","next_close":"2026-07-01T20:00:00Z","session":{"session":"2026-07-01","open":"2026-07-01T13:30:00Z","close":"2026-07-01T20:00:00Z","break_start":null,"break_end":null},"guess":false}]
    exit 0
    "#);
    insta::assert_snapshot!(sandbox.run(&["calendar", "24/7", "-f", "csv"]).shown(), @r"
    exchange,zone,is_open,since,until,next_open,next_close,session,open,close,break_start,break_end,guess
    24/7,UTC,true,,,,,2026-07-01,2026-07-01T00:00:00Z,2026-07-02T00:00:00Z,,,false
    exit 0
    ");
    let sunday = at(&sandbox, "2026-07-05T15:00:00Z", &["calendar", "XNYS", "-f", "ndjson"]).json();
    assert_eq!((&sunday["session"], &sunday["is_open"]), (&json!(null), &json!(false)));
    assert_eq!(sunday["until"], sunday["next_open"]);
}

#[test]
fn sessions_are_listed_between_two_dates_that_are_both_meant() {
    let sandbox = Sandbox::new();
    let list = |arguments: &[&str]| sandbox.run(&[&["calendar"], arguments].concat());
    let days = ["XHKG", "--from", "2026-12-23", "--to", "2026-12-28"];
    insta::assert_snapshot!(list(&[&days[..], &["-f", "csv"]].concat()).shown(), @r"
    session,open,close,break_start,break_end
    2026-12-23,2026-12-23T01:30:00Z,2026-12-23T08:00:00Z,2026-12-23T04:00:00Z,2026-12-23T05:00:00Z
    2026-12-24,2026-12-24T01:30:00Z,2026-12-24T04:00:00Z,,
    2026-12-28,2026-12-28T01:30:00Z,2026-12-28T08:00:00Z,2026-12-28T04:00:00Z,2026-12-28T05:00:00Z
    exit 0
    ");
    insta::assert_snapshot!(list(&days).shown(), @r"
    SESSION     DAY  OPEN (UTC)        CLOSE (UTC)       BREAK (UTC)     NOTE
    2026-12-23  Wed  2026-12-23 01:30  2026-12-23 08:00  04:00 to 05:00
    2026-12-24  Thu  2026-12-24 01:30  2026-12-24 04:00                  half day
    2026-12-28  Mon  2026-12-28 01:30  2026-12-28 08:00  04:00 to 05:00
    exit 0
    ");
    let rows = list(&[&days[..], &["-f", "json"]].concat()).json();
    assert_eq!(rows[1]["break_start"], json!(null), "{rows}");
    assert_eq!(rows[2]["break_end"], "2026-12-28T05:00:00Z");
    let ndjson = list(&[&days[..], &["-f", "ndjson"]].concat()).stdout;
    assert_eq!(ndjson.lines().count(), 3, "{ndjson}");
    let weekend = list(&["XNYS", "--from", "2026-07-04", "--to", "2026-07-05", "-f", "csv"]);
    assert_eq!(weekend.stdout, "session,open,close,break_start,break_end\n");
    // One date alone: from today on, or for a year.
    let to = list(&["XNYS", "--to", "2026-07-06", "-f", "csv"]).stdout;
    assert_eq!(to.lines().count(), 4, "3 July is a holiday: {to}");
    let from = list(&["24/7", "--from", "2027-01-01", "-f", "ndjson"]).stdout;
    assert!(from.lines().count() == 365 && from.contains("2027-12-31"), "{from}");
}

#[test]
fn cron_is_answered_by_the_exit_code_alone() {
    let sandbox = Sandbox::new();
    for (now, arguments, code) in [
        ("2026-07-01T15:00:00Z", &["XNYS", "--is-open"][..], 0),
        ("2026-07-01T20:00:00Z", &["XNYS", "--is-open"], 1),
        ("2026-07-01T02:45:00Z", &["XTKS", "--is-open"], 1),
        ("2026-07-05T15:00:00Z", &["24/7", "--is-open"], 0),
        ("2026-07-01T23:00:00Z", &["XNYS", "--is-session"], 0),
        // It is Saturday in Tokyo, and Friday in Greenwich.
        ("2026-07-10T16:00:00Z", &["XTKS", "--is-session"], 1),
        ("2026-07-10T14:00:00Z", &["XTKS", "--is-session"], 0),
        ("2026-07-01T15:00:00Z", &["XNYS", "--is-session", "2026-07-03"], 1),
        ("2026-07-01T15:00:00Z", &["XNYS", "--is-session", "2026-07-06"], 0),
    ] {
        let run = at(&sandbox, now, &[&["calendar"], arguments].concat());
        let said = (run.stdout.as_str(), run.stderr.as_str());
        assert_eq!((run.code, said), (Some(code), ("", "")), "{now} {arguments:?}");
    }
}

#[test]
fn what_is_beyond_the_table_is_a_guess_and_said_once() {
    let sandbox = Sandbox::new();
    let guess = "warning: sessions beyond what is known of XNYS (2000-01-01 to 2028-12-31) are \
                 guessed\n";
    let list = ["calendar", "XNYS", "--from", "2029-01-01", "--to", "2029-12-31"];
    for arguments in [&list[..], &["calendar", "XNYS"], &["calendar", "XNYS", "--is-session"]] {
        let run = at(&sandbox, "2035-07-02T15:00:00Z", arguments);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), guess), "{arguments:?}");
    }
    let all = at(&sandbox, "2035-07-02T15:00:00Z", &["calendar"]);
    assert_eq!((all.code, all.stderr.lines().count()), (Some(0), 1), "{all:?}");
    let quiet = at(&sandbox, "2035-07-02T15:00:00Z", &["calendar", "XNYS", "--is-open", "-q"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

#[test]
fn what_cannot_be_meant_is_said_and_exit_code_2() {
    let sandbox = Sandbox::new();
    for (arguments, says) in [
        (&["XNYZ"][..], ["`XNYZ` is not an exchange", "did you mean `XNYS`?"]),
        (&["elephant"], ["`elephant` is not an exchange", "`mcache calendar` lists"]),
        (&["--is-open"], ["no exchange is named", "`mcache calendar XNYS`"]),
        (&["--is-session", "XNYS"], ["no exchange is named", "`mcache calendar XNYS`"]),
        (&["--from", "2026-07-01"], ["no exchange is named", "hint"]),
        (&["XNYS", "--from", "tomorrow"], ["--from: `tomorrow` is not a date", "2026-07-01"]),
        (&["XNYS", "--to", "2026-02-30"], ["--to: `2026-02-30` is not a date", "hint"]),
        (&["XNYS", "--is-session", "1 July"], ["`1 July` is not a date", "hint"]),
        (
            &["XNYS", "--from", "2026-07-02", "--to", "2026-07-01"],
            ["--to 2026-07-01 is before --from 2026-07-02", "both are listed"],
        ),
        (&["XNYS", "--to", "2026-06-30"], ["is before --from 2026-07-01 (today)", "hint"]),
        (&["XNYS", "--is-open", "--is-session"], ["cannot be used with", ""]),
        (&["XNYS", "-f", "prometheus"], ["no format `prometheus`", "hint"]),
    ] {
        let run = sandbox.run(&[&["calendar"], arguments].concat());
        run.fails(2, &says);
        assert_eq!(run.stdout, "", "{arguments:?}");
    }
}

#[test]
fn the_days_that_a_user_states_hold() {
    let sandbox = Sandbox::new();
    sandbox.file("home/.config/mcache/days.csv", DAYS);
    let config = sandbox.config("calendars: {file: days.csv}\n");
    sandbox.run(&["calendar", "XNYS", "--is-open"]).fails(1, &[]);
    let list = ["calendar", "XNYS", "--to", "2026-07-02", "-f", "csv"];
    assert_eq!(
        sandbox.run(&list).stdout,
        "session,open,close,break_start,break_end\n\
         2026-07-02,2026-07-02T13:30:00Z,2026-07-02T16:00:00Z,,\n"
    );
    assert_eq!(sandbox.run(&["config", "check"]).code, Some(0));
    // A file that says nothing sensible stops what needs calendars, and the check, by its line.
    let file = sandbox.file("home/.config/mcache/days.csv", DAYS.replace("12:00", "12"));
    let place = format!("{}: line 3: `12` is not a time of day", file.display());
    for arguments in [&["calendar"][..], &["config", "check"]] {
        sandbox.run(arguments).fails(2, &[&place, &config.display().to_string(), "hint"]);
    }
    std::fs::remove_file(file).unwrap();
    sandbox.run(&["calendar"]).fails(2, &["days.csv does not exist", "calendars.file"]);
}

#[test]
fn an_exchange_that_is_unknown_to_the_configuration_is_a_mistake() {
    let sandbox = Sandbox::new();
    for (set, says) in [
        ("calendars.suffixes.L=XNYZ", "did you mean `XNYS`?"),
        ("calendars.symbols.SHEL=elephant", "`mcache calendar` lists the exchanges"),
        ("calendars.files=x.csv", "did you mean `calendars.file`?"),
    ] {
        sandbox.run(&["config", "check", "--set", set]).fails(2, &[says]);
    }
    let suffix = sandbox.run(&[
        "config",
        "show",
        "calendars.suffixes.XX",
        "--set",
        "calendars.suffixes.XX=lse",
    ]);
    assert!(suffix.code == Some(0) && suffix.stdout.contains("lse"), "{suffix:?}");
}
