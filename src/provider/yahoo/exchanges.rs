//! Yahoo's names of exchanges (`exchangeName`), and the code under which the sessions of each are
//! known.
//!
//! The names are those of Yahoo's own lists (the exchanges that its screener takes, and "Exchanges
//! and data providers on Yahoo Finance" in its help); the codes are of ISO 10383. A market that keeps
//! the sessions of another has that one's code, since sessions are all that it is for: NYSE American
//! and Arca, Cboe and over the counter those of New York, an index those of the shares in it. What
//! is not here is not known, which is no mistake.

/// The code of the week of currencies.
pub(super) const CURRENCIES: &str = "FX";

/// By Yahoo's name, in order.
static CODES: [(&str, &str); 96] = [
    ("AMS", "XAMS"),
    ("ASE", "XNYS"),
    ("ASX", "XASX"),
    ("ATH", "XATH"),
    ("BER", "XBER"),
    ("BRU", "XBRU"),
    ("BSE", "XBOM"),
    ("BTS", "XNYS"),
    ("BUD", "XBUD"),
    ("BUE", "XBUE"),
    ("BVB", "XBSE"),
    ("BVC", "XBOG"),
    ("CAI", "XCAI"),
    ("CBT", "XCBT"),
    ("CCC", "24/7"),
    ("CCS", "BVCA"),
    ("CCY", "FX"),
    ("CME", "XCME"),
    ("CMX", "XCEC"),
    ("CNQ", "XCNQ"),
    ("CPH", "XCSE"),
    ("DFM", "XDFM"),
    ("DJI", "XNYS"),
    ("DOH", "DSMD"),
    ("DUS", "XDUS"),
    ("EBS", "XSWX"),
    ("FGI", "XLON"),
    ("FKA", "XFKA"),
    ("FRA", "XFRA"),
    ("GER", "XETR"),
    ("HAM", "XHAM"),
    ("HAN", "XHAN"),
    ("HEL", "XHEL"),
    ("HKG", "XHKG"),
    ("ICE", "XICE"),
    ("IOB", "XLON"),
    ("ISE", "XDUB"),
    ("IST", "XIST"),
    ("JKT", "XIDX"),
    ("JNB", "XJSE"),
    ("JPX", "XTKS"),
    ("KAR", "XKAR"),
    ("KLS", "XKLS"),
    ("KOE", "XKRX"),
    ("KSC", "XKRX"),
    ("KUW", "XKUW"),
    ("LIS", "XLIS"),
    ("LIT", "XLIT"),
    ("LSE", "XLON"),
    ("MCE", "XMAD"),
    ("MEX", "XMEX"),
    ("MIL", "XMIL"),
    ("MUN", "XMUN"),
    ("NAS", "XNAS"),
    ("NCM", "XNAS"),
    ("NEO", "NEOE"),
    ("NGM", "XNAS"),
    ("NIM", "XNAS"),
    ("NMS", "XNAS"),
    ("NSI", "XBOM"),
    ("NYB", "IFUS"),
    ("NYM", "XNYM"),
    ("NYQ", "XNYS"),
    ("NYS", "XNYS"),
    ("NZE", "XNZE"),
    ("OBB", "XNYS"),
    ("OEM", "XNYS"),
    ("OQB", "XNYS"),
    ("OQX", "XNYS"),
    ("OSA", "XTKS"),
    ("OSL", "XOSL"),
    ("PAR", "XPAR"),
    ("PCX", "XNYS"),
    ("PHS", "XPHS"),
    ("PNK", "XNYS"),
    ("PRA", "XPRA"),
    ("RIS", "XRIS"),
    ("SAO", "BVMF"),
    ("SAP", "XSAP"),
    ("SAU", "XSAU"),
    ("SES", "XSES"),
    ("SET", "XBKK"),
    ("SGO", "XSGO"),
    ("SHH", "XSHG"),
    ("SHZ", "XSHG"),
    ("SNP", "XNYS"),
    ("STO", "XSTO"),
    ("STU", "XSTU"),
    ("TAI", "XTAI"),
    ("TLV", "XTAE"),
    ("TOR", "XTSE"),
    ("TWO", "XTAI"),
    ("TYO", "XTKS"),
    ("VAN", "XTSE"),
    ("VIE", "XWBO"),
    ("WSE", "XWAR"),
];

/// The code of an exchange by Yahoo's name of it.
pub(super) fn code(name: &str) -> Option<&'static str> {
    let at = CODES.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
    Some(CODES[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::ExchangeCode;

    #[test]
    fn every_name_is_found_and_every_code_is_one() {
        assert!(CODES.is_sorted_by(|a, b| a.0 < b.0));
        for (name, expected) in CODES {
            assert_eq!(code(name), Some(expected));
            let is_code = expected.len() == 4 && ExchangeCode::parse(expected).is_some();
            assert!(is_code || expected == CURRENCIES, "{name}: {expected}");
        }
        for name in ["", "nms", "YHD", "ZZZ"] {
            assert_eq!(code(name), None, "{name}");
        }
    }
}
