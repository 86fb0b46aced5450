//! Claims about which rows fit and in which form they travel.

mod columns;
mod files;
mod plans;
mod table;
mod values;
