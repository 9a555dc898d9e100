//! The demo's files: certificates, configuration, register, and a profile for each person.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::ToSpan;
use signpost_core::store::Clock;

use crate::clock::{SystemClock, today};
use crate::exit::Failure;
use crate::pki::Authority;

/// Where the demo's files are.
#[derive(Debug)]
pub(super) struct Setting {
    folder: PathBuf,
    /// The configuration of the service.
    pub(super) config: PathBuf,
    /// The register to begin with.
    pub(super) bootstrap: PathBuf,
    port: u16,
}

/// A person of the demo: the name of the profile, and the system they work at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    pub(super) profile: &'static str,
    system: &'static str,
}

pub(super) const DUTY_WORKER: Who = Who { profile: "duty-worker", system: "northfield" };
pub(super) const DUTY_COLLEAGUE: Who = Who { profile: "duty-colleague", system: "northfield" };
pub(super) const EARLY_HELP: Who = Who { profile: "early-help", system: "northfield" };
pub(super) const MASH: Who = Who { profile: "mash", system: "northfield" };
pub(super) const NAMED_NURSE: Who = Who { profile: "named-nurse", system: "southmoor" };
pub(super) const ADMINISTRATOR: Who = Who { profile: "administrator", system: "northfield" };
pub(super) const STRANGER: Who = Who { profile: "stranger", system: "stranger" };

const EVERYBODY: [Who; 7] =
    [DUTY_WORKER, DUTY_COLLEAGUE, EARLY_HELP, MASH, NAMED_NURSE, ADMINISTRATOR, STRANGER];

impl Setting {
    /// Writes everything that the service and its clients need into this folder.
    pub(super) fn make(folder: &Path, port: u16) -> Result<Self, Failure> {
        let now = SystemClock.now();
        for name in ["tokens", "profiles"] {
            let path = folder.join(name);
            fs::create_dir(&path).map_err(|error| cannot_write(&path, &error))?;
        }
        let authority = Authority::new("Signpost demo authority", now)?;
        authority.write_certificate(&folder.join("authority.pem"))?;
        authority.issue_server(&folder.join("server.pem"), &folder.join("server.key"))?;
        for system in ["northfield", "southmoor"] {
            issue(&authority, folder, system)?;
        }
        issue(&Authority::new("Another authority", now)?, folder, "stranger")?;

        let setting = Self {
            folder: folder.to_owned(),
            config: folder.join("signpost.toml"),
            bootstrap: folder.join("bootstrap.toml"),
            port,
        };
        write(&setting.config, &config(port))?;
        write(&setting.bootstrap, &bootstrap())?;
        for who in EVERYBODY {
            write(&setting.profile(who), &profile(who, port))?;
        }
        Ok(setting)
    }

    /// A person's profile file.
    pub(super) fn profile(&self, who: Who) -> PathBuf {
        self.folder.join("profiles").join(format!("{}.toml", who.profile))
    }

    /// Ready-made commands for a second terminal.
    pub(super) fn commands(&self) -> String {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("signpost"));
        let program = program.display();
        let [worker, early, administrator] =
            [DUTY_WORKER, EARLY_HELP, ADMINISTRATOR].map(|who| self.profile(who));
        let [worker, early, administrator] =
            [worker.display(), early.display(), administrator.display()];
        let assessment = "--purpose early-help-assessment --relationship referral-received";
        let enquiry = "--purpose s47-enquiry --relationship allocated-case";
        format!(
            "In a second terminal (port {port}):

  {program} ask --profile {worker} --nhs '999 000 0018' {enquiry}
  {program} ask --profile {worker} --nhs '999-000-0018' {enquiry} --output json
  {program} ask --profile {early} --upn 'B801200005001' {assessment}
  {program} ask --profile {worker} --nhs '999 000 0019' {enquiry}
  {program} ask --profile {administrator} --nhs '999 000 0018' {enquiry}
",
            port = self.port,
        )
    }
}

fn issue(authority: &Authority, folder: &Path, system: &str) -> Result<(), Failure> {
    let certificate = folder.join(format!("{system}.pem"));
    authority.issue_client(system, &certificate, &folder.join(format!("{system}.key")))
}

fn config(port: u16) -> String {
    format!(
        r#"[server]
listen = "127.0.0.1:{port}"
certificate = "server.pem"
key = "server.key"
client_authority = "authority.pem"

[store]
data = "data"
keyring = "keyring"

[ledger]
directory = "ledger"
key = "ledger.key"
origin = "demo.example/ledger"

[pseudonymiser]
mode = "in-process"
keys = "evaluation.keys"

[log]
level = "warn"
"#
    )
}

fn profile(who: Who, port: u16) -> String {
    let Who { profile, system } = who;
    // The stranger shows a token that is good, at a system that nobody vouches for.
    let token = if profile == STRANGER.profile { DUTY_WORKER.profile } else { profile };
    format!(
        r#"address = "https://localhost:{port}"
authority = "../authority.pem"
certificate = "../{system}.pem"
key = "../{system}.key"
token = "../tokens/{token}.token"
"#
    )
}

/// Two fictional organisations, four teams, six people.
fn bootstrap() -> String {
    let from = today().saturating_sub(1.day());
    let until = today().saturating_add(1.year());
    let organisation = |kind: &str, scheme: &str, code: &str, name: &str, system: &str| {
        format!(
            r#"[[organisation]]
kind = "{kind}"
scheme = "{scheme}"
code = "{code}"
name = "{name}"
area = "E10000000"
authority = "CHILDREN_ACT_2004_S16LA"
authority_until = "{until}"
[[organisation.system]]
name = "{system} case system"
certificate = "{system}.pem"
"#
        )
    };
    let team = |name: &str, phone: &str| {
        format!(
            r#"[[organisation.team]]
name = "{name}"
duty_phone = "{phone}"
days = 31
opens_minute = 540
closes_minute = 1020
"#
        )
    };
    let group = |role: &str, purposes: &str, members: &[Who]| {
        let mut text = format!(
            r#"[[organisation.team.group]]
role = "{role}"
purposes = [{purposes}]
members_max = 10
valid_from = "{from}"
valid_until = "{until}"
"#
        );
        for Who { profile, .. } in members {
            text.extend(["[[organisation.team.group.member]]\nstaff = \"", profile, "\"\n"]);
            text.extend(["token = \"tokens/", profile, ".token\"\n"]);
        }
        text
    };
    let statutory = r#""S47_ENQUIRY", "S17_ASSESSMENT", "TRANSFER_IN""#;
    [
        organisation("LOCAL_AUTHORITY", "GSS", "E10000000", "Northfield Council", "northfield"),
        team("Children's Duty Team", "+441632960100"),
        group("SOCIAL_WORKER", statutory, &[DUTY_WORKER, DUTY_COLLEAGUE]),
        team("Early Help East", "+441632960101"),
        group("EARLY_HELP_WORKER", r#""EARLY_HELP_ASSESSMENT""#, &[EARLY_HELP]),
        team("Safeguarding Hub", "+441632960102"),
        group("MASH_PRACTITIONER", r#""MASH_TRIAGE", "S47_ENQUIRY""#, &[MASH]),
        group("ADMIN_ONBOARDING", "", &[ADMINISTRATOR]),
        organisation("NHS_TRUST", "ODS", "RZZ99", "Southmoor Hospital Trust", "southmoor"),
        team("Safeguarding Nurses", "+441632960200"),
        group("NAMED_NURSE_DOCTOR", r#""CASE_REVIEW", "MISSING_CHILD""#, &[NAMED_NURSE]),
    ]
    .concat()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::config(format!("cannot write {}: {error}", path.display()))
}
