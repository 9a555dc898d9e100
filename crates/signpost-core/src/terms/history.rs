//! The terms of histories of who looked.

use serde::{Deserialize, Serialize};

use super::UnknownCode;

terms! {
    /// Why an access is left out of a history until somebody has reviewed it.
    WithheldBecause {
        S47Enquiry = 1 "S47_ENQUIRY",
        Police = 2 "POLICE",
        SensitiveService = 3 "SENSITIVE_SERVICE",
        ShieldedChild = 4 "SHIELDED_CHILD",
        Unclassified = 5 "UNCLASSIFIED",
    }
}

terms! {
    /// The ground in law on which a reviewed access stays out of a history: exemptions from Article 15
    /// of the UK GDPR by the Data Protection Act 2018. `CRIME`: Schedule 2, paragraph 2 (prejudice to
    /// the prevention or detection of crime). `RIGHTS_OF_OTHERS`: Schedule 2, Part 3. The three of
    /// serious harm, to whoever it may be: Schedule 3, Part 2 (health), Part 3 (social work) and Part 4
    /// (education; from memory). `CHILD_ABUSE_DATA`: Schedule 3, Part 5 (not in the best interests of
    /// the child, where somebody with parental responsibility asks).
    WithholdingGround {
        Crime = 1 "CRIME",
        RightsOfOthers = 2 "RIGHTS_OF_OTHERS",
        SeriousHarmHealth = 3 "SERIOUS_HARM_HEALTH",
        SeriousHarmSocialWork = 4 "SERIOUS_HARM_SOCIAL_WORK",
        SeriousHarmEducation = 5 "SERIOUS_HARM_EDUCATION",
        ChildAbuseData = 6 "CHILD_ABUSE_DATA",
    }
}
