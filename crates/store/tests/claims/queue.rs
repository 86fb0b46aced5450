//! Runs from being asked for to their end.

use std::time::Duration;

use model::{Epoch, Error, ErrorKind, RunState, StatementUse, Usage, WarehouseUse};
use serde_json::json;
use store::{Enqueued, NewRun, Outcome, RejectCount, RunFilter};

use crate::world::{World, outage};

pub(crate) async fn a_sync_has_one_open_run(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    let Enqueued::Queued(run) = world.ask(&acme.syncs[0]).await else { panic!("nothing was open") };
    assert_eq!(world.ask(&acme.syncs[0]).await, Enqueued::Open(run.clone()));
    let claimed = world.claim(&worker, 9).await;
    assert_eq!(world.ask(&acme.syncs[0]).await, Enqueued::Open(run.clone()));
    let failed = Outcome::Failed { error: &outage(), connection: None };
    assert_eq!(world.queue.finish(&claimed[0].ticket, failed).await.unwrap(), RunState::Retrying);
    assert_eq!(world.ask(&acme.syncs[0]).await, Enqueued::Open(run.clone()));
    world.queue.cancel(acme.id(), &run, &world.by).await.unwrap();
    assert!(matches!(world.ask(&acme.syncs[0]).await, Enqueued::Queued(next) if next != run));
    assert_eq!(world.store.runs(acme.id(), &acme.syncs[0].id).await.unwrap().len(), 2);
}

pub(crate) async fn a_run_asked_for_while_another_ends_is_that_one_or_a_new_one(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    let ask = || world.ask(&acme.syncs[0]);
    for _ in 0..30 {
        ask().await;
        let claimed = world.claim(&worker, 1).await.remove(0);
        let (_, answers) = tokio::join!(world.succeed(&claimed), async {
            tokio::join!(ask(), ask(), ask(), ask(), ask(), ask())
        });
        let (one, two, three, four, five, six) = answers;
        let queued = [one, two, three, four, five, six].map(|answer| matches!(answer, Enqueued::Queued(_)));
        assert!(queued.iter().filter(|is_new| **is_new).count() <= 1, "one open run at any time");
    }
}

pub(crate) async fn a_claimed_run_is_nobody_elses(world: &World) {
    let acme = world.customer("acme", 3).await;
    let (one, other) = (world.worker().await, world.worker().await);
    world.ask_all(&acme).await;
    let first = world.claim(&one, 2).await;
    let second = world.claim(&other, 2).await;
    assert_eq!((first.len(), second.len()), (2, 1));
    assert!(world.claim(&one, 2).await.is_empty());
    let mut runs: Vec<_> = first.iter().chain(&second).map(|claimed| claimed.ticket.run.clone()).collect();
    runs.dedup();
    assert_eq!(runs.len(), 3);
    let held = world.queue.heartbeat(&one).await.unwrap();
    assert_eq!(held.len(), 2);
    assert!(
        held.iter().all(|held| !held.is_cancel_asked && first.iter().any(|run| run.ticket == held.ticket))
    );
}

pub(crate) async fn each_claim_has_a_higher_epoch(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    for epoch in 1..=3 {
        world.ask_all(&acme).await;
        let claimed = world.claim(&worker, 1).await;
        assert_eq!((claimed[0].ticket.epoch, claimed[0].attempt), (Epoch(epoch), 1));
        world.succeed(&claimed[0]).await;
    }
    let sync = &acme.syncs[0].id;
    assert_eq!(world.store.sync(acme.id(), sync).await.unwrap().epoch, Epoch(3));
    // A destination that has seen more than we know is caught up with, and never fallen behind.
    for (seen, next) in [(17, 18), (5, 19)] {
        world.store.raise_epoch(acme.id(), sync, Epoch(seen), &world.by).await.unwrap();
        world.ask_all(&acme).await;
        let claimed = world.claim(&worker, 1).await;
        assert_eq!(claimed[0].ticket.epoch, Epoch(next));
        world.succeed(&claimed[0]).await;
    }
}

