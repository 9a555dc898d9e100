//! The field's enumerations, each value with a stable code (stored, signed) and its usual name.

use serde::{Deserialize, Serialize};

/// Declares an enumeration whose codes are stored for ever and whose names are those of the field.
macro_rules! terms {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $code:literal $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "u8", try_from = "u8")]
        pub enum $name { $(#[doc = concat!("`", $text, "`, stored as ", $code, ".")] $variant = $code,)+ }

        impl $name {
            /// Every value, in order of code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stored code; never 0.
            #[must_use]
            pub fn code(self) -> u8 {
                self as u8
            }

            /// The name the field uses, in capitals.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The value of this name, if there is one.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }

            /// The value of this code, if there is one.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> u8 {
                value.code()
            }
        }

        impl TryFrom<u8> for $name {
            type Error = UnknownCode;

            fn try_from(code: u8) -> Result<Self, UnknownCode> {
                Self::from_code(code).ok_or(UnknownCode(code))
            }
        }
    };
}

mod closing;
mod history;
mod purge;

pub use closing::{
    ClosingAuthority, ClosingTask, CopyKind, CopyMethod, DecommissioningState, NilReturn,
};
pub use history::{WithheldBecause, WithholdingGround};
pub use purge::{
    HoldGround, PurgeAuthority, PurgeReason, PurgeState, PurgedKind, ScopeKind, SuppressionMode,
};

/// A stored code that this build does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown code {0}")]
pub struct UnknownCode(pub u8);

terms! {
    /// What a person is to Signpost. A person has exactly one role.
    Role {
        SocialWorker = 1 "SOCIAL_WORKER",
        SocialWorkManager = 2 "SOCIAL_WORK_MANAGER",
        MashPractitioner = 3 "MASH_PRACTITIONER",
        EdSafeguardingClinician = 4 "ED_SAFEGUARDING_CLINICIAN",
        NamedNurseDoctor = 5 "NAMED_NURSE_DOCTOR",
        PolicePpu = 6 "POLICE_PPU",
        YouthJusticeWorker = 7 "YOUTH_JUSTICE_WORKER",
        EarlyHelpWorker = 8 "EARLY_HELP_WORKER",
        Dsl = 9 "DSL",
        Broker = 10 "BROKER",
        PrivacyOfficer = 11 "PRIVACY_OFFICER",
        DataSteward = 12 "DATA_STEWARD",
        AdminOnboarding = 13 "ADMIN_ONBOARDING",
        PurgeOperator = 14 "PURGE_OPERATOR",
        PurgeApprover = 15 "PURGE_APPROVER",
        Auditor = 16 "AUDITOR",
    }
}

terms! {
    /// Why a question is asked.
    Purpose {
        S47Enquiry = 1 "S47_ENQUIRY",
        S17Assessment = 2 "S17_ASSESSMENT",
        MashTriage = 3 "MASH_TRIAGE",
        EmergencyCareAttendance = 4 "EMERGENCY_CARE_ATTENDANCE",
        PoliceProtectionS46 = 5 "POLICE_PROTECTION_S46",
        MissingChild = 6 "MISSING_CHILD",
        TransferIn = 7 "TRANSFER_IN",
        EarlyHelpAssessment = 8 "EARLY_HELP_ASSESSMENT",
        CaseReview = 9 "CASE_REVIEW",
        ChildDeathReview = 10 "CHILD_DEATH_REVIEW",
        SubjectAccess = 11 "SUBJECT_ACCESS",
        DataQuality = 12 "DATA_QUALITY",
        AuditInvestigation = 13 "AUDIT_INVESTIGATION",
    }
}

terms! {
    /// What the asker claims to be to the child. Acting for somebody else comes with brokering.
    Relationship {
        AllocatedCase = 1 "ALLOCATED_CASE",
        DutyTeam = 2 "DUTY_TEAM",
        ReferralReceived = 3 "REFERRAL_RECEIVED",
        PresentingNow = 4 "PRESENTING_NOW",
        SelfClaimed = 5 "SELF_CLAIMED",
    }
}

