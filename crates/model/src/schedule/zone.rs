//! Names of time zones, as the IANA database knows them.

use jiff::tz::{TimeZone, db};

use crate::{Error, Result};

/// How many names an error suggests.
const SUGGESTIONS_MAX: usize = 3;

/// The zone called `name`.
pub(super) fn find(name: &str) -> Result<TimeZone> {
    // jiff answers the name of an unknown zone with a zone, which is UTC in disguise.
    if !name.eq_ignore_ascii_case("Etc/Unknown")
        && let Ok(zone) = TimeZone::get(name)
    {
        return Ok(zone);
    }
    let error = Error::config("schedule_zone", format!("there is no time zone `{name}`"));
    let alike = alike(name);
    Err(if alike.is_empty() {
        error.with_remedy("use a name of the IANA time zone database, such as `Europe/Berlin` or `UTC`")
    } else {
        error.with_remedy(format!("did you mean {}?", alike.join(" or ")))
    })
}

/// Zones whose city is the one that was written, with whatever in front of it.
fn alike(name: &str) -> Vec<String> {
    let city = |name: &str| {
        name.rsplit('/').next().unwrap_or_default().replace([' ', '-', '_'], "").to_ascii_lowercase()
    };
    let wanted = city(name);
    let known = db().available().map(|known| known.to_string());
    known.filter(|known| known.contains('/') && city(known) == wanted).take(SUGGESTIONS_MAX).collect()
}
