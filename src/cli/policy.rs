//! `signpost policy`: who may do what, and what each is shown, as this build and its policy have it.

mod in_force;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use signpost_core::permit::roles_for;
use signpost_core::policy::{Cell, Policy};
use signpost_core::terms::{Action, Purpose, Role, Sensitivity};

use super::render::{Output, print};
use super::service::ConfigFile;
use crate::clock;
use crate::server;
use in_force::InForce;

const EXAMPLES: &str = "\
Examples:
  signpost policy show
      shows the policy that is built in
  signpost policy show --config /etc/signpost/signpost.toml --output json
      shows the policy that this configuration names

It asks no service. Since when a policy is in force is read from the store that the configuration
names, which must not be in use: stop the service first.";

/// Shows who may do what, and what each is shown
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PolicyCommand {
    #[command(subcommand)]
    action: PolicyAction,
}

/// What is done about the policy.
#[derive(Debug, Subcommand)]
enum PolicyAction {
    /// Shows every role: what it may do, what it may ask for, and what it is shown
    #[command(after_help = EXAMPLES)]
    Show {
        /// The service's configuration; without it the built-in policy is shown
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

impl PolicyCommand {
    /// Reads the policy and shows it.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let PolicyAction::Show { config } = self.action;
        let shown = match config {
            None => Shown::built_in(),
            Some(file) => {
                let config = ConfigFile::of(file).load()?;
                let policy = server::policy(&config)?;
                let named = config.policy.file.as_deref().map(|file| file.display().to_string());
                let named = named.unwrap_or_else(|| BUILT_IN.to_owned());
                let in_force = InForce::read(&config, policy.digest()).await;
                Shown::of(named, &policy, in_force)
            }
        };
        print(output, || shown.text(), &shown)
    }
}

const BUILT_IN: &str = "built-in";

/// All that is shown.
#[derive(Debug, Serialize)]
struct Shown {
    policy: String,
    policy_digest: String,
    #[serde(flatten)]
    in_force: InForce,
    roles: Vec<RoleShown>,
    /// What no role may do: a system in nobody's name does, or the service itself.
    by_no_role: Vec<&'static str>,
}

/// One role.
#[derive(Debug, Serialize)]
struct RoleShown {
    role: &'static str,
    actions: Vec<&'static str>,
    answers: Vec<Answers>,
}

/// What is shown of one involvement, for these purposes.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Answers {
    purposes: Vec<&'static str>,
    /// While it lasts, by how sensitive it is.
    lasting: Vec<Released>,
    /// When it has just ended.
    just_ended: Vec<Released>,
}

/// How much of an involvement of this sensitivity.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Released {
    sensitivity: &'static str,
    level: &'static str,
}

impl Shown {
    fn built_in() -> Self {
        let in_force = InForce::unknown("a store is looked at with --config alone");
        Self::of(BUILT_IN.to_owned(), &Policy::default(), in_force)
    }

    fn of(policy_name: String, policy: &Policy, in_force: InForce) -> Self {
        let nobody = |action: &&Action| roles_for(**action).is_empty();
        Self {
            policy: policy_name,
            policy_digest: hex::encode(policy.digest().as_bytes()),
            in_force,
            roles: Role::ALL.iter().map(|role| RoleShown::of(*role, policy)).collect(),
            by_no_role: Action::ALL.iter().filter(nobody).map(|action| action.name()).collect(),
        }
    }

    fn text(&self) -> String {
        let mut lines = vec![
            format!("Policy: {}", self.policy),
            format!("Digest: {}", self.policy_digest),
            format!("In force since: {}", self.in_force.text()),
        ];
        for role in &self.roles {
            lines.push(String::new());
            lines.push(role.role.to_owned());
            lines.push(format!("  may: {}", role.actions.join(", ")));
            for answers in &role.answers {
                lines.push(format!("  asks for: {}", answers.purposes.join(", ")));
                lines.push(format!("    is shown: {}", levels(&answers.lasting)));
                lines.push(if answers.just_ended == answers.lasting {
                    "    when it has just ended: the same".to_owned()
                } else {
                    format!("    when it has just ended: {}", levels(&answers.just_ended))
                });
            }
        }
        lines.push(String::new());
        lines.push("By no role, but by a system in nobody's name or the service itself".to_owned());
        lines.push(format!("  {}", self.by_no_role.join(", ")));
        lines.push(String::new());
        lines.push("Of a shielded child nobody but a broker is shown anything.".to_owned());
        lines.join("\n")
    }
}

impl RoleShown {
    fn of(role: Role, policy: &Policy) -> Self {
        let mut answers: Vec<Answers> = Vec::new();
        for purpose in Purpose::ALL {
            let Some(cell) = policy.cell(role, *purpose) else { continue };
            let found = Answers::of(*purpose, &cell);
            let alike = answers
                .iter_mut()
                .find(|one| one.lasting == found.lasting && one.just_ended == found.just_ended);
            match alike {
                Some(alike) => alike.purposes.extend(found.purposes),
                None => answers.push(found),
            }
        }
        let may = |action: &&Action| roles_for(**action).contains(&role);
        let actions = Action::ALL.iter().filter(may).map(|action| action.name()).collect();
        Self { role: role.name(), actions, answers }
    }
}

impl Answers {
    fn of(purpose: Purpose, cell: &Cell<'_>) -> Self {
        let today = clock::today();
        let released = |ended| {
            let of = |sensitivity: &Sensitivity| Released {
                sensitivity: sensitivity.name(),
                level: cell.level(*sensitivity, ended, false, today).name(),
            };
            Sensitivity::ALL.iter().map(of).collect()
        };
        let (lasting, just_ended) = (released(None), released(Some(today)));
        Self { purposes: vec![purpose.name()], lasting, just_ended }
    }
}

fn levels(released: &[Released]) -> String {
    let shown = released.iter().filter(|one| one.level != "NOTHING");
    let levels: Vec<_> = shown.map(|one| format!("{}: {}", one.sensitivity, one.level)).collect();
    if levels.is_empty() { "NOTHING".to_owned() } else { levels.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_policy_is_shown_as_the_hand_written_text_has_it() {
        let policy = Policy::default();
        let text = Shown::built_in().text();
        let golden = include_str!("policy.golden.txt").trim_end();
        let golden = golden.replace("<digest>", &hex::encode(policy.digest().as_bytes()));
        for (shown, golden) in text.lines().zip(golden.lines()) {
            assert_eq!(shown, golden);
        }
        assert_eq!(text.lines().count(), golden.lines().count());
    }

    #[test]
    fn every_action_is_some_roles_or_no_roles() {
        let shown = Shown::built_in();
        for action in Action::ALL {
            let by_role = shown.roles.iter().any(|role| role.actions.contains(&action.name()));
            assert_ne!(by_role, shown.by_no_role.contains(&action.name()), "{}", action.name());
        }
        let json = serde_json::to_value(&shown).unwrap();
        assert_eq!(json["in_force_since"], serde_json::Value::Null);
        assert_eq!(json["policy_digest"].as_str().unwrap().len(), 64);
        let statutory = &json["roles"][0]["answers"][0];
        assert_eq!(statutory["purposes"][0], "S47_ENQUIRY");
        assert_eq!(statutory["lasting"][0]["level"], "FULL");
    }
}
