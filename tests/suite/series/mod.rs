//! Series, tried as a whole: against an upstream that tells of stocks and coins that are made up.
//!
//! - `model` — every answer is what a fresh download gives
//! - `restated` — history that is not what it was is fetched anew
//! - `hollow` — what upstream had not at first is heard of later
//! - `killed` — what had come of a series when its asker was killed is not asked for again
//! - `progress` — whoever waits for a long series is told of each page
//! - `window` — a year's window costs one call a session

mod hollow;
mod killed;
mod model;
mod progress;
mod restated;
mod window;