pub(crate) async fn what_a_worker_that_lost_its_lease_says_does_not_count(world: &World) {
    let acme = world.customer("acme", 1).await;
    let (stalled, other) = (world.worker().await, world.worker().await);
    world.ask_all(&acme).await;
    let old = world.claim(&stalled, 1).await.remove(0);
    world.pass(world.queue.policy().lease + world.queue.policy().grace + Duration::from_secs(1)).await;
    let other_error = world.queue.claim(&other, 1).await.unwrap_err();
    assert_eq!(other_error.code(), "lease_lost", "the other one was silent, too");
    let other = world.worker().await;
    assert_eq!(world.queue.rescue().await.unwrap(), std::slice::from_ref(&old.ticket.run));
    world.pass_seconds(60).await;
    world.queue.heartbeat(&other).await.unwrap_err();
    let other = world.worker().await;
    let new = world.claim(&other, 1).await.remove(0);
    assert!(new.ticket.epoch > old.ticket.epoch && new.attempt == 2);
    let succeeded = || Outcome::Succeeded { report: json!({}), rejects: Vec::new() };
    let refused = [
        world.queue.finish(&old.ticket, succeeded()).await.unwrap_err(),
        world.queue.finish(&old.ticket, Outcome::Cancelled).await.unwrap_err(),
        world.queue.heartbeat(&stalled).await.unwrap_err(),
        world.queue.claim(&stalled, 1).await.unwrap_err(),
        world.queue.give_back(&stalled).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!((error.kind(), error.code()), (ErrorKind::Conflict, "lease_lost"), "{error:?}");
    }
    assert_eq!(world.run(&new).await.state, RunState::Running);
    world.succeed(&new).await;
    let outcomes: Vec<_> = world.store.attempts(acme.id(), &new.ticket.run).await.unwrap();
    let outcomes: Vec<_> = outcomes.iter().map(|attempt| attempt.outcome.as_deref()).collect();
    assert_eq!(outcomes, [Some("lost"), Some("succeeded")]);
}

pub(crate) async fn what_a_worker_says_late_about_its_own_earlier_attempt_does_not_count(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    world.ask_all(&acme).await;
    let first = world.claim(&worker, 1).await.remove(0);
    let error = outage();
    world.queue.finish(&first.ticket, Outcome::Failed { error: &error, connection: None }).await.unwrap();
    world.pass_seconds(31).await;
    let second = world.claim(&worker, 1).await.remove(0);
    assert_eq!((&second.ticket.run, &second.ticket.worker), (&first.ticket.run, &first.ticket.worker));
    let late = world.queue.finish(&first.ticket, Outcome::Cancelled).await.unwrap_err();
    assert_eq!(late.code(), "lease_lost");
    assert_eq!(world.run(&second).await.state, RunState::Running);
    world.succeed(&second).await;
}

pub(crate) async fn a_silent_workers_runs_are_rescued_after_the_grace(world: &World) {
    let acme = world.customer("acme", 2).await;
    let (silent, alive) = (world.worker().await, world.worker().await);
    world.ask_all(&acme).await;
    world.claim(&silent, 1).await;
    let kept = world.claim(&alive, 1).await;
    world.pass_seconds(59).await;
    world.queue.heartbeat(&alive).await.unwrap();
    world.pass_seconds(15).await;
    assert!(world.queue.rescue().await.unwrap().is_empty(), "the lease is over, the grace is not");
    world.pass_seconds(2).await;
    assert_eq!(world.queue.rescue().await.unwrap().len(), 1);
    assert!(world.queue.rescue().await.unwrap().is_empty());
    assert_eq!(world.queue.workers().await.unwrap().len(), 1);
    world.succeed(&kept[0]).await;
}

pub(crate) async fn a_run_that_loses_every_worker_fails_in_the_end(world: &World) {
    let acme = world.customer("acme", 1).await;
    let run = world.ask_all(&acme).await.remove(0);
    for attempt in 1..=world.queue.policy().retry.attempts_max {
        let worker = world.worker().await;
        let claimed = world.claim(&worker, 1).await;
        assert_eq!(claimed[0].attempt, u64::from(attempt));
        world.pass_seconds(100).await;
        world.queue.rescue().await.unwrap();
        world.pass_seconds(3_600).await;
    }
    let run = world.store.run(acme.id(), &run).await.unwrap();
    assert_eq!((run.state, run.error.unwrap().code.as_str()), (RunState::Failed, "worker_lost"));
    let worker = world.worker().await;
    assert!(world.claim(&worker, 1).await.is_empty());
}

