//! A made-up county: four organisations, their systems, and people of every role.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp, ToSpan};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use signpost::clock::SystemClock;
use signpost::config::Config;
use signpost::init::{self, Initialised};
use signpost::pki::Authority;
use signpost_core::store::Clock;
use tempfile::TempDir;

/// Northfield Council's case system.
pub(crate) const NORTHFIELD: &str = "northfield";
/// Southmoor Trust's.
pub(crate) const SOUTHMOOR: &str = "southmoor";
/// Westbury School's.
const WESTBURY: &str = "westbury";
/// Ashgrove Hospice's, whose legal authority ended yesterday.
const ASHGROVE: &str = "ashgrove";
/// A certificate of our authority that is not on the register.
pub(crate) const UNREGISTERED: &str = "unregistered";
/// A certificate of another authority, and none at all.
pub(crate) const BOTH_KINDS_OF_STRANGER: [Option<&str>; 2] = [Some(STRANGER), None];

const STRANGER: &str = "stranger";

/// A person of the register, and where the person works.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// What the tests call the person; the token's file is named so.
    pub(crate) label: &'static str,
    /// The organisation's system.
    pub(crate) system: &'static str,
    team: &'static str,
    role: &'static str,
    purposes: &'static [&'static str],
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Suspended,
    /// The group was ended yesterday.
    Expired,
    /// The group was left with no purpose.
    Purposeless,
}

const STATUTORY: &[&str] = &[
    "S47_ENQUIRY",
    "S17_ASSESSMENT",
    "MASH_TRIAGE",
    "POLICE_PROTECTION_S46",
    "MISSING_CHILD",
    "TRANSFER_IN",
];
const MANAGER: &[&str] =
    &["S47_ENQUIRY", "S17_ASSESSMENT", "MASH_TRIAGE", "CASE_REVIEW", "CHILD_DEATH_REVIEW"];
const EMERGENCY: &[&str] = &["EMERGENCY_CARE_ATTENDANCE", "MISSING_CHILD"];
const NAMED: &[&str] = &["EMERGENCY_CARE_ATTENDANCE", "MISSING_CHILD", "CASE_REVIEW"];
const EARLY_HELP: &[&str] = &["EARLY_HELP_ASSESSMENT", "TRANSFER_IN"];

const DUTY: &str = "Duty Team";
const CARE: &str = "Children in Care Team";

impl Member {
    const fn of(system: &'static str, team: &'static str, label: &'static str) -> Self {
        Self { label, system, team, role: label, purposes: &[], state: State::Active }
    }

    const fn duty(label: &'static str) -> Self {
        Self::of(NORTHFIELD, DUTY, label)
    }

    const fn asks(self, purposes: &'static [&'static str]) -> Self {
        Self { purposes, ..self }
    }

    const fn is(self, role: &'static str) -> Self {
        Self { role, ..self }
    }

    const fn now(self, state: State) -> Self {
        Self { state, ..self }
    }
}

/// One of each role in Northfield's duty team under the role's own name, and everyone else.
const MEMBERS: &[Member] = &[
    Member::duty("SOCIAL_WORKER").asks(STATUTORY),
    Member::duty("SOCIAL_WORK_MANAGER").asks(MANAGER),
    Member::duty("MASH_PRACTITIONER").asks(STATUTORY),
    Member::duty("ED_SAFEGUARDING_CLINICIAN").asks(EMERGENCY),
    Member::duty("NAMED_NURSE_DOCTOR").asks(NAMED),
    Member::duty("POLICE_PPU").asks(STATUTORY),
    Member::duty("YOUTH_JUSTICE_WORKER").asks(EARLY_HELP),
    Member::duty("EARLY_HELP_WORKER").asks(EARLY_HELP),
    Member::duty("DSL"),
    Member::duty("BROKER"),
    Member::duty("PRIVACY_OFFICER"),
    Member::duty("DATA_STEWARD"),
    // Whom the two of the bootstrap let in by turns: two names must be of two lines.
    Member::duty("ADMIN_ONBOARDING"),
    Member::duty("second-administrator").is("ADMIN_ONBOARDING"),
    Member::duty("PURGE_OPERATOR"),
    Member::duty("PURGE_APPROVER"),
    Member::duty("AUDITOR"),
    Member::duty("suspended").is("SOCIAL_WORKER").asks(STATUTORY).now(State::Suspended),
    Member::duty("expired").is("SOCIAL_WORKER").asks(STATUTORY).now(State::Expired),
    Member::duty("no-purposes").is("SOCIAL_WORKER").asks(STATUTORY).now(State::Purposeless),
    Member::duty("colleague").is("SOCIAL_WORKER").asks(STATUTORY),
    // Of another line than the first, so that one can consent to what the other asks for.
    Member::duty("other-officer").is("PRIVACY_OFFICER"),
    Member::duty("other-approver").is("PURGE_APPROVER"),
    Member::of(NORTHFIELD, CARE, "other-team").is("SOCIAL_WORKER").asks(STATUTORY),
    Member::of(SOUTHMOOR, "Emergency Department", "clinician")
        .is("ED_SAFEGUARDING_CLINICIAN")
        .asks(EMERGENCY),
    Member::of(SOUTHMOOR, "Safeguarding Team", "nurse").is("NAMED_NURSE_DOCTOR").asks(NAMED),
    Member::of(WESTBURY, "Pastoral Team", "teacher").is("DSL"),
    Member::of(ASHGROVE, "Family Team", "authority-over").is("SOCIAL_WORKER").asks(STATUTORY),
];

