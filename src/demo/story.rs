//! The story: a small feed through `RecordContact`, then questions answered and refused.

use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::{Context, ensure};
use hex::encode as hex;
use jiff::{Span, ToSpan};
use signpost_client::Client;
use signpost_client::error::ClientError;
use signpost_client::profile::Profile;
use signpost_core::entry::Entry;
use signpost_core::id::Receipt;
use signpost_core::policy::Level;
use signpost_core::store::Store;
use signpost_core::terms::Outcome;
use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;
use signpost_pseudonym::namespace::Namespace;

use super::say;
use super::setting::{
    ADMINISTRATOR, DUTY_COLLEAGUE, DUTY_WORKER, EARLY_HELP, MASH, NAMED_NURSE, STRANGER, Setting,
    Who,
};
use crate::cli::render::{self, Output};
use crate::clock::today;

// NHS numbers of the range that is never issued, one child each.
const WITH_CONTACTS: &str = "999 000 0018";
const OWN_TEAM_ONLY: &str = "999 000 0026";
const WITH_PREVIOUS: &str = "999 000 0034";
const WITH_SENSITIVE: &str = "999 000 0042";
const SHIELDED: &str = "999 000 0050";
const UNKNOWN: &str = "999 000 0069";
/// More entries than the story makes.
const LEDGER_MAX: NonZeroUsize = NonZeroUsize::new(1000).expect("not zero");

/// The UPN of the child with contacts.
const UPN: &str = "B801200005001";

/// Tells it; an answer other than the story's is an error.
pub(super) async fn tell(setting: &Setting, ledger: &dyn Store) -> anyhow::Result<()> {
    let story = Story { setting, ledger };
    story.feed().await?;
    story.answered().await?;
    story.nothing_to_see().await?;
    story.refused().await
}

struct Story<'s> {
    setting: &'s Setting,
    ledger: &'s dyn Store,
}

