use jiff::SignedDuration;
use signpost_core::directory::{GetFigures, PublishedMonths};
use signpost_core::figures::{Figure, Month};
use signpost_core::refusal::{Invalid, Reason, Refusal};
use signpost_core::terms::{Action, OrganisationKind, Outcome, Purpose};

use crate::fixture::*;

const LA: Option<OrganisationKind> = Some(OrganisationKind::LocalAuthority);
const POLICE: Option<OrganisationKind> = Some(OrganisationKind::PoliceForce);
const S47: Option<Purpose> = Some(Purpose::S47Enquiry);

impl Scene {
    async fn ask_times(&self, who: Who, purpose: Purpose, times: usize) {
        for _ in 0..times {
            self.ask(who, purpose, &child(&[1])).await.unwrap();
        }
    }

    /// Sets the clock into the next month, and gives the one that is over.
    fn step_into_next_month(&self) -> Month {
        let month = Month::of(self.today());
        while Month::of(self.today()) == month {
            self.clock.step_by(SignedDuration::from_hours(24));
        }
        month
    }

    async fn figures(&self, from: Month, until: Month) -> PublishedMonths {
        let request = GetFigures { from, until };
        let given = self.directory.figures(&ANDY.presented(), &Ok(request)).await.unwrap();
        let entries = self.entries().await;
        assert_eq!(given.receipt.0, entries.len() as u64 - 1, "the call is the last entry");
        let own = entries.last().unwrap();
        assert_eq!((own.action(), own.outcome()), (Action::GetFigures, Outcome::Done));
        assert_eq!(own.count() as usize, given.result.months.len());
        assert_eq!(own.detail()[..8], from.begins_ms().to_be_bytes());
        given.result
    }
}

fn number<C: Copy + PartialEq>(
    figures: &[Figure<C>],
    kind: Option<OrganisationKind>,
    of: Option<C>,
) -> Option<u64> {
    let found = figures.iter().find(|figure| figure.kind == kind && figure.of == of);
    found.map_or(Some(0), |figure| figure.number)
}

#[tokio::test]
async fn each_month_has_its_own_questions_and_refusals_by_kind() {
    let scene = Scene::new().await;
    scene.ask_times(NORA, Purpose::S47Enquiry, 6).await;
    scene.ask_times(SAM, Purpose::S47Enquiry, 5).await;
    scene.ask_times(PAUL, Purpose::S47Enquiry, 8).await;
    for _ in 0..5 {
        scene.ask(DORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap_err();
    }
    for _ in 0..9 {
        let presented = PAUL.presented();
        scene.directory.count_refusal_at(presented.certificate, Outcome::TokenUnknown).await;
    }
    scene.directory.record_refusals().await.unwrap();
    let first = scene.step_into_next_month();
    scene.ask_times(NORA, Purpose::S47Enquiry, 3).await;
    let second = scene.step_into_next_month();

    let PublishedMonths { months, next } = scene.figures(first, second).await;
    assert_eq!(next, None);
    assert_eq!(months.iter().map(|(month, _)| *month).collect::<Vec<_>>(), [first, second]);
    let (accesses, refusals) = (&months[0].1.accesses, &months[0].1.refusals);
    assert_eq!(number(accesses, LA, S47), Some(11), "of both councils");
    assert_eq!(number(accesses, POLICE, S47), Some(8));
    assert_eq!(number(accesses, None, None), Some(19));
    let school = Some(OrganisationKind::EducationSetting);
    assert_eq!(number(refusals, school, Some(Outcome::DeniedRole)), Some(5));
    assert_eq!(number(refusals, POLICE, Some(Outcome::TokenUnknown)), Some(9), "by its system");
    assert_eq!(number(refusals, None, None), Some(14));
    assert_eq!(number(&months[1].1.accesses, LA, S47), None, "3 are too few to be told");

    // A range of one month has the very figures that a longer one has.
    assert_eq!(scene.figures(second, second).await.months, months[1..]);
}

#[tokio::test]
async fn a_month_that_is_not_over_is_refused_on_record() {
    let scene = Scene::new().await;
    let now = Month::of(scene.today());
    let asked = async |who: Who, request: Result<GetFigures, Invalid>| {
        let refusal = scene.directory.figures(&who.presented(), &request).await.unwrap_err();
        let Refusal::Refused { receipt, reason } = refusal else { panic!("{refusal}") };
        let entry = scene.entries().await[usize::try_from(receipt.0).unwrap()];
        assert_eq!(entry.action(), Action::GetFigures);
        (entry.outcome(), reason)
    };
    let (outcome, reason) = asked(ANDY, Ok(GetFigures { from: now, until: now })).await;
    assert_eq!(outcome, Outcome::Invalid);
    let Reason::Invalid(invalid) = reason else { panic!("{reason:?}") };
    assert_eq!(invalid.violations[0].field, "until");
    let (outcome, _) = asked(NORA, Ok(GetFigures { from: now, until: now })).await;
    assert_eq!(outcome, Outcome::DeniedRole);
    let (outcome, _) = asked(PRIYA, Err(Invalid::field("from", "is wrong"))).await;
    assert_eq!(outcome, Outcome::Invalid);
}

/// What is counted of a month by then stays with the service.
#[tokio::test]
async fn a_long_month_is_counted_over_several_calls_and_given_as_a_whole() {
    let scene = Scene::new().await;
    scene.ask_times(NORA, Purpose::S47Enquiry, 7).await;
    scene.fill(65_536).await;
    scene.ask_times(NORA, Purpose::S47Enquiry, 7).await;
    let month = scene.step_into_next_month();
    let PublishedMonths { months, next } = scene.figures(month, month).await;
    assert_eq!(months, [], "nothing is given of half a month");
    assert_eq!(next.map(|(at, index)| (at, index.0)), Some((month, 65_536)));
    let PublishedMonths { months, next } = scene.figures(month, month).await;
    assert_eq!(next, None);
    assert_eq!(number(&months[0].1.accesses, LA, S47), Some(14));
    assert_eq!(scene.figures(month, month).await.months, months, "it is counted once");
}