/// A directory with everything that a service, or the binary, needs; it goes with the value that
/// made it.
#[derive(Debug)]
pub(crate) struct World {
    folder: PathBuf,
    /// None where another process made the folder, and will remove it.
    temporary: Option<TempDir>,
    clock: Arc<MovableClock>,
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct MovableClock(Mutex<Timestamp>);

impl World {
    /// A county on a Monday in 2026.
    pub(crate) fn new() -> Self {
        Self::at("2026-06-15T12:00:00Z".parse().unwrap())
    }

    /// A county at this time.
    pub(crate) fn at(now: Timestamp) -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in(root).unwrap();
        let mut world = Self::by(folder.path(), now);
        world.temporary = Some(folder);
        for folder in ["pki", "tokens"] {
            std::fs::create_dir(world.path(folder)).unwrap();
        }
        world.make_certificates(now);
        std::fs::write(world.path("signpost.toml"), CONFIG).unwrap();
        std::fs::write(world.path("bootstrap.toml"), bootstrap(world.today())).unwrap();
        world
    }

    /// The county in this folder, which another process made.
    pub(crate) fn of(folder: &Path) -> Self {
        Self::by(folder, SystemClock.now())
    }

    fn by(folder: &Path, now: Timestamp) -> Self {
        let clock = Arc::new(MovableClock(Mutex::new(now)));
        Self { folder: folder.to_owned(), temporary: None, clock }
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The clock of its service, and of its callers.
    pub(crate) fn clock(&self) -> Arc<MovableClock> {
        Arc::clone(&self.clock)
    }

    /// Today by that clock.
    pub(crate) fn today(&self) -> Date {
        jiff::tz::TimeZone::UTC.to_datetime(self.clock.now()).date()
    }

    /// Everyone.
    pub(crate) fn members() -> &'static [Member] {
        MEMBERS
    }

    /// The configuration, with these keys overridden: `("LIMITS__CONNECTIONS_MAX", "3")`.
    pub(crate) fn config(&self, overrides: &[(&str, &str)]) -> Config {
        let environment = overrides.iter();
        let environment =
            environment.map(|(key, value)| (format!("SIGNPOST__{key}"), (*value).to_owned()));
        Config::load(&self.path("signpost.toml"), environment).unwrap()
    }

    /// Makes the data directory and the register.
    pub(crate) async fn initialise(&self) -> Initialised {
        let bootstrap = self.path("bootstrap.toml");
        init::initialise(&self.config(&[]), &bootstrap, self.clock()).await.unwrap()
    }

    /// From now on the person has this token.
    pub(crate) fn give_token(&self, label: &str, token: &str) {
        std::fs::write(self.path(&format!("tokens/{label}.token")), token).unwrap();
    }

    /// The token of a person.
    pub(crate) fn token(&self, label: &str) -> String {
        std::fs::read_to_string(self.path(&format!("tokens/{label}.token"))).unwrap()
    }

    /// A client's side of TLS that shows this certificate, or none.
    pub(crate) fn tls(&self, certificate: Option<&str>) -> Arc<rustls::ClientConfig> {
        let shown = certificate.map(|name| {
            let key = PrivateKeyDer::from_pem_file(self.path(&format!("pki/{name}.key")));
            (self.certificate(name), key.unwrap())
        });
        self.client_config(shown)
    }