impl Story<'_> {
    async fn client(&self, who: Who) -> anyhow::Result<Client> {
        let profile = Profile::load(&self.setting.profile(who))?;
        Ok(Client::connect(&profile).await?)
    }

    /// What three teams' case systems tell, through the same calls that practitioners use.
    async fn feed(&self) -> anyhow::Result<()> {
        let duty = self.client(DUTY_WORKER).await?;
        let early_help = self.client(EARLY_HELP).await?;
        let nurses = self.client(NAMED_NURSE).await?;

        let both = [nhs(WITH_CONTACTS)?, Identifier::parse_upn(UPN)?];
        early_help.record_contact(&both, "EH-1", current(v1::ServiceType::EarlyHelp)).await?;
        let paediatrics = current(v1::ServiceType::CommunityPaediatrics);
        nurses.record_contact(&both[..1], "SN-1", paediatrics.clone()).await?;
        let child_in_need = current(v1::ServiceType::SocialCareChildInNeed);
        duty.record_contact(&[nhs(OWN_TEAM_ONLY)?], "CD-1", child_in_need).await?;

        let previous = [nhs(WITH_PREVIOUS)?];
        let lately = ended(paediatrics.clone(), 60.days());
        nurses.record_contact(&previous, "SN-2", lately).await?;
        let long_ago = ended(current(v1::ServiceType::EarlyHelp), 3.years());
        early_help.record_contact(&previous, "EH-2", long_ago).await?;

        let camhs = v1::ContactInvolvement {
            sensitivity: v1::Sensitivity::SensitiveExistence.into(),
            disclosure_basis: v1::DisclosureBasis::ExplicitConsent.into(),
            ..current(v1::ServiceType::Camhs)
        };
        nurses.record_contact(&[nhs(WITH_SENSITIVE)?], "SN-3", camhs).await?;

        let shielded = [nhs(SHIELDED)?];
        nurses.record_contact(&shielded, "SN-4", paediatrics).await?;
        let review_due = wire_date(5.months());
        self.client(MASH)
            .await?
            .set_shield(&shielded, v1::ShieldKind::Shielded, review_due)
            .await?;
        say!("Three teams have recorded their contacts, and one child was shielded.\n");
        Ok(())
    }

    async fn answered(&self) -> anyhow::Result<()> {
        let child = [nhs(WITH_CONTACTS)?];
        heading("A social worker asks about a child: a section 47 enquiry")?;
        let answer = self.ask(DUTY_WORKER, &child, v1::Purpose::S47Enquiry).await?;
        ensure!(answer.signposts.len() == 2, "two contacts were to be shown");
        self.show(&answer).await?;

        heading(
            "A hospital nurse asks by the child's UPN: team and telephone, not their own flag",
        )?;
        let answer = self
            .ask(NAMED_NURSE, &[Identifier::parse_upn(UPN)?], v1::Purpose::MissingChild)
            .await?;
        ensure!(answer.signposts.len() == 1, "one contact was to be shown");
        self.show(&answer).await?;

        heading("Who has previously worked with this child? Coarser with age")?;
        let child = [nhs(WITH_PREVIOUS)?];
        let answer = self.ask(DUTY_WORKER, &child, v1::Purpose::S47Enquiry).await?;
        ensure!(answer.signposts.len() == 2, "two previous contacts were to be shown");
        self.show(&answer).await?;

        heading("A sensitive service: only that it exists, and the way to it")?;
        let child = [nhs(WITH_SENSITIVE)?];
        let answer = self.ask(DUTY_WORKER, &child, v1::Purpose::S47Enquiry).await?;
        ensure!(answer.further_service && answer.signposts.is_empty(), "existence only");
        self.show(&answer).await
    }

    /// Three questions whose answers cannot be told apart.
    async fn nothing_to_see(&self) -> anyhow::Result<()> {
        let questions = [
            ("A child with whom only the asker's own team works", DUTY_COLLEAGUE, OWN_TEAM_ONLY),
            ("A shielded child: the same answer", DUTY_WORKER, SHIELDED),
            ("A child nobody has recorded: the same answer", DUTY_WORKER, UNKNOWN),
        ];
        for (title, who, number) in questions {
            heading(title)?;
            let answer = self.ask(who, &[nhs(number)?], v1::Purpose::S47Enquiry).await?;
            ensure!(answer.signposts.is_empty() && !answer.further_service, "nothing to see");
            self.show(&answer).await?;
        }
        Ok(())
    }

    async fn refused(&self) -> anyhow::Result<()> {
        heading("An administrator asks: who lets people in can never ask")?;
        let pseudonyms =
            self.client(DUTY_WORKER).await?.pseudonymise(&[nhs(WITH_CONTACTS)?]).await?;
        let question = v1::Question {
            pseudonyms,
            purpose: v1::Purpose::S47Enquiry.into(),
            relationship: v1::Relationship::AllocatedCase.into(),
        };
        let asked = self.client(ADMINISTRATOR).await?.send_question(question).await;
        let Err(ClientError::Refused(refused)) = asked else {
            anyhow::bail!("the administrator was to be refused");
        };
        say!("Refused: {}", refused.message);
        self.show_entry(refused.receipt.context("a refusal has its entry")?).await?;

        heading("A stranger, with a stolen token and a certificate of another authority")?;
        match self.ask(STRANGER, &[nhs(WITH_CONTACTS)?], v1::Purpose::S47Enquiry).await {
            Ok(_) => anyhow::bail!("the stranger was to be refused"),
            Err(error) => ensure!(
                matches!(
                    error.downcast_ref(),
                    // The alert may overtake the broken pipe, or not; the ledger tells below.
                    Some(ClientError::CertificateRefused | ClientError::Unanswered { .. })
                ),
                "refused otherwise: {error:#}"
            ),
        }
        say!("Refused in the TLS handshake: nothing could be asked.");
        self.show_entry(self.handshake_counted().await?).await?;

        heading("A mistyped NHS number: refused on the practitioner's own machine")?;
        match nhs("999 000 0019") {
            Ok(_) => anyhow::bail!("the number was to be refused"),
            Err(error) => say!("Refused: {error}\n"),
        }
        Ok(())
    }

    /// The entry that counts refused handshakes; it is written within a second or so.
    async fn handshake_counted(&self) -> anyhow::Result<u64> {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..100 {
            tick.tick().await;
            let entries = self.ledger.entries(Receipt(0), LEDGER_MAX).await?;
            let counted = |entry: &Entry| entry.outcome() == Outcome::HandshakeFailed;
            if let Some(index) = entries.iter().position(counted) {
                return Ok(index as u64);
            }
        }
        anyhow::bail!("the refused handshake was not put on record")
    }

    async fn ask(
        &self,
        who: Who,
        child: &[Identifier],
        purpose: v1::Purpose,
    ) -> anyhow::Result<v1::Answer> {
        let client = self.client(who).await?;
        Ok(client.ask(child, purpose, v1::Relationship::AllocatedCase).await?)
    }

    async fn show(&self, answer: &v1::Answer) -> anyhow::Result<()> {
        render::print_answer(answer, Output::Table)?;
        self.show_entry(answer.receipt).await
    }

    /// The ledger entry, as an auditor would see it: it names no child.
    async fn show_entry(&self, receipt: u64) -> anyhow::Result<()> {
        let entries = self.ledger.entries(Receipt(receipt), NonZeroUsize::MIN).await?;
        let entry = entries.first().context("every answer has its entry")?;
        say!("On record: {}\n", describe(receipt, entry));
        Ok(())
    }
}

