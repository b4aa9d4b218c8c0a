//! The arguments of `calendar`.

use clap::Args;

/// Is the market open, when does it next open and close; lists sessions.
#[derive(Args, Debug)]
#[command(after_help = "\
Without EXCHANGE, a row an exchange; with one, what is known of it now; with --from or --to, its
sessions. EXCHANGE is a MIC such as XNYS, FX for the week of currencies, 24/7 for what never closes,
or what people say: NYSE, NASDAQ, LSE, XETRA, PARIS, TSE, HKEX, TSX, ASX, crypto, forex. Closed is
also an exchange in its break. Instants are UTC.

--is-open and --is-session print nothing: the exit code is the answer, 0 yes, 1 no. So a line of a
crontab goes on only when there is something to do:
  */5 * * * 1-5  mcache calendar XNYS --is-open && mcache warm @tech
  0 22 * * 1-5   mcache calendar XNYS --is-session && ./after-the-close.sh

Sessions are known from 2000 to 2028 (of XBOM, XSES and XSHG to 2026); beyond, they are guessed from
the weekly hours, with a warning. Days that are missing or wrong stand in a file of yours, named by
`calendars.file` in the configuration.

Examples:
  mcache calendar                        every exchange: is it open, and until when
  mcache calendar LSE                    one exchange, with its session of today
  mcache calendar XNYS --from 2026-11-23 --to 2026-11-27
  mcache calendar XTKS --from 2026-01-01 -f csv")]
pub(crate) struct Calendar {
    /// XNYS, XLON, XTKS, NYSE, forex, 24/7
    #[arg(value_name = "EXCHANGE")]
    pub(crate) exchange: Option<String>,
    /// List its sessions from this date on [default: today there]
    #[arg(long, value_name = "DATE", conflicts_with_all = ["is_open", "is_session"])]
    pub(crate) from: Option<String>,
    /// List its sessions to this date, included [default: 365 days, the first one included]
    #[arg(long, value_name = "DATE", conflicts_with_all = ["is_open", "is_session"])]
    pub(crate) to: Option<String>,
    /// Say by the exit code whether it is open now: 0 yes, 1 no
    #[arg(long, conflicts_with = "is_session")]
    pub(crate) is_open: bool,
    /// Say by the exit code whether it has a session on a date: 0 yes, 1 no [default: today there]
    #[arg(long, value_name = "DATE", num_args = 0..=1, default_missing_value = "today")]
    pub(crate) is_session: Option<String>,
}