pub(crate) async fn an_outage_is_tried_again_later_and_a_mistake_is_not(world: &World) {
    let acme = world.customer("acme", 2).await;
    let worker = world.worker().await;
    world.ask_all(&acme).await;
    let claimed = world.claim(&worker, 2).await;
    let throttled = Error::new(ErrorKind::Throttled, "test_throttled", "slower, please")
        .with_retry_after(Duration::from_secs(600));
    let retry = Outcome::Failed { error: &throttled, connection: None };
    assert_eq!(world.queue.finish(&claimed[0].ticket, retry).await.unwrap(), RunState::Retrying);
    let mistake = Error::config("test_mistake", "there is no such column").with_remedy("name another one");
    let ended = Outcome::Failed { error: &mistake, connection: None };
    assert_eq!(world.queue.finish(&claimed[1].ticket, ended).await.unwrap(), RunState::Failed);
    let failed = world.run(&claimed[1]).await;
    let error = failed.error.unwrap();
    assert_eq!((error.kind.as_str(), error.code.as_str()), ("config", "test_mistake"));
    assert_eq!(
        (error.remedy.as_deref(), failed.ended_at),
        (Some("name another one"), Some(world.now().await))
    );
    world.pass_seconds(50).await;
    world.queue.heartbeat(&worker).await.unwrap();
    assert!(world.claim(&worker, 9).await.is_empty(), "it was told to wait for ten minutes");
    world.pass_seconds(551).await;
    let worker = world.worker().await;
    let again = world.claim(&worker, 9).await;
    assert_eq!((again.len(), again[0].attempt), (1, 2));
    world.succeed(&again[0]).await;
    let run = world.run(&again[0]).await;
    assert_eq!((run.state, run.error), (RunState::Succeeded, None));
}

pub(crate) async fn what_is_given_back_starts_at_once_and_costs_no_attempt(world: &World) {
    let acme = world.customer("acme", 2).await;
    world.ask_all(&acme).await;
    for round in 1..=10 {
        let worker = world.worker().await;
        let claimed = world.claim(&worker, 9).await;
        assert_eq!((claimed.len(), claimed[0].attempt), (2, round), "a shutdown is no failure");
        assert_eq!(world.queue.give_back(&worker).await.unwrap(), 2);
        assert_eq!(world.run(&claimed[0]).await.state, RunState::Queued);
    }
    assert!(world.queue.workers().await.unwrap().is_empty());
}

pub(crate) async fn what_is_postponed_waits_with_its_reason_and_costs_no_attempt(world: &World) {
    let acme = world.customer("acme", 1).await;
    world.ask_all(&acme).await;
    let worker = world.worker().await;
    let reason = Error::new(ErrorKind::Conflict, "database_locked", "the file is open elsewhere");
    for _ in 0..20 {
        let claimed = world.claim(&worker, 9).await.remove(0);
        let outcome = Outcome::Postponed { reason: &reason, delay: Duration::from_secs(10) };
        assert_eq!(world.queue.finish(&claimed.ticket, outcome).await.unwrap(), RunState::Queued);
        let run = world.run(&claimed).await;
        assert_eq!(run.error.unwrap().code, "database_locked");
        assert!(world.claim(&worker, 9).await.is_empty(), "it waits");
        world.pass_seconds(10).await;
        world.queue.heartbeat(&worker).await.unwrap();
    }
}

pub(crate) async fn a_file_that_another_worker_has_open_is_waited_for(world: &World) {
    let acme = world.customer("acme", 3).await;
    let other = world.customer("other", 1).await;
    world.execute("UPDATE connections SET system = 'duckdb' WHERE name = 'vendor'").await;
    world.ask_all(&acme).await;
    let (first, second) = (world.worker().await, world.worker().await);
    let claimed = world.claim(&first, 1).await.remove(0);
    assert!(world.claim(&second, 9).await.is_empty(), "the file of acme is open at the first worker");
    assert_eq!(world.claim(&first, 1).await.len(), 1, "which may have more of it");
    world.ask_all(&other).await;
    assert_eq!(world.claim(&second, 9).await.len(), 1, "others do not wait");
    world.succeed(&claimed).await;
    assert!(world.claim(&second, 9).await.is_empty());
    world.queue.give_back(&first).await.unwrap();
    assert_eq!(world.claim(&second, 9).await.len(), 2);
}

