//! Rows that were mapped by one version of the mapping are those of the next, byte for byte, unless it says that it is another.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use datasets::Stamps;
use model::LogicalType;
use xxhash_rust::xxh3::Xxh3;

use crate::stream::{Col, batch, boolean, col, compile, float, int, json, moment, money, text};

const ROWS: usize = 3_000;

/// The numbers of a SplitMix64 generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    /// A value in five of six rows.
    fn optional<T>(&mut self, mut value: impl FnMut(&mut Self) -> T) -> Vec<Option<T>> {
        (0..ROWS).map(|_| (self.below(6) > 0).then(|| value(self))).collect()
    }
}

const IDENTITIES: [&str; 20] = [
    "jo@acme.com",
    "Jo.Doe@ACME.com",
    " al@globex.co.uk ",
    "Jo Doe <jo@initech.de>",
    "mailto:x@www.acme.com",
    "'q@acme.com'",
    "`b@acme.com`",
    "jo@MÜLLER.de",
    "JÖ@acme.com",
    "jo@gmail.com",
    "jo@acme",
    "jo doe@acme.com",
    "acme.com",
    "https://WWW.Acme.com/a?b",
    "gmail.com",
    "co.uk",
    "0035e00000AbC",
    "John Smith",
    "n/a",
    "xn--mller-kva.de",
];
const DOMAINS: [&str; 7] = ["acme.com", "www.globex.com", "gmail.com", "Globex Inc", "co.uk", "", "n/a"];
const TEXTS: [&str; 12] = [
    "",
    " ",
    "plain",
    "a \"quoted\" word",
    "back\\slash",
    "tab\there",
    "two\nlines\r",
    "\u{1}\u{1f}\u{7f}",
    "日本語 und Größe",
    "a text that is longer than sixteen bytes, so that it is looked at in blocks",
    "a text that is longer than sixteen bytes, with a \" far behind",
    "\"",
];
const URLS: [&str; 5] = [
    "https://www.acme.com/a?utm_source=x&utm_source=y&q=%22#top",
    "acme.com/pricing",
    "/pricing?x",
    "http://localhost:3000",
    "",
];
const MOMENTS: [i64; 8] = [
    0,
    -1,
    1_772_361_000_000_000,
    1_772_361_000_123_456,
    1_772_361_000_120_000,
    -62_135_596_800_000_000,
    253_402_300_799_999_999,
    951_782_400_000_000,
];

fn columns() -> Vec<Col> {
    let mut numbers = Numbers(7);
    let owned = |values: &[Option<String>], name: &str| {
        text(name, &values.iter().map(Option::as_deref).collect::<Vec<_>>())
    };
    let ids: Vec<Option<i64>> = (0_i64..).take(ROWS).map(Some).collect();
    let picked =
        |numbers: &mut Numbers, choices: &[&'static str]| numbers.optional(|numbers| numbers.pick(choices));
    let people = numbers.optional(|numbers| match numbers.below(3) {
        0 => numbers.pick(&IDENTITIES).to_owned(),
        _ => format!("Person.{}@Company-{}.com", numbers.below(500), numbers.below(40)),
    });
    let whole = numbers.optional(|numbers| numbers.next().cast_signed() >> numbers.below(64));
    let cents =
        numbers.optional(|numbers| i128::from(numbers.next().cast_signed() >> (24 + numbers.below(40))));
    let floats = numbers.optional(|numbers| f64::from_bits(numbers.next()));
    let moments = numbers.optional(|numbers| MOMENTS[numbers.below(MOMENTS.len())]);
    let flags = numbers.optional(|numbers| numbers.below(2) == 0);
    let days: arrow_array::Date32Array = numbers
        .optional(|numbers| i32::try_from(numbers.below(80_000)).unwrap() - 40_000)
        .into_iter()
        .collect();
    let bytes = numbers.optional(|numbers| numbers.next().to_le_bytes());
    let bytes: arrow_array::BinaryArray =
        bytes.iter().map(|bytes| bytes.as_ref().map(|bytes| &bytes[..])).collect();
    vec![
        int("ID", &ids),
        owned(&people, "EMAIL"),
        text("COMPANY_DOMAIN", &picked(&mut numbers, &DOMAINS)),
        moment("DATE", &moments),
        text("PAGE_URL", &picked(&mut numbers, &URLS)),
        text("REFERRER", &picked(&mut numbers, &TEXTS)),
        text("CURRENCY", &picked(&mut numbers, &["EUR", "usd", "", "XYZ"])),
        text("CAMPAIGN_NAME", &picked(&mut numbers, &["spring", " ", "autumn"])),
        text("SPEND", &picked(&mut numbers, &["12.50", "1,5", "-3", "1e3", ""])),
        text("SUBJECT", &picked(&mut numbers, &TEXTS)),
        text("COMPANY_NOTE", &picked(&mut numbers, &TEXTS)),
        int("DURATION", &whole),
        money("AMOUNT", &cents),
        float("SCORE", &floats),
        boolean("IS_WON", &flags),
        json("DETAILS", &picked(&mut numbers, &["{\"a\": [1, null]}", "null", "undefined", "\"x\"", "1.50"])),
        col("DAY", LogicalType::Date, std::sync::Arc::new(days)),
        col("BYTES", LogicalType::Binary, std::sync::Arc::new(bytes)),
    ]
}

/// A hash of every value of every column.
fn hash(rows: &RecordBatch) -> String {
    let options = FormatOptions::new().with_null("␀");
    let mut hash = Xxh3::new();
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        hash.update(field.name().as_bytes());
        let formatter = ArrayFormatter::try_new(column, &options).unwrap();
        for row in 0..rows.num_rows() {
            hash.update(formatter.value(row).to_string().as_bytes());
            hash.update(b"\0");
        }
    }
    format!("{:016x}", hash.digest())
}

#[test]
fn a_version_of_the_mapping_gives_the_same_bytes_for_ever() {
    let columns = columns();
    let found: Vec<String> =
        ["website_actions", "custom_actions", "{ objects: { type: deal } }", "{ metrics: { date: DAY } }"]
            .into_iter()
            .map(|config| {
                let mapping = compile(config, &columns).unwrap();
                hash(&mapping.map(&batch(&columns), &Stamps::default()).unwrap().rows)
            })
            .collect();
    let keyless = crate::stream::compile_with_key("custom_actions", &columns, &[]).unwrap();
    let keyless = hash(&keyless.map(&batch(&columns), &Stamps::default()).unwrap().rows);
    // Another hash is another MAPPING_VERSION, with which every row is mapped anew.
    assert_eq!(
        [&found[..], &[keyless]].concat(),
        ["5d1aa800ac03caba", "cd2dca7704365fae", "f21020780d751539", "e88e257c4961f1a4", "7b51a266ea5395c8"]
    );
}
