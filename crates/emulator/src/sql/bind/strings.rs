//! Functions of texts and binaries.

use super::Typed;
use super::expression::truth;
use super::functions::Call;
use crate::outcome::{SnowType, SqlError};
use crate::sql::error::unsupported;
use crate::sql::physical::{BINARY_LENGTH_MAX, TEXT, fixed};

const COUNT: SnowType = SnowType::Fixed { precision: 18, scale: 0 };

fn count(sql: &str) -> String {
    format!("CAST({sql} AS DECIMAL(18,0))")
}

pub(super) fn call(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    if let Some(result) = simple(call)? {
        return Ok(Some(result));
    }
    match call.name {
        "SUBSTR" | "SUBSTRING" => {
            call.arity(2..=3)?;
            substring(call)
        }
        "TRIM" | "LTRIM" | "RTRIM" => {
            call.arity(1..=2)?;
            let characters = if call.len() > 1 { call.text(1)? } else { "' '".to_owned() };
            call.strict(format!("{}({}, {characters})", call.name.to_lowercase(), call.text(0)?), TEXT)
        }
        "LPAD" | "RPAD" => {
            call.arity(2..=3)?;
            let padding = if call.len() > 2 { call.text(2)? } else { "' '".to_owned() };
            let width = format!("CAST({} AS INTEGER)", call.integer(1)?);
            call.strict(format!("{}({}, {width}, {padding})", call.name.to_lowercase(), call.text(0)?), TEXT)
        }
        "CONCAT" => {
            let parts =
                (0..call.len()).map(|index| concat_part(call, index)).collect::<Result<Vec<_>, _>>()?;
            let ty = match call.arguments.first().map(|argument| &argument.ty) {
                Some(SnowType::Binary { .. }) => SnowType::Binary { length: BINARY_LENGTH_MAX },
                _ => TEXT,
            };
            call.strict(format!("({})", parts.join(" || ")), ty)
        }
        "CONCAT_WS" => {
            let separator = call.text(0)?;
            let parts = (1..call.len()).map(|index| call.text(index)).collect::<Result<Vec<_>, _>>()?;
            call.strict(format!("({})", parts.join(&format!(" || {separator} || "))), TEXT)
        }
        "CHARINDEX" | "POSITION" => {
            call.arity(2..=3)?;
            let (part, whole) = (call.text(0)?, call.text(1)?);
            if call.len() == 3 {
                let start = call.integer(2)?;
                let found = format!("instr(substr({whole}, {start}), {part})");
                return call.strict(
                    count(&format!("CASE {found} WHEN 0 THEN 0 ELSE {found} + {start} - 1 END")),
                    COUNT,
                );
            }
            call.strict(count(&format!("instr({whole}, {part})")), COUNT)
        }
        "SPLIT_PART" => {
            call.arity(3..=3)?;
            let index = call.integer(2)?;
            let index = format!("CASE {index} WHEN 0 THEN 1 ELSE {index} END");
            call.strict(format!("split_part({}, {}, {index})", call.text(0)?, call.text(1)?), TEXT)
        }
        name if name.starts_with("REGEXP") || name == "RLIKE" => regular_expression(call),
        _ => hashes(call),
    }
}

/// Functions that DuckDB has under some name with the same meaning.
fn simple(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let one = |function: &str| -> Result<Option<Typed>, SqlError> {
        call.arity(1..=1)?;
        call.strict(format!("{function}({})", call.text(0)?), TEXT)
    };
    let test = |function: &str| -> Result<Option<Typed>, SqlError> {
        call.arity(2..=2)?;
        Ok(Some(truth(format!("{function}({}, {})", call.text(0)?, call.text(1)?), call.nullable())))
    };
    match call.name {
        "UPPER" => one("upper"),
        "LOWER" => one("lower"),
        "REVERSE" => one("reverse"),
        "INITCAP" => one("sf_initcap"),
        "STARTSWITH" => test("starts_with"),
        "ENDSWITH" => test("ends_with"),
        "CONTAINS" => test("contains"),
        "LENGTH" | "LEN" => {
            call.arity(1..=1)?;
            let argument = call.get(0)?;
            let sql = match argument.ty {
                SnowType::Binary { .. } => format!("octet_length({})", argument.sql),
                _ => format!("length({})", call.text(0)?),
            };
            call.strict(count(&sql), COUNT)
        }
        "OCTET_LENGTH" => call.strict(count(&format!("octet_length(encode({}))", call.text(0)?)), COUNT),
        "REPLACE" => {
            call.arity(2..=3)?;
            let replacement = if call.len() > 2 { call.text(2)? } else { "''".to_owned() };
            call.strict(format!("replace({}, {}, {replacement})", call.text(0)?, call.text(1)?), TEXT)
        }
        "TRANSLATE" => {
            call.arity(3..=3)?;
            call.strict(format!("translate({}, {}, {})", call.text(0)?, call.text(1)?, call.text(2)?), TEXT)
        }
        "LEFT" | "RIGHT" => {
            call.arity(2..=2)?;
            let length = format!("greatest({}, 0)", call.integer(1)?);
            call.strict(format!("{}({}, {length})", call.name.to_lowercase(), call.text(0)?), TEXT)
        }
        "REPEAT" => {
            call.arity(2..=2)?;
            call.strict(format!("repeat({}, greatest({}, 0))", call.text(0)?, call.integer(1)?), TEXT)
        }
        "SPACE" => call.strict(format!("repeat(' ', greatest({}, 0))", call.integer(0)?), TEXT),
        "CHR" | "CHAR" => call.strict(format!("chr(CAST({} AS INTEGER))", call.integer(0)?), TEXT),
        "ASCII" => call.strict(count(&format!("ascii({})", call.text(0)?)), COUNT),
        "UUID_STRING" => {
            call.arity(0..=0)?;
            Ok(Some(Typed::new("CAST(uuid() AS VARCHAR)", TEXT).with_nullable(false)))
        }
        _ => Ok(None),
    }
}

