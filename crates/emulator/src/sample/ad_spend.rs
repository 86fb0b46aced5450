//! `CRM.MARKETING.AD_SPEND`: one row per day and advertisement. Days come again when a network corrects them.

use super::moment::Moment;
use super::random::Random;
use super::table::{Row, SampleTable, some};

const DAYS: u64 = 365;
const NETWORKS: [&str; 4] = ["google", "linkedin", "meta", "bing"];
const CAMPAIGNS: u64 = 10;

pub(super) fn table() -> SampleTable {
    SampleTable {
        name: "CRM.MARKETING.AD_SPEND".to_owned(),
        columns: vec![
            ("DATE", "DATE NOT NULL"),
            ("CAMPAIGN_ID", "NUMBER(38,0)"),
            ("CAMPAIGN_NAME", "VARCHAR(200) NOT NULL"),
            ("NETWORK", "VARCHAR(40)"),
            ("ADGROUP_NAME", "VARCHAR(200)"),
            ("AD_ID", "VARCHAR(40)"),
            ("UTM_CAMPAIGN", "VARCHAR(200)"),
            ("SPEND", "NUMBER(18,6)"),
            ("IMPRESSIONS", "NUMBER(38,0)"),
            ("CLICKS", "NUMBER(38,0)"),
            ("CURRENCY", "VARCHAR(3)"),
            ("ADDED_AT", "TIMESTAMP_NTZ(9)"),
        ],
        rows: Box::new((0..DAYS * CAMPAIGNS).map(row)),
    }
}

fn row(number: u64) -> Row {
    let (day, campaign) = (number / CAMPAIGNS, number % CAMPAIGNS);
    let mut random = Random::of("AD_SPEND", number);
    let moment = Moment::days_before_export(i64::try_from(DAYS - day).unwrap_or(0));
    let impressions = random.below(200_000);
    // Campaign ids are longer than 64-bit integers can hold, as some networks have them.
    vec![
        some(moment.date()),
        some(format!("120210000000000000{campaign:06}")),
        some(format!("Always on {campaign} · brand")),
        some(NETWORKS[usize::try_from(campaign % 4).expect("below four")]),
        (campaign % 3 != 0).then(|| format!("group-{campaign}")),
        some(format!("ad_{campaign:03}")),
        some(format!("always-on-{campaign}")),
        (!random.once_in(40)).then(|| format!("{}.{:06}", random.below(900), random.below(1_000_000))),
        some(impressions),
        (!random.once_in(90)).then(|| (impressions / 40).to_string()),
        some(if campaign % 4 == 2 { "EUR" } else { "USD" }),
        some(moment.plus_seconds(100_000).with_nanosecond(random.next()).plain()),
    ]
}
