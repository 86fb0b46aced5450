//! `snowferry token`: tokens for the API.

use clap::{Args, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use model::Result;
use store::{Id, NewApiToken, Role, Scope, Store};

use super::super::state::{StoreArgument, actor};
use crate::output::{print_line, text_table};

/// A token that nobody renews ends some day, so that a forgotten one does no harm for ever.
const DAYS_DEFAULT: u32 = 365;

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print it; it is shown this once
    Create(CreateCommand),
    /// List tokens: who has them, not what they are
    List(ListCommand),
    /// Make a token worthless at once
    Revoke(RevokeCommand),
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  snowferry token create dashboards --role viewer
  snowferry token create acme-portal --role operator --tenant acme --days 30")]
pub(crate) struct CreateCommand {
    /// Whose token it is, for the audit log
    #[arg(value_name = "NAME")]
    name: String,

    /// What its bearer may do
    #[arg(long, value_enum)]
    role: RoleArgument,

    /// Good for this tenant only; for all of them unless given
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,

    /// For how many days it is good
    #[arg(long, value_name = "DAYS", default_value_t = DAYS_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    days: u32,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Args, Debug)]
pub(crate) struct RevokeCommand {
    /// The token's id, from `snowferry token list`
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    store: StoreArgument,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArgument {
    /// Looks
    Viewer,
    /// Starts, pauses and cancels, too
    Operator,
    /// Changes limits, closes connections and makes tokens, too
    Admin,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Viewer => Role::Viewer,
            RoleArgument::Operator => Role::Operator,
            RoleArgument::Admin => Role::Admin,
        }
    }
}

impl TokenCommand {
    pub(crate) async fn run(&self) -> Result<()> {
        match self {
            TokenCommand::Create(command) => command.run().await,
            TokenCommand::List(command) => command.run().await,
            TokenCommand::Revoke(command) => command.run().await,
        }
    }
}

impl CreateCommand {
    async fn run(&self) -> Result<()> {
        let store = self.store.open().await?;
        let scope = match &self.tenant {
            Some(name) => Scope::Tenant(store.tenant_named(name).await?.id),
            None => Scope::AllTenants,
        };
        let days = SignedDuration::from_hours(24 * i64::from(self.days));
        let expires_at = Timestamp::now().checked_add(days).ok();
        let new = NewApiToken { name: self.name.clone(), role: self.role.into(), scope, expires_at };
        let issued = store.issue_token(new, &actor()).await?;
        print_line(issued.token.expose())
    }
}

impl ListCommand {
    async fn run(&self) -> Result<()> {
        let store = self.store.open().await?;
        let mut rows = Vec::new();
        for token in store.api_tokens().await? {
            let scope = match &token.scope {
                Scope::AllTenants => "all tenants".to_owned(),
                Scope::Tenant(id) => tenant_name(&store, id).await?,
            };
            let day =
                |at: Option<Timestamp>| at.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default();
            let state = match (token.revoked_at, token.expires_at) {
                (Some(at), _) => format!("revoked {}", day(Some(at))),
                (None, at) => format!("until {}", day(at)),
            };
            rows.push(vec![
                token.id.to_string(),
                token.name,
                token.role.as_str().to_owned(),
                scope,
                state,
                day(token.used_at),
            ]);
        }
        print_line(&text_table(&["id", "name", "role", "tenant", "good", "last used"], rows))
    }
}

async fn tenant_name(store: &Store, id: &Id<store::Tenant>) -> Result<String> {
    store.tenant(id).await.map(|tenant| tenant.name)
}

impl RevokeCommand {
    async fn run(&self) -> Result<()> {
        let store = self.store.open().await?;
        store.revoke_token(&Id::from(self.id.clone()), &actor()).await?;
        print_line("revoked")
    }
}
