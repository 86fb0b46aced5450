//! The demo, and its numbers beside those of a plain program over the same sample.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use connectors::duckdb::{TenantFile, query_json};
use emulator::sample::{Gathered, Sample, gathered, statements};
use jiff::Timestamp;
use tokio::process::Command;

/// As many accounts as the demo says that it has.
const SAMPLE: Sample = Sample { accounts: 400, tpch_scale: None };
/// In ten thousandths of a euro.
const RATES: [(&str, i128); 4] = [("EUR", 10_000), ("USD", 9_200), ("GBP", 11_700), ("JPY", 61)];
const PUBLIC_MAILBOXES: [&str; 5] = ["gmail.com", "outlook.com", "yahoo.co.jp", "gmx.de", "icloud.com"];
const WINDOW_SECONDS: i64 = 180 * 86_400;

/// The rows of a table of the sample, each by the names of its columns.
fn sample_rows(table: &str, columns: &[&str]) -> Vec<BTreeMap<String, String>> {
    let insert = format!("INSERT INTO {table}_LANDING VALUES");
    let filled = statements(SAMPLE).filter(|statement| statement.text.starts_with(&insert));
    let rows_of = |filled: emulator::sample::SampleStatement| {
        let row = |row: usize| {
            let values = columns.iter().zip(&filled.columns);
            let given = values.filter_map(|(name, values)| Some(((*name).to_owned(), values[row].clone()?)));
            given.collect()
        };
        (0..filled.columns[0].len()).map(row).collect::<Vec<BTreeMap<String, String>>>()
    };
    filled.flat_map(rows_of).collect()
}

const OPPORTUNITIES: [&str; 14] = [
    "OPPORTUNITY_ID",
    "ACCOUNT_ID",
    "CONTACT_EMAIL",
    "COMPANY_DOMAIN",
    "NAME",
    "STAGE",
    "AMOUNT",
    "CURRENCY",
    "PERIOD",
    "PROBABILITY",
    "IS_CLOSED_OFFLINE",
    "CLOSED_AT",
    "CREATED_AT",
    "UPDATED_AT",
];

/// A deal that can be told whose it is.
#[derive(Clone, Debug)]
struct Deal {
    id: String,
    email: Option<String>,
    company: Option<String>,
    stage: String,
    /// What it comes to in a year, in millionths of a euro; none without an amount or a rate.
    micro_euros: Option<i128>,
    has_amount: bool,
    closed_micros: i64,
}

fn deals() -> Vec<Deal> {
    let rows = sample_rows("CRM.SALES.OPPORTUNITIES", &OPPORTUNITIES);
    rows.iter().filter_map(deal).collect()
}

fn deal(row: &BTreeMap<String, String>) -> Option<Deal> {
    let email = row.get("CONTACT_EMAIL").map(|email| email.trim().to_lowercase());
    let written = row.get("COMPANY_DOMAIN").map(|domain| domain.to_lowercase());
    let domain = written.map(|domain| domain.strip_prefix("www.").unwrap_or(&domain).to_owned());
    let of_email = email.as_deref().and_then(|email| Some(email.split_once('@')?.1.to_owned()));
    let company = domain.or(of_email.filter(|domain| !PUBLIC_MAILBOXES.contains(&domain.as_str())));
    if email.is_none() && company.is_none() {
        return None;
    }
    let cents = row.get("AMOUNT").map(|amount| amount.replace('.', "").parse::<i128>().unwrap());
    let yearly = cents.map(|cents| if row["PERIOD"] == "month" { cents * 12 } else { cents });
    let rate = RATES.iter().find(|(currency, _)| *currency == row["CURRENCY"]).map(|(_, rate)| *rate);
    Some(Deal {
        id: row["OPPORTUNITY_ID"].clone(),
        email,
        company,
        stage: row["STAGE"].clone(),
        micro_euros: yearly.zip(rate).map(|(cents, rate)| cents * rate),
        has_amount: yearly.is_some(),
        closed_micros: row.get("CLOSED_AT").map_or(0, |closed| micros(closed)),
    })
}

/// `2026-10-31 23:59:59.123456789 +02:00`, or without an offset.
fn micros(text: &str) -> i64 {
    let mut parts = text.split(' ');
    let (day, time, offset) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or("Z"));
    let moment: Timestamp = format!("{day}T{time}{offset}").parse().unwrap();
    i64::try_from(moment.as_nanosecond().div_euclid(1_000)).unwrap()
}

