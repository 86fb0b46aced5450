//! What is kept of matches in the vendor database, and the views that show it.

pub(crate) const CREATE_TABLES: &str = "
CREATE TABLE IF NOT EXISTS _snowferry.matchings (sync_id VARCHAR NOT NULL, config VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS _snowferry.opportunity_matches (
    sync_id VARCHAR NOT NULL, deal_id VARCHAR NOT NULL,
    identity VARCHAR, email VARCHAR, company_domain VARCHAR, stage VARCHAR, period VARCHAR,
    source_amount DECIMAL(38,9), amount DECIMAL(38,9), currency VARCHAR, amount_in_main_currency DECIMAL(38,9),
    closed_at TIMESTAMP, closed_until TIMESTAMP, refund_of VARCHAR, problem VARCHAR,
    matched_action_id VARCHAR, match_rule VARCHAR, reason VARCHAR, candidates BIGINT, tied BIGINT,
    was_matched BOOLEAN NOT NULL, is_gone BOOLEAN NOT NULL, settings VARCHAR NOT NULL, matched_at TIMESTAMP NOT NULL
);
CREATE TABLE IF NOT EXISTS _snowferry.opportunity_history (
    sync_id VARCHAR NOT NULL, deal_id VARCHAR NOT NULL,
    identity VARCHAR, email VARCHAR, company_domain VARCHAR, stage VARCHAR, period VARCHAR,
    source_amount DECIMAL(38,9), amount DECIMAL(38,9), currency VARCHAR, amount_in_main_currency DECIMAL(38,9),
    closed_at TIMESTAMP, closed_until TIMESTAMP, refund_of VARCHAR, problem VARCHAR,
    matched_action_id VARCHAR, match_rule VARCHAR, reason VARCHAR, candidates BIGINT, tied BIGINT,
    matched_at TIMESTAMP NOT NULL, superseded_at TIMESTAMP NOT NULL
);
CREATE TABLE IF NOT EXISTS _snowferry.match_keys (
    sync_id VARCHAR NOT NULL, match_rule VARCHAR NOT NULL, key_value VARCHAR NOT NULL,
    activity_count BIGINT NOT NULL, fingerprint DECIMAL(38,0) NOT NULL
);
";

/// The views, by name.
pub(crate) const VIEWS: [(&str, &str); 3] = [
    (
        "opportunity_revenue",
        "SELECT deal_id, company_domain, identity, amount, currency, amount_in_main_currency, closed_at, stage, period, source_amount,\n\
         refund_of, matched_action_id, match_rule, candidates, tied, matched_at, sync_id\n\
         FROM _snowferry.opportunity_matches WHERE matched_action_id IS NOT NULL AND NOT is_gone",
    ),
    (
        "opportunity_unmatched",
        "SELECT deal_id, reason, company_domain, identity, amount, currency, amount_in_main_currency, closed_at, stage, period, source_amount,\n\
         refund_of, matched_at, sync_id\n\
         FROM _snowferry.opportunity_matches WHERE matched_action_id IS NULL AND NOT is_gone",
    ),
    (
        "opportunity_history",
        "SELECT deal_id, company_domain, identity, amount, currency, amount_in_main_currency, closed_at, stage, period, source_amount,\n\
         refund_of, matched_action_id, match_rule, reason, candidates, tied, matched_at, superseded_at, sync_id\n\
         FROM _snowferry.opportunity_history",
    ),
];
