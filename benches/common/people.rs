//! Many people, imported into a county's register by two administrators, as `signpost admin import`
//! has them invited.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::ToSpan;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use signpost::clock::SystemClock;
use signpost::connection::fingerprint;
use signpost::entropy::SystemEntropy;
use signpost::init::{Administrators, request_id};
use signpost_core::directory::onboarding::{
    AddTeam, Invitation, InvitePeople, NewOrganisation, RegisterOrganisation,
};
use signpost_core::directory::{Directory, Presented};
use signpost_core::flag::Hours;
use signpost_core::id::{GroupId, OrganisationId};
use signpost_core::policy::Policy;
use signpost_core::record::Registered;
use signpost_core::register::{Conditions, Group};
use signpost_core::store::Store;
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind, Purpose, Role};
use signpost_core::token::{EnrolmentCode, Token};
use signpost_embedded::store::EmbeddedStore;

/// 400 000 people are 2 000 groups of 100 organisations.
pub(crate) const PEOPLE_A_GROUP: usize = 200;
const GROUPS_AN_ORGANISATION: usize = 20;
/// As many as one call of `signpost admin import` names.
const PEOPLE_A_CALL: usize = 100;
/// Each organisation waits for its own calls, and their commits share batches.
const ORGANISATIONS_IN_FLIGHT: usize = 16;

/// Imports so many people into the store of a county's folder, which nobody has open. Gives how long
/// that took.
pub(crate) async fn import(folder: &Path, people: usize) -> anyhow::Result<Duration> {
    let store = Arc::new(EmbeddedStore::open(&super::options(folder)?)?.store);
    let directory = Directory::start(
        Arc::clone(&store) as Arc<dyn Store>,
        Arc::new(Policy::default()),
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    );
    let directory = directory.await?;
    let administrators = Administrators {
        directory: &directory,
        first: presented(folder, "first")?,
        second: presented(folder, "second")?,
    };
    let style = "{msg} {wide_bar} {human_pos} of {human_len} people, {eta} left";
    let bar = ProgressBar::new(people as u64).with_style(ProgressStyle::with_template(style)?);
    bar.set_message("importing");
    let begun = Instant::now();
    let groups = people.div_ceil(PEOPLE_A_GROUP);
    let organisations = (0..groups.div_ceil(GROUPS_AN_ORGANISATION)).map(|number| {
        let first = number * GROUPS_AN_ORGANISATION;
        let groups = groups.min(first + GROUPS_AN_ORGANISATION) - first;
        let people = (people - first * PEOPLE_A_GROUP).min(groups * PEOPLE_A_GROUP);
        ImportedOrganisation { administrators: &administrators, number, groups, people, bar: &bar }
            .import()
    });
    let all = futures::stream::iter(organisations).buffer_unordered(ORGANISATIONS_IN_FLIGHT);
    all.try_collect::<()>().await?;
    let time = begun.elapsed();
    bar.finish_and_clear();
    drop(directory);
    store.close().await?;
    Ok(time)
}

fn presented(folder: &Path, name: &str) -> anyhow::Result<Presented> {
    let certificate = CertificateDer::from_pem_file(folder.join("asker.pem"))?;
    let token = std::fs::read_to_string(folder.join(format!("{name}.token")))?;
    let token = Token::parse(&token).context("the token of an administrator")?;
    Ok(Presented { certificate: fingerprint(&certificate), token: Some(Ok(token)) })
}

/// One organisation that comes in with its groups and people.
struct ImportedOrganisation<'i> {
    administrators: &'i Administrators<'i>,
    number: usize,
    groups: usize,
    people: usize,
    bar: &'i ProgressBar,
}

impl ImportedOrganisation<'_> {
    async fn import(self) -> anyhow::Result<()> {
        let organisation = self.register().await?;
        self.open_groups(organisation).await?;
        let groups = self.administrators.groups(organisation).await?;
        ensure!(groups.len() == self.groups, "{} groups were opened", groups.len());
        for (number, (_, group)) in groups.into_iter().enumerate() {
            let first = number * PEOPLE_A_GROUP;
            self.invite(group.id, first, self.people.min(first + PEOPLE_A_GROUP)).await?;
        }
        Ok(())
    }

    async fn register(&self) -> anyhow::Result<OrganisationId> {
        let until = self.administrators.directory.today().saturating_add(300.days());
        let registered = RegisterOrganisation {
            request: request_id(),
            organisation: NewOrganisation {
                kind: OrganisationKind::LocalAuthority,
                scheme: CodeScheme::Ods,
                code: format!("ORG{:05}", self.number).try_into()?,
                name: format!("Organisation {}", self.number).try_into()?,
                area: "E10000001".to_owned().try_into()?,
                authority: LegalAuthority::ChildrenAct2004S16la,
                authority_until: until,
            },
        };
        match self.administrators.onboard(registered).await? {
            Registered::Organisation(organisation) => Ok(organisation),
            other => bail!("an organisation was registered: {other:?}"),
        }
    }

    /// Opens its groups, of one team, by two names each.
    async fn open_groups(&self, organisation: OrganisationId) -> anyhow::Result<()> {
        let team = AddTeam {
            request: request_id(),
            organisation,
            name: "Duty Team".to_owned().try_into()?,
            duty_phone: "+441632960100".to_owned().try_into()?,
            hours: Hours::new(31, 540, 1020)?,
        };
        let Registered::Team(team) = self.administrators.onboard(team).await? else {
            bail!("a team was added");
        };
        let today = self.administrators.directory.today();
        for _ in 0..self.groups {
            let group = Group {
                id: GroupId::new(SystemEntropy.bytes()),
                organisation,
                team,
                role: Role::SocialWorker,
                purposes: vec![Purpose::S47Enquiry, Purpose::S17Assessment],
                members_max: u32::try_from(PEOPLE_A_GROUP)?,
                valid_from: today,
                valid_until: today.saturating_add(300.days()),
                sponsor: None,
            };
            self.administrators.open(group).await?;
        }
        Ok(())
    }

    /// Invites the people from this number up to that.
    async fn invite(&self, group: GroupId, first: usize, until: usize) -> anyhow::Result<()> {
        let today = self.administrators.directory.today();
        let conditions = Conditions {
            vetting_on: today,
            barred_list_checked_on: today,
            training_on: today,
            agreement_signed_on: today,
        };
        for first in (first..until).step_by(PEOPLE_A_CALL) {
            let numbers = first..until.min(first + PEOPLE_A_CALL);
            let count = numbers.len() as u64;
            let invitations = numbers.map(|number| {
                let staff = format!("STAFF-{number:06}").try_into()?;
                let code = EnrolmentCode::new(SystemEntropy.bytes()).hash();
                anyhow::Ok(Invitation { staff, conditions, code })
            });
            let people = invitations.collect::<anyhow::Result<_>>()?;
            let invited = InvitePeople { request: request_id(), group, people, dry_run: false };
            self.administrators.onboard(invited).await?;
            self.bar.inc(count);
        }
        Ok(())
    }
}
