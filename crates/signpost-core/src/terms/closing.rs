//! The terms of the decommissioning.

use serde::{Deserialize, Serialize};

use super::UnknownCode;

terms! {
    /// How far the decommissioning is.
    DecommissioningState {
        Planned = 1 "PLANNED",
        Approved = 2 "APPROVED",
        Cancelled = 3 "CANCELLED",
        Closed = 4 "CLOSED",
    }
}

terms! {
    /// By whose authority the service is closed.
    ClosingAuthority {
        RevokingRegulations = 1 "REVOKING_REGULATIONS",
        MinisterialDirection = 2 "MINISTERIAL_DIRECTION",
        ControllersDecision = 3 "CONTROLLERS_DECISION",
        CourtOrder = 4 "COURT_ORDER",
        RegulatorOrder = 5 "REGULATOR_ORDER",
        Exercise = 6 "EXERCISE",
    }
}

terms! {
    /// What must be declared not to be there before the service is closed.
    NilReturn {
        Holds = 1 "HOLDS",
        Archives = 2 "ARCHIVES",
        Inquiries = 3 "INQUIRIES",
    }
}

terms! {
    /// Where copies of what the service holds may be. Each must be accounted for.
    CopyKind {
        Backup = 1 "BACKUP",
        Replica = 2 "REPLICA",
        Export = 3 "EXPORT",
        CaseSystem = 4 "CASE_SYSTEM",
        Supplier = 5 "SUPPLIER",
        Log = 6 "LOG",
    }
}

terms! {
    /// How copies come to an end.
    CopyMethod {
        NoneHeld = 1 "NONE_HELD",
        KeyDestruction = 2 "KEY_DESTRUCTION",
        SecureErasure = 3 "SECURE_ERASURE",
        PhysicalDestruction = 4 "PHYSICAL_DESTRUCTION",
        AcknowledgedPurge = 5 "ACKNOWLEDGED_PURGE",
    }
}

terms! {
    /// What is to be done for the closing.
    ClosingTask {
        ClosureDecision = 1 "CLOSURE_DECISION",
        CopiesInventoried = 2 "COPIES_INVENTORIED",
        OnboardingStopped = 3 "ONBOARDING_STOPPED",
        PurgeRehearsed = 4 "PURGE_REHEARSED",
        PractitionersTold = 5 "PRACTITIONERS_TOLD",
        SuppliersNotified = 6 "SUPPLIERS_NOTIFIED",
        NationalFeedsStopped = 7 "NATIONAL_FEEDS_STOPPED",
        PublicStatement = 8 "PUBLIC_STATEMENT",
        LocalFeedsStopped = 9 "LOCAL_FEEDS_STOPPED",
        AlertsReviewed = 10 "ALERTS_REVIEWED",
        BackupsStopped = 11 "BACKUPS_STOPPED",
        ServiceClosed = 12 "SERVICE_CLOSED",
        DestructionStarted = 13 "DESTRUCTION_STARTED",
        RecordsDeleted = 14 "RECORDS_DELETED",
        TokensRecalled = 15 "TOKENS_RECALLED",
        ConsumersAcknowledged = 16 "CONSUMERS_ACKNOWLEDGED",
        RecoveryWindowsLapsed = 17 "RECOVERY_WINDOWS_LAPSED",
        TokensReconciled = 18 "TOKENS_RECONCILED",
        BackupMediaDestroyed = 19 "BACKUP_MEDIA_DESTROYED",
        IndependentlyVerified = 20 "INDEPENDENTLY_VERIFIED",
        ContractsClosed = 21 "CONTRACTS_CLOSED",
        FinalCertificate = 22 "FINAL_CERTIFICATE",
        LessonsLearned = 23 "LESSONS_LEARNED",
        RecordsReviewed = 24 "RECORDS_REVIEWED",
    }
}
