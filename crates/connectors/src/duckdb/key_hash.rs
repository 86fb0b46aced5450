//! Hashes of keys that stay what they are from one version of this program to the next: they are stored in cursors.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int64Type, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use model::{Error, Result};
use sha2::{Digest, Sha256};

/// The first 128 bits of SHA-256: two of a hundred thousand keys are taken for one with a chance of one in 10²⁸.
pub(super) type KeyHash = u128;

/// The hash of the key in one row. Every value goes in with its length, so that no two keys look alike.
pub(super) fn key_hash(key: &[ArrayRef], row: usize) -> Result<KeyHash> {
    let mut digest = Sha256::new();
    for column in key {
        if column.is_null(row) {
            digest.update([0]);
            continue;
        }
        let bytes = value_bytes(column, row)?;
        digest.update([1]);
        digest.update((bytes.len() as u64).to_le_bytes());
        digest.update(&bytes);
    }
    let digest = digest.finalize();
    let mut first = [0; 16];
    first.copy_from_slice(&digest[..16]);
    Ok(KeyHash::from_be_bytes(first))
}

fn value_bytes(column: &ArrayRef, row: usize) -> Result<Vec<u8>> {
    Ok(match column.data_type() {
        DataType::Boolean => vec![u8::from(column.as_boolean().value(row))],
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_le_bytes().to_vec(),
        DataType::Decimal128(_, _) => {
            column.as_primitive::<Decimal128Type>().value(row).to_le_bytes().to_vec()
        }
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_le_bytes().to_vec(),
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_le_bytes().to_vec(),
        DataType::Time64(TimeUnit::Microsecond) => {
            column.as_primitive::<Time64MicrosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Time64(_) => {
            column.as_primitive::<Time64NanosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            column.as_primitive::<TimestampMicrosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            column.as_primitive::<TimestampNanosecondType>().value(row).to_le_bytes().to_vec()
        }
        DataType::Utf8 => column.as_string::<i32>().value(row).as_bytes().to_vec(),
        DataType::Binary => column.as_binary::<i32>().value(row).to_vec(),
        other => {
            return Err(Error::config("key_type", format!("a key column cannot be of type {other}"))
                .with_remedy("choose other columns under `key`"));
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_hash_is_the_same_in_every_version() {
        let key: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(1), None])),
            Arc::new(StringArray::from(vec![Some("Ada"), Some("")])),
        ];
        let hashes: Vec<String> =
            (0..2).map(|row| format!("{:032x}", key_hash(&key, row).unwrap())).collect();
        insta::assert_debug_snapshot!(hashes, @r#"
        [
            "25e86c65929aca1f011db483d7e375f7",
            "13c6a7b85fcb0443c1d31dafe22561aa",
        ]
        "#);
    }

    #[test]
    fn keys_that_read_alike_are_told_apart() {
        let key = |first: Option<&str>, second: Option<&str>| -> KeyHash {
            let columns: Vec<ArrayRef> =
                vec![Arc::new(StringArray::from(vec![first])), Arc::new(StringArray::from(vec![second]))];
            key_hash(&columns, 0).unwrap()
        };
        assert_ne!(key(Some("ab"), Some("c")), key(Some("a"), Some("bc")));
        assert_ne!(key(None, Some("")), key(Some(""), None));
        assert_ne!(key(None, None), key(Some(""), Some("")));
    }
}
