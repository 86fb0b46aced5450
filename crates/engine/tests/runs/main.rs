//! Runs over memory connectors: what ends up in the destination, whatever fails on the way.

mod faults;
mod runs;
mod world;
