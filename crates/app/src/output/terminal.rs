//! The terminal: whether colours make sense, and lines of standard output and standard error.

use std::io::{ErrorKind as IoErrorKind, IsTerminal, Write};

use clap::ValueEnum;
use model::{Error, ErrorKind, Result};

use crate::exit::READER_GONE;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// Where messages go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    has_color_out: bool,
    has_color_err: bool,
}

impl Terminal {
    pub(crate) fn new(choice: ColorChoice) -> Self {
        let has_color = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => {
                is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self {
            has_color_out: has_color(std::io::stdout().is_terminal()),
            has_color_err: has_color(std::io::stderr().is_terminal()),
        }
    }

    /// Whether progress can be drawn over itself.
    pub(crate) fn is_interactive() -> bool {
        std::io::stderr().is_terminal()
    }

    pub(crate) fn bold(&self, text: &str) -> String {
        styled(self.has_color_out, "1", text)
    }

    pub(crate) fn green(&self, text: &str) -> String {
        styled(self.has_color_out, "32", text)
    }

    pub(crate) fn red(&self, text: &str) -> String {
        styled(self.has_color_out, "31", text)
    }

    pub(crate) fn dim(&self, text: &str) -> String {
        styled(self.has_color_out, "2", text)
    }

    /// The error, its causes and what to do about it, on standard error.
    pub(crate) fn error(&self, error: &Error) {
        let headline = styled(self.has_color_err, "1;31", &format!("error[{}]", error.code()));
        let mut text = format!("{headline}: {error}");
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            text.push_str(&format!("\n  cause: {cause}"));
            source = cause.source();
        }
        if let Some(remedy) = error.remedy() {
            text.push_str(&format!("\n  {}: {remedy}", styled(self.has_color_err, "1", "to do")));
        }
        // Standard error may be closed; there is nobody left to tell then.
        let _nobody_to_tell = writeln!(std::io::stderr(), "{text}");
    }
}

fn styled(has_color: bool, code: &str, text: &str) -> String {
    if has_color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Writes a line to standard output.
pub(crate) fn print_line(text: &str) -> Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{text}").and_then(|()| output.flush()).map_err(|error| match error.kind() {
        IoErrorKind::BrokenPipe => {
            Error::new(ErrorKind::Cancelled, READER_GONE, "nobody reads the output any more")
        }
        _ => Error::new(ErrorKind::Unavailable, "output_failed", "standard output could not be written")
            .with_source(error),
    })
}
