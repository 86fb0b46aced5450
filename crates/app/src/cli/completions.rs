//! `snowferry completions`: what a shell needs to complete our commands.

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use model::Result;

use super::Cli;
use crate::output::print_line;

#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  snowferry completions bash > ~/.local/share/bash-completion/completions/snowferry"
)]
pub(crate) struct CompletionsCommand {
    /// The shell
    shell: Shell,
}

impl CompletionsCommand {
    pub(crate) fn run(&self) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "snowferry", &mut script);
        print_line(String::from_utf8_lossy(&script).trim_end())
    }
}
