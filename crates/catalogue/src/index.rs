//! The table of contents, `docs/errors.md`, made from the pages.

use model::{Disposition, ErrorKind};

use super::pages;

const HEAD: &str = "\
# Errors

Every error has a kind, which says what happens next and sets the exit code, and a code, which says what is wrong. Both
are in the JSON output; the code is in the brackets of `error[…]`. No error holds a secret or a row value.

Each code has a page: here, and in the program, `snowferry errors CODE`. The same command explains Snowflake's own codes, such
as `snowferry errors 390144`. This list is made from the pages; `SNOWFERRY_UPDATE_DOCS=1 cargo nextest run -p catalogue` writes it.

| kind | what happens next | exit code |
|---|---|---|
| `internal` | a bug of ours: please report it | 1 |
| (wrong command line) | see `--help` | 2 |
| `config` | correct the sync file or what it names | 3 |
| `auth` | correct the credentials | 4 |
| `permission` | the customer grants what is missing | 5 |
| `not_found` | correct the name, or grant what makes it visible | 6 |
| `data` | decide about the value or the rows that were refused | 7 |
| `schema_changed` | decide about the new columns | 8 |
| `conflict` | wait for the other program or run | 9 |
| `unavailable`, `throttled`, `session_expired` | tried again by itself a few times; then try later | 10 |
| `cancelled` | stopped by Ctrl-C or TERM; the next run goes on | 130 |
";

/// The whole text of `docs/errors.md`.
pub fn index() -> String {
    let mut text = HEAD.to_owned();
    for kind in ErrorKind::ALL {
        let mut pages = pages().filter(|page| page.kinds().first() == Some(&kind)).peekable();
        if pages.peek().is_none() {
            continue;
        }
        let retried = match kind.disposition() {
            Disposition::RetryLater | Disposition::RetryOnce => ", tried again by itself",
            _ => "",
        };
        text.push_str(&format!(
            "\n## `{}`{retried}\n\n| code | meaning | who acts |\n|---|---|---|\n",
            kind.as_str()
        ));
        for page in pages {
            // Links of a page start from its own folder.
            let meaning = page.meaning().replace("](../", "](").replace('\n', " ");
            let code = page.code();
            text.push_str(&format!(
                "| [`{code}`](errors/{code}.md) | {meaning} | {} |\n",
                page.owner().as_str()
            ));
        }
    }
    text
}
