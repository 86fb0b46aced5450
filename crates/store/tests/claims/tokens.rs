//! Tokens of the API.

use model::ErrorKind;
use store::{NewApiToken, Role, Scope};

use crate::world::World;

fn token(role: Role, scope: Scope) -> NewApiToken {
    NewApiToken { name: "ci".to_owned(), role, scope, expires_at: None }
}

pub(crate) async fn a_token_is_shown_once_and_kept_as_a_hash(world: &World) {
    let issued = world.store.issue_token(token(Role::Admin, Scope::AllTenants), &world.by).await.unwrap();
    let text = issued.token.expose();
    assert!(text.starts_with("sfy_") && text.len() > 40);
    assert!(!format!("{issued:?}").contains(text));
    let known = world.store.authenticate(text).await.unwrap();
    assert_eq!((known.id, known.role), (issued.id, Role::Admin));
    let kept = world.store.api_tokens().await.unwrap();
    assert_eq!((kept.len(), kept[0].used_at), (1, Some(world.now().await)));
    assert!(!format!("{kept:?}").contains(text));
    let dump = world.dump("api_tokens").await;
    assert!(dump.contains("ci") && !dump.contains(text) && !dump.contains(&text[4..]), "{dump}");
}

pub(crate) async fn a_token_is_good_for_its_role_and_tenant(world: &World) {
    let (acme, other) = (world.tenant("acme", 1).await, world.tenant("other", 1).await);
    let scope = Scope::Tenant(acme.id.clone());
    let issued = world.store.issue_token(token(Role::Operator, scope), &world.by).await.unwrap();
    let known = world.store.authenticate(issued.token.expose()).await.unwrap();
    assert!(known.allows(Role::Viewer, &acme.id) && known.allows(Role::Operator, &acme.id));
    assert!(!known.allows(Role::Admin, &acme.id) && !known.allows(Role::Viewer, &other.id));
    let nobody = Scope::Tenant("no-such-tenant".to_owned().into());
    let refused = world.store.issue_token(token(Role::Viewer, nobody), &world.by).await.unwrap_err();
    assert_eq!(refused.code(), "tenant_not_found");
}

pub(crate) async fn expired_and_revoked_tokens_are_refused_alike(world: &World) {
    let expires_at = Some(world.now().await + std::time::Duration::from_secs(60));
    let new = NewApiToken { expires_at, ..token(Role::Viewer, Scope::AllTenants) };
    let expiring = world.store.issue_token(new, &world.by).await.unwrap();
    let revoked = world.store.issue_token(token(Role::Viewer, Scope::AllTenants), &world.by).await.unwrap();
    world.store.authenticate(revoked.token.expose()).await.unwrap();
    world.store.revoke_token(&revoked.id, &world.by).await.unwrap();
    world.pass_seconds(59).await;
    world.store.authenticate(expiring.token.expose()).await.unwrap();
    world.pass_seconds(1).await;
    let mut refusals = Vec::new();
    for text in [expiring.token.expose(), revoked.token.expose(), "sfy_guess", ""] {
        let error = world.store.authenticate(text).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, "token_invalid"));
        refusals.push(error.to_string());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1);
}