pub(crate) async fn runs_are_found_page_by_page(world: &World) {
    let acme = world.customer("acme", 5).await;
    let mut asked = world.ask_all(&acme).await;
    asked.sort();
    asked.reverse();
    let find =
        async |filter: RunFilter, count| world.store.find_runs(acme.id(), &filter, count).await.unwrap();
    let first = find(RunFilter::default(), 2).await;
    let before = Some(first[1].id.clone());
    let rest = find(RunFilter { before, ..RunFilter::default() }, 9).await;
    let found: Vec<_> = first.iter().chain(&rest).map(|run| run.id.clone()).collect();
    assert_eq!(found, asked);
    let sync = Some(acme.syncs[0].id.clone());
    assert_eq!(find(RunFilter { sync, ..RunFilter::default() }, 9).await.len(), 1);
    let state = Some(RunState::Running);
    assert!(find(RunFilter { state, ..RunFilter::default() }, 9).await.is_empty());
    let other = world.customer("other", 0).await;
    assert!(world.store.find_runs(other.id(), &RunFilter::default(), 9).await.unwrap().is_empty());
}

pub(crate) async fn the_depth_of_the_queue_is_told(world: &World) {
    let acme = world.customer("acme", 3).await;
    world.ask_all(&acme).await;
    let since = world.now().await;
    let worker = world.worker().await;
    world.claim(&worker, 1).await;
    world.pass_seconds(30).await;
    let depth = world.queue.depth().await.unwrap();
    assert_eq!((depth.queued, depth.running, depth.retrying, depth.workers), (2, 1, 0, 1));
    assert_eq!(depth.due_since, Some(since));
    world.pass_seconds(60).await;
    assert_eq!(world.queue.depth().await.unwrap().workers, 0);
}

pub(crate) async fn a_waiting_run_is_cancelled_at_once_and_a_going_one_by_its_worker(world: &World) {
    let acme = world.customer("acme", 3).await;
    let runs = world.ask_all(&acme).await;
    let cancel = async |run| world.queue.cancel(acme.id(), run, &world.by).await;
    assert_eq!(cancel(&runs[0]).await.unwrap(), RunState::Cancelled);
    let worker = world.worker().await;
    let claimed = world.claim(&worker, 9).await;
    assert_eq!(claimed.len(), 2);
    for run in &claimed {
        assert_eq!(cancel(&run.ticket.run).await.unwrap(), RunState::Running);
    }
    assert!(world.queue.heartbeat(&worker).await.unwrap().iter().all(|held| held.is_cancel_asked));
    assert_eq!(
        world.queue.finish(&claimed[0].ticket, Outcome::Cancelled).await.unwrap(),
        RunState::Cancelled
    );
    // One that failed meanwhile is not tried again.
    let failed = Outcome::Failed { error: &outage(), connection: None };
    assert_eq!(world.queue.finish(&claimed[1].ticket, failed).await.unwrap(), RunState::Cancelled);
    let ended = cancel(&runs[0]).await.unwrap_err();
    assert_eq!(ended.code(), "run_ended");
}

pub(crate) async fn a_run_asked_for_later_waits_for_its_time(world: &World) {
    let acme = world.customer("acme", 1).await;
    let later = world.now().await + Duration::from_secs(30);
    let new = NewRun { not_before: Some(later), options: json!({ "backfill": true }) };
    world.queue.enqueue(acme.id(), &acme.syncs[0].id, new, &world.by).await.unwrap();
    let worker = world.worker().await;
    assert!(world.claim(&worker, 1).await.is_empty());
    world.pass_seconds(30).await;
    let claimed = world.claim(&worker, 1).await;
    assert_eq!(claimed[0].options, json!({ "backfill": true }));
}

pub(crate) async fn rejects_and_reports_are_kept(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    world.ask_all(&acme).await;
    let claimed = world.claim(&worker, 1).await;
    let reject = |column: &str, row_count| RejectCount {
        column: column.to_owned(),
        code: "out_of_range".to_owned(),
        row_count,
    };
    let rejects = vec![reject("AMOUNT", 2), reject("CLOSED_AT", 1), reject("AMOUNT", 3)];
    let outcome = Outcome::Succeeded { report: json!({ "read": 12 }), rejects };
    world.queue.finish(&claimed[0].ticket, outcome).await.unwrap();
    assert_eq!(world.run(&claimed[0]).await.report, Some(json!({ "read": 12 })));
    let kept = world.store.rejects(acme.id(), &claimed[0].ticket.run).await.unwrap();
    assert_eq!(kept, [reject("AMOUNT", 5), reject("CLOSED_AT", 1)]);
}