terms! {
    /// The kind of service that is, or was, involved. Never a value that states a diagnosis.
    ServiceType {
        SocialCareChildInNeed = 1 "SOCIAL_CARE_CHILD_IN_NEED",
        SocialCareChildProtection = 2 "SOCIAL_CARE_CHILD_PROTECTION",
        LookedAfter = 3 "LOOKED_AFTER",
        LeavingCare = 4 "LEAVING_CARE",
        EarlyHelp = 5 "EARLY_HELP",
        FamilyHub = 6 "FAMILY_HUB",
        HealthVisiting = 7 "HEALTH_VISITING",
        SchoolNursing = 8 "SCHOOL_NURSING",
        GeneralPractice = 9 "GENERAL_PRACTICE",
        CommunityPaediatrics = 10 "COMMUNITY_PAEDIATRICS",
        HospitalPaediatrics = 11 "HOSPITAL_PAEDIATRICS",
        EmergencyCare = 12 "EMERGENCY_CARE",
        MaternityUnborn = 13 "MATERNITY_UNBORN",
        EducationSetting = 14 "EDUCATION_SETTING",
        EducationWelfareAttendance = 15 "EDUCATION_WELFARE_ATTENDANCE",
        Send = 16 "SEND",
        EducationalPsychology = 17 "EDUCATIONAL_PSYCHOLOGY",
        VirtualSchool = 18 "VIRTUAL_SCHOOL",
        ElectiveHomeEducation = 19 "ELECTIVE_HOME_EDUCATION",
        YouthJustice = 20 "YOUTH_JUSTICE",
        PoliceChildProtection = 21 "POLICE_CHILD_PROTECTION",
        Probation = 22 "PROBATION",
        Cafcass = 23 "CAFCASS",
        HousingHomelessness = 24 "HOUSING_HOMELESSNESS",
        FireRescueScheme = 25 "FIRE_RESCUE_SCHEME",
        VoluntarySector = 26 "VOLUNTARY_SECTOR",
        DisabilityService = 27 "DISABILITY_SERVICE",
        YoungCarers = 28 "YOUNG_CARERS",
        Camhs = 29 "CAMHS",
        SexualHealth = 30 "SEXUAL_HEALTH",
        Sarc = 31 "SARC",
        SubstanceMisuse = 32 "SUBSTANCE_MISUSE",
        DomesticAbuseService = 33 "DOMESTIC_ABUSE_SERVICE",
        Refuge = 34 "REFUGE",
        PreventChannel = 35 "PREVENT_CHANNEL",
        GenderService = 36 "GENDER_SERVICE",
        AdoptionSupport = 37 "ADOPTION_SUPPORT",
        OtherTargeted = 38 "OTHER_TARGETED",
    }
}

impl ServiceType {
    /// Whether a flag of this service is sensitive unless its owner says HIDDEN: it may not be
    /// recorded as STANDARD or RESTRICTED.
    #[must_use]
    pub fn is_sensitive(self) -> bool {
        const SENSITIVE: [ServiceType; 9] = [
            ServiceType::Camhs,
            ServiceType::SexualHealth,
            ServiceType::Sarc,
            ServiceType::SubstanceMisuse,
            ServiceType::DomesticAbuseService,
            ServiceType::Refuge,
            ServiceType::PreventChannel,
            ServiceType::GenderService,
            ServiceType::AdoptionSupport,
        ];
        SENSITIVE.contains(&self)
    }
}

terms! {
    /// How an involvement stands while it lasts. That it has ended follows from its end date.
    InvolvementStatus {
        Referred = 1 "REFERRED",
        Active = 2 "ACTIVE",
        OnHold = 3 "ON_HOLD",
        Transferring = 4 "TRANSFERRING",
    }
}

terms! {
    /// How much of a flag its owner lets others see.
    Sensitivity {
        Standard = 1 "STANDARD",
        Restricted = 2 "RESTRICTED",
        SensitiveExistence = 3 "SENSITIVE_EXISTENCE",
        Hidden = 4 "HIDDEN",
    }
}

terms! {
    /// The ground on which a flag is shared.
    DisclosureBasis {
        PublicTask = 1 "PUBLIC_TASK",
        LegalObligation16la = 2 "LEGAL_OBLIGATION_16LA",
        ExplicitConsent = 3 "EXPLICIT_CONSENT",
        SignificantHarm = 4 "SIGNIFICANT_HARM",
        CourtOrder = 5 "COURT_ORDER",
    }
}

