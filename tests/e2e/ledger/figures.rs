//! Figures that can be published: what an auditor gets of a month that is over.

use jiff::tz::TimeZone;
use serde_json::Value;
use signpost::clock::SystemClock;
use signpost_core::store::Clock;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use super::commands::{audited_at, run, text};
use crate::harness::{Service, question};

/// Long enough for a month to be over.
const DAYS: i64 = 32;

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_prints_what_can_be_published_and_no_small_number() {
    let then = SystemClock.now() - jiff::SignedDuration::from_hours(24 * DAYS);
    let day = TimeZone::UTC.to_datetime(then).date();
    let month = format!("{:04}-{:02}", day.year(), day.month());
    let (service, _) = audited_at(then).await;
    for (label, purpose, times) in [
        ("SOCIAL_WORKER", v1::Purpose::S47Enquiry, 7),
        ("MASH_PRACTITIONER", v1::Purpose::MashTriage, 9),
        ("MASH_PRACTITIONER", v1::Purpose::MissingChild, 3),
    ] {
        let asker = service.person(label);
        let child = asker.child(&[("nhs", "999 000 0018")]).await;
        for _ in 0..times {
            let with_purpose = v1::Question { purpose: purpose.into(), ..question(&child) };
            asker.ask(with_purpose).await.unwrap();
        }
    }
    service.world.clock().step_days(DAYS);

    let words = format!("figures --profile auditor.toml --from {month} --until {month}");
    let csv = text(&run(&service.world, &words, &["--csv"]));
    let accesses: Vec<&str> = csv.lines().filter(|line| line.contains(",ACCESSES,")).collect();
    // 3 are withheld, and so is what would give them back: of one kind alone, that is the same
    // number as the total of all kinds, and one more of both.
    let expected = [
        format!("{month},ACCESSES,LOCAL_AUTHORITY,S47_ENQUIRY,WITHHELD"),
        format!("{month},ACCESSES,LOCAL_AUTHORITY,MASH_TRIAGE,9"),
        format!("{month},ACCESSES,LOCAL_AUTHORITY,MISSING_CHILD,WITHHELD"),
        format!("{month},ACCESSES,LOCAL_AUTHORITY,ALL,19"),
        format!("{month},ACCESSES,ALL,S47_ENQUIRY,WITHHELD"),
        format!("{month},ACCESSES,ALL,MASH_TRIAGE,9"),
        format!("{month},ACCESSES,ALL,MISSING_CHILD,WITHHELD"),
        format!("{month},ACCESSES,ALL,ALL,19"),
    ];
    assert_eq!(accesses, expected);
    assert!(csv.starts_with("month,table,organisation_kind,purpose_or_reason,number\n"));

    let json = text(&run(&service.world, &words, &["--output", "json"]));
    let json: Value = serde_json::from_str(&json).unwrap();
    let figures = json["figures"].as_array().unwrap();
    let all = figures.iter().find(|it| {
        (&it["table"], &it["organisation_kind"], &it["purpose_or_reason"])
            == (&"ACCESSES".into(), &"ALL".into(), &"ALL".into())
    });
    assert_eq!(all.unwrap()["number"], 19);
    let ledger = service.ledger().await;
    let calls: Vec<_> = ledger.0.iter().filter(|it| it.action() == Action::GetFigures).collect();
    assert_eq!(calls.len(), 2, "each call is on record");
    assert!(calls.iter().all(|it| (it.outcome(), it.count()) == (Outcome::Done, 1)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_range_is_told_field_by_field() {
    let service = Service::start().await;
    let auditor = service.person("AUDITOR");
    let month = |year, month| Some(v1::Month { year, month });
    let good = v1::GetFiguresRequest {
        from: month(2016, 6),
        until: month(2026, 5),
        page_token: String::new(),
    };
    let token = |page_token: &str| page_token.to_owned();
    for (wrong, fields) in [
        (
            v1::GetFiguresRequest { from: None, until: month(2026, 13), ..good.clone() },
            "from until",
        ),
        (v1::GetFiguresRequest { from: month(2026, 6), ..good.clone() }, "until"),
        (v1::GetFiguresRequest { from: month(2016, 5), ..good.clone() }, "until"),
        (
            v1::GetFiguresRequest { until: month(2026, 6), from: month(2026, 1), ..good.clone() },
            "until",
        ),
        (v1::GetFiguresRequest { page_token: token("202605"), ..good.clone() }, "page_token"),
        (
            v1::GetFiguresRequest { page_token: token("2026060000000000000000"), ..good.clone() },
            "page_token",
        ),
        (
            v1::GetFiguresRequest { page_token: token("20260é000000000000000"), ..good.clone() },
            "page_token",
        ),
    ] {
        let status = auditor.ledgers().get_figures(auditor.request(wrong)).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        let named: Vec<&str> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(named.join(" "), fields);
    }
    // Months before there was a service are empty tables.
    let page_token = token("2026050000000000000000");
    let asked = auditor.request(v1::GetFiguresRequest { page_token, ..good.clone() });
    let given = auditor.ledgers().get_figures(asked).await.unwrap().into_inner();
    assert_eq!((given.months.len(), given.next_page_token.as_str()), (1, ""));
    assert!(given.months[0].accesses.is_empty() && given.months[0].refusals.is_empty());
    let given = auditor.ledgers().get_figures(auditor.request(good)).await.unwrap().into_inner();
    assert_eq!(given.months.len(), 120);
    service.stop().await;
}
