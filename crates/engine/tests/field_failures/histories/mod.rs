//! Any history of a table, against any settings of a sync, whatever fails and dies: after every settled round the
//! vendor's database shows the source, as far as the settings promise.
//!
//! `SNOWFERRY_HISTORY=1234` replays one seed, and prints all that was done; `SNOWFERRY_HISTORIES=0..2000` plays these.

mod broken;
mod case;
mod cursor_type;
mod disturbance;
mod killed;
mod random;
mod settings;
mod table;

use std::ops::Range;
use std::sync::Arc;

use broken::Broken;

use crate::account::Account;

/// Seeds of a run of the suite: they take about a minute.
const SEEDS: u64 = 60;
/// An account remembers what was asked and what rows were before, and gets slower.
const SEEDS_OF_AN_ACCOUNT: u64 = 50;
/// Seeds within which every broken product has to be found.
const SEEDS_UNTIL_FOUND_MAX: u64 = 60;

/// The seed that is to be replayed.
fn replayed() -> Option<u64> {
    std::env::var("SNOWFERRY_HISTORY").ok().map(|seed| seed.parse().unwrap())
}

/// The seeds that are played; a part of them is named as `500..1000`, so that each core can have its own.
fn seeds() -> Range<u64> {
    let Ok(seeds) = std::env::var("SNOWFERRY_HISTORIES") else { return 0..SEEDS };
    let (first, end) = seeds.split_once("..").expect("two numbers with two dots between them");
    first.parse().unwrap()..end.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_history_of_a_table_arrives_whatever_fails_and_dies() {
    let mut account = Arc::new(Account::start().await);
    if let Some(seed) = replayed() {
        return case::play(&account, seed, None).await.unwrap_or_else(|failure| panic!("{failure}"));
    }
    let seeds = seeds();
    for seed in seeds.clone() {
        if seed > seeds.start && seed.is_multiple_of(SEEDS_OF_AN_ACCOUNT) {
            account = Arc::new(Account::start().await);
        }
        if let Err(failure) = case::play(&account, seed, None).await {
            panic!("{failure}\n\nseed {seed}; to replay it: SNOWFERRY_HISTORY={seed} {COMMAND}");
        }
    }
    println!("{} histories arrived", seeds.count());
}

const COMMAND: &str = "cargo test -p engine --test field_failures any_history";

async fn is_found(broken: Broken) {
    let account = Arc::new(Account::start().await);
    for seed in 0..SEEDS_UNTIL_FOUND_MAX {
        if let Err(failure) = case::play(&account, seed, Some(broken)).await {
            println!("{broken:?} is found by seed {seed}: {}", failure.lines().next().unwrap_or_default());
            return;
        }
    }
    panic!("{broken:?} is not found within {SEEDS_UNTIL_FOUND_MAX} seeds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_lower_bound_is_found() {
    is_found(Broken::StrictLowerBound).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rounded_watermark_is_found() {
    is_found(Broken::RoundedWatermark).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_separate_query_for_the_maximum_is_found() {
    is_found(Broken::SeparateMax).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_null_policy_is_found() {
    is_found(Broken::MissingNullPolicy).await;
}