terms! {
    /// Whether the child or the family knows of the flag.
    SubjectInformed {
        Informed = 1 "INFORMED",
        InformedParentOnly = 2 "INFORMED_PARENT_ONLY",
        NotYet = 3 "NOT_YET",
        WithheldRisk = 4 "WITHHELD_RISK",
        NotApplicable = 5 "NOT_APPLICABLE",
    }
}

terms! {
    /// Who answers the telephone of a contact route. A closed list: no names, no free text.
    ContactRole {
        AllocatedWorker = 1 "ALLOCATED_WORKER",
        DutyWorker = 2 "DUTY_WORKER",
        TeamManager = 3 "TEAM_MANAGER",
        LeadPractitioner = 4 "LEAD_PRACTITIONER",
        SafeguardingLead = 5 "SAFEGUARDING_LEAD",
        NamedNurse = 6 "NAMED_NURSE",
        NamedDoctor = 7 "NAMED_DOCTOR",
        TeamAdministrator = 8 "TEAM_ADMINISTRATOR",
    }
}

terms! {
    /// Why a child is shielded.
    ShieldKind {
        Shielded = 1 "SHIELDED",
        ProtectedIdentity = 2 "PROTECTED_IDENTITY",
    }
}

terms! {
    /// What kind of body an organisation is.
    OrganisationKind {
        LocalAuthority = 1 "LOCAL_AUTHORITY",
        NhsTrust = 2 "NHS_TRUST",
        GeneralPractice = 3 "GENERAL_PRACTICE",
        PoliceForce = 4 "POLICE_FORCE",
        EducationSetting = 5 "EDUCATION_SETTING",
        YouthJusticeService = 6 "YOUTH_JUSTICE_SERVICE",
        ProbationService = 7 "PROBATION_SERVICE",
        VoluntaryOrganisation = 8 "VOLUNTARY_ORGANISATION",
        ServiceOperator = 9 "SERVICE_OPERATOR",
    }
}

terms! {
    /// Whose code an organisation is known by.
    CodeScheme {
        Ods = 1 "ODS",
        Gss = 2 "GSS",
        Urn = 3 "URN",
    }
}

terms! {
    /// The law under which an organisation takes part.
    LegalAuthority {
        ChildrenAct2004S11 = 1 "CHILDREN_ACT_2004_S11",
        ChildrenAct2004S12 = 2 "CHILDREN_ACT_2004_S12",
        ChildrenAct2004S16la = 3 "CHILDREN_ACT_2004_S16LA",
        EducationAct2002S175 = 4 "EDUCATION_ACT_2002_S175",
        ContractorOfNamedBody = 5 "CONTRACTOR_OF_NAMED_BODY",
    }
}

terms! {
    /// Where a token is. Issued tokens are the sum of the four at every moment.
    Custody {
        Out = 1 "OUT",
        Returned = 2 "RETURNED",
        Destroyed = 3 "DESTROYED",
        LostRevoked = 4 "LOST_REVOKED",
    }
}

terms! {
    /// What a privacy officer is to look at.
    AlertKind {
        Canary = 1 "CANARY",
        Enumeration = 2 "ENUMERATION",
        SecondRedemption = 3 "SECOND_REDEMPTION",
        SelfClaimed = 4 "SELF_CLAIMED",
        Quota = 5 "QUOTA",
        ShieldedView = 6 "SHIELDED_VIEW",
        Recovery = 7 "RECOVERY",
        NewCode = 8 "NEW_CODE",
        CodeElsewhere = 9 "CODE_ELSEWHERE",
        CertificateElsewhere = 10 "CERTIFICATE_ELSEWHERE",
    }
}

terms! {
    /// What a privacy officer found.
    AlertOutcome {
        Justified = 1 "JUSTIFIED",
        Mistake = 2 "MISTAKE",
        Misuse = 3 "MISUSE",
        Exercise = 4 "EXERCISE",
    }
}

terms! {
    /// The kind of number a pseudonym was made from.
    Namespace {
        Nhs = 1 "NHS",
        Chi = 2 "CHI",
        Hcn = 3 "HCN",
        Upn = 4 "UPN",
        UpnTemp = 5 "UPN_TEMP",
        Uln = 6 "ULN",
        Case = 7 "CASE",
    }
}

