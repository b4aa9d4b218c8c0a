//! What packagers need: help, version, completions and a manual page, on a machine with nothing.

use crate::sandbox::Sandbox;

#[test]
fn the_help_names_every_command_and_global_option() {
    insta::assert_snapshot!(Sandbox::new().run(&["-h"]).shown(), @r"
    A persistent cache for market data, shared by every script on this machine

    Usage: mcache [OPTIONS] <COMMAND>

    Commands:
      fetch        Answer from the cache if it is fresh, else from upstream
      warm         Fill the cache, so that a later fetch is a hit; made for cron
      stats        What the cache holds and what it has saved
      clear        Drop entries
      benchmark    Measure every tier against an upstream, offline by default
      keys         List entries
      get          Read a value by its key
      put          Write any program's value under a key
      limits       May a call be made now, and if not, when and why
      calendar     Is the market open, when does it next open and close
      diff         What has changed between two instants, or since a receipt
      export       Write what is held of series to a file, for another cache
      import       Take series out of files, so that they are never asked for
      config       The configuration in force and where each value came from
      completions  Print a completion script for a shell
      man          Print the manual page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Global options:
          --config <FILE>    Configuration file, instead of the user's own [env: MCACHE_CONFIG]
          --profile <NAME>   Profile of the configuration [env: MCACHE_PROFILE]
          --cache-dir <DIR>  Cache folder [env: MCACHE_CACHE_DIR]
          --set <KEY=VALUE>  Set a key of the configuration, as in `--set ttl.quote.stock=60`; may be
                             repeated
      -f, --format <FORMAT>  Output format [default: table] [possible values: table, json, ndjson, csv,
                             parquet, prometheus]
          --color <WHEN>     When to use colour; NO_COLOR is honoured [default: auto] [possible values:
                             auto, always, never]
      -q, --quiet            No warnings and no progress
      -v, --verbose...       One line a request on standard error, and the causes of errors
          --offline          Only what the cache holds, fresh or stale; upstream is not asked [env:
                             MCACHE_OFFLINE=1]
          --caller <NAME>    Who asks, for `stats --by caller` and what is reserved [env: MCACHE_CALLER]

    Examples:
      mcache fetch AAPL --provider demo      try it without a network
      mcache fetch AAPL BTC GDP -f json      a stock, a coin and a macro series, for a program
      mcache fetch AAPL --offline            only what the cache holds
      */5 * * * * mcache warm @tech          keep a list of the configuration warm, from cron
      mcache stats                           what is held, and what it has saved
      mcache limits                          who may be asked now, and who not before when
    exit 0
    ");
}

#[test]
fn every_command_has_help_with_its_options() {
    let sandbox = Sandbox::new();
    for command in [
        "fetch",
        "warm",
        "stats",
        "clear",
        "benchmark",
        "keys",
        "get",
        "put",
        "limits",
        "config",
        "completions",
        "man",
    ] {
        let short = sandbox.run(&[command, "-h"]);
        assert_eq!((short.code, short.stderr.as_str()), (Some(0), ""), "{command}");
        assert!(short.stdout.contains(&format!("Usage: mcache {command}")), "{command}");
        assert!(short.stdout.contains("--offline"), "{command}: {}", short.stdout);
        assert!(short.stdout.lines().all(|line| line.chars().count() <= 100), "{command}");
        assert_eq!(sandbox.run(&["help", command]).code, Some(0), "{command}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let run = Sandbox::new().run(&["--version"]);
    assert_eq!(run.stdout, concat!("mcache ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn there_are_completions_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = sandbox.run(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{shell}");
        assert!(run.stdout.contains("mcache") && run.stdout.contains("max-stale"), "{shell}");
    }
    sandbox.run(&["completions", "tcsh"]).fails(2, &["bash, elvish, fish, powershell, zsh"]);
}

#[test]
fn the_manual_page_is_one() {
    let run = Sandbox::new().run(&["man"]);
    assert_eq!(run.code, Some(0));
    assert!(
        run.stdout.starts_with(".TH") || run.stdout.starts_with(".ie"),
        "{}",
        &run.stdout[..40]
    );
    for said in [".TH mcache 1", "fetch", "offline"] {
        assert!(run.stdout.contains(said), "{said}");
    }
}

#[test]
fn what_packagers_need_works_with_a_broken_configuration_and_without_a_home() {
    let sandbox = Sandbox::new();
    sandbox.config("{{{");
    for arguments in
        [&["man"][..], &["completions", "bash"], &["--help"], &["--version"], &["help", "fetch"]]
    {
        assert_eq!(sandbox.run(arguments).code, Some(0), "{arguments:?}");
    }
    let homeless = Sandbox::new().env("HOME", "");
    assert_eq!(homeless.run(&["man"]).code, Some(0));
    homeless.run(&["fetch", "AAPL"]).fails(2, &["there is no folder for the cache", "--cache-dir"]);
    let placed = ["fetch", "AAPL", "-p", "demo", "--cache-dir", "here"];
    assert_eq!(homeless.run(&placed).code, Some(0));
}
