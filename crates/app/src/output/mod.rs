//! What people and programs see: colours only on a terminal, results on standard output, everything else beside it.

mod format;
mod progress;
mod statement;
mod table;
mod terminal;

pub(crate) use format::{bytes, count, seconds};
pub(crate) use progress::{Shown, Watched, show_progress};
pub(crate) use statement::numbered;
pub(crate) use table::{table, text_table};
pub(crate) use terminal::{ColorChoice, Terminal, print_line};
