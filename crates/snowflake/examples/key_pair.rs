//! Makes a key pair and prints what to run in Snowflake, or logs in with a key that was made before.
//!
//! ```text
//! cargo run -p snowflake --example key_pair -- make key.p8
//! cargo run -p snowflake --example key_pair -- --account myorg-acct --user SYNC log-in key.p8
//! ```
//! The passphrase of an encrypted key comes from the environment variable PRIVATE_KEY_PASSPHRASE.

mod arguments;

use std::fs::OpenOptions;
use std::io::Write as _;

use arguments::Arguments;
use snowflake::{Credentials, KeyBits, KeySource, PrivateKey, Secret, Session};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    match arguments.rest.as_slice() {
        [verb, path] if verb == "make" => make(path),
        [verb, path] if verb == "log-in" => log_in(&arguments, path).await,
        _ => Err("expected: make FILE, or log-in FILE".into()),
    }
}

fn make(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let key = PrivateKey::generate(KeyBits::Rsa2048)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(key.to_pkcs8_pem()?.expose().as_bytes())?;
    println!("-- the private key is in {path}; its fingerprint is {}", key.fingerprint());
    println!("ALTER USER SYNC SET RSA_PUBLIC_KEY = '{}';", key.public_key_body()?);
    Ok(())
}

async fn log_in(arguments: &Arguments, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let passphrase = Secret::from_env("PRIVATE_KEY_PASSPHRASE").ok();
    let key = KeySource::File(path.into()).load(passphrase.as_ref())?;
    let session = match Session::connect(arguments.config(Credentials::KeyPair(key))?).await {
        Ok(session) => session,
        Err(error) => {
            eprintln!("{error}\n{}", error.remedy().unwrap_or_default());
            return Err(error.into());
        }
    };
    println!("session {} is {:?}", session.session_id(), session.context());
    session.close().await?;
    Ok(())
}
