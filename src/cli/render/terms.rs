//! The field's enumerations on the command line: their names, their words, their parser.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::marker::PhantomData;
use std::sync::LazyLock;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error};
use signpost_proto::v1;

use super::values::refuse;

/// A value of one of the contract's enumerations.
pub trait Term: Copy + Send + Sync + 'static {
    /// What its full name starts with.
    const PREFIX: &'static str;

    /// The value of a number; none for 0, which is never sent.
    fn from_number(number: i32) -> Option<Self>;

    /// The name in the contract, with its prefix.
    fn full_name(self) -> &'static str;

    /// Every value, in the contract's order.
    fn all() -> impl Iterator<Item = Self> {
        (1..=CODE_MAX).filter_map(Self::from_number)
    }

    /// The field's name, such as `S47_ENQUIRY`.
    fn name(self) -> &'static str {
        self.full_name().strip_prefix(Self::PREFIX).unwrap_or(self.full_name())
    }

    /// The same in the words people use.
    fn words(self) -> String {
        in_words(self.name())
    }
}

/// Every number of the contract's enumerations is one byte; some have gaps.
const CODE_MAX: i32 = 255;

/// The words for a number on the wire, also if it is newer than this program.
pub fn words_of<T: Term>(number: i32) -> String {
    T::from_number(number).map_or_else(|| "unknown to this version".to_owned(), Term::words)
}

/// The name for a number on the wire; none if it is unspecified or newer than this program.
pub fn name_of<T: Term>(number: i32) -> Option<&'static str> {
    T::from_number(number).map(Term::name)
}

macro_rules! terms {
    ($($name:ident $prefix:literal;)+) => {
        $(impl Term for v1::$name {
            const PREFIX: &'static str = $prefix;

            fn from_number(number: i32) -> Option<Self> {
                Self::try_from(number).ok().filter(|_| number != 0)
            }

            fn full_name(self) -> &'static str {
                self.as_str_name()
            }
        })+

        /// Names as they are typed; the help texts need them for as long as the program runs.
        static TYPED: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
            let mut typed = BTreeMap::new();
            $(typed.extend(v1::$name::all().map(|term| {
                (term.name(), term.name().to_ascii_lowercase().replace('_', "-"))
            }));)+
            typed
        });
    };
}

terms! {
    Purpose "PURPOSE_";
    Relationship "RELATIONSHIP_";
    ServiceType "SERVICE_TYPE_";
    InvolvementStatus "INVOLVEMENT_STATUS_";
    Sensitivity "SENSITIVITY_";
    DisclosureBasis "DISCLOSURE_BASIS_";
    SubjectInformed "SUBJECT_INFORMED_";
    ContactRole "CONTACT_ROLE_";
    ShieldKind "SHIELD_KIND_";
    Namespace "NAMESPACE_";
    Involvement "INVOLVEMENT_";
    LiftProgress "LIFT_PROGRESS_";
    ClockProgress "CLOCK_PROGRESS_";
    Role "ROLE_";
    OrganisationKind "ORGANISATION_KIND_";
    CodeScheme "CODE_SCHEME_";
    LegalAuthority "LEGAL_AUTHORITY_";
    Custody "CUSTODY_";
    Standing "STANDING_";
    PersonStanding "PERSON_STANDING_";
    ProposalState "PROPOSAL_STATE_";
    AlertKind "ALERT_KIND_";
    AlertOutcome "ALERT_OUTCOME_";
    Action "ACTION_";
    Outcome "OUTCOME_";
    WithheldBecause "WITHHELD_BECAUSE_";
    WithholdingGround "WITHHOLDING_GROUND_";
    AccessDecision "ACCESS_DECISION_";
    ReleaseLevel "RELEASE_LEVEL_";
    PurgeState "PURGE_STATE_";
    ScopeKind "SCOPE_KIND_";
    SuppressionMode "SUPPRESSION_MODE_";
    PurgeAuthority "PURGE_AUTHORITY_";
    PurgeReason "PURGE_REASON_";
    HoldGround "HOLD_GROUND_";
    PurgedKind "PURGED_KIND_";
    DecommissioningState "DECOMMISSIONING_STATE_";
    ClosingAuthority "CLOSING_AUTHORITY_";
    NilReturn "NIL_RETURN_";
    CopyKind "COPY_KIND_";
    CopyMethod "COPY_METHOD_";
    ClosingTask "CLOSING_TASK_";
}

