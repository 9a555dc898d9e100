//! `signpost init`: first light, and two administrators anew where no two can let somebody in.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use signpost_core::text::{StaffReference, TextError};

use super::render::Output;
use super::service::ConfigFile;
use crate::clock::SystemClock;
use crate::init::{self, Handed};
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  signpost init --config signpost.toml --operator operator.toml --out first-light
      makes what the configuration names and is not there, and invites two administrators
  signpost init --recover --config signpost.toml --operator operator.toml --out recovered
      invites two administrators anew, if no two can let somebody in; the service must be stopped
  signpost init --recover --token-lost AH-0001 --token-lost AH-0002 \
      --config signpost.toml --operator operator.toml --out recovered
      does so though the two could act, if they had the tokens that they lost

The operator's file is explained in deploy/operator.example.toml. Each administrator redeems the
code over the running service, within 14 days:
  signpost enrol --profile me.toml --code-file first-light/AH-0001.code";

/// `signpost init`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InitCommand {
    #[command(flatten)]
    config: ConfigFile,
    /// Who operates the service, and its two administrators
    #[arg(long, value_name = "FILE", required_unless_present = "bootstrap")]
    operator: Option<PathBuf>,
    /// A folder for the enrolment codes, and for the administrators' certificate and key
    #[arg(long, value_name = "FOLDER", required_unless_present = "bootstrap")]
    out: Option<PathBuf>,
    /// Invites two administrators anew into a store that is there, and removes those who cannot act
    #[arg(long)]
    recover: bool,
    /// An administrator whose token is lost: it is revoked, and recorded so
    #[arg(long, value_name = "STAFF_REFERENCE", requires = "recover", value_parser = staff_reference)]
    token_lost: Vec<StaffReference>,
    /// For development: a register by the calls of onboarding, each member's token in the file named
    #[arg(long, hide = true, value_name = "FILE", conflicts_with_all = ["operator", "out", "recover"])]
    bootstrap: Option<PathBuf>,
}

impl InitCommand {
    /// Initialises and says what was made.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        telemetry::init(&config.log);
        let clock = Arc::new(SystemClock);
        match (self.bootstrap, self.operator, self.out) {
            (Some(bootstrap), ..) => {
                let done = init::initialise(&config, &bootstrap, clock).await?;
                tell_loaded(done, output);
            }
            (None, Some(operator), Some(out)) if self.recover => {
                let lost = &self.token_lost;
                tell(&init::recover(config, &operator, lost, &out, clock).await?, true, output);
            }
            (None, Some(operator), Some(out)) => {
                tell(&init::first_light(&config, &operator, &out, clock).await?, false, output);
            }
            (None, ..) => unreachable!("the parser asks for both"),
        }
        Ok(())
    }
}

fn staff_reference(text: &str) -> Result<StaffReference, TextError> {
    StaffReference::try_from(text.to_owned())
}

fn tell(handed: &Handed, is_recovery: bool, output: Output) {
    for code in handed.codes.iter().filter(|code| !code.is_sealed) {
        let (whose, file) = (&code.staff_reference, code.file.display());
        eprintln!("signpost: the code of {whose} is not sealed: who reads {file} can redeem it");
    }
    match output {
        Output::Table => {
            let done = if is_recovery { "Recovered" } else { "Initialised" };
            println!("{done}: two administrators are invited. Hand each the file of their code:");
            for code in &handed.codes {
                println!("  {}  {}", code.staff_reference, code.file.display());
            }
            if let Some((certificate, key)) = &handed.system {
                println!("Their command line shows this certificate, with this key:");
                println!("  {}\n  {}", certificate.display(), key.display());
            }
        }
        Output::Json => {
            let code = |code: &init::HandedCode| {
                serde_json::json!({
                    "staff_reference": code.staff_reference,
                    "file": code.file,
                    "sealed": code.is_sealed,
                })
            };
            let codes: Vec<_> = handed.codes.iter().map(code).collect();
            let (certificate, key) = handed.system.clone().unzip();
            let report =
                serde_json::json!({ "codes": codes, "certificate": certificate, "key": key });
            println!("{report}");
        }
    }
}

fn tell_loaded(done: init::Initialised, output: Output) {
    match output {
        Output::Table => println!(
            "Initialised: {} organisations, {} access groups, {} people. Hand each token to its person and delete the file.",
            done.organisations, done.groups, done.people
        ),
        Output::Json => println!(
            "{}",
            serde_json::json!({
                "organisations": done.organisations,
                "groups": done.groups,
                "people": done.people,
            })
        ),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Init {
        #[command(flatten)]
        command: InitCommand,
    }

    fn parse(arguments: &[&str]) -> Result<InitCommand, clap::Error> {
        let arguments = [&["init"], arguments].concat();
        Init::try_parse_from(arguments).map(|parsed| parsed.command)
    }

    #[test]
    fn first_light_takes_an_operator_and_a_folder() {
        let parsed = parse(&["--operator", "o.toml", "--out", "out"]).unwrap();
        assert!(!parsed.recover && parsed.bootstrap.is_none());
        let recover = ["--operator", "o.toml", "--out", "out", "--token-lost", "AH-1", "--recover"];
        let recovery = parse(&recover).unwrap();
        assert!(recovery.recover && recovery.token_lost.len() == 1);
        for wrong in [
            &[][..],
            &["--recover"],
            &recover[..recover.len() - 1],
            &["--operator", "o.toml"],
            &["--out", "out"],
            &["--bootstrap", "b.toml", "--operator", "o.toml", "--out", "out"],
            &["--bootstrap", "b.toml", "--recover"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_bootstrap_is_for_development_and_not_offered() {
        assert!(parse(&["--bootstrap", "b.toml"]).is_ok());
        let help = Init::command().render_long_help().to_string();
        assert!(help.contains("--operator") && !help.contains("--bootstrap"), "{help}");
    }
}
