//! Aggregates and functions that a comparison with another system is made of: the same everywhere, to the last digit.

use super::session;

#[test]
fn sums_of_38_digits_and_bits_of_hashes_are_exact() {
    let mut session = session();
    session.ok("CREATE TABLE T (N NUMBER(38,4), S VARCHAR)");
    session.ok("INSERT INTO T VALUES (1234567890123456789012345678901234.5678, 'a'), (0.0001, 'b'), \
         (-1234567890123456789012345678901234.5678, NULL)");
    assert_eq!(
        session.rows("SELECT SUM(N), COUNT(S), COUNT_IF(N > 0), MIN(S), MAX(N) FROM T"),
        ["0.0001|2|2|a|1234567890123456789012345678901234.5678"]
    );
    // Of md5('a') = 0cc175b9c0f1b6a831c399e269772661 and md5('b') = 92eb5ffee6ae2fec3ad71c777531578f.
    assert_eq!(
        session.rows("SELECT SUM(MD5_NUMBER_LOWER64(S)), BITXOR_AGG(MD5_NUMBER_UPPER64(S)) FROM T"),
        ["7825767799613586928|11396968292089305412"]
    );
    assert_eq!(session.cell("SELECT BITXOR(18446744073709551615, 1)"), "18446744073709551614");
}

#[test]
fn digests_are_the_published_ones() {
    let mut session = session();
    assert_eq!(
        session.cell("SELECT MD5('abc') = '900150983cd24fb0d6963f7d28e17f72' AND HEX_ENCODE(MD5_BINARY('abc')) = UPPER(MD5('abc'))"),
        "true"
    );
    assert_eq!(session.cell("SELECT SHA1('abc')"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_eq!(
        session.cell("SELECT SHA2('abc', 256)"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(session.cell("SELECT HEX_ENCODE('\u{fc}x')"), "C3BC78");
}

#[test]
fn percentiles_and_buckets_cut_ranges() {
    let mut session = session();
    session.ok("CREATE TABLE T AS SELECT SEQ4() AS N FROM TABLE(GENERATOR(ROWCOUNT => 101))");
    assert_eq!(
        session.rows(
            "SELECT PERCENTILE_DISC(0.25) WITHIN GROUP (ORDER BY N), PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY N), \
             APPROX_PERCENTILE(N, 0.75), APPROX_COUNT_DISTINCT(N), MAX_BY(N, -N) FROM T"
        ),
        ["25|50.0|75.0|101|0"]
    );
    assert_eq!(
        session.rows(
            "SELECT WIDTH_BUCKET(N, 0, 100, 4) AS B, COUNT(*), MOD(MAX(N), 7) FROM T GROUP BY B ORDER BY B"
        ),
        ["1|25|3", "2|25|0", "3|25|4", "4|25|1", "5|1|2"]
    );
    assert_eq!(
        session.rows("SELECT T4, MIN(N) FROM (SELECT N, NTILE(4) OVER (ORDER BY N) AS T4 FROM T) GROUP BY T4 ORDER BY T4"),
        ["1|0", "2|26", "3|51", "4|76"]
    );
    assert_eq!(session.cell("SELECT COUNT(*) FROM T TABLESAMPLE (10 ROWS)"), "10");
    assert_eq!(session.cell("SELECT COUNT(*) FROM T SAMPLE SYSTEM (100)"), "101");
}

#[test]
fn times_are_written_with_as_many_digits_as_are_asked_for() {
    let mut session = session();
    let text = |scale: u8| {
        format!("TO_VARCHAR('2024-01-02 03:04:05.123456789 +02:30'::TIMESTAMP_TZ(9), 'FF{scale} TZHTZM')")
    };
    let all: Vec<String> = (0..=9).map(text).collect();
    assert_eq!(
        session.cell(&format!("SELECT {}", all.join(" || '|' || "))),
        " +0230|1 +0230|12 +0230|123 +0230|1234 +0230|12345 +0230|123456 +0230|1234567 +0230|12345678 +0230|\
         123456789 +0230"
    );
}
