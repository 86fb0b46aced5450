//! How long DuckDB takes to match deals to activity, and with how much memory.
//! `cargo bench -p datasets --bench matching`, or with other numbers: `… -- --deals 100000 --actions 2000000`.
//! With `MATCHING_STATEMENTS` each statement tells its time, with `MATCHING_PROFILES` each leaves its plan in that folder.

use std::collections::BTreeMap;
use std::time::Instant;

use datasets::{MatchConfig, MatchReport, MatchScope, Matching};
use duckdb::{Connection, params};

#[path = "../tests/claims/matching/landing.rs"]
mod landing;

/// The settings of a typical CRM.
const PRIORITY: [&str; 3] = ["meeting", "call", "email"];
/// What the program lets DuckDB take.
const MEMORY_MAX: &str = "1GiB";
/// One in so many deals and actions changes between two runs.
const CHANGED: u64 = 1_000;

fn main() -> duckdb::Result<()> {
    let (deals, actions) = (argument("--deals", 1_000_000), argument("--actions", 20_000_000));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let connection = Connection::open_in_memory()?;
    let path = folder.path().join("acme.duckdb");
    connection.execute_batch(&format!(
        "SET GLOBAL max_memory = '{MEMORY_MAX}'; SET GLOBAL preserve_insertion_order = false;
         SET GLOBAL temp_directory = '{}'; ATTACH '{}' AS vendor; USE vendor;",
        folder.path().join("spilled").display(),
        path.display()
    ))?;
    let started = Instant::now();
    land(&connection, deals, actions)?;
    println!("landed {deals} deals and {actions} actions in {:.1} s", started.elapsed().as_secs_f64());
    let config = MatchConfig {
        priority: PRIORITY.map(str::to_owned).to_vec(),
        won: vec!["Won".to_owned()],
        main_currency: Some("EUR".to_owned()),
        rates: Some(datasets::Rates::Fixed(BTreeMap::from([("USD".to_owned(), 0.9)]))),
        ..MatchConfig::default()
    };
    let matching = Matching { sync_id: "deals".to_owned(), config };
    run(&connection, &matching, MatchScope::Changed, "first, all deals")?;
    run(&connection, &matching, MatchScope::Changed, "nothing changed")?;
    connection.execute(
        "UPDATE imports.deals SET properties = replace(properties, '\"amount\":1', '\"amount\":2') WHERE hash(object_id) % ? = 0",
        params![CHANGED],
    )?;
    run(&connection, &matching, MatchScope::Changed, "some deals changed")?;
    connection.execute(
        "UPDATE imports.activity SET action_date = action_date - INTERVAL 1 DAY WHERE hash(_row_id) % ? = 0",
        params![CHANGED],
    )?;
    run(&connection, &matching, MatchScope::Changed, "one in 1,000 actions changed")?;
    run(&connection, &matching, MatchScope::Full, "all deals again")
}

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    arguments.nth(1).and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn run(connection: &Connection, matching: &Matching, scope: MatchScope, what: &str) -> duckdb::Result<()> {
    let started = Instant::now();
    let script = matching.script(scope);
    connection.execute_batch("BEGIN")?;
    for (number, statement) in script.statements.iter().enumerate() {
        if let Ok(profiles) = std::env::var("MATCHING_PROFILES") {
            let file = format!("{profiles}/{}-{number:02}.txt", what.replace(' ', "-"));
            connection.execute_batch(&format!(
                "PRAGMA enable_profiling = 'query_tree'; SET profiling_output = '{file}'"
            ))?;
        }
        let began = Instant::now();
        connection.execute_batch(statement)?;
        if std::env::var_os("MATCHING_STATEMENTS").is_some() {
            let words: Vec<&str> = statement.split_whitespace().take(7).collect();
            println!("  {:6.2} s  {}", began.elapsed().as_secs_f64(), words.join(" "));
        }
    }
    let answer: String = connection.query_row(&script.answer, [], |row| row.get(0))?;
    connection.execute_batch("COMMIT")?;
    let report: MatchReport = serde_json::from_str(&answer).expect("the report is JSON");
    println!(
        "{what}: {:.1} s; {} deals, {} matched, {} looked at, {} changed; at most {} MiB so far",
        started.elapsed().as_secs_f64(),
        report.deals,
        report.matched,
        report.looked_at.unwrap_or_default(),
        report.changed.unwrap_or_default(),
        memory_kib_max() / 1024
    );
    Ok(())
}

/// Companies with twenty deals and four hundred actions each, of ten people, over two years. One action in ten names its deal.
fn land(connection: &Connection, deals: u64, actions: u64) -> duckdb::Result<()> {
    connection.execute_batch(&landing::create_sql())?;
    let companies = (deals / 20).max(1);
    connection.execute_batch(&format!(
        "INSERT INTO imports.deals (_row_id, object_type, object_id, identity, email, company_domain, properties, updated_at, _synced_at, _sync_id)
         SELECT md5('d' || i), 'deal', 'deal-' || i, email, email, company, '{{\"amount\":' || (1000 + i % 9000) || '.50,\"currency\":\"' ||
             ['EUR', 'USD', 'GBP'][1 + i % 3] || '\",\"closed_at\":\"' || strftime(TIMESTAMP '2024-01-01' + to_seconds((hash(i) % 63072000)::BIGINT), '%Y-%m-%dT%H:%M:%SZ') ||
             '\",\"stage\":\"' || ['Won', 'Won', 'Won', 'Won', 'Lost'][1 + i % 5] || '\",\"owner\":\"owner-' || (i % 40) || '\"}}',
             TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', 'deals'
         FROM (SELECT i, 'company-' || (i % {companies}) || '.com' AS company, 'person-' || (hash(i + 7) % 10) || '@company-' || (i % {companies}) || '.com' AS email
             FROM range({deals}) AS numbers(i))"
    ))?;
    connection.execute_batch(&format!(
        "INSERT INTO imports.activity (_row_id, identity, identity_kind, email, company_id, deal_id, action_type, action_name, action_date,
             action_properties, company_properties, _synced_at, _sync_id)
         SELECT md5('a' || i), email, 'email', email, company, CASE WHEN i % 10 = 0 THEN 'deal-' || (hash(i + 3) % {deals}) END, 'custom',
             ['Meeting', 'Call', 'Email', 'Campaign member', 'Task'][1 + (hash(i + 1) % 5)::BIGINT], TIMESTAMP '2024-01-01' + to_seconds((hash(i) % 63072000)::BIGINT),
             '{{\"subject\":\"Follow-up number ' || i || '\"}}', '{{}}', TIMESTAMP '2026-01-01', 'activity'
         FROM (SELECT i, 'company-' || (i % {companies}) || '.com' AS company, 'person-' || (hash(i + 5) % 10) || '@company-' || (i % {companies}) || '.com' AS email
             FROM range({actions}) AS numbers(i))"
    ))
}

/// The most memory that this process had.
fn memory_kib_max() -> i64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is as large as the call expects, and zeroes are a value of it.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    usage.ru_maxrss
}