fn concat_part(call: &Call<'_, '_>, index: usize) -> Result<String, SqlError> {
    let part = call.get(index)?;
    if matches!(part.ty, SnowType::Binary { .. }) { Ok(part.sql) } else { call.text(index) }
}

/// Position 0 counts as 1, a negative one from the end, and a negative length is none.
fn substring(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    let subject = call.get(0)?;
    if matches!(subject.ty, SnowType::Binary { .. }) {
        return Err(unsupported("SUBSTR of a BINARY"));
    }
    let start = call.integer(1)?;
    let start = format!("CASE {start} WHEN 0 THEN 1 ELSE {start} END");
    let length = if call.len() > 2 { format!(", greatest({}, 0)", call.integer(2)?) } else { String::new() };
    call.strict(format!("substr({}, {start}{length})", call.text(0)?), TEXT)
}

/// The options of DuckDB's regular expressions for Snowflake's parameters.
fn options(call: &Call<'_, '_>, index: usize, always: &str) -> Result<String, SqlError> {
    let given = if call.len() > index {
        match &call.get(index)?.literal {
            super::Literal::Text(text) => text.clone(),
            _ => return Err(unsupported(format!("{} with computed parameters", call.name))),
        }
    } else {
        String::new()
    };
    let mut options = always.to_owned();
    for letter in given.chars() {
        match letter {
            'c' | 'i' | 'm' | 's' => options.push(letter),
            'e' => {}
            other => return Err(unsupported(format!("the regular expression parameter '{other}'"))),
        }
    }
    Ok(format!("'{options}'"))
}

fn first_occurrence(call: &Call<'_, '_>, positions: std::ops::Range<usize>) -> Result<(), SqlError> {
    for index in positions.filter(|index| *index < call.len()) {
        if call.get(index)?.literal != super::Literal::Number("1".to_owned()) {
            return Err(unsupported(format!("{} from a position or occurrence other than 1", call.name)));
        }
    }
    Ok(())
}

fn regular_expression(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    match call.name {
        "REGEXP_LIKE" | "RLIKE" => {
            let options = options(call, 2, "")?;
            let sql = format!("regexp_full_match({}, {}, {options})", call.text(0)?, call.text(1)?);
            Ok(Some(truth(sql, call.nullable())))
        }
        "REGEXP_REPLACE" => {
            call.arity(2..=6)?;
            let replacement = if call.len() > 2 { call.text(2)? } else { "''".to_owned() };
            first_occurrence(call, 3..4)?;
            if call.len() > 4 && call.get(4)?.literal != super::Literal::Number("0".to_owned()) {
                return Err(unsupported("REGEXP_REPLACE of one occurrence"));
            }
            let options = options(call, 5, "g")?;
            let sql =
                format!("regexp_replace({}, {}, {replacement}, {options})", call.text(0)?, call.text(1)?);
            call.strict(sql, TEXT)
        }
        "REGEXP_SUBSTR" => {
            call.arity(2..=6)?;
            first_occurrence(call, 2..4)?;
            let group = if call.len() > 5 { call.integer(5)? } else { "0".to_owned() };
            let (subject, pattern) = (call.text(0)?, call.text(1)?);
            let options = options(call, 4, "")?;
            let found = format!("regexp_extract({subject}, {pattern}, CAST({group} AS INTEGER), {options})");
            let sql = format!("CASE WHEN regexp_matches({subject}, {pattern}, {options}) THEN {found} END");
            Ok(Some(Typed::new(sql, TEXT)))
        }
        "REGEXP_COUNT" => {
            call.arity(2..=4)?;
            first_occurrence(call, 2..3)?;
            let options = options(call, 3, "")?;
            let found =
                format!("len(regexp_extract_all({}, {}, 0, {options}))", call.text(0)?, call.text(1)?);
            call.strict(count(&found), COUNT)
        }
        _ => Ok(None),
    }
}