terms! {
    /// What was done, or asked for: the verb of a ledger entry.
    Action {
        Ask = 1 "ASK",
        AskMany = 2 "ASK_MANY",
        RecordContact = 3 "RECORD_CONTACT",
        EndContact = 4 "END_CONTACT",
        SetShield = 5 "SET_SHIELD",
        LiftShield = 6 "LIFT_SHIELD",
        Evaluate = 7 "EVALUATE",
        ConfirmClock = 8 "CONFIRM_CLOCK",
        RegisterOrganisation = 9 "REGISTER_ORGANISATION",
        AddTeam = 10 "ADD_TEAM",
        ChangeTeam = 11 "CHANGE_TEAM",
        RegisterSystem = 12 "REGISTER_SYSTEM",
        SuspendSystem = 13 "SUSPEND_SYSTEM",
        ResumeSystem = 14 "RESUME_SYSTEM",
        AdmitCertificate = 15 "ADMIT_CERTIFICATE",
        RevokeCertificate = 16 "REVOKE_CERTIFICATE",
        RenewCertificate = 17 "RENEW_CERTIFICATE",
        ProposeAccess = 18 "PROPOSE_ACCESS",
        ApproveAccess = 19 "APPROVE_ACCESS",
        WithdrawProposal = 20 "WITHDRAW_PROPOSAL",
        NarrowGroup = 21 "NARROW_GROUP",
        InvitePeople = 22 "INVITE_PEOPLE",
        RecordConditions = 23 "RECORD_CONDITIONS",
        Recertify = 24 "RECERTIFY",
        SuspendPerson = 25 "SUSPEND_PERSON",
        ResumePerson = 26 "RESUME_PERSON",
        MovePerson = 27 "MOVE_PERSON",
        RemovePerson = 28 "REMOVE_PERSON",
        IssueCode = 29 "ISSUE_CODE",
        RedeemCode = 30 "REDEEM_CODE",
        RenewToken = 31 "RENEW_TOKEN",
        FirstLight = 32 "FIRST_LIGHT",
        ChangePolicy = 33 "CHANGE_POLICY",
        CountRefusals = 34 "COUNT_REFUSALS",
        CutTail = 35 "CUT_TAIL",
        AddEvaluationKey = 36 "ADD_EVALUATION_KEY",
        NoteClockStep = 37 "NOTE_CLOCK_STEP",
        NoteFull = 38 "NOTE_FULL",
        NoteWritable = 39 "NOTE_WRITABLE",
        BeginTurn = 40 "BEGIN_TURN",
        DestroyGeneration = 41 "DESTROY_GENERATION",
        RaiseAlerts = 42 "RAISE_ALERTS",
        RecoverAdministrators = 43 "RECOVER_ADMINISTRATORS",
        Anchor = 44 "ANCHOR",
        SuspendToken = 64 "SUSPEND_TOKEN",
        ResumeToken = 65 "RESUME_TOKEN",
        RecordCustody = 66 "RECORD_CUSTODY",
        ListRegister = 67 "LIST_REGISTER",
        AskAsBroker = 68 "ASK_AS_BROKER",
        CloseAlert = 69 "CLOSE_ALERT",
        ListAlerts = 70 "LIST_ALERTS",
        AddCanary = 71 "ADD_CANARY",
        IdentifyActor = 72 "IDENTIFY_ACTOR",
        ReadLedger = 73 "READ_LEDGER",
        ListEntries = 74 "LIST_ENTRIES",
        RequestHistory = 75 "REQUEST_HISTORY",
        ConsentToHistory = 76 "CONSENT_TO_HISTORY",
        ReadHistory = 77 "READ_HISTORY",
        ListWithheld = 78 "LIST_WITHHELD",
        ReviewAccess = 79 "REVIEW_ACCESS",
        GetFigures = 85 "GET_FIGURES",
        PlanPurge = 88 "PLAN_PURGE",
        ApprovePurge = 89 "APPROVE_PURGE",
        CancelPurge = 90 "CANCEL_PURGE",
        ShowPurge = 91 "SHOW_PURGE",
        ListPurges = 92 "LIST_PURGES",
        ReadPurgeAnnex = 93 "READ_PURGE_ANNEX",
        SetHold = 94 "SET_HOLD",
        LiftHold = 95 "LIFT_HOLD",
        ListHolds = 96 "LIST_HOLDS",
        AdvancePurge = 97 "ADVANCE_PURGE",
        CertifyPurge = 98 "CERTIFY_PURGE",
        CountPurge = 99 "COUNT_PURGE",
        PlanDecommissioning = 100 "PLAN_DECOMMISSIONING",
        ApproveDecommissioning = 101 "APPROVE_DECOMMISSIONING",
        CancelDecommissioning = 102 "CANCEL_DECOMMISSIONING",
        ShowDecommissioning = 103 "SHOW_DECOMMISSIONING",
        CloseService = 104 "CLOSE_SERVICE",
        RevokeTokens = 105 "REVOKE_TOKENS",
        RecordClosing = 106 "RECORD_CLOSING",
        SetStandingOrder = 110 "SET_STANDING_ORDER",
        ApproveStandingOrder = 111 "APPROVE_STANDING_ORDER",
        RevokeStandingOrder = 112 "REVOKE_STANDING_ORDER",
        ShowStandingOrder = 113 "SHOW_STANDING_ORDER",
        PlanByStandingOrder = 114 "PLAN_BY_STANDING_ORDER",
    }
}

