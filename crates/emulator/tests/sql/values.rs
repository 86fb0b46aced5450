//! Types: what goes in comes out, to the last digit.

use emulator::outcome::SnowType;

use super::session;

#[test]
fn numbers_keep_38_digits_and_their_scale() {
    let mut session = session();
    session.ok("CREATE TABLE T (A NUMBER(38,0), B NUMBER(38,37), C NUMBER(10,2))");
    session.ok("INSERT INTO T VALUES (99999999999999999999999999999999999999, -1.2345678901234567890123456789012345678, 1.005)");
    let row = session.cell("SELECT * FROM T");
    assert_eq!(row, "99999999999999999999999999999999999999|-1.2345678901234567890123456789012345678|1.01");
}

#[test]
fn a_division_is_exact_and_has_six_more_digits() {
    let mut session = session();
    assert_eq!(session.cell("SELECT 1/3, 2/3, -7/2, 10.00/4"), "0.333333|0.666667|-3.500000|2.50000000");
    assert_eq!(session.cell("SELECT AVG(column1) FROM VALUES (1), (2), (2)"), "1.666667");
}

#[test]
fn timestamps_keep_nanoseconds_offsets_and_nulls() {
    let mut session = session();
    session.ok("CREATE TABLE T (N TIMESTAMP_NTZ, L TIMESTAMP_LTZ(3), Z TIMESTAMP_TZ)");
    session.ok("INSERT INTO T VALUES ('2024-05-06 07:08:09.123456789', '2024-05-06 07:08:09.5 +02:00', \
         '1969-12-31 23:59:59.5 +05:30'), (NULL, NULL, NULL)");
    let rows = session.rows("SELECT * FROM T");
    assert_eq!(
        rows[0],
        "{epoch: 1714979289, fraction: 123456789}|{epoch: 1714972089, fraction: 500000000}|\
         {epoch: -19801, fraction: 500000000, offset_minutes: 330}"
    );
    assert_eq!(rows[1], "∅|∅|∅");
}

#[test]
fn years_beyond_2262_are_held_with_scale_6_and_refused_with_scale_9() {
    let mut session = session();
    session.ok("CREATE TABLE T (A TIMESTAMP_NTZ(6), B TIMESTAMP_NTZ(9))");
    session.ok("INSERT INTO T (A) VALUES ('9999-12-31 23:59:59.999999')");
    assert_eq!(session.cell("SELECT A FROM T"), "{epoch: 253402300799, fraction: 999999000}");
    for date in ["'9999-12-31'", "'9999-12-31'::DATE"] {
        let failure = session.fails(&format!("INSERT INTO T (B) SELECT {date}"));
        assert!(failure.message.contains("declare scale 0 to 6"), "{failure:?}");
    }
    session.ok("ALTER SESSION SET TIMEZONE = 'UTC'");
    session.ok("CREATE TABLE L (A TIMESTAMP_LTZ(6))");
    session.ok("INSERT INTO L SELECT '9999-12-31 23:59:59.5'::TIMESTAMP_LTZ(6)");
    assert_eq!(
        session.cell("SELECT TO_VARCHAR(A, 'YYYY-MM-DD HH24:MI:SS.FF1') FROM L"),
        "9999-12-31 23:59:59.5"
    );
}

#[test]
fn the_same_instant_with_another_offset_is_equal() {
    let mut session = session();
    let sql = "SELECT '2024-01-01 10:00 +02:00'::TIMESTAMP_TZ = '2024-01-01 08:00 +00:00'::TIMESTAMP_TZ";
    assert_eq!(session.cell(sql), "true");
}

#[test]
fn the_session_zone_decides_what_a_local_time_means() {
    let mut session = session();
    session.ok("ALTER SESSION SET TIMEZONE = 'America/New_York'");
    assert_eq!(
        session.cell("SELECT '2024-07-01 12:00'::TIMESTAMP_LTZ::VARCHAR"),
        "2024-07-01 12:00:00.000 -0400"
    );
    assert_eq!(
        session.cell("SELECT '2024-07-01 12:00Z'::TIMESTAMP_LTZ::TIMESTAMP_NTZ::VARCHAR"),
        "2024-07-01 08:00:00.000"
    );
}

#[test]
fn json_null_and_sql_null_stay_apart() {
    let mut session = session();
    session.ok("CREATE TABLE T (V VARIANT)");
    session.ok("INSERT INTO T SELECT PARSE_JSON('{\"a\": null, \"b\": [1, {\"c\": \"x\"}]}')");
    let row = session.cell(
        "SELECT V:a, V:a IS NULL, V:zzz, V:zzz IS NULL, V:b[1].c::VARCHAR, V:b[0]::INT, TYPEOF(V:b) FROM T",
    );
    assert_eq!(row, "null|false|∅|true|x|1|ARRAY");
    assert_eq!(
        session.cell("SELECT TO_ARRAY(PARSE_JSON('null')), TO_ARRAY(PARSE_JSON(NULL)), ARRAY_SIZE(TO_ARRAY(7)), TO_ARRAY(PARSE_JSON('[]'))"),
        "∅|∅|1|[]"
    );
}

#[test]
fn columns_tell_their_declared_types() {
    let mut session = session();
    session.ok("CREATE TABLE T (A NUMBER(10,2) NOT NULL, B VARCHAR(20), C OBJECT, D ARRAY, E VECTOR(FLOAT, 3), F TIME(3))");
    let columns = session.columns("SELECT A, UPPER(B), C, D, E, F, COUNT(*) OVER (), A + 1 AS G FROM T AS X");
    assert_eq!(columns[0].ty, SnowType::Fixed { precision: 10, scale: 2 });
    assert!(!columns[0].nullable);
    assert_eq!(columns[0].origin, Some(["D".to_owned(), "PUBLIC".to_owned(), "T".to_owned()]));
    assert_eq!((&columns[2].ty, &columns[3].ty), (&SnowType::Object, &SnowType::Array));
    assert_eq!(columns[5].ty, SnowType::Time { scale: 3 });
    assert_eq!(columns[7].ty, SnowType::Fixed { precision: 11, scale: 2 });
    assert_eq!(columns[6].name, "COUNT(*) OVER ()");
}

#[test]
fn vectors_binaries_and_floats_come_out_as_they_went_in() {
    let mut session = session();
    session.ok("CREATE TABLE T (A VECTOR(FLOAT, 3), B BINARY, C FLOAT, D TIME, E BOOLEAN, F DATE)");
    session.ok("INSERT INTO T SELECT [1.5, 2, -3]::VECTOR(FLOAT, 3), TO_BINARY('00ff'), 'inf', '10:20:30.123456789', TRUE, '0001-01-01'");
    assert_eq!(
        session.cell("SELECT * FROM T"),
        "[1.5, 2.0, -3.0]|00ff|inf|10:20:30.123456789|true|0001-01-01"
    );
}

#[test]
fn texts_of_numbers_and_times_follow_snowflake() {
    let mut session = session();
    assert_eq!(
        session.cell("SELECT 1.50::VARCHAR, 1e0::FLOAT::VARCHAR, TRUE || '', '2024-01-02'::DATE || '!', TO_CHAR('2024-01-02 03:04:05'::TIMESTAMP, 'DD.MM.YYYY HH24:MI')"),
        "1.50|1|true|2024-01-02!|02.01.2024 03:04"
    );
}
