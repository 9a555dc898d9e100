//! A register from a file, for the demo and for tests: by the calls of onboarding, as two
//! administrators would make them, in the process that makes the data directory.
//!
//! The two are the operator's, as first light invites them. Nobody is ever given their tokens, and in
//! the last call one removes the other: whoever is to administer from then on stands in the file.

mod administrators;
mod file;
mod onboarding;

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use signpost_core::directory::onboarding::{
    FirstLight, Invitation, NewOrganisation, NewSystem, Operator, Redeem,
};
use signpost_core::directory::{Directory, Presented};
use signpost_core::id::{Fingerprint, SystemId};
use signpost_core::register::Conditions;
use signpost_core::store::{Clock, Store};
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind};
use signpost_core::text::StaffReference;
use signpost_core::token::{EnrolmentCode, Token};

use super::made::Made;
use super::{close, light_up, make_store, refused as operator_refused};
use crate::admission::ClientAuthorities;
use crate::config::Config;
use crate::entropy::SystemEntropy;
use crate::evaluation;
use crate::exit::Failure;
use crate::server::{policy, with_sources};

pub use administrators::{Administrators, request_id};
pub use onboarding::Initialised;

use administrators::refused;
use file::Bootstrap;
use onboarding::Onboarding;

/// For how long the certificate counts that nobody has, and that the operator's two show here.
const CERTIFICATE_HOURS: i64 = 24;

/// Initialises what the configuration names, with the register of a bootstrap file. What exists
/// already is refused, never overwritten.
pub async fn initialise(
    config: &Config,
    bootstrap: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Initialised, Failure> {
    let (bootstrap, folder) = Bootstrap::load(bootstrap)?;
    let mut made = Made::default();
    let done = begin(config, bootstrap, &folder, clock, &mut made).await;
    if done.is_err() {
        made.remove();
    }
    done
}

async fn begin(
    config: &Config,
    bootstrap: Bootstrap,
    folder: &Path,
    clock: Arc<dyn Clock>,
    made: &mut Made,
) -> Result<Initialised, Failure> {
    let policy = policy(config)?;
    let authorities = ClientAuthorities::read(&config.server)?;
    let (options, keys) = make_store(config, Arc::clone(&clock), made)?;
    let invited = Invited::new();
    let light = invited.first_light(clock.now())?;
    let light = light.with_evaluation_keys(evaluation::fingerprints(&keys));
    let store = Arc::new(light_up(&options, &policy, light).await?);
    let onboarded = async {
        let entropy = Arc::new(SystemEntropy);
        let shared = Arc::clone(&store) as Arc<dyn Store>;
        let directory = Directory::start(shared, Arc::new(policy), clock, entropy).await;
        let directory = directory.map_err(|error| Failure::config(with_sources(&error)))?;
        let administrators = invited.enrol(&directory).await?;
        let mut onboarding = Onboarding::begin(administrators, authorities, folder, made).await?;
        for organisation in bootstrap.organisation {
            onboarding.organisation(organisation).await?;
        }
        onboarding.end().await
    };
    let onboarded = onboarded.await;
    let closed = close(&store).await;
    let initialised = onboarded?;
    closed.map(|()| initialised)
}

/// The operator's two administrators, before they have redeemed their codes.
struct Invited {
    certificate: Fingerprint,
    codes: [EnrolmentCode; 2],
}

impl Invited {
    fn new() -> Self {
        let code = || EnrolmentCode::new(SystemEntropy.bytes());
        Self { certificate: Fingerprint::new(SystemEntropy.bytes()), codes: [code(), code()] }
    }

    fn first_light(&self, now: Timestamp) -> Result<FirstLight, Failure> {
        let today = TimeZone::UTC.to_datetime(now).date();
        let until = now.saturating_add(CERTIFICATE_HOURS.hours());
        let system = NewSystem {
            id: SystemId::new(SystemEntropy.bytes()),
            fingerprint: self.certificate,
            until: until.expect("hours are a fixed span"),
        };
        let invitations = [first(), second()].into_iter().zip(&self.codes);
        let invitations = invitations.map(|(staff, code)| Invitation {
            staff,
            conditions: all_checked(today),
            code: code.hash(),
        });
        let invitations: Vec<Invitation> = invitations.collect();
        let light =
            FirstLight::of_operator(operator(today), system, &invitations, now, &SystemEntropy);
        light.map_err(|reason| operator_refused(&reason))
    }

    /// Each redeems the code of their own.
    async fn enrol<'d>(&self, directory: &'d Directory) -> Result<Administrators<'d>, Failure> {
        let mut presented = Vec::new();
        for code in &self.codes {
            let token = Token::new(SystemEntropy.bytes());
            let at_system = Presented { certificate: self.certificate, token: None };
            let redeem = Ok(Redeem { code: code.clone(), token: token.hash() });
            let redeemed = directory.redeem(&at_system, &redeem).await;
            redeemed.map_err(|refusal| refused(&refusal))?;
            presented.push(Presented { token: Some(Ok(token)), ..at_system });
        }
        let second = presented.pop().expect("two codes");
        let first = presented.pop().expect("two codes");
        Ok(Administrators { directory, first, second })
    }
}

fn first() -> StaffReference {
    "FIRST".to_owned().try_into().expect("capitals")
}

fn second() -> StaffReference {
    "SECOND".to_owned().try_into().expect("capitals")
}

/// Whoever develops or tries the service.
fn operator(today: Date) -> Operator {
    Operator {
        organisation: NewOrganisation {
            kind: OrganisationKind::ServiceOperator,
            scheme: CodeScheme::Ods,
            code: "DEV00".to_owned().try_into().expect("capitals and digits"),
            name: "Development".to_owned().try_into().expect("letters"),
            area: "E10000000".to_owned().try_into().expect("a capital and digits"),
            authority: LegalAuthority::ContractorOfNamedBody,
            authority_until: today.saturating_add(1.year()),
        },
        duty_phone: "+441632960000".to_owned().try_into().expect("a number of no one"),
    }
}

fn all_checked(today: Date) -> Conditions {
    Conditions {
        vetting_on: today,
        barred_list_checked_on: today,
        training_on: today,
        agreement_signed_on: today,
    }
}
