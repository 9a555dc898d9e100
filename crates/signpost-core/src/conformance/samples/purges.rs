//! One record of each kind that purges and holds come with.

use jiff::Timestamp;
use jiff::civil::date;

use super::{subject, text};
use crate::id::{HoldId, PersonId, PurgeDigest, PurgeId, Receipt, SystemId};
use crate::purge::{
    Approval, Held, LegalHold, PlanNonce, PurgeAnnex, PurgeMode, PurgePlan, PurgeQuota, PurgeScope,
    Reach, Tally, suppress,
};
use crate::record::{FirstName, Record};
use crate::terms::{HoldGround, PurgeAuthority, PurgeReason, PurgeState};

const AT: Timestamp = Timestamp::constant(1_781_524_800, 0);

pub(super) fn purge() -> Record {
    Record::Purge(Box::new(PurgePlan {
        id: PurgeId::new([21; 16]),
        scope: PurgeScope::Child {
            subject: Some(subject(&[1, 2])),
            mode: PurgeMode::Suppress { until: date(2044, 6, 15) },
        },
        reach: Reach { systems: vec![SystemId::new([3; 16])], visible_months: 72 },
        authority: PurgeAuthority::AdoptionAndChildrenAct2002,
        reason: PurgeReason::Adoption,
        case: text("DPO-2026-00042"),
        nonce: PlanNonce::new([22; 32]),
        cut_off: Receipt(7),
        digest: PurgeDigest::new([23; 32]),
        planner: PersonId::new([4; 16]),
        approvals: vec![Approval { by: PersonId::new([18; 16]), at: AT }],
        planned_in: Some(Receipt(8)),
        planned_at: AT,
        not_before: Some(AT),
        expires: AT,
        cancelled: Some(Approval { by: PersonId::new([4; 16]), at: AT }),
        state: PurgeState::Cancelled,
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
        case: text("LEGAL-2026-00007"),
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
