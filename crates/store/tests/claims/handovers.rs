//! Links by which a customer hands over a secret.

use std::time::Duration;

use model::Error;
use serde_json::json;
use store::{ApplyOptions, MasterKey, SecretValue, Wanted, WantedConnection, WantedTenant};

use crate::world::World;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const CANARY: &str = "canary-handed-over-42";

async fn vault(world: &World) -> store::Vault {
    let key = MasterKey::parse(MasterKey::generate().unwrap().expose().as_bytes()).unwrap();
    world.vault(&key, &[]).await.unwrap()
}

fn canary() -> SecretValue {
    SecretValue::from(CANARY.to_owned())
}

#[track_caller]
fn refused(error: &Error, code: &str) {
    assert_eq!(error.code(), code, "{error:?}");
    assert!(error.remedy().is_some() && !format!("{error:?}").contains("sfh_"), "{error:?}");
}

pub(crate) async fn a_link_takes_one_secret_once_and_is_kept_as_a_hash(world: &World) {
    let (acme, vault) = (world.customer("acme", 0).await, vault(world).await);
    let (store, source) = (&world.store, &acme.source.id);
    let link = store.make_handover(acme.id(), source, "password", DAY, &world.by).await.unwrap();
    let token = link.token.expose();
    assert!(token.starts_with("sfh_") && token.len() > 40 && !format!("{link:?}").contains(token));
    let known = store.handover(token).await.unwrap();
    assert_eq!((&known.connection, known.field.as_str()), (source, "password"));
    vault.take_handover(token, &canary()).await.unwrap();
    assert_eq!(vault.get(acme.id(), source, "password").await.unwrap().expose(), CANARY);
    let another = SecretValue::from("another".to_owned());
    refused(&vault.take_handover(token, &another).await.unwrap_err(), "handover_used");
    refused(&store.handover(token).await.unwrap_err(), "handover_used");
    assert_eq!(vault.get(acme.id(), source, "password").await.unwrap().expose(), CANARY);
    for table in ["handovers", "secrets", "audit_log"] {
        let dump = world.dump(table).await;
        assert!(!dump.contains(CANARY) && !dump.contains(&token[4..]), "{table}: {dump}");
    }
    let log: Vec<String> =
        store.audit_log(acme.id()).await.unwrap().into_iter().map(|entry| entry.action).collect();
    assert!(
        log.contains(&"handover.made".to_owned()) && log.contains(&"handover.used".to_owned()),
        "{log:?}"
    );
}

pub(crate) async fn a_link_that_is_too_old_replaced_or_unknown_takes_nothing(world: &World) {
    let (acme, vault) = (world.customer("acme", 0).await, vault(world).await);
    let (store, source) = (&world.store, &acme.source.id);
    let make = async || store.make_handover(acme.id(), source, "password", DAY, &world.by).await.unwrap();
    let (replaced, link) = (make().await, make().await);
    refused(&vault.take_handover(replaced.token.expose(), &canary()).await.unwrap_err(), "handover_expired");
    world.pass(DAY).await;
    refused(&vault.take_handover(link.token.expose(), &canary()).await.unwrap_err(), "handover_expired");
    refused(&store.handover(link.token.expose()).await.unwrap_err(), "handover_expired");
    for guess in ["sfh_guess", "", "%"] {
        refused(&vault.take_handover(guess, &canary()).await.unwrap_err(), "handover_unknown");
        refused(&store.handover(guess).await.unwrap_err(), "handover_unknown");
    }
    let closing = make().await;
    store.close_connection(acme.id(), source, &world.by).await.unwrap();
    refused(&vault.take_handover(closing.token.expose(), &canary()).await.unwrap_err(), "handover_expired");
    assert!(vault.fields(acme.id(), source).await.unwrap().is_empty());
    let closed = store.make_handover(acme.id(), source, "password", DAY, &world.by).await.unwrap_err();
    assert_eq!(closed.code(), "connection_closed");
    let other = world.customer("other", 0).await;
    let foreign = store.make_handover(other.id(), source, "password", DAY, &world.by).await.unwrap_err();
    assert_eq!(foreign.code(), "connection_not_found");
}

pub(crate) async fn of_two_that_use_a_link_at_once_one_is_refused(world: &World) {
    let (acme, vault) = (world.customer("acme", 0).await, vault(world).await);
    let link = world.store.make_handover(acme.id(), &acme.source.id, "password", DAY, &world.by).await;
    let token = link.unwrap().token;
    let secret = canary();
    let take = || vault.take_handover(token.expose(), &secret);
    let (one, other) = tokio::join!(take(), take());
    let both = [one, other];
    assert_eq!(both.iter().filter(|taken| taken.is_ok()).count(), 1);
    let refusal = both.into_iter().find_map(Result::err).unwrap();
    refused(&refusal, "handover_used");
}

pub(crate) async fn a_link_that_was_made_for_other_files_takes_nothing(world: &World) {
    let (store, vault) = (&world.store, vault(world).await);
    let wanted = |settings: serde_json::Value, runs_max| Wanted {
        tenants: vec![WantedTenant {
            name: "acme".to_owned(),
            runs_max: 4,
            connections: vec![WantedConnection {
                name: "snowflake".to_owned(),
                system: "snowflake".to_owned(),
                settings,
                runs_max,
                secrets: Vec::new(),
                kept: vec!["password".to_owned(), "private_key".to_owned()],
            }],
            syncs: Vec::new(),
        }],
    };
    let apply = async |wanted: &Wanted| {
        vault.apply(wanted, ApplyOptions::default(), &world.by).await.unwrap();
        let tenant = store.tenant_named("acme").await.unwrap();
        store.connection_named(&tenant.id, "snowflake").await.unwrap()
    };
    let by_password = json!({ "log_in": "password", "is_in_vault": true });
    let connection = apply(&wanted(by_password.clone(), 4)).await;
    let make = async || {
        store.make_handover(&connection.tenant, &connection.id, "password", DAY, &world.by).await.unwrap()
    };
    let link = make().await;
    apply(&wanted(by_password.clone(), 8)).await;
    store.handover(link.token.expose()).await.unwrap();
    for settings in [json!({ "log_in": "private_key", "is_in_vault": true }), json!({ "log_in": "password" })]
    {
        let link = make().await;
        apply(&wanted(settings, 8)).await;
        refused(&vault.take_handover(link.token.expose(), &canary()).await.unwrap_err(), "handover_expired");
        assert!(vault.fields(&connection.tenant, &connection.id).await.unwrap().is_empty());
        apply(&wanted(by_password.clone(), 8)).await;
    }
}

pub(crate) async fn what_is_no_token_of_a_link_costs_no_question(world: &World) {
    world.store.close().await;
    refused(&world.store.handover("guess").await.unwrap_err(), "handover_unknown");
    assert_ne!(world.store.handover("sfh_guess").await.unwrap_err().code(), "handover_unknown");
}
