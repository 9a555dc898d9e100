//! Who may do what. Authorisation yields a [`Permit`] or a [`Denial`]; nothing else can commit.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::closing::{Closing, lets_in, stays_open};
use crate::commit::{Precondition, Write};
use crate::entry::{EntryDraft, Opening, Party};
use crate::id::{ActorId, OrganisationId, PersonId, PolicyDigest, SystemId, TeamId};
use crate::purge::Taken;
use crate::record::Record;
use crate::refusal::Reason;
use crate::register::{Group, Organisation, Person, PersonStanding, Standing, TokenRecord};
use crate::terms::{Action, Purpose, Relationship, Role};

/// An identified person at a system, as our own record has them at this request.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) party: Party,
    pub(crate) system: SystemId,
    pub(crate) organisation: Organisation,
    pub(crate) token: TokenRecord,
    pub(crate) person: Person,
    pub(crate) group: Group,
    pub(crate) policy: PolicyDigest,
    /// What a purge takes that is being run: it is left out of what is read of a child.
    pub(crate) frozen: Taken,
    /// The approved closing of the service, and whether it is closed now.
    pub(crate) closing: Option<(Closing, bool)>,
    /// That none of the records above changes before the commit.
    pub(crate) rests_on: Vec<Precondition>,
}

/// Leave to do one thing once.
///
/// Only authorisation makes one:
///
/// ```compile_fail,E0451
/// use signpost_core::permit::Permit;
/// fn forge(permit: Permit) -> Permit {
///     Permit { rests_on: vec![], ..permit }
/// }
/// ```
///
/// It cannot be used twice:
///
/// ```compile_fail
/// use signpost_core::permit::Permit;
/// fn twice(permit: Permit) -> (Permit, Permit) {
///     (permit.clone(), permit)
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    party: Party,
    action: Action,
    policy: PolicyDigest,
    rests_on: Vec<Precondition>,
    /// That the token was used today, where that is not on record yet.
    use_of_token: Option<Box<TokenRecord>>,
    /// The closing of the service, if this ends with it: it comes before that, or not at all.
    before: Option<Timestamp>,
}

/// A refusal of an identified person, to be put on record.
///
/// ```compile_fail,E0451
/// use signpost_core::permit::Denial;
/// fn forge(denial: Denial) -> Denial {
///     Denial { purpose: None, ..denial }
/// }
/// ```
#[derive(Debug)]
pub struct Denial {
    party: Party,
    action: Action,
    policy: PolicyDigest,
    purpose: Option<Purpose>,
    relationship: Option<Relationship>,
    /// Whom a refusal in nobody's name is about, as entries say it.
    detail: [u8; 32],
    /// The child it tells something of; none in most.
    opening: Option<Opening>,
    reason: Reason,
}

/// The eight roles that work with children, and so may ask.
pub const PRACTITIONERS: &[Role] = &[
    Role::SocialWorker,
    Role::SocialWorkManager,
    Role::MashPractitioner,
    Role::EdSafeguardingClinician,
    Role::NamedNurseDoctor,
    Role::PolicePpu,
    Role::YouthJusticeWorker,
    Role::EarlyHelpWorker,
];

/// Those who record contacts: practitioners, and designated safeguarding leads.
const CONTRIBUTORS: &[Role] = &[
    Role::SocialWorker,
    Role::SocialWorkManager,
    Role::MashPractitioner,
    Role::EdSafeguardingClinician,
    Role::NamedNurseDoctor,
    Role::PolicePpu,
    Role::YouthJusticeWorker,
    Role::EarlyHelpWorker,
    Role::Dsl,
];

/// Why nobody new is let in.
const FROZEN: &str = "the service is to be closed: nobody new is let in any more";