/// Hashes with a published definition. Snowflake's own HASH cannot be reproduced.
fn hashes(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    match call.name {
        "MD5" | "MD5_HEX" => {
            call.strict(format!("md5({})", bytes_or_text(call)?), SnowType::Text { length: 32 })
        }
        "MD5_BINARY" => digest(call, "md5", 16),
        "SHA1_BINARY" => digest(call, "sha1", 20),
        "SHA2_BINARY" if call.len() == 1 => digest(call, "sha256", 32),
        "SHA1" | "SHA1_HEX" => {
            call.strict(format!("sha1({})", bytes_or_text(call)?), SnowType::Text { length: 40 })
        }
        "SHA2" | "SHA2_HEX" => {
            call.arity(1..=2)?;
            if call.len() > 1 && call.get(1)?.literal != super::Literal::Number("256".to_owned()) {
                return Err(unsupported("SHA2 with another digest than 256 bits"));
            }
            call.strict(format!("sha256({})", bytes_or_text(call)?), SnowType::Text { length: 64 })
        }
        "MD5_NUMBER_LOWER64" => {
            let hex = format!("right(md5({}), 16)", bytes_or_text(call)?);
            call.strict(format!("CAST(CAST('0x' || {hex} AS UBIGINT) AS DECIMAL(20,0))"), fixed(20, 0))
        }
        "MD5_NUMBER_UPPER64" => {
            let hex = format!("left(md5({}), 16)", bytes_or_text(call)?);
            call.strict(format!("CAST(CAST('0x' || {hex} AS UBIGINT) AS DECIMAL(20,0))"), fixed(20, 0))
        }
        "HASH" | "HASH_AGG" => Err(unsupported(format!("{} (its algorithm is not published)", call.name))),
        "HEX_ENCODE" => {
            call.arity(1..=1)?;
            let argument = call.get(0)?;
            let bytes = match argument.ty {
                SnowType::Binary { .. } => argument.sql,
                _ => format!("encode({})", call.text(0)?),
            };
            call.strict(format!("hex({bytes})"), TEXT)
        }
        "HEX_DECODE_STRING" => call.strict(format!("decode(unhex({}))", call.text(0)?), TEXT),
        "HEX_DECODE_BINARY" => {
            call.strict(format!("unhex({})", call.text(0)?), SnowType::Binary { length: BINARY_LENGTH_MAX })
        }
        "BASE64_ENCODE" => {
            let argument = call.get(0)?;
            let bytes = match argument.ty {
                SnowType::Binary { .. } => argument.sql,
                _ => format!("encode({})", call.text(0)?),
            };
            call.strict(format!("to_base64({bytes})"), TEXT)
        }
        "BASE64_DECODE_STRING" => call.strict(format!("decode(from_base64({}))", call.text(0)?), TEXT),
        "TO_BINARY" | "TRY_TO_BINARY" => to_binary(call),
        _ => Ok(None),
    }
}

fn digest(call: &Call<'_, '_>, function: &str, length: u32) -> Result<Option<Typed>, SqlError> {
    call.strict(format!("unhex({function}({}))", bytes_or_text(call)?), SnowType::Binary { length })
}

fn bytes_or_text(call: &Call<'_, '_>) -> Result<String, SqlError> {
    let argument = call.get(0)?;
    if matches!(argument.ty, SnowType::Binary { .. }) { Ok(argument.sql) } else { call.text(0) }
}

fn to_binary(call: &Call<'_, '_>) -> Result<Option<Typed>, SqlError> {
    call.arity(1..=2)?;
    let format = match call.arguments.get(1).map(|argument| argument.literal.clone()) {
        None => "HEX".to_owned(),
        Some(super::Literal::Text(text)) => text.to_uppercase(),
        Some(_) => return Err(unsupported("TO_BINARY with a computed format")),
    };
    let text = call.text(0)?;
    let sql = match format.as_str() {
        "HEX" => format!("unhex({text})"),
        "BASE64" => format!("from_base64({text})"),
        "UTF-8" | "UTF8" => format!("encode({text})"),
        other => return Err(unsupported(format!("TO_BINARY with the format {other}"))),
    };
    let sql = if call.name.starts_with("TRY_") { format!("TRY({sql})") } else { sql };
    Ok(Some(Typed::new(sql, SnowType::Binary { length: BINARY_LENGTH_MAX })))
}
