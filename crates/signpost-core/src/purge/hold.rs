//! Legal holds: what is kept back from every purge, by two names, until two names lift it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{HoldId, OrganisationId, PersonId};
use crate::record::FirstName;
use crate::subject::Subject;
use crate::terms::HoldGround;
use crate::text::CaseReference;

/// What is held back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Held {
    /// One child; none of its pseudonyms once the hold is lifted, which must not be what keeps them.
    Child(Option<Subject>),
    /// The flags and the people of one organisation.
    Organisation(OrganisationId),
}

/// A legal hold. It stands from its second name until the second name of its lifting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegalHold {
    /// Its id.
    pub id: HoldId,
    /// What is held back.
    pub held: Held,
    /// On which ground.
    pub ground: HoldGround,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
    /// The first name, and until when it waits for the second.
    pub first: FirstName,
    /// The second.
    pub second: Option<PersonId>,
    /// The first name of a lifting, and until when it waits for the second.
    pub lifting: Option<FirstName>,
    /// The two names that lifted it.
    pub lifted_by: Option<(PersonId, PersonId)>,
}

impl LegalHold {
    /// Whether it holds anything back.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.second.is_some() && self.lifted_by.is_none()
    }

    /// Whether it never came to stand, and its first name waits no more.
    #[must_use]
    pub fn is_void_at(&self, now: Timestamp) -> bool {
        self.second.is_none() && self.first.until <= now
    }

    /// The same hold, lifted by these two: of a child nothing is kept.
    #[must_use]
    pub fn lifted(self, names: (PersonId, PersonId)) -> Self {
        Self { lifting: None, lifted_by: Some(names), ..self.without_child() }
    }

    /// The same hold without the child's pseudonyms.
    #[must_use]
    pub fn without_child(self) -> Self {
        let held = match self.held {
            Held::Child(_) => Held::Child(None),
            Held::Organisation(id) => Held::Organisation(id),
        };
        Self { held, ..self }
    }
}
