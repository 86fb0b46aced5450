//! Secrets in the database.

use model::Error;
use store::{MasterKey, SecretValue};

use crate::world::World;

const CANARY: &str = "canary-7f3a-öpen-sesame";

fn key() -> MasterKey {
    MasterKey::parse(MasterKey::generate().unwrap().expose().as_bytes()).unwrap()
}

fn canary() -> SecretValue {
    SecretValue::from(CANARY.to_owned())
}

/// No part of the secret in anything that is shown.
#[track_caller]
fn says_nothing(shown: &str) {
    for part in [CANARY, "canary", "sesame"] {
        assert!(!shown.contains(part), "`{part}` in: {shown}");
    }
}

fn refused(error: &Error, code: &str) {
    assert_eq!(error.code(), code, "{error:?}");
    assert!(error.remedy().is_some());
    says_nothing(&format!("{error} {error:?}"));
}

pub(crate) async fn a_secret_comes_back_and_is_nowhere_in_the_clear(world: &World) {
    let acme = world.customer("acme", 0).await;
    let vault = world.vault(&key(), &[]).await.unwrap();
    let id = &acme.source.id;
    vault.put(acme.id(), id, "password", &SecretValue::from("old".to_owned()), &world.by).await.unwrap();
    vault.put(acme.id(), id, "password", &canary(), &world.by).await.unwrap();
    vault.put(acme.id(), id, "passphrase", &SecretValue::from(String::new()), &world.by).await.unwrap();
    let read = vault.get(acme.id(), id, "password").await.unwrap();
    assert_eq!(read.expose(), CANARY);
    assert_eq!(vault.get(acme.id(), id, "passphrase").await.unwrap().expose(), "");
    assert_eq!(vault.fields(acme.id(), id).await.unwrap(), ["passphrase", "password"]);
    says_nothing(&format!("{read:?} {vault:?}"));
    for table in ["secrets", "data_keys", "connections", "audit_log"] {
        says_nothing(&world.dump(table).await);
    }
    let other = world.customer("other", 0).await;
    refused(&vault.get(other.id(), id, "password").await.unwrap_err(), "secret_not_kept");
    let foreign = vault.put(other.id(), id, "password", &canary(), &world.by).await.unwrap_err();
    refused(&foreign, "connection_not_found");
}

pub(crate) async fn a_sealed_secret_moved_elsewhere_is_refused(world: &World) {
    let (acme, other) = (world.customer("acme", 0).await, world.customer("other", 0).await);
    let vault = world.vault(&key(), &[]).await.unwrap();
    for customer in [&acme, &other] {
        for connection in [&customer.source, &customer.destination] {
            for field in ["password", "token"] {
                let secret = SecretValue::from(format!("{CANARY} {} {field}", connection.id));
                vault.put(customer.id(), &connection.id, field, &secret, &world.by).await.unwrap();
            }
        }
    }
    let place = |customer: &crate::world::Customer, connection: &store::Connection, field: &str| {
        (customer.tenant.id.clone(), connection.id.clone(), field.to_owned())
    };
    let victim = place(&acme, &acme.source, "password");
    let original = world.sealed(&victim.1, "password").await;
    for from in [
        place(&acme, &acme.source, "token"),
        place(&acme, &acme.destination, "password"),
        place(&other, &other.source, "password"),
    ] {
        let sealed = world.sealed(&from.1, &from.2).await;
        world.set_sealed(&victim.1, "password", &sealed).await;
        refused(&vault.get(&victim.0, &victim.1, "password").await.unwrap_err(), "secret_altered");
    }
    // Another tenant's data key in place of one's own opens nothing either, even with its secrets.
    world.set_sealed(&victim.1, "password", &original).await;
    vault.get(&victim.0, &victim.1, "password").await.unwrap();
    world.copy_data_key(other.id(), acme.id()).await;
    refused(&vault.get(&victim.0, &victim.1, "password").await.unwrap_err(), "secret_altered");
}

