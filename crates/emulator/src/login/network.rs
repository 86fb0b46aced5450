//! Network policy: the addresses from which a user may log in.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::LoginFailure;

/// A block of addresses, such as `203.0.113.0/24`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix_length: u32,
}

/// A text that is not an address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an address or an address range such as 203.0.113.0/24")]
pub struct NotAnAddressRange;

/// Refuses an address outside every allowed range; no ranges allow every address.
pub(super) fn check(allowed: &[AddressRange], address: IpAddr) -> Result<(), LoginFailure> {
    if allowed.is_empty() || allowed.iter().any(|range| range.contains(address)) {
        return Ok(());
    }
    Err(refusal(address))
}

pub(super) fn refusal(address: IpAddr) -> LoginFailure {
    let message = format!(
        "Incoming request with IP/Token {address} is not allowed to access Snowflake. Contact your local security \
         administrator."
    );
    LoginFailure::new("390422", message)
}

impl AddressRange {
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, address, bits) = match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (u128::from(network.to_bits()), u128::from(address.to_bits()), 32)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => (network.to_bits(), address.to_bits(), 128),
            _ => return false,
        };
        let host_bits = bits - self.prefix_length;
        network.checked_shr(host_bits).unwrap_or(0) == address.checked_shr(host_bits).unwrap_or(0)
    }
}

impl FromStr for AddressRange {
    type Err = NotAnAddressRange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (network, prefix_length) = match text.split_once('/') {
            Some((network, length)) => (network, Some(length.parse().map_err(|_| NotAnAddressRange)?)),
            None => (text, None),
        };
        let network: IpAddr = network.parse().map_err(|_| NotAnAddressRange)?;
        let bits = if network.is_ipv4() { 32 } else { 128 };
        let prefix_length = prefix_length.unwrap_or(bits);
        if prefix_length > bits {
            return Err(NotAnAddressRange);
        }
        Ok(Self { network, prefix_length })
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<AddressRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_range_holds_the_addresses_that_share_its_prefix() {
        assert!(contains("203.0.113.0/24", "203.0.113.255"));
        assert!(!contains("203.0.113.0/24", "203.0.114.0"));
        assert!(contains("203.0.113.7", "203.0.113.7"));
        assert!(contains("0.0.0.0/0", "127.0.0.1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "::1"));
    }

    #[test]
    fn a_prefix_longer_than_an_address_is_refused() {
        assert_eq!("10.0.0.0/33".parse::<AddressRange>(), Err(NotAnAddressRange));
        assert_eq!("ten".parse::<AddressRange>(), Err(NotAnAddressRange));
    }
}
