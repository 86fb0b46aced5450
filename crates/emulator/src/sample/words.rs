//! The words that names are made of.

pub(super) const COMPANY_STEMS: [&str; 32] = [
    "Alpine",
    "Beacon",
    "Cobalt",
    "Delta",
    "Ember",
    "Fjord",
    "Granite",
    "Harbor",
    "Indigo",
    "Juniper",
    "Kestrel",
    "Lumen",
    "Meridian",
    "Nimbus",
    "Orchard",
    "Pioneer",
    "Quartz",
    "Ridge",
    "Summit",
    "Tundra",
    "Umbra",
    "Vertex",
    "Willow",
    "Xenon",
    "Yarrow",
    "Zephyr",
    "Bluebird",
    "Copper",
    "Driftwood",
    "Evergreen",
    "Firefly",
    "Glacier",
];
pub(super) const COMPANY_TAILS: [&str; 16] = [
    "Analytics",
    "Bank",
    "Cloud",
    "Dynamics",
    "Energy",
    "Foods",
    "Group",
    "Health",
    "Industries",
    "Labs",
    "Logistics",
    "Media",
    "Networks",
    "Robotics",
    "Software",
    "Systems",
];
/// Ends of domains; some are country variants, which stay companies of their own.
pub(super) const DOMAIN_ENDS: [&str; 8] = [".com", ".io", ".de", ".co.uk", ".fr", ".ai", ".com.br", ".jp"];
/// Mailboxes that anybody may have: a person there is no company.
pub(super) const PUBLIC_MAILBOXES: [&str; 5] =
    ["gmail.com", "outlook.com", "yahoo.co.jp", "gmx.de", "icloud.com"];
pub(super) const FIRST_NAMES: [&str; 24] = [
    "Ada", "Björn", "Chloé", "Dmitri", "Esra", "Fatima", "Grace", "Haruto", "Inês", "José", "Kofi", "Łukasz",
    "Mei", "Noor", "Olga", "Priya", "Quentin", "Rosa", "Søren", "Thùy", "Uma", "Viktor", "Wanda", "Zoë",
];
pub(super) const LAST_NAMES: [&str; 24] = [
    "Abe",
    "Brandt",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Haddad",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lopez",
    "Müller",
    "Nguyen",
    "O'Brien",
    "Park",
    "Quinn",
    "Rossi",
    "Sato",
    "Tanaka",
    "Ueda",
    "van den Berg",
    "Weber",
    "Yılmaz",
];
pub(super) const INDUSTRIES: [&str; 8] = [
    "Software",
    "Financial Services",
    "Healthcare",
    "Manufacturing",
    "Retail",
    "Media",
    "Logistics",
    "Energy",
];
pub(super) const COUNTRIES: [&str; 10] = ["US", "DE", "GB", "FR", "JP", "BR", "IN", "NL", "SE", "AU"];
pub(super) const TITLES: [&str; 8] = [
    "VP Marketing",
    "Head of Growth",
    "RevOps Manager",
    "Data Engineer",
    "CFO",
    "CTO",
    "Account Executive",
    "Analyst",
];
/// `XTS` has no exchange rate anywhere: it is ISO 4217's code for tests.
pub(super) const CURRENCIES: [&str; 6] = ["USD", "USD", "EUR", "GBP", "JPY", "XTS"];
/// Minutes ahead of UTC.
pub(super) const OFFSETS: [&i64; 7] = [&0, &60, &120, &330, &540, &-300, &-480];
