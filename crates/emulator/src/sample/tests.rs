//! The sample as a whole: the same every time, consistent within itself, and full of what test data must contain.

use std::collections::BTreeSet;

use super::table::Row;
use super::*;

const SMALL: Sample = Sample { accounts: 200, tpch_scale: None };

fn rows_of(position: usize) -> (Vec<&'static str>, Vec<Row>) {
    let table = crm(SMALL).into_iter().nth(position).expect("six tables");
    (table.columns.iter().map(|(name, _)| *name).collect(), table.rows.collect())
}

fn column(position: usize, name: &str) -> Vec<Option<String>> {
    let (columns, rows) = rows_of(position);
    let at = columns.iter().position(|column| *column == name).expect("a column of this name");
    rows.into_iter().map(|mut row| row.swap_remove(at)).collect()
}

const ACCOUNTS: usize = 0;
const CONTACTS: usize = 1;
const OPPORTUNITIES: usize = 2;
const ACTIVITIES: usize = 3;

#[test]
fn the_sample_is_the_same_every_time() {
    assert!(statements(SMALL).eq(statements(SMALL)));
}

#[test]
fn every_row_has_a_value_for_every_column() {
    for table in crm(SMALL) {
        let width = table.columns.len();
        assert!(table.rows.into_iter().all(|row| row.len() == width), "{}", table.name);
    }
}

#[test]
fn every_bound_column_of_a_statement_has_as_many_values() {
    for statement in statements(Sample { tpch_scale: Some(0.001), ..SMALL }) {
        let marks = statement.text.matches('?').count();
        assert_eq!(marks, statement.columns.len(), "{}", statement.text);
        let lengths: BTreeSet<usize> = statement.columns.iter().map(Vec::len).collect();
        assert!(lengths.len() <= 1, "{}", statement.text);
    }
}

#[test]
fn keys_are_unique() {
    for (table, key) in [
        (ACCOUNTS, "ACCOUNT_ID"),
        (CONTACTS, "CONTACT_ID"),
        (OPPORTUNITIES, "OPPORTUNITY_ID"),
        (ACTIVITIES, "ACTIVITY_ID"),
    ] {
        let keys = column(table, key);
        assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len(), "{key}");
    }
}

#[test]
fn the_cursor_of_deals_has_ties_nanoseconds_and_gaps() {
    let cursors = column(OPPORTUNITIES, "UPDATED_AT");
    let given: Vec<_> = cursors.iter().flatten().collect();
    assert!(given.len() < cursors.len(), "some are NULL");
    assert!(given.iter().collect::<BTreeSet<_>>().len() < given.len(), "some are equal");
    assert!(given.iter().any(|cursor| !cursor.ends_with("000")), "some end in nanoseconds");
}

#[test]
fn some_contacts_were_updated_in_the_future() {
    let table = contacts::table(1_500, 500);
    assert!(table.rows.into_iter().any(|row| row[10].as_deref() > Some("2036")));
}

#[test]
fn domains_and_addresses_come_as_people_type_them() {
    let domains = column(ACCOUNTS, "DOMAIN");
    assert!(domains.iter().flatten().any(|domain| domain.starts_with("www.")));
    assert!(domains.iter().flatten().any(|domain| domain.contains("://www.") && domain.contains(".COM")));
    let addresses = column(CONTACTS, "EMAIL");
    assert!(addresses.iter().flatten().any(|address| address.ends_with("@gmail.com")));
    assert!(addresses.iter().any(Option::is_none));
}

#[test]
fn deals_include_refunds_currencies_without_a_rate_and_two_of_one_company() {
    assert!(column(OPPORTUNITIES, "AMOUNT").iter().flatten().any(|amount| amount.starts_with('-')));
    assert!(column(OPPORTUNITIES, "CURRENCY").contains(&Some("XTS".to_owned())));
    let accounts = column(OPPORTUNITIES, "ACCOUNT_ID");
    assert_eq!(accounts[0], accounts[1]);
}

#[test]
fn some_deals_have_two_candidate_activities_and_some_only_later_ones() {
    let ids = column(ACTIVITIES, "ACTIVITY_ID");
    assert!(ids.contains(&Some("ACT-0000001-1".to_owned())));
    let occurred = column(ACTIVITIES, "OCCURRED_AT");
    let first = |id: &str| {
        occurred[ids.iter().position(|found| found.as_deref() == Some(id)).expect("there")].clone()
    };
    let closed = opportunities::closed_at(2, u64::from(SMALL.opportunities())).plain();
    assert!(first("ACT-0000002-0") > Some(closed), "activity only after the close");
}

#[test]
fn later_changes_are_newer_than_all_that_was_there() {
    let newest = column(OPPORTUNITIES, "UPDATED_AT").into_iter().flatten().max().expect("rows");
    let [first, second] = [1, 2].map(|round| change(SMALL, round));
    let stamp = |change: &Change| {
        change.statements[0].split("UPDATED_AT = '").nth(1).map(|rest| rest[..29].to_owned())
    };
    assert!(stamp(&first).as_deref() > Some(newest.as_str()));
    assert!(stamp(&second) > stamp(&first));
}

#[test]
fn a_change_says_how_many_rows_it_touches() {
    let change = change(SMALL, 1);
    assert_eq!(change.statements[0].matches("'OPP-").count() as u64, change.updated);
    assert_eq!(change.statements[1].matches("('OPP-").count() as u64, change.inserted + change.late);
}

#[test]
fn tpch_has_its_eight_tables() {
    let created: Vec<_> =
        tpch::statements(0.001).filter(|one| one.text.starts_with("CREATE OR REPLACE TABLE")).collect();
    assert_eq!(created.len(), 8);
    assert!(created[7].text.contains("TPCH.SF0_001.LINEITEM"));
}

#[test]
fn what_the_vendor_has_gathered_is_of_the_same_people_and_deals() {
    let gathered: Vec<Gathered> = gathered(SMALL).collect();
    let ids: BTreeSet<&str> = gathered.iter().map(|action| action.id.as_str()).collect();
    assert_eq!(ids.len(), gathered.len(), "ids are unique");
    let deals: BTreeSet<String> = column(OPPORTUNITIES, "OPPORTUNITY_ID").into_iter().flatten().collect();
    assert!(gathered.iter().flat_map(|action| &action.deal).all(|deal| deals.contains(deal)));
    let people: BTreeSet<String> =
        column(CONTACTS, "EMAIL").into_iter().flatten().map(|email| email.trim().to_lowercase()).collect();
    let known = gathered.iter().filter(|action| people.contains(&action.identity)).count();
    assert!(known * 2 > gathered.len(), "{known} of {}", gathered.len());
    assert!(gathered.iter().any(|action| action.company.is_none()), "a public mailbox is no company");
}
