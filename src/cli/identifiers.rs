//! Which child: 1 to 4 identifiers, read without ever being shown again.

use std::fmt;
use std::io::{BufRead, Write};

use clap::Args;
use signpost_pseudonym::identifier::{Identifier, IdentifierError};
use signpost_pseudonym::namespace::{Namespace, NamespaceError, OrganisationCode};
use thiserror::Error;
use zeroize::Zeroizing;

/// How many identifiers one call takes.
const COUNT_MAX: usize = 4;
/// The longest line read from standard input, in bytes.
const LINE_BYTES_MAX: usize = 1024;
/// Stands for a line of standard input.
const FROM_INPUT: &str = "-";

/// The child's identifiers. Each is checked and blinded here; none is sent.
#[derive(Args)]
#[command(next_help_heading = "The child (1 to 4 identifiers)")]
pub struct IdentifierArgs {
    /// NHS number of England, Wales or the Isle of Man
    ///
    /// Here and below, "-" reads one line of standard input instead, so that the number does not
    /// show in the list of processes or the shell's history.
    #[arg(long, value_name = "NUMBER|-")]
    nhs: Option<String>,
    /// CHI number of Scotland
    #[arg(long, value_name = "NUMBER|-")]
    chi: Option<String>,
    /// Health and Care number of Northern Ireland
    #[arg(long, value_name = "NUMBER|-")]
    hcn: Option<String>,
    /// Unique pupil number, permanent or temporary
    #[arg(long, value_name = "NUMBER|-")]
    upn: Option<String>,
    /// Unique learner number
    #[arg(long, value_name = "NUMBER|-")]
    uln: Option<String>,
    /// Case number of one organisation, after that organisation's code; may be repeated
    #[arg(long, value_name = "CODE:NUMBER|CODE:-")]
    case: Vec<String>,
    /// Takes up the rest of a number that was typed with spaces and without quotation marks
    #[arg(hide = true)]
    stray: Vec<String>,
}

impl fmt::Debug for IdentifierArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentifierArgs")
    }
}

/// Why the identifiers cannot be used. Never holds any part of one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdentifiersError {
    /// Not the right number of them.
    #[error("give 1 to {COUNT_MAX} identifiers of the child, such as --nhs")]
    Count,
    /// Something is left over.
    #[error("put a number that has spaces in quotation marks, such as --nhs \"999 000 0018\"")]
    Stray,
    /// One is wrong.
    #[error("--{option}: {problem}")]
    Identifier {
        /// The option it was given by.
        option: &'static str,
        /// What is wrong with it.
        problem: IdentifierError,
    },
    /// A case number without the code of its organisation.
    #[error("--case: put the organisation's code and a colon before the number")]
    CaseWithoutCode,
    /// A case number whose organisation's code is wrong.
    #[error("--case: {0}")]
    OrganisationCode(#[from] NamespaceError),
    /// Standard input has no further line, or none that can be used.
    #[error("--{option}: standard input must hold one line for each \"-\", and nothing longer")]
    Input {
        /// The option that was to be read.
        option: &'static str,
    },
}

