//! A key pair is changed while syncs run: through the second slot, step by step, and no run fails on the way.

use std::path::PathBuf;

use emulator::{Action, FaultRule, Route};

use crate::fleet::Fleet;
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
    async fn start() -> Self {
        let fleet = Fleet::start().await;
        let file = fleet.file("acme", "deals", DEALS);
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace("role: ACCOUNTADMIN", "role: SNOWFERRY_READ");
        let text = text.replace("password: { file: password }", "private_key: { vault: true }");
        std::fs::write(&file, text.replace("user: SYNC", "user: SNOWFERRY_ACME")).unwrap();
        fleet.world.set_deals(&deals(300));
        fleet.apply().await;
        let kept = Self { fleet };
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
