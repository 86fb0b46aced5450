//! The service over a real state database, with a runner that does what a test tells it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alerting;
mod documents;
mod hook;
mod workers;
mod world;