/// Reads a term as `s47-enquiry` or `S47_ENQUIRY`. What was typed is not repeated.
#[derive(Clone, Debug)]
pub struct TermParser<T>(PhantomData<fn() -> T>);

/// The parser of an enumeration.
#[must_use]
pub fn term<T: Term>() -> TermParser<T> {
    TermParser(PhantomData)
}

impl<T: Term> TypedValueParser for TermParser<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        let name = value.to_string_lossy().to_ascii_uppercase().replace('-', "_");
        T::all().find(|term| term.name() == name).ok_or_else(|| {
            let typed: Vec<_> = T::all().map(|term| typed(term.name())).collect();
            refuse(cmd, arg, &format!("one of {}", typed.join(", ")))
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(T::all().map(|term| PossibleValue::new(typed(term.name())))))
    }
}

fn typed(name: &'static str) -> &'static str {
    TYPED.get(name).map_or(name, String::as_str)
}

/// What cannot be made of a name by leaving out its capitals and underlines stands here.
fn in_words(name: &str) -> String {
    let words = match name {
        "SOCIAL_CARE_CHILD_IN_NEED" => "social care: child in need",
        "SOCIAL_CARE_CHILD_PROTECTION" => "social care: child protection",
        "LOOKED_AFTER" => "social care: looked-after child",
        "MATERNITY_UNBORN" => "maternity: unborn child",
        "EDUCATION_WELFARE_ATTENDANCE" => "education welfare and attendance",
        "SEND" => "special educational needs (SEND)",
        "CAFCASS" => "Cafcass",
        "HOUSING_HOMELESSNESS" => "housing and homelessness",
        "FIRE_RESCUE_SCHEME" => "fire and rescue scheme",
        "CAMHS" => "child and adolescent mental health (CAMHS)",
        "SARC" => "sexual assault referral centre (SARC)",
        "PREVENT_CHANNEL" => "Prevent (Channel)",
        "OTHER_TARGETED" => "other targeted service",
        "LEGAL_OBLIGATION_16LA" => "legal obligation (s. 16LA)",
        "INFORMED_PARENT_ONLY" => "only a parent informed",
        "NOT_YET" => "not yet informed",
        "WITHHELD_RISK" => "not informed: it would put the child at risk",
        "NOT_APPLICABLE" => "not to be informed",
        "NHS" => "NHS number",
        "CHI" => "CHI number",
        "HCN" => "Health and Care number",
        "UPN" => "UPN",
        "UPN_TEMP" => "temporary UPN",
        "ULN" => "ULN",
        "CASE" => "case number",
        _ => return name.to_ascii_lowercase().replace('_', " "),
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<T: Term>(text: &str) -> Result<T, Error> {
        let arg = Arg::new("purpose").long("purpose");
        term::<T>().parse_ref(&Command::new("ask"), Some(&arg), OsStr::new(text))
    }

    #[test]
    fn a_term_is_read_in_both_spellings() {
        for text in ["s47-enquiry", "S47_ENQUIRY", "S47-Enquiry"] {
            assert_eq!(parse::<v1::Purpose>(text).unwrap(), v1::Purpose::S47Enquiry);
        }
        for purpose in v1::Purpose::all() {
            assert_eq!(parse::<v1::Purpose>(typed(purpose.name())).unwrap(), purpose);
        }
        assert!(parse::<v1::Purpose>("unspecified").is_err());
    }

    #[test]
    fn what_was_typed_is_not_repeated() {
        let message = parse::<v1::Relationship>("9990000018").unwrap_err().to_string();
        assert!(!message.contains("9990000018"));
        assert!(message.contains("--purpose takes one of allocated-case, duty-team"), "{message}");
    }

    #[test]
    fn every_term_is_listed_and_has_words() {
        assert_eq!(v1::ServiceType::all().count(), 38);
        assert_eq!(v1::Purpose::all().count(), 13);
        for service in v1::ServiceType::all() {
            assert!(!service.words().contains('_'), "{}", service.words());
        }
        assert_eq!(words_of::<v1::ServiceType>(5), "early help");
        assert_eq!(words_of::<v1::ServiceType>(99), "unknown to this version");
        assert_eq!(name_of::<v1::ServiceType>(0), None);
    }
}
