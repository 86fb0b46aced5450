//! Every connector against the claims of the conformance suite.

mod destinations;
