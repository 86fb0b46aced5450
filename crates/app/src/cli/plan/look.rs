//! What a plan knows of the values of cursor and key: that they are safe to follow, or why nobody looked.

use connectors::snowflake::SnowflakeSource;
use model::{ErrorKind, Profile, ProfileBounds, ProfilePlan, Result, StreamSchema, StreamSpec, percent};

use crate::cli::discover::cost;
use crate::output::count;

/// What is known of the values of the columns that a sync has chosen.
pub(super) enum Look {
    /// The sync follows no column, or takes it as it is.
    NotNeeded,
    /// The account refuses to be asked, such as for want of a virtual warehouse; what it says.
    Refused(String),
    At(Box<Profile>),
}

impl Look {
    /// Looks at the cursor and the key that the sync has chosen, and refuses what is unsafe about them.
    pub(super) async fn at(
        source: &SnowflakeSource,
        schema: &StreamSchema,
        spec: &StreamSpec,
    ) -> Result<Self> {
        let profile_plan = ProfilePlan::of_choice(schema, spec, ProfileBounds::default());
        let Some(profile_plan) = profile_plan.filter(|_| !spec.is_unsafe_allowed) else {
            return Ok(Look::NotNeeded);
        };
        let profile = match source.profile(&profile_plan).await {
            Ok(profile) => profile,
            Err(error) if error.kind() == ErrorKind::Config => {
                return Ok(Look::Refused(error.message().to_owned()));
            }
            Err(error) => return Err(error),
        };
        profile.refuse_unsafe(spec)?;
        Ok(Look::At(Box::new(profile)))
    }

    pub(super) fn profile(&self) -> Option<&Profile> {
        match self {
            Look::At(profile) => Some(profile.as_ref()),
            Look::NotNeeded | Look::Refused(_) => None,
        }
    }

    pub(super) fn text(&self) -> Option<String> {
        let profile = match self {
            Look::NotNeeded => return None,
            Look::Refused(because) => {
                return Some(format!("  the values of cursor and key were not looked at: {because}"));
            }
            Look::At(profile) => profile,
        };
        let cursor = profile.columns.first()?;
        let key = match &profile.key {
            Some(key) => format!("; the key {} never repeats", key.columns.join(", ")),
            None => String::new(),
        };
        Some(format!(
            "  {} looks safe: {:.1} % NULL, {:.1} % with the highest value, {:.1} % ahead of the clock, in {} rows{key}\n  {}",
            cursor.column.name,
            percent(cursor.null_count, cursor.row_count),
            percent(cursor.newest_tie, cursor.row_count),
            percent(cursor.future_count, cursor.row_count),
            count(cursor.row_count),
            cost(profile.extent, &profile.cost)
        ))
    }
}