/// A broker asks by pseudonyms too, a privacy officer registers canaries, sets holds and names the child
/// of a history by them, and a purge operator plans a child's purge by them: none of the three is answered with anything about the child,
/// and points are limited for them as for all.
const EVALUATORS: &[Role] = &[
    Role::SocialWorker,
    Role::SocialWorkManager,
    Role::MashPractitioner,
    Role::EdSafeguardingClinician,
    Role::NamedNurseDoctor,
    Role::PolicePpu,
    Role::YouthJusticeWorker,
    Role::EarlyHelpWorker,
    Role::Dsl,
    Role::Broker,
    Role::PrivacyOfficer,
    Role::PurgeOperator,
];

/// Who sets and lifts shields.
const SHIELDERS: &[Role] = &[Role::SocialWorkManager, Role::MashPractitioner];

/// Who has a hand in purges.
const PURGERS: &[Role] = &[Role::PurgeOperator, Role::PurgeApprover];

/// Who looks at them.
const WATCHERS_OF_PURGES: &[Role] =
    &[Role::PurgeOperator, Role::PurgeApprover, Role::PrivacyOfficer, Role::Auditor];

/// The roles that may do this. Which purposes they may ask for is the policy's.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a line for each action, which the compiler asks for")]
pub fn roles_for(action: Action) -> &'static [Role] {
    match action {
        Action::Ask | Action::AskMany => PRACTITIONERS,
        Action::AskAsBroker => &[Role::Broker],
        Action::CloseAlert
        | Action::ListAlerts
        | Action::AddCanary
        | Action::IdentifyActor
        | Action::RequestHistory
        | Action::ConsentToHistory
        | Action::ReadHistory
        | Action::ListWithheld
        | Action::ReviewAccess
        | Action::ReadPurgeAnnex => &[Role::PrivacyOfficer],
        Action::ReadLedger | Action::ListEntries | Action::GetFigures => {
            &[Role::PrivacyOfficer, Role::Auditor]
        }
        Action::RecordContact | Action::EndContact => CONTRIBUTORS,
        Action::Evaluate => EVALUATORS,
        Action::SetShield | Action::LiftShield => SHIELDERS,
        Action::ConfirmClock
        | Action::CancelPurge
        | Action::CancelDecommissioning
        | Action::RevokeStandingOrder => PURGERS,
        Action::PlanPurge | Action::PlanDecommissioning | Action::SetStandingOrder => {
            &[Role::PurgeOperator]
        }
        Action::ApprovePurge | Action::ApproveDecommissioning | Action::ApproveStandingOrder => {
            &[Role::PurgeApprover]
        }
        Action::ShowPurge
        | Action::ListPurges
        | Action::ShowDecommissioning
        | Action::ShowStandingOrder => WATCHERS_OF_PURGES,
        // Whoever plans purges does not decide what is held back from them.
        Action::SetHold | Action::LiftHold => &[Role::PurgeApprover, Role::PrivacyOfficer],
        Action::ListHolds => &[Role::PurgeApprover, Role::PrivacyOfficer, Role::Auditor],
        Action::RegisterOrganisation
        | Action::AddTeam
        | Action::ChangeTeam
        | Action::RegisterSystem
        | Action::SuspendSystem
        | Action::ResumeSystem
        | Action::AdmitCertificate
        | Action::RevokeCertificate
        | Action::ProposeAccess
        | Action::ApproveAccess
        | Action::WithdrawProposal
        | Action::NarrowGroup
        | Action::InvitePeople
        | Action::RecordConditions
        | Action::SuspendPerson
        | Action::ResumePerson
        | Action::MovePerson
        | Action::RemovePerson
        | Action::IssueCode
        | Action::SuspendToken
        | Action::ResumeToken
        | Action::RecordCustody
        | Action::ListRegister => &[Role::AdminOnboarding],
        // Whoever holds a token renews it; who sponsors a group stands with the group.
        Action::RenewToken | Action::Recertify => Role::ALL,
        Action::FirstLight
        | Action::ChangePolicy
        | Action::CountRefusals
        | Action::CutTail
        | Action::AddEvaluationKey
        | Action::NoteClockStep
        | Action::NoteFull
        | Action::NoteWritable
        | Action::BeginTurn
        | Action::DestroyGeneration
        | Action::RaiseAlerts
        | Action::RecoverAdministrators
        | Action::Anchor
        | Action::CountPurge
        | Action::AdvancePurge
        | Action::CertifyPurge
        | Action::PlanByStandingOrder
        | Action::CloseService
        | Action::RevokeTokens
        | Action::RecordClosing
        | Action::RenewCertificate
        | Action::RedeemCode => &[],
    }
}