    /// A client's side of TLS that shows this certificate, DER.
    pub(crate) fn tls_with(
        &self,
        certificate: &[u8],
        key: &rcgen::KeyPair,
    ) -> Arc<rustls::ClientConfig> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        self.client_config(Some((certificate.to_vec().into(), key)))
    }

    fn client_config(
        &self,
        shown: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    ) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.certificate("authority")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_details(provider, self.clock())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Arc::new(config)
    }

    /// A certificate of this name, as it lies in the county's folder.
    pub(crate) fn certificate(&self, name: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(self.path(&format!("pki/{name}.pem"))).unwrap()
    }

    fn make_certificates(&self, now: Timestamp) {
        let pki = |name: &str, kind: &str| self.path(&format!("pki/{name}.{kind}"));
        let ours = Authority::new("County authority", now).unwrap();
        ours.write_certificate(&pki("authority", "pem")).unwrap();
        ours.write_key(&pki("authority", "key")).unwrap();
        ours.issue_server(&pki("server", "pem"), &pki("server", "key")).unwrap();
        for name in [NORTHFIELD, SOUTHMOOR, WESTBURY, ASHGROVE, UNREGISTERED] {
            ours.issue_client(name, &pki(name, "pem"), &pki(name, "key")).unwrap();
        }
        let other = Authority::new("Another authority", now).unwrap();
        other.issue_client(STRANGER, &pki(STRANGER, "pem"), &pki(STRANGER, "key")).unwrap();
    }
}

impl MovableClock {
    /// Sets it ahead by so many days of 24 hours.
    pub(crate) fn step_days(&self, days: i64) {
        self.step((24 * days).hours());
    }

    /// Sets it ahead by this span of at most hours, or back, while no time passes.
    pub(crate) fn step(&self, span: Span) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(span).unwrap();
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn elapsed(&self) -> SignedDuration {
        SignedDuration::ZERO
    }
}

impl rustls::time_provider::TimeProvider for MovableClock {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn bootstrap(today: Date) -> String {
    let mut text = String::new();
    let in_a_year = today.saturating_add(1.year());
    let organisations = [
        (NORTHFIELD, "E10000001", "Northfield Council", in_a_year),
        (SOUTHMOOR, "RZ1", "Southmoor Trust", in_a_year),
        (WESTBURY, "URN100001", "Westbury School", in_a_year),
        (ASHGROVE, "RZ2", "Ashgrove Hospice", today), // over from tomorrow on
    ];
    for (system, code, name, until) in organisations {
        write!(
            text,
            "[[organisation]]\nkind = \"LOCAL_AUTHORITY\"\nscheme = \"ODS\"\ncode = \"{code}\"\n\
             name = \"{name}\"\narea = \"E10000001\"\n\
             authority = \"CHILDREN_ACT_2004_S16LA\"\nauthority_until = \"{until}\"\n\
             [[organisation.system]]\nname = \"{name} case system\"\n\
             certificate = \"pki/{system}.pem\"\n"
        )
        .unwrap();
        let mut teams: Vec<&str> =
            MEMBERS.iter().filter(|member| member.system == system).map(|m| m.team).collect();
        teams.dedup();
        for team in teams {
            write!(
                text,
                "[[organisation.team]]\nname = \"{team}\"\nduty_phone = \"+441632960100\"\n\
                 days = 31\nopens_minute = 540\ncloses_minute = 1020\n"
            )
            .unwrap();
            for member in MEMBERS.iter().filter(|m| m.system == system && m.team == team) {
                group(&mut text, member, today);
            }
        }
    }
    text
}

/// Everyone is a group of one.
fn group(text: &mut String, member: &Member, today: Date) {
    let from = today.saturating_sub(60.days());
    let until = today.saturating_add(100.days());
    let Member { label, role, purposes, .. } = member;
    // Onboarding opens no such groups: they were narrowed since.
    let narrowed = match member.state {
        State::Active | State::Suspended => None,
        State::Expired => Some((today.saturating_sub(1.day()), *purposes)),
        State::Purposeless => Some((until, &[][..])),
    };
    let narrowed = narrowed.map_or(String::new(), |(until, purposes)| {
        format!("narrowed = {{ valid_until = \"{until}\", purposes = {purposes:?} }}\n")
    });
    let suspended = member.state == State::Suspended;
    write!(
        text,
        "[[organisation.team.group]]\nrole = \"{role}\"\npurposes = {purposes:?}\n\
         members_max = 1\nvalid_from = \"{from}\"\nvalid_until = \"{until}\"\n\
         {narrowed}[[organisation.team.group.member]]\nstaff = \"{label}\"\ntoken = \"tokens/{label}.token\"\n\
         suspended = {suspended}\n"
    )
    .unwrap();
}

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"
certificate = "pki/server.pem"
key = "pki/server.key"
client_authority = "pki/authority.pem"

[store]
data = "data"
keyring = "keyring"

[ledger]
directory = "ledger"
key = "ledger.key"
origin = "county.example/ledger"

[pseudonymiser]
mode = "in-process"
keys = "evaluation.keys"

[quotas]
person_burst = 1000000
person_day = 1000000
person_children_a_day = 1000000
organisation_burst = 1000000
organisation_day = 1000000
organisation_children_a_day = 1000000

[log]
level = "debug"
"#;
