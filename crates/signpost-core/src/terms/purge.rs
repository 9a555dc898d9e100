//! The terms of purges and legal holds.

use serde::{Deserialize, Serialize};

use super::UnknownCode;

terms! {
    /// How far a purge is. EXPIRED is never stored: it follows from the time.
    PurgeState {
        Planned = 1 "PLANNED",
        Approved = 2 "APPROVED",
        Frozen = 3 "FROZEN",
        Copied = 4 "COPIED",
        Switched = 5 "SWITCHED",
        KeysDestroyed = 6 "KEYS_DESTROYED",
        FilesRemoved = 7 "FILES_REMOVED",
        Scanned = 8 "SCANNED",
        Certified = 9 "CERTIFIED",
        Cancelled = 10 "CANCELLED",
        Expired = 11 "EXPIRED",
    }
}

terms! {
    /// What a purge is of.
    ScopeKind {
        Child = 1 "CHILD",
        Organisation = 2 "ORGANISATION",
        System = 3 "SYSTEM",
        Person = 4 "PERSON",
        Expired = 5 "EXPIRED",
        All = 6 "ALL",
    }
}

terms! {
    /// What becomes of one child after a purge: nothing is kept, and the next feed may bring the child
    /// back; or a keyed marker is, by which later writes are discarded.
    SuppressionMode {
        Forget = 1 "FORGET",
        Suppress = 2 "SUPPRESS",
    }
}

terms! {
    /// The law under which a purge is made.
    PurgeAuthority {
        UkGdprArticle17 = 1 "UK_GDPR_ARTICLE_17",
        UkGdprArticle21 = 2 "UK_GDPR_ARTICLE_21",
        UkGdprArticle5StorageLimitation = 3 "UK_GDPR_ARTICLE_5_STORAGE_LIMITATION",
        UkGdprArticle28ProcessorExit = 4 "UK_GDPR_ARTICLE_28_PROCESSOR_EXIT",
        AdoptionAndChildrenAct2002 = 5 "ADOPTION_AND_CHILDREN_ACT_2002",
        CourtOrder = 6 "COURT_ORDER",
        RegulatorOrder = 7 "REGULATOR_ORDER",
        ClosureDirection = 8 "CLOSURE_DIRECTION",
    }
}

terms! {
    /// Why a purge is made.
    PurgeReason {
        ErasureRequest = 1 "ERASURE_REQUEST",
        Objection = 2 "OBJECTION",
        RecordedInError = 3 "RECORDED_IN_ERROR",
        Adoption = 4 "ADOPTION",
        ProtectedIdentity = 5 "PROTECTED_IDENTITY",
        ChildDied = 6 "CHILD_DIED",
        RetentionOver = 7 "RETENTION_OVER",
        OrganisationLeft = 8 "ORGANISATION_LEFT",
        SupplierLeft = 9 "SUPPLIER_LEFT",
        PersonLeft = 10 "PERSON_LEFT",
        ServiceCloses = 11 "SERVICE_CLOSES",
        Exercise = 12 "EXERCISE",
    }
}

terms! {
    /// The ground on which something is held back from every purge.
    HoldGround {
        CourtOrder = 1 "COURT_ORDER",
        Litigation = 2 "LITIGATION",
        CriminalInvestigation = 3 "CRIMINAL_INVESTIGATION",
        SafeguardingPracticeReview = 4 "SAFEGUARDING_PRACTICE_REVIEW",
        ChildDeathReview = 5 "CHILD_DEATH_REVIEW",
        StatutoryInquiry = 6 "STATUTORY_INQUIRY",
        RegulatorInvestigation = 7 "REGULATOR_INVESTIGATION",
    }
}

terms! {
    /// The kinds of record that a purge takes or changes, as a dry run counts them.
    PurgedKind {
        ChildHead = 1 "CHILD_HEAD",
        EmptyChildHead = 2 "EMPTY_CHILD_HEAD",
        FlagCopy = 3 "FLAG_COPY",
        Replay = 4 "REPLAY",
        Lift = 5 "LIFT",
        Canary = 6 "CANARY",
        Alert = 7 "ALERT",
        Person = 8 "PERSON",
        Claim = 9 "CLAIM",
        Enrolment = 10 "ENROLMENT",
        PurgePlan = 11 "PURGE_PLAN",
        LegalHold = 12 "LEGAL_HOLD",
        Suppression = 13 "SUPPRESSION",
        MarkerKey = 14 "MARKER_KEY",
        History = 15 "HISTORY",
        AccessReview = 16 "ACCESS_REVIEW",
    }
}