pub(crate) async fn a_wrong_master_key_is_said_at_once(world: &World) {
    let acme = world.customer("acme", 0).await;
    let (right, wrong) = (key(), key());
    let vault = world.vault(&right, &[]).await.unwrap();
    vault.put(acme.id(), &acme.source.id, "password", &canary(), &world.by).await.unwrap();
    let error = world.vault(&wrong, &[]).await.unwrap_err();
    refused(&error, "master_key_wrong");
    assert!(error.message().contains(right.id()) && error.message().contains(wrong.id()), "{error}");
    world.vault(&wrong, &[&right]).await.unwrap();
}

pub(crate) async fn a_rotation_wraps_data_keys_anew_and_leaves_secrets_alone(world: &World) {
    let keys: Vec<MasterKey> = (0..4).map(|_| key()).collect();
    let mut customers = Vec::new();
    for (number, key) in keys.iter().take(3).enumerate() {
        let customer = world.customer(&format!("tenant-{number}"), 0).await;
        let former: Vec<&MasterKey> = keys.iter().collect();
        let vault = world.vault(key, &former).await.unwrap();
        vault.put(customer.id(), &customer.source.id, "password", &canary(), &world.by).await.unwrap();
        customers.push(customer);
    }
    let sealed = world.dump("secrets").await;
    let rotating = world.vault(&keys[3], &[&keys[0], &keys[1], &keys[2]]).await.unwrap();
    assert_eq!(rotating.rotate().await.unwrap(), 3);
    assert_eq!(rotating.rotate().await.unwrap(), 0);
    assert_eq!(world.dump("secrets").await, sealed);
    let after = world.vault(&keys[3], &[]).await.unwrap();
    for customer in &customers {
        let read = after.get(customer.id(), &customer.source.id, "password").await.unwrap();
        assert_eq!(read.expose(), CANARY);
    }
    refused(&world.vault(&keys[0], &[]).await.unwrap_err(), "master_key_wrong");
}

pub(crate) async fn a_closed_connection_has_no_secrets_and_takes_none(world: &World) {
    let acme = world.customer("acme", 0).await;
    let vault = world.vault(&key(), &[]).await.unwrap();
    vault.put(acme.id(), &acme.source.id, "password", &canary(), &world.by).await.unwrap();
    vault.put(acme.id(), &acme.destination.id, "password", &canary(), &world.by).await.unwrap();
    world.store.close_connection(acme.id(), &acme.source.id, &world.by).await.unwrap();
    assert!(vault.fields(acme.id(), &acme.source.id).await.unwrap().is_empty());
    assert_eq!(vault.fields(acme.id(), &acme.destination.id).await.unwrap().len(), 1);
    let late = vault.put(acme.id(), &acme.source.id, "password", &canary(), &world.by).await.unwrap_err();
    refused(&late, "connection_closed");
}

pub(crate) async fn a_key_takes_the_place_of_another_once_however_many_ask(world: &World) {
    let acme = world.customer("acme", 0).await;
    let vault = world.vault(&key(), &[]).await.unwrap();
    let id = &acme.source.id;
    for (field, text) in [("key", "one"), ("next", "two")] {
        vault.put(acme.id(), id, field, &SecretValue::from(text.to_owned()), &world.by).await.unwrap();
    }
    let replace = || vault.replace(acme.id(), id, ["key", "next", "former"], &world.by);
    let (one, other) = tokio::join!(replace(), replace());
    let refusals: Vec<Error> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    refused(&refusals[0], "secret_not_kept");
    assert_eq!(vault.get(acme.id(), id, "key").await.unwrap().expose(), "two");
    assert_eq!(vault.get(acme.id(), id, "former").await.unwrap().expose(), "one");
    assert_eq!(vault.fields(acme.id(), id).await.unwrap(), ["former", "key"]);
}

pub(crate) async fn a_first_secret_is_the_same_to_all_who_bring_one_at_once(world: &World) {
    let acme = world.customer("acme", 0).await;
    let vault = world.vault(&key(), &[]).await.unwrap();
    let id = &acme.source.id;
    let bring =
        |text: &str| vault.put_first(acme.id(), id, "key", SecretValue::from(text.to_owned()), &world.by);
    let (one, other) = tokio::join!(bring("one"), bring("other"));
    let kept = vault.get(acme.id(), id, "key").await.unwrap();
    for brought in [one, other] {
        assert_eq!(brought.unwrap().expose(), kept.expose());
    }
}