/// The rule by which any activity of the vendor's comes before the close.
fn rule(deal: &Deal, activity: &[(i64, Gathered)]) -> Option<&'static str> {
    let window = deal.closed_micros - WINDOW_SECONDS * 1_000_000..deal.closed_micros;
    let inside = || activity.iter().filter(|(at, _)| window.contains(at)).map(|(_, action)| action);
    let by_deal = || inside().any(|action| action.deal.as_deref() == Some(&deal.id));
    let by_email =
        || deal.email.as_ref().is_some_and(|email| inside().any(|action| action.identity == *email));
    let by_company = || deal.company.is_some() && inside().any(|action| action.company == deal.company);
    match () {
        () if !deal.has_amount => None,
        () if by_deal() => Some("deal_id"),
        () if by_email() => Some("email"),
        () if by_company() => Some("company_domain"),
        () => None,
    }
}

/// How the people of a company, or a person without one, came first.
fn first_sources(actions: &[Gathered]) -> BTreeMap<&str, &str> {
    let mut visits: Vec<&Gathered> = actions.iter().filter(|action| action.page_url.is_some()).collect();
    visits.sort_by_key(|visit| &visit.at);
    let mut sources = BTreeMap::new();
    for visit in visits {
        let who = visit.company.as_deref().unwrap_or(&visit.identity);
        sources.entry(who).or_insert(visit.utm_source.as_deref().unwrap_or("direct"));
    }
    sources
}

/// Deals and hundredths of a euro by channel, and deals by rule.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    channels: BTreeMap<String, (u64, i128)>,
    rules: BTreeMap<String, u64>,
    channel_of: BTreeMap<String, String>,
}

fn expected(deals: &[Deal], actions: &[Gathered]) -> Expected {
    let activity: Vec<(i64, Gathered)> = (actions.iter())
        .filter(|action| action.page_url.is_none())
        .map(|action| (micros(&action.at), action.clone()))
        .collect();
    let sources = first_sources(actions);
    let mut found = Expected::default();
    let mut sums: BTreeMap<String, (u64, i128)> = BTreeMap::new();
    for deal in deals.iter().filter(|deal| deal.stage == "Closed Won") {
        let Some(rule) = rule(deal, &activity) else { continue };
        *found.rules.entry(rule.to_owned()).or_default() += 1;
        let who = deal.company.as_ref().or(deal.email.as_ref()).unwrap();
        let channel = sources.get(who.as_str()).copied().unwrap_or("no visit seen").to_owned();
        let sum = sums.entry(channel.clone()).or_default();
        *sum = (sum.0 + 1, sum.1 + deal.micro_euros.unwrap_or(0));
        found.channel_of.insert(deal.id.clone(), channel);
    }
    // Half a cent counts as one.
    found.channels =
        sums.into_iter().map(|(name, (deals, micro))| (name, (deals, (micro + 5_000) / 10_000))).collect();
    found
}

/// The rows of the tables that were printed, each cell without the space around it.
fn printed_rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('│'));
    rows.map(|line| line.trim_matches('│').split('┆').map(str::trim).collect()).collect()
}

/// `1,234.50` in hundredths.
fn cents(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "00"));
    format!("{}{fraction:0<2}", whole.replace(',', "")).parse().unwrap()
}

/// The words behind `label` in a line.
fn told<'a>(text: &'a str, label: &str) -> Vec<&'a str> {
    let line =
        text.lines().find_map(|line| line.trim().strip_prefix(label)).unwrap_or_else(|| panic!("{label}"));
    line.split_whitespace().collect()
}

