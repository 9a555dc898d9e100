//! What a letter calls roles, purposes and what was told: in the words of who is not in the field.

use signpost_proto::v1;

/// For a number that is newer than this program.
const UNKNOWN: &str = "unknown to this version";

/// What somebody was.
pub(super) fn role(number: i32) -> &'static str {
    let Ok(role) = v1::Role::try_from(number) else { return UNKNOWN };
    match role {
        v1::Role::Unspecified => "no role",
        v1::Role::SocialWorker => "a social worker",
        v1::Role::SocialWorkManager => "a social work manager",
        v1::Role::MashPractitioner => "a practitioner of the safeguarding hub",
        v1::Role::EdSafeguardingClinician => "a safeguarding clinician of an emergency department",
        v1::Role::NamedNurseDoctor => "a named nurse or doctor for safeguarding",
        v1::Role::PolicePpu => "an officer of a police protection unit",
        v1::Role::YouthJusticeWorker => "a youth justice worker",
        v1::Role::EarlyHelpWorker => "an early help worker",
        v1::Role::Dsl => "a designated safeguarding lead",
        v1::Role::Broker => "a broker",
        v1::Role::PrivacyOfficer => "a privacy officer",
        v1::Role::DataSteward => "a data steward",
        v1::Role::AdminOnboarding => "an administrator",
        v1::Role::PurgeOperator | v1::Role::PurgeApprover => "an operator of the service",
        v1::Role::Auditor => "an auditor",
    }
}

/// Why somebody asked.
pub(super) fn purpose(number: i32) -> &'static str {
    let Ok(purpose) = v1::Purpose::try_from(number) else { return UNKNOWN };
    match purpose {
        v1::Purpose::Unspecified => "no question was asked",
        v1::Purpose::S47Enquiry => "an enquiry whether a child is safe (section 47)",
        v1::Purpose::S17Assessment => "an assessment of a child's needs (section 17)",
        v1::Purpose::MashTriage => "deciding what to do about a report to the safeguarding hub",
        v1::Purpose::EmergencyCareAttendance => "a visit to emergency care",
        v1::Purpose::PoliceProtectionS46 => "police protection (section 46)",
        v1::Purpose::MissingChild => "a missing child",
        v1::Purpose::TransferIn => "a child who moved into the area or service",
        v1::Purpose::EarlyHelpAssessment => "an early help assessment",
        v1::Purpose::CaseReview => "a review of a case",
        v1::Purpose::ChildDeathReview => "a review after a child's death",
        v1::Purpose::SubjectAccess => "a request for access to one's own data",
        v1::Purpose::DataQuality => "checking that the data are right",
        v1::Purpose::AuditInvestigation => "an audit",
    }
}

/// How much somebody was told.
pub(super) fn released(number: i32) -> &'static str {
    let Ok(level) = v1::ReleaseLevel::try_from(number) else { return UNKNOWN };
    match level {
        v1::ReleaseLevel::Unspecified => "nothing",
        v1::ReleaseLevel::Full => "a service, its team, telephones and dates",
        v1::ReleaseLevel::TeamAndPhone => "a team and its work telephone",
        v1::ReleaseLevel::TeamAndDutyPhone => "a team and its duty telephone",
        v1::ReleaseLevel::DutyPhone => "a team's duty telephone",
        v1::ReleaseLevel::Team => "a team",
        v1::ReleaseLevel::ServiceTypeTeamYears => "a service, its team and years",
        v1::ReleaseLevel::ServiceTypeYears => "a service and years",
        v1::ReleaseLevel::FurtherService => "that there is a further service",
    }
}
