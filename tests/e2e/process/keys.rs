//! The evaluation keys: with a wrong one every known child would be answered as unknown.

use signpost_pseudonym::oprf::{EvaluationKey, EvaluationKeyId, EvaluationKeys};
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{Binary, Service, contact, question};

#[test]
fn another_key_under_the_same_id_is_not_served_with() {
    let world = Binary::initialised();
    let path = world.path("evaluation.keys");
    let right = std::fs::read_to_string(&path).unwrap();
    let another = EvaluationKey::generate(EvaluationKeyId(1), &mut rand_core::OsRng);
    let later = EvaluationKey::generate(EvaluationKeyId(2), &mut rand_core::OsRng);
    for wrong in [EvaluationKeys::new(another), EvaluationKeys::new(later)] {
        std::fs::write(&path, &*wrong.to_text()).unwrap();
        let refused = Binary::output(&world, &["serve"], &[]);
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        let told = String::from_utf8(refused.stderr).unwrap();
        assert!(told.contains("evaluation key 1"), "{told}");
        assert!(!told.contains(&wrong.to_text()[30..60]), "nothing of the key");
    }
    std::fs::write(&path, right).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_key_may_stand_beside_the_first() {
    let world = Binary::initialised();
    let path = world.path("evaluation.keys");
    let first = std::fs::read_to_string(&path).unwrap();
    let second = EvaluationKey::generate(EvaluationKeyId(2), &mut rand_core::OsRng);
    let second = EvaluationKeys::new(second).to_text().to_string();
    std::fs::write(&path, format!("{}\n{}\n", first.trim_end(), second.trim_end())).unwrap();
    let binary = Binary::serve(&world, &[]).await;
    let asker = binary.person(&world, "SOCIAL_WORKER");
    let mut child = asker.child(&[("nhs", "999 000 0018")]).await;
    assert_eq!(child[0].evaluation_key_id, 1, "the first in the file is the current one");
    asker.ask(question(&child)).await.unwrap();
    child[0].evaluation_key_id = 2;
    asker.ask(question(&child)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pseudonym_of_a_key_that_is_not_here_is_refused_and_never_unknown() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let mut child = asker.child(&[("nhs", "999 000 0018"), ("upn", "B801200005001")]).await;
    child[1].evaluation_key_id = 7;
    let of_question = asker.ask(question(&child)).await.unwrap_err();
    let of_contact =
        asker.record(contact(&child, "CASE-1", service.world.today())).await.unwrap_err();
    for status in [of_question, of_contact] {
        assert_eq!(status.code(), Code::InvalidArgument);
        let fields = status.get_details_bad_request().unwrap().field_violations;
        let fields: Vec<_> = fields.into_iter().map(|violation| violation.field).collect();
        assert_eq!(fields, ["pseudonyms[1].evaluation_key_id"]);
    }
    service.stop().await;
}
