//! Organisations, teams, systems and certificates: none of them lets anybody in.

use jiff::{Timestamp, ToSpan};
use signpost_core::directory::onboarding::{
    AddTeam, AdmitCertificate, ChangeTeam, RegisterOrganisation, RegisterSystem, ResumeSystem,
    RevokeCertificate, SuspendSystem,
};
use signpost_core::id::{Fingerprint, OrganisationId, SystemId, TeamId};
use signpost_core::record::{RecordKey, Registered};
use signpost_core::refusal::{Reason, Refusal, Unidentified};
use signpost_core::register::{Custodies, Group};
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind, Role};

use crate::fixture::*;

fn hillside(scene: &Scene) -> RegisterOrganisation {
    RegisterOrganisation {
        request: scene.request(),
        kind: OrganisationKind::EducationSetting,
        scheme: CodeScheme::Urn,
        code: text("100001"),
        name: text("Hillside School"),
        area: text("E10000001"),
        authority: LegalAuthority::EducationAct2002S175,
        authority_until: LAST_DAY,
    }
}

#[tokio::test]
async fn a_new_organisation_gets_a_team_a_system_a_certificate_and_people() {
    let scene = Scene::new().await;
    let registered = scene.onboard(ADA, hillside(&scene)).await.unwrap().result;
    let Registered::Organisation(organisation) = registered else { panic!("{registered:?}") };
    assert_eq!(scene.custodies(organisation).await, Custodies::none(organisation));
    let name = || text("Safeguarding");
    let (duty_phone, hours) = (text("+441632960002"), hours());
    let team = ask_for!(scene, ADA, AddTeam { organisation, name: name(), duty_phone, hours });
    let Registered::Team(team) = team.await.unwrap().result else { panic!("a team was added") };
    let system = ask_for!(scene, ADA, RegisterSystem { organisation, name: name() });
    let Registered::System(system) = system.await.unwrap().result else { panic!("a system was") };
    let (fingerprint, until) = (Fingerprint::new([77; 32]), Timestamp::MAX);
    ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until }).await.unwrap();
    let group = Group { organisation, team, sponsor: None, ..new_group(1, Role::Dsl) };
    let group = scene.open(group).await;
    scene.invite(group, 31).await;
    scene.redeem(77, 31, 31).await.unwrap();
    assert_eq!(scene.custodies(organisation).await, Custodies::none(organisation).issue());
}

#[tokio::test]
async fn an_organisation_is_registered_once_with_a_code_of_its_scheme() {
    let scene = Scene::new().await;
    let hillside = || hillside(&scene);
    let no_urn = RegisterOrganisation { code: text("RX2"), ..hillside() };
    scene.assert_invalid(scene.onboard(ADA, no_urn), "code").await;
    let yesterday = scene.today().yesterday().unwrap();
    let past = RegisterOrganisation { authority_until: yesterday, ..hillside() };
    scene.assert_invalid(scene.onboard(ADA, past), "authority_until").await;
    let trust = RegisterOrganisation { scheme: CodeScheme::Ods, code: text("RX1"), ..hillside() };
    let registered = || Reason::AlreadyRegistered("organisation");
    scene.assert_refused(scene.onboard(ADA, trust), registered()).await;
    scene.onboard(ADA, hillside()).await.unwrap();
    scene.assert_refused(scene.onboard(ABE, hillside()), registered()).await;
    let other_scheme = RegisterOrganisation { scheme: CodeScheme::Ods, ..hillside() };
    scene.onboard(ADA, other_scheme).await.unwrap();
}

#[tokio::test]
async fn what_the_register_does_not_have_is_refused() {
    let scene = Scene::new().await;
    let organisation = OrganisationId::new([99; 16]);
    let (team, system) = (TeamId::new([99; 16]), SystemId::new([99; 16]));
    let (fingerprint, until) = (Fingerprint::new([99; 32]), Timestamp::MAX);
    macro_rules! unknown {
        ($what:literal, $request:ident { $($field:tt)* }) => {
            let call = ask_for!(scene, ADA, $request { $($field)* });
            scene.assert_refused(call, Reason::Unknown($what)).await;
        };
    }
    let (name, duty_phone, hours) = (|| text("Team"), || text("+441632960002"), hours());
    unknown!(
        "organisation",
        AddTeam { organisation, name: name(), duty_phone: duty_phone(), hours }
    );
    unknown!("team", ChangeTeam { team, name: name(), duty_phone: duty_phone(), hours });
    unknown!("organisation", RegisterSystem { organisation, name: name() });
    unknown!("system", SuspendSystem { system });
    unknown!("system", ResumeSystem { system });
    unknown!("system", AdmitCertificate { system, fingerprint, until });
    unknown!("certificate", RevokeCertificate { fingerprint });
}

#[tokio::test]
async fn a_suspended_system_and_a_revoked_certificate_are_nobodys_at_once() {
    let scene = Scene::new().await;
    let system = SystemId::new([EASTVALE; 16]);
    let stands_so = || Reason::WrongState("the system stands so already");
    let resume = ask_for!(scene, ADA, ResumeSystem { system });
    scene.assert_refused(resume, stands_so()).await;
    ask_for!(scene, ADA, SuspendSystem { system }).await.unwrap();
    let suspend = ask_for!(scene, ADA, SuspendSystem { system });
    scene.assert_refused(suspend, stands_so()).await;
    let may = async || scene.directory.may_ask_many(&EVE.presented()).await;
    assert_eq!(may().await, Err(Refusal::Unidentified(Unidentified::SystemSuspended)));
    ask_for!(scene, ADA, ResumeSystem { system }).await.unwrap();
    assert_eq!(may().await, Ok(()));

    let fingerprint = Fingerprint::new([EASTVALE; 32]);
    ask_for!(scene, ADA, RevokeCertificate { fingerprint }).await.unwrap();
    assert_eq!(may().await, Err(Refusal::Unidentified(Unidentified::CertificateRevoked)));
    let again = ask_for!(scene, ADA, RevokeCertificate { fingerprint });
    let revoked = Reason::WrongState("the certificate is revoked already");
    scene.assert_refused(again, revoked).await;
    let until = Timestamp::MAX;
    let admit = ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until });
    scene.assert_refused(admit, Reason::AlreadyRegistered("certificate")).await;
    let over = scene.directory.now() - 1.second();
    let fingerprint = Fingerprint::new([77; 32]);
    let admit = ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until: over });
    scene.assert_invalid(admit, "certificate").await;
    let key = RecordKey::Certificate(fingerprint);
    assert_eq!(scene.record(key).await, None);
}
