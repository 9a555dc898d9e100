//! That replies tell nothing, over the bytes that are sent.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use prost::Message;
use signpost_core::directory::purge::{ApprovePurge, PlanPurge};
use signpost_core::directory::{Directory, Presented};
use signpost_core::id::{
    ActorId, Fingerprint, GroupId, OrganisationId, PersonId, RequestId, SystemId, TeamId, TokenId,
};
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::purge::{PurgeMode, PurgeScope};
use signpost_core::record::{ChildHead, Record};
use signpost_core::register::{
    Certificate, Conditions, Group, Organisation, Person, PersonStanding, Standing, System,
    TokenRecord,
};
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms::{
    CodeScheme, Custody, LegalAuthority, Namespace, OrganisationKind, PurgeAuthority, PurgeReason,
    Role,
};
use signpost_core::testing::{ManualClock, Register, SeededEntropy, put_records};
use signpost_core::token::Token;
use tonic::Code;

use super::super::status;
use super::*;

const LAST_DAY: jiff::civil::Date = date(2099, 12, 31);
const OPERATOR: u8 = 1;
const APPROVER: u8 = 2;

fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().unwrap()
}

fn group(id: u8, role: Role) -> Group {
    Group {
        id: GroupId::new([id; 16]),
        organisation: OrganisationId::new([1; 16]),
        team: TeamId::new([1; 16]),
        role,
        purposes: Vec::new(),
        members_max: 1,
        valid_from: date(2026, 1, 1),
        valid_until: LAST_DAY,
        sponsor: None,
    }
}

fn person(id: u8) -> Person {
    Person {
        id: PersonId::new([id; 16]),
        actor: ActorId::new([id; 16]),
        organisation: OrganisationId::new([1; 16]),
        staff: text(&format!("STAFF-{id}")),
        group: GroupId::new([id; 16]),
        standing: PersonStanding::Active,
        conditions: Conditions {
            vetting_on: LAST_DAY,
            barred_list_checked_on: LAST_DAY,
            training_on: LAST_DAY,
            agreement_signed_on: LAST_DAY,
        },
        recertified_on: LAST_DAY,
        let_in_by: None,
        code: None,
        tokens: Vec::new(),
    }
}

fn token(id: u8) -> TokenRecord {
    TokenRecord {
        hash: Token::new([id; 32]).hash(),
        id: TokenId::new([id; 16]),
        person: PersonId::new([id; 16]),
        organisation: OrganisationId::new([1; 16]),
        used_on: LAST_DAY,
        valid_until: LAST_DAY,
        standing: Standing::Active,
        custody: Custody::Out,
    }
}

fn register() -> Register {
    Register {
        organisations: vec![Organisation {
            id: OrganisationId::new([1; 16]),
            kind: OrganisationKind::ServiceOperator,
            scheme: CodeScheme::Ods,
            code: text("8AB01"),
            name: text("Ashby Hosting"),
            area: text("E10000002"),
            authority: LegalAuthority::ContractorOfNamedBody,
            authority_until: LAST_DAY,
        }],
        teams: Vec::new(),
        systems: vec![System {
            id: SystemId::new([1; 16]),
            organisation: OrganisationId::new([1; 16]),
            name: text("Administration"),
            standing: Standing::Active,
            certificates: Vec::new(),
        }],
        certificates: vec![Certificate {
            fingerprint: Fingerprint::new([1; 32]),
            system: SystemId::new([1; 16]),
            until: Timestamp::MAX,
            standing: Standing::Active,
            renewal: None,
        }],
        groups: vec![group(OPERATOR, Role::PurgeOperator), group(APPROVER, Role::PurgeApprover)],
        people: vec![person(OPERATOR), person(APPROVER)],
        tokens: vec![token(OPERATOR), token(APPROVER)],
    }
}

fn presented(id: u8) -> Presented {
    let token = Some(Ok(Token::new([id; 32])));
    Presented { certificate: Fingerprint::new([1; 32]), token }
}

fn subject(numbers: &[u8]) -> Subject {
    let named = numbers.iter().map(|&number| NamedPseudonym {
        namespace: Namespace::Nhs,
        key: EvaluationKeyId(1),
        pseudonym: Pseudonym::new([number; 64]),
    });
    Subject::try_from(named.collect::<Vec<_>>()).unwrap()
}

/// All the bytes that an operator and an approver are sent about the plan of a child, where these heads
/// are known.
async fn sent(known: &[u8], named: &[u8], mode: PurgeMode) -> Vec<Vec<u8>> {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let policy = Arc::new(Policy::default());
    Directory::first_light(&*store, &policy, register().into()).await.unwrap();
    let entropy = Arc::new(SeededEntropy::new(1));
    let directory = Directory::start(store.clone(), policy, clock, entropy).await.unwrap();
    let heads = known.iter().map(|&number| {
        let pseudonym = Pseudonym::new([number; 64]);
        Record::Head(ChildHead { pseudonym, shields: Vec::new() })
    });
    put_records(&*store, heads).await.unwrap();
    let request = RequestId::new([1; 16]);
    let plan = PlanPurge {
        request,
        scope: PurgeScope::Child { subject: Some(subject(named)), mode },
        authority: PurgeAuthority::CourtOrder,
        reason: PurgeReason::Adoption,
        case: text("DPO-2026-1"),
    };
    let planned = directory.plan_purge(&presented(OPERATOR), &Ok(plan)).await.unwrap();
    let mut bytes = vec![
        v1::PlanPurgeResponse {
            purge_id: uuid_text(*planned.result.as_bytes()),
            receipt: planned.receipt.0,
        }
        .encode_to_vec(),
    ];
    let count = directory.count_purges().await;
    assert_eq!(count, Ok(1));
    for who in [OPERATOR, APPROVER] {
        let shown = directory.show_purge(&presented(who), &Ok(planned.result)).await.unwrap();
        let digest = shown.result.plan.digest;
        let purge = Some(render::purge(shown.result));
        let shown = v1::GetPurgeResponse { purge, holds: Vec::new(), receipt: shown.receipt.0 };
        bytes.push(shown.encode_to_vec());
        let approve = ApprovePurge { request, purge: planned.result, digest };
        match directory.approve_purge(&presented(who), &Ok(approve)).await {
            Ok(approved) => {
                let approved = v1::ApprovePurgeResponse { receipt: approved.receipt.0 };
                bytes.push(approved.encode_to_vec());
            }
            Err(refusal) => {
                let refused = status::of(&refusal);
                assert_eq!(refused.code(), Code::PermissionDenied);
                bytes.push(refused.message().as_bytes().to_vec());
                bytes.push(refused.details().to_vec());
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_sent_of_a_childs_purge_is_the_same_known_or_not(
        known in prop::sample::subsequence(vec![1_u8, 2, 3, 4, 5, 6], 0..=6),
        named in prop::sample::subsequence(vec![1_u8, 2, 3, 4], 1..=4),
        forget in any::<bool>(),
    ) {
        let until = date(2027, 1, 1);
        let mode = if forget { PurgeMode::Forget } else { PurgeMode::Suppress { until } };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (one, other) = runtime.block_on(async {
            (sent(&known, &named, mode).await, sent(&[], &named, mode).await)
        });
        prop_assert_eq!(one, other);
    }
}