terms! {
    /// How an action ended. Never why nothing was released: unknown, hidden and shielded are one.
    Outcome {
        Done = 1 "DONE",
        Released = 2 "RELEASED",
        ReleasedPartial = 3 "RELEASED_PARTIAL",
        BrokerRequired = 4 "BROKER_REQUIRED",
        NoVisibleContact = 5 "NO_VISIBLE_CONTACT",
        DeniedRole = 16 "DENIED_ROLE",
        DeniedPurpose = 17 "DENIED_PURPOSE",
        DeniedBudget = 18 "DENIED_BUDGET",
        DeniedSuspended = 19 "DENIED_SUSPENDED",
        DeniedExpired = 20 "DENIED_EXPIRED",
        DeniedSameName = 21 "DENIED_SAME_NAME",
        DeniedLapsed = 22 "DENIED_LAPSED",
        DeniedNotSponsor = 23 "DENIED_NOT_SPONSOR",
        DeniedOwnRecord = 24 "DENIED_OWN_RECORD",
        DeniedNotIndependent = 25 "DENIED_NOT_INDEPENDENT",
        Invalid = 32 "INVALID",
        NotFound = 33 "NOT_FOUND",
        RequestIdReused = 34 "REQUEST_ID_REUSED",
        LimitReached = 35 "LIMIT_REACHED",
        NothingToConfirm = 36 "NOTHING_TO_CONFIRM",
        GroupFull = 37 "GROUP_FULL",
        AlreadyRegistered = 38 "ALREADY_REGISTERED",
        Outdated = 39 "OUTDATED",
        WrongState = 40 "WRONG_STATE",
        CodeUnknown = 41 "CODE_UNKNOWN",
        CodeExpired = 42 "CODE_EXPIRED",
        CodeUsed = 43 "CODE_USED",
        CodeOfOtherOrganisation = 44 "CODE_OF_OTHER_ORGANISATION",
        OtherDigest = 45 "OTHER_DIGEST",
        ClockInDoubt = 46 "CLOCK_IN_DOUBT",
        Held = 47 "HELD",
        CertificateUnknown = 48 "CERTIFICATE_UNKNOWN",
        SystemSuspended = 49 "SYSTEM_SUSPENDED",
        TokenMissing = 50 "TOKEN_MISSING",
        TokenMalformed = 51 "TOKEN_MALFORMED",
        TokenUnknown = 52 "TOKEN_UNKNOWN",
        TokenOfOtherOrganisation = 53 "TOKEN_OF_OTHER_ORGANISATION",
        HandshakeFailed = 54 "HANDSHAKE_FAILED",
        Shed = 55 "SHED",
        CertificateRevoked = 56 "CERTIFICATE_REVOKED",
        CertificateExpired = 57 "CERTIFICATE_EXPIRED",
        ServiceClosed = 58 "SERVICE_CLOSED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back_to_their_value() {
        for role in Role::ALL {
            assert_eq!(Role::from_code(role.code()), Some(*role));
            assert_eq!(Role::from_name(role.name()), Some(*role));
        }
        assert_eq!(Role::from_code(0), None, "0 stays free for UNSPECIFIED");
        assert_eq!(Role::try_from(17), Err(UnknownCode(17)));
    }

    #[test]
    fn nine_services_are_sensitive_by_default() {
        let sensitive = ServiceType::ALL.iter().filter(|service| service.is_sensitive());
        assert_eq!(sensitive.count(), 9);
    }
}