async fn demo(folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snowferry"));
    let output = command.arg("demo").arg("--folder").arg(folder).output().await.unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}\n{}", String::from_utf8_lossy(&output.stderr));
    shown
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_the_numbers_that_a_plain_program_finds() {
    let folder = tempfile::tempdir().unwrap();
    let shown = demo(folder.path()).await;
    let (deals, actions): (Vec<Deal>, Vec<Gathered>) = (deals(), gathered(SAMPLE).collect());
    let expected = expected(&deals, &actions);

    let rows = printed_rows(&shown);
    let start = rows.iter().position(|row| row[0] == "first came by").unwrap();
    let channels = rows[start + 1..].iter().take(expected.channels.len());
    let found: BTreeMap<String, (u64, i128)> =
        channels.map(|row| (row[0].to_owned(), (row[1].parse().unwrap(), cents(row[2])))).collect();
    assert_eq!(found, expected.channels);
    let by_rule = told(&shown, "by rule:").join(" ");
    for (rule, count) in &expected.rules {
        assert!(by_rule.contains(&format!("{count} {rule}")), "{by_rule}: {rule} {count}");
    }
    assert_delivered(&rows, &deals, &actions);
    assert_second_run(&shown, &rows, &expected);

    let file = TenantFile::new(&folder.path().join("data"), "acme").unwrap();
    let history = query_json(&file, "SELECT deal_id FROM model.opportunity_history", 10).unwrap();
    assert_eq!(
        history.batches.iter().map(|batch| batch.num_rows()).sum::<usize>(),
        1,
        "one deal was told otherwise before"
    );
}

/// What the customer reads in Snowflake after the first run.
fn assert_delivered(rows: &[Vec<&str>], deals: &[Deal], actions: &[Gathered]) {
    let visits: Vec<&Gathered> = actions.iter().filter(|action| action.page_url.is_some()).collect();
    let usage = sample_rows("CRM.PRODUCT.USAGE_EVENTS", &["EVENT_ID", "USER_EMAIL", "EVENT"]);
    let people = |emails: Vec<&str>| emails.into_iter().collect::<BTreeSet<&str>>().len();
    let in_stage =
        |stages: &[&str]| deals.iter().filter(|deal| stages.contains(&deal.stage.as_str())).count();
    let met = actions
        .iter()
        .filter(|action| action.name == "Meeting")
        .filter_map(|action| action.company.as_deref());
    let signed_in =
        usage.iter().filter(|row| row["EVENT"] == "signed_in").map(|row| row["USER_EMAIL"].as_str());
    for (place, name, count) in [
        (2, ["own", "custom"], actions.len() - visits.len()),
        (2, ["own", "enter-page"], visits.len()),
        (2, ["snowflake", "custom"], usage.len()),
        (2, ["Visitor", "person"], people(visits.iter().map(|visit| visit.identity.as_str()).collect())),
        (2, ["Met", "company"], people(met.collect())),
        (2, ["Active in the product", "person"], people(signed_in.collect())),
        (2, ["Pipeline", "outcome"], in_stage(&["Proposal", "Negotiation"])),
        (2, ["Closed Won", "outcome"], in_stage(&["Closed Won"])),
    ] {
        let row = rows.iter().find(|row| row[..2] == name).unwrap_or_else(|| panic!("{name:?}"));
        assert_eq!(row[place], count.to_string(), "{name:?}");
    }
}

/// Two corrected rows and a refund change what belongs to them.
fn assert_second_run(shown: &str, rows: &[Vec<&str>], expected: &Expected) {
    let corrected = told(shown, "corrected: deal");
    let (deal, more) = (corrected[0], cents(corrected[2]));
    let refunded = told(shown, "refunded:");
    let (back, of) = (cents(refunded[0]), refunded[4].trim_end_matches(','));
    let mut differences: BTreeMap<&str, i128> = BTreeMap::new();
    *differences.entry(&expected.channel_of[deal]).or_default() += more;
    *differences.entry(&expected.channel_of[of]).or_default() -= back;
    let start = rows.iter().position(|row| row[..2] == ["first came by", "before"]).unwrap();
    let found: BTreeMap<&str, i128> = rows[start + 1..].iter().map(|row| (row[0], cents(row[3]))).collect();
    assert_eq!(found, differences);
    for row in &rows[start + 1..] {
        let before = expected.channels[row[0]].1;
        assert_eq!((cents(row[1]), cents(row[2])), (before, before + differences[row[0]]), "{row:?}");
    }
    for (name, counts) in [
        ("accounts", [0, 0, 0]),
        ("contacts", [0, 0, 0]),
        ("usage", [0, 1, 0]),
        ("opportunities", [1, 1, 0]),
        ("actions-out", [0, 1, 0]),
        ("stages-out", [1, 1, 0]),
    ] {
        let row =
            rows.iter().find(|row| row[0] == name && row.len() == 5).unwrap_or_else(|| panic!("{name}"));
        assert_eq!(row[1..4], counts.map(|count| format!("{count} of {count}")), "{name}");
    }
}
