//! What a customer's account lets us do, proved step by step: from the host's name to each privilege, and what was granted
//! beyond that. Nothing is run that needs a virtual warehouse, and nothing is changed.

mod excess;
mod held;
mod identity;
mod key_slots;
mod log_in;
mod need;
mod objects;
mod reach;
mod virtual_warehouse;

use model::{Error, ErrorKind, Owner, StreamName};
use snowflake::{ConnectionConfig, Identifier};

pub(crate) use held::Held;
pub use key_slots::{KeySlots, key_slots};

use super::onboarding::Access;

/// What the syncs of one connection do in the account.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Tables and views, with what is done to each.
    pub objects: Vec<Access>,
    /// Queries that are streams. What they read may be among the objects; it need not be.
    pub queries: Vec<StreamName>,
    /// Whether tables that will be made in the same schemas may be read as well.
    pub includes_future_tables: bool,
}

/// What is looked at, from the outside to the inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepName {
    Name,
    Tls,
    Clock,
    NetworkPolicy,
    LogIn,
    Key,
    Role,
    VirtualWarehouse,
    Object,
    Privilege,
    MoreThanNeeded,
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Step {
    pub name: StepName,
    /// What was found, or what it was looked for.
    pub subject: String,
    pub outcome: StepOutcome,
}

/// What came of a step.
#[derive(Debug)]
pub enum StepOutcome {
    Passed,
    /// Somebody has to act before syncs can run.
    Failed(Finding),
    /// Syncs can run, and somebody should act all the same.
    Noted(Finding),
    /// It could not be looked at, and the subject says why.
    Skipped,
}

/// What is wrong, who can mend it, and with which statements.
#[derive(Debug)]
pub struct Finding {
    pub error: Error,
    pub owner: Owner,
    /// Statements for the customer's administrator, complete as they are.
    pub sql: Vec<String>,
}

/// Receives each step as soon as it was looked at.
pub type Report<'a> = &'a mut (dyn FnMut(Step) + Send);

/// Looks at everything that the syncs of a connection stand on. What cannot be looked at because of an earlier failure is
/// left out.
pub async fn check(config: &ConnectionConfig, needs: &Needs, report: Report<'_>) {
    if !reach::check(config, report).await {
        return;
    }
    let Some(session) = log_in::check(config, report).await else { return };
    identity::check(config, &session, report).await;
    virtual_warehouse::check(config, &session, report).await;
    let role = session.context().role.or_else(|| config.role.clone()).unwrap_or_default();
    match Held::of_role(&session, &role).await {
        Ok(held) => {
            virtual_warehouse::check_usage(&session, &held, report);
            objects::check(&session, needs, &held, report).await;
            excess::check(&session, needs, &held, report).await;
        }
        Err(error) => report(Step::failed(StepName::Privilege, "", Finding::of(error))),
    }
    if let Err(error) = session.close().await {
        tracing::debug!(error = %error, "log-out failed");
    }
}

impl StepName {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            StepName::Name => "name",
            StepName::Tls => "tls",
            StepName::Clock => "clock",
            StepName::NetworkPolicy => "network_policy",
            StepName::LogIn => "log_in",
            StepName::Key => "key",
            StepName::Role => "role",
            StepName::VirtualWarehouse => "virtual_warehouse",
            StepName::Object => "object",
            StepName::Privilege => "privilege",
            StepName::MoreThanNeeded => "more_than_needed",
        }
    }

    /// The words that a person reads.
    pub fn title(self) -> &'static str {
        match self {
            StepName::Name => "name",
            StepName::Tls => "TLS",
            StepName::Clock => "clock",
            StepName::NetworkPolicy => "network policy",
            StepName::LogIn => "log-in",
            StepName::Key => "key",
            StepName::Role => "role",
            StepName::VirtualWarehouse => "virtual warehouse",
            StepName::Object => "object",
            StepName::Privilege => "privilege",
            StepName::MoreThanNeeded => "more than needed",
        }
    }
}

impl Step {
    fn passed(name: StepName, subject: impl Into<String>) -> Self {
        Self { name, subject: subject.into(), outcome: StepOutcome::Passed }
    }

    fn skipped(name: StepName, subject: impl Into<String>) -> Self {
        Self { name, subject: subject.into(), outcome: StepOutcome::Skipped }
    }

    fn failed(name: StepName, subject: impl Into<String>, finding: Finding) -> Self {
        Self { name, subject: subject.into(), outcome: StepOutcome::Failed(finding) }
    }

    fn noted(name: StepName, subject: impl Into<String>, finding: Finding) -> Self {
        Self { name, subject: subject.into(), outcome: StepOutcome::Noted(finding) }
    }
}

impl Finding {
    /// What an error says by itself.
    pub fn of(error: Error) -> Self {
        let owner = match error.kind() {
            ErrorKind::Auth | ErrorKind::Permission => Owner::Customer,
            ErrorKind::Internal => Owner::Us,
            _ => Owner::Operator,
        };
        Self { error, owner, sql: Vec::new() }
    }

    /// Something that the customer mends by statements.
    fn customers(error: Error, sql: Vec<String>) -> Self {
        let remedy = format!("let the customer run: {}", sql.join(" "));
        Self { error: error.with_remedy(remedy), owner: Owner::Customer, sql }
    }
}

/// A name as the log-in folds it, for SQL.
fn folded(name: &str) -> Option<Identifier> {
    Identifier::parse(name).or_else(|_| Identifier::new(name.trim().to_uppercase())).ok()
}