impl IdentifierArgs {
    /// Reads and checks them, in the order of the help text. What looks odd about one is told on
    /// `notes`.
    pub fn parse(
        self,
        input: &mut impl BufRead,
        notes: &mut impl Write,
    ) -> Result<Vec<Identifier>, IdentifiersError> {
        if !self.stray.is_empty() {
            return Err(IdentifiersError::Stray);
        }
        let given = [
            ("nhs", Kind::Of(Namespace::Nhs), self.nhs),
            ("chi", Kind::Of(Namespace::Chi), self.chi),
            ("hcn", Kind::Of(Namespace::Hcn), self.hcn),
            ("upn", Kind::EitherUpn, self.upn),
            ("uln", Kind::Of(Namespace::Uln), self.uln),
        ];
        let mut texts: Vec<(&'static str, Kind, Zeroizing<String>)> = given
            .into_iter()
            .filter_map(|(option, kind, text)| Some((option, kind, Zeroizing::new(text?))))
            .collect();
        for text in self.case.into_iter().map(Zeroizing::new) {
            let (code, number) = text.split_once(':').ok_or(IdentifiersError::CaseWithoutCode)?;
            let code: OrganisationCode = code.parse()?;
            texts.push(("case", Kind::Of(Namespace::Case(code)), number.to_owned().into()));
        }
        if texts.is_empty() || texts.len() > COUNT_MAX {
            return Err(IdentifiersError::Count);
        }
        texts
            .into_iter()
            .map(|(option, kind, text)| {
                let text = if *text == FROM_INPUT { line(input, option)? } else { text };
                let identifier = kind
                    .parse(&text)
                    .map_err(|problem| IdentifiersError::Identifier { option, problem })?;
                if let Some(warning) = identifier.warning() {
                    // A note that cannot be shown is no reason to stop.
                    let _ = writeln!(notes, "note: --{option}: {warning}");
                }
                Ok(identifier)
            })
            .collect()
    }
}

enum Kind {
    Of(Namespace),
    /// The number itself says which of the two it is.
    EitherUpn,
}

impl Kind {
    fn parse(self, text: &str) -> Result<Identifier, IdentifierError> {
        match self {
            Self::Of(namespace) => Identifier::parse(namespace, text),
            Self::EitherUpn => Identifier::parse_upn(text),
        }
    }
}

/// One line, without its end. What is read stays in memory that is wiped.
fn line(
    input: &mut impl BufRead,
    option: &'static str,
) -> Result<Zeroizing<String>, IdentifiersError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX + 1));
    let limit = LINE_BYTES_MAX as u64;
    let read = std::io::Read::take(input, limit).read_until(b'\n', &mut bytes);
    let whole = bytes.len() < LINE_BYTES_MAX || bytes.ends_with(b"\n");
    match (read, std::str::from_utf8(bytes.trim_ascii_end())) {
        (Ok(1..), Ok(text)) if whole => Ok(text.to_owned().into()),
        _ => Err(IdentifiersError::Input { option }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        child: IdentifierArgs,
    }

    fn parse(args: &[&str], input: &str) -> (Result<Vec<Identifier>, IdentifiersError>, String) {
        let program = Program::try_parse_from([&["program"], args].concat()).unwrap();
        let mut notes = Vec::new();
        let result = program.child.parse(&mut input.as_bytes(), &mut notes);
        (result, String::from_utf8(notes).unwrap())
    }

    fn namespaces(args: &[&str]) -> Vec<String> {
        let identifiers = parse(args, "").0.unwrap();
        identifiers.iter().map(|identifier| identifier.namespace().to_string()).collect()
    }

    fn error(args: &[&str]) -> IdentifiersError {
        parse(args, "").0.unwrap_err()
    }

    #[test]
    fn each_kind_is_read_as_such() {
        assert_eq!(namespaces(&["--nhs", "999 000 0018"]), ["nhs"]);
        assert_eq!(namespaces(&["--chi", "0101010001", "--uln", "1000000019"]), ["chi", "uln"]);
        assert_eq!(namespaces(&["--upn", "B801200005001"]), ["upn"]);
        assert_eq!(namespaces(&["--upn", "U80120000100A"]), ["upn-temp"]);
        let cases = ["--case", "E10000023:12-3", "--case", "RXA:a:b"];
        assert_eq!(namespaces(&cases), ["case:E10000023", "case:RXA"]);
    }

    #[test]
    fn what_looks_odd_is_told() {
        let (result, notes) = parse(&["--nhs", "999 000 0018"], "");
        assert!(result.is_ok());
        assert!(notes.starts_with("note: --nhs: lies between 999"), "{notes}");
        assert!(!notes.contains("0018"));
    }

    #[test]
    fn a_dash_reads_a_line_each_in_the_order_of_the_help() {
        let (from_input, _) =
            parse(&["--case", "RXA:-", "--nhs", "-"], "999 000 0018\r\n12-3\nnot read\n");
        let (typed, _) = parse(&["--nhs", "9990000018", "--case", "RXA:12-3"], "");
        assert!(from_input.unwrap() == typed.unwrap());
        let missing = parse(&["--nhs", "-"], "").0.unwrap_err();
        assert_eq!(missing, IdentifiersError::Input { option: "nhs" });
        let long = parse(&["--nhs", "-"], &"9".repeat(LINE_BYTES_MAX + 1)).0.unwrap_err();
        assert_eq!(long, IdentifiersError::Input { option: "nhs" });
    }

    #[test]
    fn one_to_four_are_needed() {
        assert_eq!(error(&[]), IdentifiersError::Count);
        let case = |number: usize| format!("RXA:{number}");
        let five: Vec<String> = (0..5).flat_map(|n| ["--case".to_owned(), case(n)]).collect();
        let five: Vec<&str> = five.iter().map(String::as_str).collect();
        assert_eq!(error(&five), IdentifiersError::Count);
        assert_eq!(namespaces(&five[..8]).len(), 4);
    }

    #[test]
    fn an_error_names_the_option_and_nothing_of_the_number() {
        let wrong = error(&["--nhs", "999 000 0019"]);
        assert_eq!(
            wrong.to_string(),
            "--nhs: the check digit is wrong: a digit is mistyped or two are swapped"
        );
        for args in [["--case", "9990000018"], ["--case", "9990000018:1"], ["--upn", "9990000018"]]
        {
            let message = error(&args).to_string();
            assert!(!message.contains("9990000018"), "{message}");
        }
    }

    #[test]
    fn a_number_typed_without_quotation_marks_is_not_repeated() {
        assert_eq!(error(&["--nhs", "999", "000", "0018"]), IdentifiersError::Stray);
    }
}
