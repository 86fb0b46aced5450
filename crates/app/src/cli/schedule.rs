//! `snowferry schedule`: when a sync's schedule fires, and what changes of the clock do to it.

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::{ClockChange, Error, Fire, Result, Schedule};
use serde_json::{Value, json};

use super::FileArgument;
use crate::output::{Terminal, print_line, seconds, text_table};

/// How far ahead a change of the clock is looked for; there are two a year where there are any.
const CLOCK_CHANGE_AHEAD: SignedDuration = SignedDuration::from_hours(400 * 24);

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry schedule -f acme/opportunities.yaml
  snowferry schedule -f acme/opportunities.yaml --from 2026-10-24T00:00:00Z --fires 5")]
pub(crate) struct ScheduleCommand {
    #[command(flatten)]
    file: FileArgument,

    /// How many fires to show
    #[arg(long, default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    fires: u16,

    /// Show fires after this moment, such as 2026-10-24T00:00:00Z; now unless given
    #[arg(long, value_name = "MOMENT")]
    from: Option<Timestamp>,

    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl ScheduleCommand {
    pub(crate) fn run(&self, terminal: &Terminal) -> Result<()> {
        let file = self.file.read()?;
        let schedule = file.schedule().ok_or_else(|| {
            Error::config("schedule_missing", format!("{} has no schedule", file.name()))
                .with_remedy("add `schedule: { cron: \"0 2 * * *\", zone: Europe/Berlin }`")
        })?;
        let from = self.from.unwrap_or_else(Timestamp::now);
        let preview = Preview { schedule, id: file.id() };
        let fires: Vec<Fire> = schedule.fires_after(from).take(usize::from(self.fires)).collect();
        if self.json {
            return fires.iter().try_for_each(|fire| print_line(&preview.json(fire).to_string()));
        }
        preview.print(terminal, &fires, from)
    }
}

/// A schedule with the sync whose jitter it shows.
struct Preview<'a> {
    schedule: &'a Schedule,
    id: String,
}

impl Preview<'_> {
    fn print(&self, terminal: &Terminal, fires: &[Fire], from: Timestamp) -> Result<()> {
        let spec = self.schedule.spec();
        let jitter = self.schedule.jitter(&self.id);
        print_line(&format!(
            "{} in {}; this sync starts {} after each fire",
            terminal.bold(&spec.cron),
            spec.zone,
            seconds(jitter)
        ))?;
        let rows = fires.iter().map(|fire| {
            vec![self.local(fire), utc(fire.at), utc(self.start(fire)), self.remark(fire).unwrap_or_default()]
        });
        print_line(&text_table(&["local time", "UTC", "starts, UTC", "change of the clock"], rows))?;
        let Some(changed) = self.next_change(fires, from) else { return Ok(()) };
        let remark = self.remark(&changed).unwrap_or_default();
        print_line(&terminal.dim(&format!("next change of the clock: {}: {remark}", self.local(&changed))))
    }

    /// The next fire that a change of the clock touches, where it is not among those shown.
    fn next_change(&self, shown: &[Fire], from: Timestamp) -> Option<Fire> {
        let until = from.checked_add(CLOCK_CHANGE_AHEAD).ok()?;
        let mut ahead = self.schedule.fires_after(from).take_while(|fire| fire.at <= until);
        ahead.find(|fire| fire.clock_change.is_some()).filter(|changed| !shown.contains(changed))
    }

    fn start(&self, fire: &Fire) -> Timestamp {
        fire.at.checked_add(self.schedule.jitter(&self.id)).unwrap_or(Timestamp::MAX)
    }

    fn local(&self, fire: &Fire) -> String {
        fire.at.to_zoned(self.schedule.zone().clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
    }

    fn remark(&self, fire: &Fire) -> Option<String> {
        let named = fire.local.strftime("%H:%M");
        Some(match fire.clock_change? {
            ClockChange::Skipped => format!("{named} of {} does not exist", fire.local.date()),
            ClockChange::First => format!("{named} comes twice: the first"),
            ClockChange::Second => format!("{named} comes twice: the second"),
        })
    }

    fn json(&self, fire: &Fire) -> Value {
        json!({
            "fire": fire.at.to_string(),
            "local": fire.at.to_zoned(self.schedule.zone().clone()).to_string(),
            "named": fire.local.to_string(),
            "starts": self.start(fire).to_string(),
            "clock_change": fire.clock_change.map(|change| match change {
                ClockChange::Skipped => "skipped",
                ClockChange::First => "first",
                ClockChange::Second => "second",
            }),
        })
    }
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