/// Whether a system may do this in nobody's name.
fn is_open_to_systems(action: Action) -> bool {
    matches!(action, Action::RenewCertificate | Action::RedeemCode)
}

/// An identified system without a person, as our own record has it at this request.
#[derive(Clone, Debug)]
pub(crate) struct SystemIdentity {
    pub(crate) party: Party,
    pub(crate) system: SystemId,
    pub(crate) organisation: Organisation,
    pub(crate) policy: PolicyDigest,
    /// The approved closing of the service, and whether it is closed now.
    pub(crate) closing: Option<(Closing, bool)>,
    /// That none of the records it was read from changes before the commit.
    pub(crate) rests_on: Vec<Precondition>,
}

impl SystemIdentity {
    /// Leave for this action, today.
    #[expect(clippy::result_large_err, reason = "a denial goes straight to its entry")]
    pub(crate) fn authorise(&self, action: Action, today: Date) -> Result<Permit, Denial> {
        // The systems of those who run the closing must be able to connect.
        let goes_on = action == Action::RenewCertificate;
        let permit = Permit {
            party: self.party,
            action,
            policy: self.policy,
            rests_on: self.rests_on.clone(),
            use_of_token: None,
            before: self.closing.filter(|_| !goes_on).map(|(closing, _)| closing.at),
        };
        if !goes_on && self.closing.is_some_and(|(_, is_closed)| is_closed) {
            return Err(permit.deny(Reason::ServiceClosed));
        }
        if today > self.organisation.authority_until {
            Err(permit.deny(Reason::Expired))
        } else if is_open_to_systems(action) {
            Ok(permit)
        } else {
            Err(permit.deny(Reason::Role))
        }
    }
}

impl Identity {
    pub(crate) fn person(&self) -> PersonId {
        self.person.id
    }

    /// Whether a flag of this organisation and team is the asker's own.
    pub(crate) fn owns(&self, organisation: OrganisationId, team: TeamId) -> bool {
        self.organisation.id == organisation && self.group.team == team
    }

    /// Leave for this action, today.
    #[expect(clippy::result_large_err, reason = "a denial goes straight to its entry")]
    pub(crate) fn authorise(&self, action: Action, today: Date) -> Result<Permit, Denial> {
        let permit = Permit {
            party: self.party,
            action,
            policy: self.policy,
            rests_on: self.rests_on.clone(),
            use_of_token: self.use_of_token(today),
            before: self.ends_with_the_service(action),
        };
        if self.has_ended(action) {
            return Err(permit.deny(Reason::ServiceClosed));
        }
        let active = self.person.standing == PersonStanding::Active
            && self.token.standing == Standing::Active;
        let expired = self.token.has_expired_on(today)
            || !self.group.is_valid_on(today)
            || today > self.organisation.authority_until;
        if !active {
            Err(permit.deny(Reason::Suspended))
        } else if expired {
            Err(permit.deny(Reason::Expired))
        } else if let Some(lapse) = self.person.lapse(today) {
            Err(permit.deny(Reason::Lapsed(lapse)))
        } else if !roles_for(action).contains(&self.group.role) {
            Err(permit.deny(Reason::Role))
        } else if self.is_frozen(action, today) {
            Err(permit.deny(Reason::WrongState(FROZEN)))
        } else {
            Ok(permit)
        }
    }

    /// Until when this may be done at all; none as long as the service is to go on, and of what goes on
    /// when it is closed.
    fn ends_with_the_service(&self, action: Action) -> Option<Timestamp> {
        let (closing, _) = self.closing?;
        (!stays_open(action, self.group.role)).then_some(closing.at)
    }

