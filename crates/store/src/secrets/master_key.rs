//! The master key: where it comes from, and what it is called without saying what it is.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::{Error, Result};
use zeroize::Zeroizing;

use super::SecretValue;
use super::envelope::Key;

/// A call to a key service over a slow network; beyond that something is wrong.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a running command is looked at.
const COMMAND_POLL: Duration = Duration::from_millis(20);
/// More than any way to write 32 bytes takes.
const TEXT_BYTES_MAX: u64 = 4_096;

/// Where the master key is kept; never in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterKeySource {
    /// The name of an environment variable.
    Environment(String),
    File(PathBuf),
    /// A program and its arguments, which prints the key: a key service's client, or `pass`. No shell reads it.
    Command(Vec<String>),
}

/// The key that wraps all data keys.
#[derive(Clone, Debug)]
pub struct MasterKey {
    pub(super) key: Key,
    id: String,
}

impl MasterKey {
    /// Reads the key: 32 bytes in base64.
    pub fn read(source: &MasterKeySource) -> Result<Self> {
        let text = match source {
            MasterKeySource::Environment(name) => std::env::var(name)
                .map(|text| Zeroizing::new(text.into_bytes()))
                .map_err(|_| missing(&format!("the environment variable {name} is not set"))),
            MasterKeySource::File(path) => std::fs::File::open(path)
                .and_then(read_bounded)
                .map_err(|error| missing(&format!("{} cannot be read: {error}", path.display()))),
            MasterKeySource::Command(words) => run(words),
        };
        Self::parse(&text?)
    }

    /// A new key, as the text to keep.
    pub fn generate() -> Result<SecretValue> {
        Ok(SecretValue::from(STANDARD.encode(Key::generate()?.bytes())))
    }

    /// Reads the text of a key.
    pub fn parse(text: &[u8]) -> Result<Self> {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let engine = GeneralPurpose::new(&ALPHABET, config);
        let bytes = engine.decode(text.trim_ascii()).map(Zeroizing::new).ok();
        let key = bytes.as_deref().and_then(|bytes| Key::from_bytes(bytes)).ok_or_else(|| {
            Error::config("master_key_invalid", "the master key is not 32 bytes in base64").with_remedy(
                "make one with `openssl rand -base64 32`, and keep it where nothing else is kept",
            )
        })?;
        let id = digest(&SHA256, &[b"snowferry master key ".as_slice(), key.bytes()].concat());
        let id = id.as_ref()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { key, id })
    }

    /// What the key is called in the database and in messages. It says nothing about the key.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn missing(message: &str) -> Error {
    Error::config("master_key_missing", message.to_owned())
        .with_remedy("name a variable, file or command that holds the master key; it cannot be made anew")
}

fn read_bounded(from: impl Read) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(Vec::with_capacity(TEXT_BYTES_MAX as usize));
    from.take(TEXT_BYTES_MAX).read_to_end(&mut text)?;
    Ok(text)
}

fn run(words: &[String]) -> Result<Zeroizing<Vec<u8>>> {
    let (program, arguments) = words.split_first().ok_or_else(|| missing("the command is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child =
        command.spawn().map_err(|error| missing(&format!("`{program}` cannot be started: {error}")))?;
    // The key is read while the command runs: it must not wait for us, nor we for it.
    let output = child.stdout.take().ok_or_else(|| Error::internal("the command's output was not piped"))?;
    let reader = std::thread::spawn(move || read_bounded(output));
    let is_successful = wait(&mut child).map_err(|why| missing(&format!("`{program}` {why}")))?;
    let text = reader.join().map_err(|_| Error::internal("reading the master key panicked"))?;
    match text {
        Ok(text) if is_successful => Ok(text),
        _ => Err(missing(&format!("`{program}` failed; run it by hand to see why"))),
    }
}

fn wait(child: &mut Child) -> std::result::Result<bool, String> {
    let deadline = Instant::now() + COMMAND_TIMEOUT;
    while Instant::now() < deadline {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) => std::thread::sleep(COMMAND_POLL),
            Err(error) => return Err(error.to_string()),
        }
    }
    let _ = child.kill();
    Err(format!("did not end within {} s", COMMAND_TIMEOUT.as_secs()))
}
