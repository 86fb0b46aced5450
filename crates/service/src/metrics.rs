//! Figures for Prometheus. Their names are part of what users rely on: docs/service.md lists them.

use std::collections::HashSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::RunReport;
use model::{Error, Result, UsageTotals};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::{Depth, Standings};

/// From a run that finds nothing to do to a backfill of half a day.
const RUN_SECONDS: [f64; 11] = [0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0];

/// From a look-up to a page of many rows.
const REQUEST_SECONDS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Tenants of this process that have series of their own: three each are a small part of what Prometheus takes well.
const TENANTS_MAX: usize = 1_000;

/// What the others are counted as. No tenant can be called this.
const OTHER_TENANTS: &str = "(others)";

/// The figures of this process. Clones count together.
#[derive(Clone, Debug)]
pub struct Metrics {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    registry: Registry,
    attempts: Family<OutcomeLabel, Counter>,
    attempt_seconds: Histogram,
    rows_read: Counter,
    rows_changed: Counter,
    rows_rejected: Counter,
    bytes: Counter,
    places: Gauge,
    places_used: Gauge,
    leases_lost: Counter,
    rescued: Counter,
    fires: Family<FireLabel, Counter>,
    requests: Family<RequestLabel, Counter>,
    request_seconds: Histogram,
    runs: Family<StateLabel, Gauge>,
    waiting_seconds: Gauge<f64, AtomicU64>,
    workers: Gauge,
    syncs: Family<ConditionLabel, Gauge>,
    overdue_seconds: Gauge<f64, AtomicU64>,
    alerts: Family<AlertLabel, Counter>,
    warehouse_seconds: Family<TenantLabel, Counter<f64, AtomicU64>>,
    unpriced_seconds: Family<TenantLabel, Counter<f64, AtomicU64>>,
    credits: Family<TenantLabel, Counter<f64, AtomicU64>>,
    tenants: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FireLabel {
    became: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConditionLabel {
    condition: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AlertLabel {
    channel: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TenantLabel {
    tenant: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabel {
    method: String,
    route: String,
    status: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("snowferry"),
            attempts: Family::default(),
            attempt_seconds: Histogram::new(RUN_SECONDS),
            rows_read: Counter::default(),
            rows_changed: Counter::default(),
            rows_rejected: Counter::default(),
            bytes: Counter::default(),
            places: Gauge::default(),
            places_used: Gauge::default(),
            leases_lost: Counter::default(),
            rescued: Counter::default(),
            fires: Family::default(),
            requests: Family::default(),
            request_seconds: Histogram::new(REQUEST_SECONDS),
            runs: Family::default(),
            waiting_seconds: Gauge::default(),
            workers: Gauge::default(),
            syncs: Family::default(),
            overdue_seconds: Gauge::default(),
            alerts: Family::default(),
            warehouse_seconds: Family::default(),
            unpriced_seconds: Family::default(),
            credits: Family::default(),
            tenants: Mutex::default(),
        };
        inner.register();
        Self { inner: Arc::new(inner) }
    }
}

impl Inner {
    /// The tenant's own name, or the common one where there are too many already.
    fn label_of(&self, tenant: &str) -> String {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() < TENANTS_MAX && !tenants.contains(tenant) {
            tenants.insert(tenant.to_owned());
        }
        if tenants.contains(tenant) { tenant.to_owned() } else { OTHER_TENANTS.to_owned() }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("attempts", "Attempts that ended here, by outcome", self.attempts.clone());
        registry.register("attempt_seconds", "How long attempts took", self.attempt_seconds.clone());
        registry.register("rows_read", "Rows read from sources", self.rows_read.clone());
        registry.register(
            "rows_changed",
            "Rows inserted, updated or deleted in destinations",
            self.rows_changed.clone(),
        );
        registry.register("rows_rejected", "Rows that could not be delivered", self.rows_rejected.clone());
        registry.register("bytes_read", "Bytes of rows in memory", self.bytes.clone());
        registry.register("places", "Runs that this process may have at once", self.places.clone());
        registry.register("places_used", "Runs that this process has now", self.places_used.clone());
        registry.register("leases_lost", "Leases that this process lost", self.leases_lost.clone());
        registry.register("runs_rescued", "Runs taken from silent workers", self.rescued.clone());
        registry.register("fires", "Fires of schedules, by what became of them", self.fires.clone());
        registry.register("api_requests", "Requests, by method, route and status", self.requests.clone());
        registry.register("api_request_seconds", "How long requests took", self.request_seconds.clone());
        registry.register("runs", "Open runs of the whole service, by state", self.runs.clone());
        registry.register(
            "run_waiting_seconds",
            "How long the run has been due that has waited longest",
            self.waiting_seconds.clone(),
        );
        registry.register("workers", "Workers whose lease holds", self.workers.clone());
        registry.register("syncs", "Syncs of the whole service, by how they stand", self.syncs.clone());
        registry.register(
            "sync_overdue_seconds",
            "How much older than it may be the last success of the sync is that is most overdue",
            self.overdue_seconds.clone(),
        );
        registry.register("alerts", "Alerts of this process, by channel and outcome", self.alerts.clone());
        registry.register(
            "virtual_warehouse_seconds",
            "Seconds of customers' virtual warehouses that attempts took, by tenant",
            self.warehouse_seconds.clone(),
        );
        registry.register(
            "virtual_warehouse_unpriced_seconds",
            "Those of them on virtual warehouses of unknown size, by tenant",
            self.unpriced_seconds.clone(),
        );
        registry.register(
            "credits_estimated",
            "Credits that the other seconds come to, by tenant",
            self.credits.clone(),
        );
    }
}

impl Metrics {
    /// An attempt has ended; `report` where it succeeded.
    pub(crate) fn attempt(&self, outcome: &'static str, took: Duration, report: Option<&RunReport>) {
        let inner = &self.inner;
        inner.attempts.get_or_create(&OutcomeLabel { outcome }).inc();
        inner.attempt_seconds.observe(took.as_secs_f64());
        let Some(report) = report else { return };
        inner.rows_read.inc_by(report.read);
        inner.rows_changed.inc_by(report.inserted + report.updated + report.deleted + report.marked);
        inner.rows_rejected.inc_by(report.rejected.iter().map(|rejected| rejected.row_count).sum());
        inner.bytes.inc_by(report.bytes);
    }

    /// What an attempt took of a tenant's account.
    pub(crate) fn usage(&self, tenant: &str, totals: &UsageTotals) {
        if totals.virtual_warehouse_seconds <= 0.0 {
            return;
        }
        let inner = &self.inner;
        let label = TenantLabel { tenant: inner.label_of(tenant) };
        inner.warehouse_seconds.get_or_create(&label).inc_by(totals.virtual_warehouse_seconds);
        inner.unpriced_seconds.get_or_create(&label).inc_by(totals.unpriced_seconds);
        inner.credits.get_or_create(&label).inc_by(totals.credits);
    }

    pub(crate) fn places(&self, used: usize, max: usize) {
        self.inner.places_used.set(i64::try_from(used).unwrap_or(i64::MAX));
        self.inner.places.set(i64::try_from(max).unwrap_or(i64::MAX));
    }

    pub(crate) fn lease_lost(&self) {
        self.inner.leases_lost.inc();
    }

    pub(crate) fn rescued(&self, runs: usize) {
        self.inner.rescued.inc_by(runs as u64);
    }

    pub(crate) fn fires(&self, queued: usize, passed: usize) {
        for (became, fires) in [("queued", queued), ("passed", passed)] {
            if fires > 0 {
                self.inner.fires.get_or_create(&FireLabel { became }).inc_by(fires as u64);
            }
        }
    }

    pub(crate) fn alert(&self, channel: &str, outcome: &'static str) {
        self.inner.alerts.get_or_create(&AlertLabel { channel: channel.to_owned(), outcome }).inc();
    }

    /// A request was answered; `route` is its pattern, so that ids make no series of their own.
    pub(crate) fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let label = RequestLabel { method: method.to_owned(), route: route.to_owned(), status };
        self.inner.requests.get_or_create(&label).inc();
        self.inner.request_seconds.observe(took.as_secs_f64());
    }

    /// All figures as text, with those of the whole service as they are now.
    pub(crate) fn text(&self, depth: Option<&Depth>, standings: Option<&Standings>) -> Result<String> {
        if let Some(depth) = depth {
            self.note_depth(depth);
        }
        if let Some(standings) = standings {
            self.note_standings(standings);
        }
        let mut text = String::new();
        encode(&mut text, &self.inner.registry)
            .map_err(|error| Error::internal("the figures cannot be written").with_source(error))?;
        Ok(text)
    }

    fn note_standings(&self, standings: &Standings) {
        let conditions = [
            ("well", standings.well),
            ("failing", standings.failing),
            ("late", standings.late),
            ("resting", standings.resting),
        ];
        for (condition, syncs) in conditions {
            self.inner.syncs.get_or_create(&ConditionLabel { condition }).set(syncs.cast_signed());
        }
        self.inner.overdue_seconds.set(standings.overdue.as_secs_f64());
    }

    fn note_depth(&self, depth: &Depth) {
        let states = [("queued", depth.queued), ("running", depth.running), ("retrying", depth.retrying)];
        for (state, runs) in states {
            self.inner.runs.get_or_create(&StateLabel { state }).set(runs.cast_signed());
        }
        let waiting = depth.due_since.map_or(0.0, |since| depth.now.duration_since(since).as_secs_f64());
        self.inner.waiting_seconds.set(waiting.max(0.0));
        self.inner.workers.set(depth.workers.cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_tenants_the_rest_is_counted_together() {
        let metrics = Metrics::default();
        let totals = UsageTotals { virtual_warehouse_seconds: 2.0, credits: 0.5, unpriced_seconds: 0.0 };
        for number in 0..TENANTS_MAX + 3 {
            metrics.usage(&format!("tenant-{number}"), &totals);
        }
        metrics.usage("tenant-0", &totals);
        let text = metrics.text(None, None).unwrap();
        for line in [
            "snowferry_virtual_warehouse_seconds_total{tenant=\"tenant-0\"} 4.0",
            "snowferry_virtual_warehouse_seconds_total{tenant=\"(others)\"} 6.0",
            "snowferry_credits_estimated_total{tenant=\"(others)\"} 1.5",
        ] {
            assert!(text.contains(line), "{line}");
        }
        assert!(!text.contains(&format!("tenant-{TENANTS_MAX}")));
    }
}