    /// Whether the service is closed to this.
    fn has_ended(&self, action: Action) -> bool {
        let is_closed = self.closing.is_some_and(|(_, is_closed)| is_closed);
        is_closed && !stays_open(action, self.group.role)
    }

    /// Whether nobody new is let in any more, and this would let somebody in.
    fn is_frozen(&self, action: Action, today: Date) -> bool {
        lets_in(action) && self.closing.is_some_and(|(closing, _)| today >= closing.announced_on)
    }

    /// Whether the person may do this today, whatever became of the token.
    pub(crate) fn may_but_for_the_token(&self, action: Action, today: Date) -> bool {
        !self.has_ended(action)
            && self.person.standing == PersonStanding::Active
            && self.group.is_valid_on(today)
            && today <= self.organisation.authority_until
            && self.person.lapse(today).is_none()
            && roles_for(action).contains(&self.group.role)
    }

    /// The token as it is to stand once it did something today: written once a day, not each time.
    fn use_of_token(&self, today: Date) -> Option<Box<TokenRecord>> {
        let is_new = self.token.used_on < today;
        is_new.then(|| Box::new(TokenRecord { used_on: today, ..self.token.clone() }))
    }
}

impl Permit {
    /// Leave of the service itself, for what it puts on record of itself.
    pub(crate) fn of_service(
        action: Action,
        system: Option<SystemId>,
        policy: PolicyDigest,
        rests_on: Vec<Precondition>,
    ) -> Self {
        let party = Party { system, ..Party::default() };
        Self { party, action, policy, rests_on, use_of_token: None, before: None }
    }

    /// Gives the leave up for this reason.
    pub(crate) fn deny(self, reason: Reason) -> Denial {
        self.deny_question(None, None, reason)
    }

    /// Gives the leave to ask up for this reason.
    pub(crate) fn deny_question(
        self,
        purpose: Option<Purpose>,
        relationship: Option<Relationship>,
        reason: Reason,
    ) -> Denial {
        let Self { party, action, policy, .. } = self;
        let (detail, opening) = ([0; 32], None);
        Denial { party, action, policy, purpose, relationship, detail, opening, reason }
    }

    /// Says on whose behalf it is used.
    pub(crate) fn on_behalf_of(&mut self, named: ActorId) {
        self.party.on_behalf_of = Some(named);
    }

    /// Lets the commit rest on this too.
    pub(crate) fn rest_on(&mut self, precondition: Precondition) {
        self.rests_on.push(precondition);
    }

    /// Lets the commit come before this time, or not at all.
    #[cfg(feature = "conformance")]
    pub(crate) fn with_end(self, before: Timestamp) -> Self {
        Self { before: Some(before), ..self }
    }

    /// Before when the commit must come, if it must.
    pub(crate) fn before(&self) -> Option<Timestamp> {
        self.before
    }

    pub(crate) fn into_parts(self) -> (Party, Action, PolicyDigest, Vec<Precondition>, Vec<Write>) {
        let writes = self.use_of_token.map(|token| Write::Put(Record::Token(*token)));
        let writes = writes.into_iter().collect();
        (self.party, self.action, self.policy, self.rests_on, writes)
    }
}

impl Denial {
    /// Says on record, and there alone, whom it is about.
    pub(crate) fn about(self, person: ActorId) -> Self {
        let mut detail = [0; 32];
        detail[..16].copy_from_slice(person.as_bytes());
        Self { detail, ..self }
    }

    /// Says on record which child it tells something of, so that it counts as an answer does.
    pub(crate) fn naming(self, opening: Opening) -> Self {
        Self { opening: Some(opening), ..self }
    }

    pub(crate) fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    pub(crate) fn into_reason(self) -> Reason {
        self.reason
    }

    pub(crate) fn to_entry(&self) -> EntryDraft {
        EntryDraft {
            action: self.action,
            outcome: self.reason.outcome(),
            party: self.party,
            purpose: self.purpose,
            relationship: self.relationship,
            released: 0,
            policy: self.policy,
            commitment: self.opening.as_ref().map_or([0; 32], Opening::commitment),
            detail: self.detail,
            count: 0,
        }
    }
}
