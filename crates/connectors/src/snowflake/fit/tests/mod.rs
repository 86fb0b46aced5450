//! Claims about which rows fit and in which form they travel.

mod columns;
mod plans;
mod values;
