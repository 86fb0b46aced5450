//! `snowferry alert-test`: a test to every channel, to see whether alerts arrive.

use std::path::PathBuf;

use alerts::Alert;
use clap::Args;
use jiff::Timestamp;
use model::{Error, Result};
use serde_json::json;

use crate::config::read_channels;
use crate::output::{Terminal, print_line};

#[derive(Args, Debug)]
#[command(after_help = "Example:\n  snowferry alert-test -f alerts.yaml")]
pub(crate) struct AlertTestCommand {
    /// The file that names the channels
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// Only this channel
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl AlertTestCommand {
    pub(crate) async fn run(&self, terminal: &Terminal) -> Result<()> {
        let channels = read_channels(&self.file)?;
        if let Some(only) = self.channel.as_ref().filter(|only| !channels.contains_key(*only)) {
            let names: Vec<&str> = channels.keys().map(String::as_str).collect();
            return Err(Error::config("alert_channel", format!("there is no channel `{only}`"))
                .with_remedy(format!("the channels are {}", names.join(", "))));
        }
        let is_meant = |name: &String| self.channel.as_ref().is_none_or(|only| only == name);
        let alert = Alert::test(Timestamp::now());
        let mut first = None;
        for (name, channel) in channels.iter().filter(|(name, _)| is_meant(name)) {
            let outcome = channel.send(&alert).await;
            print_line(&match (&outcome, self.json) {
                (Ok(()), false) => format!("{} {name}", terminal.green("ok  ")),
                (Err(error), false) => format!("{} {name:<18} {}", terminal.red("fail"), error.message()),
                (Ok(()), true) => json!({ "channel": name, "outcome": "sent" }).to_string(),
                (Err(error), true) => {
                    json!({ "channel": name, "outcome": "failed", "code": error.code(), "message": error.message() })
                        .to_string()
                }
            })?;
            first = first.or(outcome.err());
        }
        first.map_or(Ok(()), Err)
    }
}
