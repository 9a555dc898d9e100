//! The contract's texts and codes: none that nobody decided on, none that means two things.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use signpost_core::terms;

const FIELDS: &str = include_str!("../golden/fields.txt");

#[test]
fn every_string_and_bytes_field_is_on_the_list() {
    let directions = directions();
    let mut found = BTreeSet::new();
    for message in messages().values() {
        for field in &message.field {
            let kind = match field.r#type() {
                Type::String => "string",
                Type::Bytes => "bytes",
                _ => continue,
            };
            let direction = &directions[message.name()];
            found.insert(format!("{}.{} {kind} {direction}", message.name(), field.name()));
        }
    }
    let listed: BTreeSet<String> =
        listed().map(|(field, kind, direction)| format!("{field} {kind} {direction}")).collect();
    assert_eq!(found, listed);
}

#[test]
fn no_map_group_any_or_nested_message_hides_a_field() {
    for message in messages().values() {
        assert!(message.nested_type.is_empty(), "{} nests a message", message.name());
        for field in &message.field {
            let of_ours =
                field.type_name().is_empty() || field.type_name().starts_with(".signpost.v1.");
            assert!(of_ours, "{}.{} is {}", message.name(), field.name(), field.type_name());
        }
    }
}

#[test]
fn every_enumeration_has_the_numbers_and_names_of_the_field() {
    let mut enumerations = enumerations();
    macro_rules! same_as_core {
        ($($name:ident)+) => {$(
            let ours: Vec<(i32, &str)> =
                terms::$name::ALL.iter().map(|one| (one.code().into(), one.name())).collect();
            let wire = enumerations.remove(stringify!($name)).expect(stringify!($name));
            assert_same(&wire, &ours);
        )+};
    }
    same_as_core! {
        Purpose Relationship ServiceType InvolvementStatus Sensitivity DisclosureBasis
        SubjectInformed ContactRole ShieldKind Namespace
        Role OrganisationKind CodeScheme LegalAuthority Custody AlertKind AlertOutcome
        Action Outcome WithheldBecause WithholdingGround
        PurgeState ScopeKind SuppressionMode PurgeAuthority PurgeReason HoldGround PurgedKind
        DecommissioningState ClosingAuthority NilReturn CopyKind CopyMethod ClosingTask
    }
    // What only the wire has.
    let two_names = ["AWAITING_SECOND_NAME", "COMPLETE"];
    for (name, values) in [
        ("Involvement", &["CURRENT", "PREVIOUS"][..]),
        ("LiftProgress", &two_names),
        ("ClockProgress", &two_names),
        ("AccessDecision", &["RELEASED", "WITHHELD"]),
        (
            "ReleaseLevel",
            &[
                "FULL",
                "TEAM_AND_PHONE",
                "TEAM_AND_DUTY_PHONE",
                "DUTY_PHONE",
                "TEAM",
                "SERVICE_TYPE_TEAM_YEARS",
                "SERVICE_TYPE_YEARS",
                "FURTHER_SERVICE",
            ],
        ),
        ("Standing", &["ACTIVE", "SUSPENDED", "REVOKED", "EXPIRED"]),
        (
            "PersonStanding",
            &["INVITED", "ACTIVE", "SUSPENDED", "REMOVED", "VETTING_LAPSED", "NOT_RECERTIFIED"],
        ),
        ("ProposalState", &["OPEN", "APPROVED", "WITHDRAWN", "EXPIRED"]),
    ] {
        let numbered: Vec<(i32, &str)> = (1..).zip(values.iter().copied()).collect();
        assert_same(&enumerations.remove(name).unwrap(), &numbered);
    }
    assert!(enumerations.is_empty(), "{:?}", enumerations.keys());
}

/// `PURPOSE_UNSPECIFIED = 0`, and then each value under the prefix of its enumeration.
fn assert_same(wire: &EnumDescriptorProto, ours: &[(i32, &str)]) {
    let prefix = capitals(wire.name());
    let mut expected = vec![(0, format!("{prefix}_UNSPECIFIED"))];
    expected.extend(ours.iter().map(|(code, name)| (*code, format!("{prefix}_{name}"))));
    let found: Vec<(i32, String)> =
        wire.value.iter().map(|value| (value.number(), value.name().to_owned())).collect();
    assert_eq!(found, expected, "{}", wire.name());
}

/// `ShieldKind` as `SHIELD_KIND`.
fn capitals(name: &str) -> String {
    let mut capitals = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !capitals.is_empty() {
            capitals.push('_');
        }
        capitals.push(letter.to_ascii_uppercase());
    }
    capitals
}

/// Field, type and direction of each line.
fn listed() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let lines = FIELDS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ways = words.iter().rev().take_while(|word| ["in", "out"].contains(*word)).count();
        assert!(words.len() > 2 + ways, "{line} says what it may hold");
        (words[0], words[1], words[words.len() - ways..].join(" "))
    })
}

/// Which way each message goes: with a request, a response, or both.
fn directions() -> BTreeMap<String, String> {
    let messages = messages();
    let mut ways: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for service in files().iter().flat_map(|file| &file.service) {
        for method in &service.method {
            for (way, root) in [("in", method.input_type()), ("out", method.output_type())] {
                let mut waiting = vec![short(root)];
                while let Some(name) = waiting.pop() {
                    if ways.entry(name.clone()).or_default().insert(way) {
                        let fields = messages[&name].field.iter();
                        let inner = fields.filter(|field| field.r#type() == Type::Message);
                        waiting.extend(inner.map(|field| short(field.type_name())));
                    }
                }
            }
        }
    }
    let joined = |ways: BTreeSet<&str>| ways.into_iter().collect::<Vec<_>>().join(" ");
    ways.into_iter().map(|(name, ways)| (name, joined(ways))).collect()
}

fn short(type_name: &str) -> String {
    type_name.rsplit('.').next().unwrap().to_owned()
}

fn files() -> Vec<prost_types::FileDescriptorProto> {
    FileDescriptorSet::decode(signpost_proto::DESCRIPTORS).unwrap().file
}

fn messages() -> BTreeMap<String, DescriptorProto> {
    let all = files().into_iter().flat_map(|file| file.message_type);
    all.map(|message| (message.name().to_owned(), message)).collect()
}

fn enumerations() -> BTreeMap<String, EnumDescriptorProto> {
    let all = files().into_iter().flat_map(|file| file.enum_type);
    all.map(|one| (one.name().to_owned(), one)).collect()
}
