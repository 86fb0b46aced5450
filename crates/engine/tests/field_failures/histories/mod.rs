//! Any history of a table, against any settings of a sync, whatever fails and dies: after every settled round the
//! vendor's database shows the source, as far as the settings promise.
//!
//! `SNOWFERRY_HISTORY=1234` replays one seed, and prints all that was done; `SNOWFERRY_HISTORIES=2000` plays that many.

mod broken;
mod case;
mod cursor_type;
mod disturbance;
mod killed;
mod random;
mod settings;
mod table;

use std::sync::Arc;

use broken::Broken;

use crate::account::Account;

/// Seeds of a run of the suite: they take about a minute.
const SEEDS: u64 = 60;
/// An account remembers what was asked and what rows were before, and gets slower.
const SEEDS_OF_AN_ACCOUNT: u64 = 50;
/// Seeds within which every broken product has to be found.
const SEEDS_UNTIL_FOUND_MAX: u64 = 60;

fn number_in(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|number| number.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn any_history_of_a_table_arrives_whatever_fails_and_dies() {
    let mut account = Arc::new(Account::start().await);
    if let Some(seed) = number_in("SNOWFERRY_HISTORY") {
        return case::play(&account, seed, None).await.unwrap_or_else(|failure| panic!("{failure}"));
    }
    let seeds = number_in("SNOWFERRY_HISTORIES").unwrap_or(SEEDS);
    for seed in 0..seeds {
        if seed > 0 && seed.is_multiple_of(SEEDS_OF_AN_ACCOUNT) {
            account = Arc::new(Account::start().await);
        }
        if let Err(failure) = case::play(&account, seed, None).await {
            panic!("{failure}\n\nseed {seed}; to replay it: SNOWFERRY_HISTORY={seed} {COMMAND}");
        }
    }
    println!("{seeds} histories arrived");
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