pub(crate) async fn what_attempts_took_is_added_up_once(world: &World) {
    let acme = world.customer("acme", 1).await;
    let worker = world.worker().await;
    world.ask_all(&acme).await;
    let usage = |query_id: &str| {
        let ran = WarehouseUse {
            virtual_warehouse: Some("WH".to_owned()),
            size: Some(query_id.to_owned()),
            started_ms: 0,
            ended_ms: 2_000,
        };
        let statement = StatementUse { query_id: query_id.to_owned(), ran: Some(ran) };
        Usage { statements: vec![statement], further_statements: 1 }
    };
    let first = world.claim(&worker, 1).await.remove(0);
    assert!(world.run(&first).await.usage.is_empty());
    world.queue.note_usage(&first.ticket, &Usage { further_statements: 0, ..usage("a") }).await.unwrap();
    world.queue.note_usage(&first.ticket, &Usage { further_statements: 0, ..usage("a") }).await.unwrap();
    world.queue.finish(&first.ticket, Outcome::Failed { error: &outage(), connection: None }).await.unwrap();
    let late = world.queue.note_usage(&first.ticket, &usage("late")).await.unwrap_err();
    assert_eq!(late.code(), "lease_lost");
    world.pass_seconds(31).await;
    let second = world.claim(&worker, 1).await.remove(0);
    world.queue.note_usage(&second.ticket, &usage("b")).await.unwrap();
    world.succeed(&second).await;
    let kept = world.run(&second).await.usage;
    assert_eq!((kept.statements.len(), kept.statement_count()), (2, 3));
    assert_eq!(kept.totals().virtual_warehouse_seconds, 4.0);
}

pub(crate) async fn a_paused_sync_starts_nothing(world: &World) {
    let acme = world.customer("acme", 2).await;
    let worker = world.worker().await;
    world.ask_all(&acme).await;
    world.store.pause_sync(acme.id(), &acme.syncs[0].id, &world.by).await.unwrap();
    assert_eq!(world.claim(&worker, 9).await.len(), 1);
    let refused = world.queue.enqueue(acme.id(), &acme.syncs[0].id, NewRun::default(), &world.by).await;
    assert_eq!(refused.unwrap_err().code(), "sync_paused");
    world.store.resume_sync(acme.id(), &acme.syncs[0].id, &world.by).await.unwrap();
    assert_eq!(world.claim(&worker, 9).await.len(), 1);
    let other = world.customer("other", 1).await;
    world.ask_all(&other).await;
    world.store.suspend_tenant(other.id(), &world.by).await.unwrap();
    assert!(world.claim(&worker, 9).await.is_empty());
    world.store.resume_tenant(other.id(), &world.by).await.unwrap();
    assert_eq!(world.claim(&worker, 9).await.len(), 1);
}

pub(crate) async fn closing_a_connection_cancels_and_destroys(world: &World) {
    let acme = world.customer("acme", 2).await;
    let worker = world.worker().await;
    let runs = world.ask_all(&acme).await;
    let going = world.claim(&worker, 1).await.remove(0);
    world.store.close_connection(acme.id(), &acme.source.id, &world.by).await.unwrap();
    world.store.close_connection(acme.id(), &acme.source.id, &world.by).await.unwrap();
    let waiting = runs.iter().find(|run| **run != going.ticket.run).unwrap();
    assert_eq!(world.store.run(acme.id(), waiting).await.unwrap().state, RunState::Cancelled);
    assert!(world.queue.heartbeat(&worker).await.unwrap()[0].is_cancel_asked);
    let refused = world.queue.enqueue(acme.id(), &acme.syncs[1].id, NewRun::default(), &world.by).await;
    assert_eq!(refused.unwrap_err().code(), "connection_closed");
    assert!(world.store.connection(acme.id(), &acme.source.id).await.unwrap().closed_at.is_some());
}
