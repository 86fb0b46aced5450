//! Pushes: a tenant's DuckDB file delivered into tables of an emulated account, whatever fails on the way.

pub(crate) mod account;
mod deliveries;
mod guards;
mod kills;
mod mistakes;
mod privileges;
mod round_trip;
mod side_by_side;
pub(crate) mod vendor;
