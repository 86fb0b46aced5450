//! Asking the service for a transfer: the texts of `PUT` and `GET`, and what its reply grants.

use std::sync::Arc;

use super::address::Address;
use super::cipher::Material;
use super::keys::{StorageKey, StorageKeys};
use super::location::{StageLocation, file_literal};
use super::storage::Storage;
use crate::session::Core;
use crate::statement::{Statement, run};
use crate::wire::stage::{TransferData, WireMaterial};
use crate::{Error, ErrorKind, Result};

/// The local folder that the statements name. Nothing is read from or written to it: the service only repeats it.
const LOCAL_FOLDER: &str = "file:///snowferry/";

/// The two directions, and the words that the service has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Upload,
    Download,
}

/// Asks to put a file of this name into a folder. Its keys serve for every other file there too, except where they
/// are a signed link.
pub(super) fn put_statement(folder: &StageLocation, name: &str) -> Statement {
    let file = file_literal(&format!("{LOCAL_FOLDER}{name}"));
    Statement::new(format!(
        "PUT {file} {folder} AUTO_COMPRESS=FALSE SOURCE_COMPRESSION=AUTO_DETECT OVERWRITE=TRUE"
    ))
}

/// Asks to get the files at a place, all or those whose whole name fits `pattern`.
pub(super) fn get_statement(location: &StageLocation, pattern: Option<&str>) -> Statement {
    let pattern = pattern.map(|pattern| format!(" PATTERN={}", file_literal(pattern))).unwrap_or_default();
    Statement::new(format!("GET {location} {}{pattern}", file_literal(LOCAL_FOLDER)))
}

/// Sends such a statement; the reply must be for the same direction.
pub(super) async fn ask(
    core: &Arc<Core>,
    statement: &Statement,
    direction: Direction,
) -> Result<TransferData> {
    let data = run::transfer(core, statement).await?;
    let expected = match direction {
        Direction::Upload => "UPLOAD",
        Direction::Download => "DOWNLOAD",
    };
    match data.command.as_deref() {
        Some(command) if command == expected => Ok(data),
        _ => Err(Error::new(ErrorKind::Protocol, format!("the reply to a transfer is not an {expected}"))),
    }
}

/// The place and the keys that a reply grants. `link` is the index of the file that a signed link is wanted for.
pub(super) fn granted(
    core: &Arc<Core>,
    statement: Statement,
    data: &TransferData,
    link: usize,
) -> Result<Arc<Storage>> {
    let stage = data
        .stage_info
        .as_ref()
        .ok_or_else(|| Error::new(ErrorKind::Protocol, "the reply to a transfer names no stage"))?;
    let policy = core.link_policy();
    let address = Address::of(stage, &policy)?;
    let key = StorageKey::of(address.cloud, stage, data.presigned_urls.get(link))?;
    let keys = StorageKeys::new(core, statement, address.cloud, link, key);
    let policy = policy.within(address.cloud.domains());
    Ok(Arc::new(Storage::new(core.http.network().clone(), core.config.retry, policy, address, keys)))
}

/// The master key of the file at `index`; none where the cloud itself encrypts.
pub(super) fn material(data: &TransferData, index: usize) -> Result<Option<Arc<Material>>> {
    let wire: Option<&WireMaterial> = data.encryption_material.get(index).and_then(Option::as_ref);
    wire.map(|wire| Material::new(wire).map(Arc::new)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statements_quote_what_they_are_given() {
        let folder = StageLocation::user("it's/").unwrap();
        assert_eq!(
            put_statement(&folder, r"a\'b.parquet").sql(),
            r"PUT 'file:///snowferry/a\\\'b.parquet' '@~/it\'s/' AUTO_COMPRESS=FALSE SOURCE_COMPRESSION=AUTO_DETECT OVERWRITE=TRUE"
        );
        assert_eq!(
            get_statement(&folder, Some(r".*[.]csv'")).sql(),
            r"GET '@~/it\'s/' 'file:///snowferry/' PATTERN='.*[.]csv\''"
        );
    }
}
