//! Every test that runs the program, in one program, so that it links once.
//!
//! - `sandbox` — the empty machine a test runs on, and the upstream it talks to (`tests/soak` uses
//!   it too)
//! - `architecture` — the code keeps to the plan in `lib.rs`
//! - `cli` — what each command promises
//! - `conformance` — one suite over every tier, one over every provider
//! - `guarantees` — section 7 of the contract: damage, failure, crashes, crowds, secrets, room
//! - `world` — an upstream of stocks and coins that are made up, at the instant that a test says
//! - `series` — bars: every answer is what downloading all of it afresh would give
//! - `documents` — README, defaults, `--help` and the code name the same things

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![expect(unreachable_pub, reason = "the sandbox is a library to the other modules")]

mod architecture;
mod cli;
mod conformance;
mod documents;
mod guarantees;
mod sandbox;
mod series;
mod world;
