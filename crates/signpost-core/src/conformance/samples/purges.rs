//! One record of each kind that purges and holds come with.

use jiff::Timestamp;
use jiff::civil::date;

use super::{subject, text};
use crate::anchor::Position;
use crate::id::{HoldId, OrderId, PersonId, PurgeDigest, PurgeId, Receipt, RunId, SystemId};
use crate::purge::{
    Approval, Held, LeftBehind, LegalHold, PlanNonce, PurgeAnnex, PurgeCertificate, PurgeMode,
    PurgePlan, PurgeQuota, PurgeRun, PurgeScope, Reach, SearchSummary, StandingOrder, Tally,
    UnderOrder, suppress,
};
use crate::record::{FirstName, Record, RecordKind};
use crate::search::{Sought, SoughtKind};
use crate::terms::{HoldGround, PurgeAuthority, PurgeReason, PurgeState};
use crate::turn::{Destroyed, Erased, KeyDestroyed, Passed};

const AT: Timestamp = Timestamp::constant(1_781_524_800, 0);

pub(super) fn purge() -> Record {
    Record::Purge(Box::new(PurgePlan {
        id: PurgeId::new([21; 16]),
        scope: PurgeScope::Child {
            subject: Some(subject(&[1, 2])),
            mode: PurgeMode::Suppress { until: date(2044, 6, 15) },
        },
        reach: Reach {
            systems: vec![SystemId::new([3; 16])],
            visible_months: 72,
            openings_below: Some(Receipt(5)),
        },
        authority: PurgeAuthority::AdoptionAndChildrenAct2002,
        reason: PurgeReason::Adoption,
        case: text("DPO-2026-00042"),
        nonce: PlanNonce::new([22; 32]),
        cut_off: Receipt(7),
        digest: PurgeDigest::new([23; 32]),
        planner: PersonId::new([4; 16]),
        approvals: vec![Approval { by: PersonId::new([18; 16]), at: AT, entry: Some(Receipt(9)) }],
        planned_in: Some(Receipt(8)),
        planned_at: AT,
        not_before: Some(AT),
        expires: AT,
        cancelled: Some(Approval { by: PersonId::new([4; 16]), at: AT, entry: None }),
        state: PurgeState::Cancelled,
        order: Some(UnderOrder { id: OrderId::new([26; 16]), digest: PurgeDigest::new([27; 32]) }),
    }))
}

pub(super) fn annex() -> Record {
    let counts = Tally::default().into_counts();
    Record::PurgeAnnex(PurgeAnnex { purge: PurgeId::new([21; 16]), counts })
}

pub(super) fn hold() -> Record {
    let name = |byte| FirstName { person: PersonId::new([byte; 16]), until: AT };
    Record::Hold(Box::new(LegalHold {
        id: HoldId::new([24; 16]),
        held: Held::Child(Some(subject(&[1, 2]))),
        ground: HoldGround::StatutoryInquiry,
        case: text("LEG-2026-00007"),
        first: name(4),
        second: Some(PersonId::new([18; 16])),
        lifting: Some(name(18)),
        lifted_by: None,
    }))
}

pub(super) fn marker_key() -> Record {
    suppressed().pop().expect("the key is the last")
}

pub(super) fn suppression() -> Record {
    suppressed().swap_remove(0)
}

pub(super) fn quota() -> Record {
    let (person, day) = (PersonId::new([4; 16]), date(2026, 6, 15));
    Record::PurgeQuota(PurgeQuota { person, day, plans: 3 })
}

fn suppressed() -> Vec<Record> {
    suppress(&subject(&[1]), PurgeId::new([21; 16]), AT, None, [25; 32])
}

pub(super) fn run() -> Record {
    let passed = Passed { carried: 3, left: 2 };
    let summary = SearchSummary { files: 9, bytes: 4096, found: 1 };
    let position = Position { generation: 4, frame: 17, hash: [5; 32] };
    let key = KeyDestroyed {
        key: [6; 16],
        custody: "software, copies not excluded".to_owned(),
        method: "overwritten, synced, unlinked".to_owned(),
        file_system: "ext4".to_owned(),
    };
    Record::PurgeRun(Box::new(PurgeRun {
        id: RunId::new([29; 16]),
        plans: vec![PurgeId::new([22; 16])],
        holds: vec![HoldId::new([24; 16])],
        begun: AT,
        state: PurgeState::Scanned,
        steps: vec![(PurgeState::Frozen, Receipt(31)), (PurgeState::Copied, Receipt(32))],
        left: Some(LeftBehind {
            generation: 4,
            kinds: vec![(RecordKind::Flag, passed)],
            sought: Sought::of(SoughtKind::Tracer, &[7; 32]).into_iter().collect(),
            of_openings: 1,
            searched: summary,
        }),
        destroyed: Some(Destroyed {
            generation: 4,
            keys: vec![key.clone()],
            files: 3,
            bytes: 1024,
            ended: position,
            followed: position,
        }),
        erased: Some(Erased { openings: 2, segments: 1, keys: vec![key], files: 1, bytes: 512 }),
        searched: Some(summary),
    }))
}

pub(super) fn certificate() -> Record {
    let text = "{}\n".to_owned();
    Record::PurgeCertificate(PurgeCertificate { purge: PurgeId::new([22; 16]), text })
}

pub(super) fn standing_order() -> Record {
    let name = |byte, entry| Approval { by: PersonId::new([byte; 16]), at: AT, entry };
    Record::StandingOrder(Box::new(StandingOrder {
        id: OrderId::new([26; 16]),
        until: date(2027, 6, 15),
        openings_years: 6,
        case: text("DPO-2026-00042"),
        digest: PurgeDigest::new([27; 32]),
        proposed: name(4, Some(Receipt(8))),
        approved: Some(name(18, Some(Receipt(9)))),
        revoked: None,
        last: Some((date(2026, 6, 15), PurgeId::new([21; 16]))),
    }))
}
