//! One form for what is written in many: e-mail addresses, domains, identities, names and URLs.

pub(crate) mod domain;
pub(crate) mod email;
pub(crate) mod identity;
pub(crate) mod name;
pub(crate) mod text;
pub(crate) mod url;