fn describe(receipt: u64, entry: &Entry) -> String {
    let released: Vec<_> = Level::ALL
        .into_iter()
        .filter(|level| entry.released() & level.bit() != 0)
        .map(Level::name)
        .collect();
    let parts = [
        Some(format!("entry {receipt}")),
        Some(entry.action().name().to_owned()),
        Some(entry.outcome().name().to_owned()),
        entry.role().map(|role| format!("role {}", role.name())),
        entry.purpose().map(|purpose| format!("purpose {}", purpose.name())),
        (entry.count() > 0).then(|| format!("count {}", entry.count())),
        (!released.is_empty()).then(|| format!("released {}", released.join(" "))),
        (entry.commitment() != [0; 32])
            .then(|| format!("commitment {}...", hex(&entry.commitment()[..6]))),
        Some(format!("leaf hash {}...", hex(&entry.leaf_hash().as_bytes()[..6]))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn heading(title: &str) -> anyhow::Result<()> {
    say!("== {title}");
    Ok(())
}

fn nhs(number: &str) -> anyhow::Result<Identifier> {
    Ok(Identifier::parse(Namespace::Nhs, number)?)
}

fn current(service: v1::ServiceType) -> v1::ContactInvolvement {
    v1::ContactInvolvement {
        service_type: service.into(),
        status: v1::InvolvementStatus::Active.into(),
        sensitivity: v1::Sensitivity::Standard.into(),
        disclosure_basis: v1::DisclosureBasis::PublicTask.into(),
        subject_informed: v1::SubjectInformed::Informed.into(),
        route: Some(v1::ContactRoute {
            role: v1::ContactRole::AllocatedWorker.into(),
            work_phone: "+441632960110".to_owned(),
            hours: Some(v1::Hours { days: 31, opens_minute: 540, closes_minute: 1020 }),
            out_of_hours_phone: String::new(),
        }),
        started: Some(wire_date(-(4.years()))),
        confirmed_on: Some(wire_date(Span::new())),
        ..v1::ContactInvolvement::default()
    }
}

fn ended(involvement: v1::ContactInvolvement, ago: Span) -> v1::ContactInvolvement {
    v1::ContactInvolvement { ended: Some(wire_date(-ago)), ..involvement }
}

/// The day this far from today.
fn wire_date(from_today: Span) -> v1::Date {
    let date = today().saturating_add(from_today);
    v1::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}
