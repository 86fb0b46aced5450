//! A key pair is changed while syncs run: through the second slot, step by step, and no run fails on the way.

use std::path::PathBuf;

use emulator::{Action, FaultRule, Route};

use crate::fleet::{Fleet, Process};
use crate::http::{Answer, request};
use crate::world::{ALL_DEALS, DEALS, Ended, World, deals};

/// A pull with a key pair and a role of its own, whose script the customer has run.
struct Rotation<'a> {
    world: &'a World,
    file: String,
}

impl<'a> Rotation<'a> {
    async fn of(world: &'a World, rest: &str) -> Self {
        let file = world.sync_as("user: SNOWFERRY_ACME\n    private_key: { file: acme.p8 }", rest);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ")).unwrap();
        let rotation = Self { world, file: file.to_str().unwrap().to_owned() };
        let script = rotation.program("connect", &[]).await.succeeded();
        world.run_script(&script.stdout).await;
        rotation
    }

    async fn program(&self, command: &str, flags: &[&str]) -> Ended {
        self.world.program(&[&[command, "-f", &self.file][..], flags].concat()).await
    }

    async fn rotate(&self) -> Ended {
        self.program("connect", &["--rotate"]).await.succeeded()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.folder().join(name)
    }

    fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// A log-in and everything behind it works.
    async fn assert_works(&self, when: &str) {
        let ended = self.program("check", &[]).await;
        assert_eq!(ended.code, Some(0), "{when}: {}{}", ended.stdout, ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_changed_under_a_running_pull_and_nothing_fails() {
    let world = World::start().await;
    world.set_deals(&deals(1_000));
    let rotation = Rotation::of(&world, ALL_DEALS).await;
    let first = rotation.read("acme.p8").unwrap();

    // A run that holds still in the middle of its chunks. When it goes on, the link of that chunk has expired.
    let hold = FaultRule::on(Route::Chunk, Action::Hold { gate: "chunk".to_owned() });
    world.emulator.faults().add(hold.and(Action::ExpireChunkLinks).skip(2));
    let running = world.start_program(&["run", "-f", &rotation.file]);
    world.emulator.faults().reached("chunk", 1).await;

    let begun = rotation.rotate().await;
    assert!(begun.stdout.contains("SET RSA_PUBLIC_KEY_2 ="), "{}", begun.stdout);
    let next = rotation.read("acme.p8.next").unwrap();
    assert!(!begun.stdout.contains(next.lines().nth(1).unwrap()), "the private half stays here");
    rotation.assert_works("with a next key that the account does not know").await;
    world.run_script(&begun.stdout).await;
    rotation.assert_works("with both keys in the account").await;

    let switched = rotation.rotate().await;
    assert!(switched.stdout.contains("UNSET RSA_PUBLIC_KEY;"), "{}", switched.stdout);
    assert_eq!((rotation.read("acme.p8"), rotation.read("acme.p8.next")), (Some(next.clone()), None));
    assert_eq!(rotation.read("acme.p8.old").as_ref(), Some(&first));
    rotation.assert_works("with the new key in use").await;

    // The run began with the former key, and has to log in with it once more.
    let log_ins = || world.emulator.requests().iter().filter(|request| request.route == Route::Login).count();
    let log_ins_before = log_ins();
    world.emulator.faults().add(FaultRule::on(Route::Result, Action::ExpireMaster));
    world.emulator.faults().release("chunk");
    let ended = Ended::from(running.wait_with_output().await.unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(log_ins() > log_ins_before, "the run did not have to log in again");
    world.assert_landed(&deals(1_000), "after a rotation in its middle");

    world.run_script(&switched.stdout).await;
    let finished = rotation.rotate().await;
    assert_eq!(finished.stdout, "");
    assert_eq!(rotation.read("acme.p8.old"), None);
    rotation.assert_works("without the former key").await;
    rotation.program("run", &[]).await.succeeded();

    // The next rotation takes the slot that is free now.
    let again = rotation.rotate().await;
    assert!(again.stdout.contains("SET RSA_PUBLIC_KEY ="), "{}", again.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_goes_on_from_whatever_interrupted_it() {
    let world = World::start().await;
    let rotation = Rotation::of(&world, DEALS).await;
    let first = rotation.read("acme.p8").unwrap();
    let begun = rotation.rotate().await;
    let next = rotation.read("acme.p8.next").unwrap();

    // The customer has not acted yet: the same statement again, for the same key.
    let again = rotation.rotate().await;
    assert_eq!(again.stdout, begun.stdout);
    assert!(again.stderr.contains("not accepted yet"), "{}", again.stderr);
    assert_eq!(rotation.read("acme.p8.next").as_ref(), Some(&next));
    world.run_script(&begun.stdout).await;

    // Killed between the link to the former key and the renaming of the next one.
    std::fs::hard_link(rotation.path("acme.p8"), rotation.path("acme.p8.old")).unwrap();
    let switched = rotation.rotate().await;
    assert_eq!(rotation.read("acme.p8").as_ref(), Some(&next));
    assert_eq!(rotation.read("acme.p8.old").as_ref(), Some(&first));

    // The customer has not acted yet: the former key is kept, and would be good to go back to.
    let again = rotation.rotate().await;
    assert_eq!(again.stdout, switched.stdout);
    std::fs::copy(rotation.path("acme.p8.old"), rotation.path("acme.p8")).unwrap();
    rotation.assert_works("with the former key put back").await;
    std::fs::write(rotation.path("acme.p8"), &next).unwrap();

    world.run_script(&switched.stdout).await;
    rotation.rotate().await;
    assert_eq!(rotation.read("acme.p8.old"), None);
    rotation.assert_works("in the end").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_rotated_is_said_and_nothing_is_made() {
    let world = World::start().await;
    let rotation = Rotation::of(&world, DEALS).await;
    let text = std::fs::read_to_string(&rotation.file).unwrap();
    std::fs::write(&rotation.file, text.replace("{ file: acme.p8 }", "{ env: SNOWFERRY_TEST_KEY }")).unwrap();
    let ended = rotation.program("connect", &["--rotate"]).await;
    assert_eq!(ended.code, Some(3));
    assert!(ended.stderr.contains("rotate_unsupported"), "{}", ended.stderr);

    // A key in use that the account refuses is no key to begin from.
    std::fs::write(&rotation.file, &text).unwrap();
    world.sql(&["ALTER USER SNOWFERRY_ACME UNSET RSA_PUBLIC_KEY"]);
    let ended = rotation.program("connect", &["--rotate"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(4), ""), "{}", ended.stderr);
    assert_eq!(rotation.read("acme.p8.next"), None);
}

/// A stored pull whose key the vault alone has, and whose script the customer has run.
struct Kept {
    fleet: Fleet,
}

const CONNECTION: &str = "acme/acme-prod-snowferry-acme";

impl Kept {
    async fn applied() -> Self {
        let fleet = Fleet::start().await;
        let file = fleet.file("acme", "deals", DEALS);
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ");
        let text = text.replace("password: { file: password }", "private_key: { vault: true }");
        std::fs::write(&file, text.replace("user: SYNC", "user: SNOWFERRY_ACME")).unwrap();
        fleet.world.set_deals(&deals(300));
        fleet.apply().await;
        Self { fleet }
    }

    /// The same with the key made and known to the account.
    async fn start() -> Self {
        let kept = Self::applied().await;
        let script = kept.connect(&[]).await;
        assert!(script.stderr.contains("was made in the vault"), "{}", script.stderr);
        kept.fleet.world.run_script(&script.stdout).await;
        kept
    }

    async fn connect(&self, flags: &[&str]) -> Ended {
        self.fleet.program(&[&["connect", "--stored", CONNECTION][..], flags].concat()).await.succeeded()
    }

    async fn run(&self, when: &str) {
        self.fleet.program(&["trigger", "acme/deals"]).await.succeeded();
        let run = self.fleet.until("acme/deals", "succeeded").await;
        assert_eq!(run["attempt"], 1, "{when}: {run}");
        let check = self.fleet.program(&["check", "--stored", CONNECTION]).await;
        assert_eq!(check.code, Some(0), "{when}: {}{}", check.stdout, check.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_the_vault_is_made_there_and_changed_there_and_no_run_fails() {
    let kept = Kept::start().await;
    let process = kept.fleet.serve(&[]).await;
    kept.run("with the first key").await;
    let begun = kept.connect(&["--rotate"]).await;
    assert!(begun.stdout.contains("SET RSA_PUBLIC_KEY_2 ="), "{}", begun.stdout);
    kept.run("with a next key that the account does not know").await;
    let again = kept.connect(&["--rotate"]).await;
    assert_eq!(again.stdout, begun.stdout, "the customer has not run it yet");
    kept.fleet.world.run_script(&begun.stdout).await;
    kept.run("with both keys in the account").await;
    let switched = kept.connect(&["--rotate"]).await;
    assert!(switched.stdout.contains("UNSET RSA_PUBLIC_KEY;"), "{}", switched.stdout);
    kept.run("with the new key in use").await;
    kept.fleet.world.run_script(&switched.stdout).await;
    kept.run("without the former key in the account").await;
    let done = kept.connect(&["--rotate"]).await;
    assert!(done.stderr.contains("the rotation is done"), "{}", done.stderr);
    // Applying the same files again leaves the vault's key alone.
    assert_eq!(kept.fleet.apply().await.stdout, "nothing differs\n");
    kept.run("in the end").await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_passphrase_is_made_and_changed_with_it() {
    let world = World::start().await;
    std::fs::write(world.folder().join("phrase"), "canary-phrase").unwrap();
    let log_in = "user: SNOWFERRY_ACME\n    private_key: { file: acme.p8, passphrase: { file: phrase } }";
    let file = world.sync_as(log_in, DEALS);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ")).unwrap();
    let rotation = Rotation { world: &world, file: file.to_str().unwrap().to_owned() };
    let script = rotation.program("connect", &[]).await.succeeded();
    world.run_script(&script.stdout).await;
    rotation.assert_works("with the first key").await;
    let begun = rotation.rotate().await;
    world.run_script(&begun.stdout).await;
    let switched = rotation.rotate().await;
    world.run_script(&switched.stdout).await;
    rotation.assert_works("with the new key").await;
    for name in ["acme.p8", "acme.p8.old"] {
        let pem = rotation.read(name).unwrap();
        assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{name}");
    }
    rotation.rotate().await;
    assert_eq!(rotation.read("acme.p8.old"), None);
}

/// Requests of a token.
struct Asking {
    address: String,
    bearer: String,
}

impl Asking {
    async fn of(kept: &Kept, process: &Process, role: &str) -> Self {
        let made = ["token", "create", role, "--role", role, "--tenant", "acme"];
        let token = kept.fleet.program(&made).await.succeeded().stdout;
        let bearer = format!("authorization: Bearer {}", token.trim());
        Self { address: process.address().to_owned(), bearer }
    }

    async fn post(&self, what: &str, body: &str) -> Answer {
        let route = format!("POST /v1/tenants/acme/connections/acme-prod-snowferry-acme/{what}");
        request(&self.address, &route, &[&self.bearer, "content-type: application/json"], body).await
    }

    async fn rotate(&self, expected: &str) -> Option<String> {
        let answer = self.post("rotate", "").await;
        assert_eq!((answer.status, &answer.json()["step"]), (200, &expected.into()), "{answer:?}");
        answer.json()["sql"].as_str().map(str::to_owned)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_and_changed_by_the_api_alone() {
    let kept = Kept::applied().await;
    let process = kept.fleet.serve(&["-vv"]).await;
    let operator = Asking::of(&kept, &process, "operator").await;
    for what in ["access", "rotate"] {
        assert_eq!(operator.post(what, "").await.status, 403, "{what} is for administrators");
    }
    let admin = Asking::of(&kept, &process, "admin").await;
    let refused = admin.post("access", r#"{"bits": 1024}"#).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &"key_bits".into()));
    let refused = admin.post("access", r#"{"egress": ["everywhere"]}"#).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let early = admin.post("rotate", "").await;
    assert_eq!((early.status, &early.json()["code"]), (422, &"secret_missing".into()), "no key yet");

    let made = admin.post("access", r#"{"own_virtual_warehouse": false}"#).await;
    assert_eq!((made.status, &made.json()["is_new_key"]), (200, &true.into()), "{made:?}");
    let (again, by_command) = (admin.post("access", "").await.json(), kept.connect(&[]).await.stdout);
    assert_eq!((&again["sql"], &again["is_new_key"]), (&made.json()["sql"], &false.into()));
    assert_eq!(again["sql"].as_str().unwrap().trim_end(), by_command.trim_end(), "the same as the command's");
    kept.fleet.world.run_script(&by_command).await;
    kept.run("with the key that the API made").await;

    let begun = admin.rotate("begun").await.unwrap();
    assert!(begun.contains("SET RSA_PUBLIC_KEY_2 ="), "{begun}");
    assert_eq!(admin.rotate("not_added").await.as_ref(), Some(&begun));
    kept.fleet.world.run_script(&begun).await;
    let switched = admin.rotate("switched").await.unwrap();
    kept.run("with the new key in use").await;
    assert_eq!(admin.rotate("not_removed").await.as_ref(), Some(&switched));
    kept.fleet.world.run_script(&switched).await;
    assert_eq!(admin.rotate("done").await, None);
    kept.run("in the end").await;

    let audit = request(&admin.address, "GET /v1/tenants/acme/audit", &[&admin.bearer], "").await;
    assert!(audit.body.contains("secret.kept") && audit.body.contains("secret.destroyed"), "{}", audit.body);
    let close = admin.post("close", "").await;
    assert_eq!(close.status, 200);
    let closed = admin.post("access", "").await;
    assert_eq!((closed.status, &closed.json()["code"]), (422, &"connection_closed".into()), "{closed:?}");
    let log = process.stop_and_read_log().await;
    for text in [&log, &made.body, &begun, &switched] {
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
}
