//! A service and its witness, which runs as a process of its own.

use std::fmt::Write;

use signpost_ledger::note::Note;
use signpost_ledger::note::key::VerifierKey;

use super::start::{put_back, refusal};
use super::{PARTS, checkpoint, copy};
use crate::harness::{Binary, Service, World, eventually, question};

const IDENTITY: [&str; 6] =
    ["--name", "witness.example/w1", "--key", "witness.key", "--directory", "witness"];

/// A county whose configuration names a witness, and that.
pub(crate) struct Witnessed {
    pub(crate) world: World,
    pub(crate) witness: Option<Binary>,
    pub(crate) key: VerifierKey,
    listen: String,
}

impl Witnessed {
    pub(crate) async fn new() -> Self {
        let world = World::new();
        world.initialise().await;
        let made = run(&world, &[&["witness", "create"], &IDENTITY[..]].concat());
        let key = made.trim_end().strip_prefix("Public key: ").unwrap().to_owned();
        let listen = "127.0.0.1:0".to_owned();
        let mut new = Self { world, witness: None, key: key.parse().unwrap(), listen };
        new.begin().await;
        let path = new.world.path("signpost.toml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        let url = format!("http://{}", new.listen);
        write!(text, "\n[[ledger.witness]]\nurl = \"{url}\"\nkey = \"{key}\"\n").unwrap();
        std::fs::write(&path, text).unwrap();
        new
    }

    /// The witness goes on, where it was.
    pub(crate) async fn begin(&mut self) {
        let ledger = signpost::ledger::verifier(&self.world.config(&[]).ledger).unwrap();
        let (listen, ledger) = (self.listen.clone(), ledger.to_string());
        let more = ["--listen", &listen, "--ledger-key", &ledger];
        let witness = Binary::witness(&self.world, &[&IDENTITY[..], &more].concat()).await;
        self.listen = witness.address.to_string();
        self.witness = Some(witness);
    }

    /// Serves, asks so often, and has all that was asked cosigned.
    async fn lived(mut self, questions: usize) -> Self {
        let service = Service::serve(self.world, &[]).await;
        let asker = service.person("SOCIAL_WORKER");
        let child = asker.child(&[("nhs", "999 000 0018")]).await;
        let mut receipt = 0;
        for _ in 0..questions {
            receipt = asker.ask(question(&child)).await.unwrap().receipt;
        }
        drop(asker);
        eventually("the cosignature", || {
            let (checkpoint, note) = checkpoint(&service.world);
            let is_cosigned = Note::parse(&note).unwrap().verify(&self.key).is_ok();
            async move { (is_cosigned && checkpoint.size > receipt).then_some(()) }
        })
        .await;
        self.world = service.stop().await;
        self
    }

    /// A county that was served twice: as it is, and in `older-…` as it was in between.
    async fn aged() -> Self {
        let county = Self::new().await.lived(2).await;
        for part in PARTS {
            copy(&county.world.path(part), &county.world.path(&format!("older-{part}")));
        }
        county.lived(2).await
    }
}

fn run(world: &World, arguments: &[&str]) -> String {
    let output = tokio::task::block_in_place(|| Binary::output(world, arguments, &[]));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn older_copies_of_everything_are_what_the_witness_seals_a_start_by() {
    let county = Witnessed::aged().await;
    for part in PARTS {
        put_back(&county.world, part);
    }
    let message = refusal(&county.world).await.message;
    assert!(message.contains("has seen another history"), "{message}");
}

/// The start cannot know, for the witness is silent.
#[tokio::test(flavor = "multi_thread")]
async fn older_copies_of_everything_end_the_service_once_the_witness_is_reached() {
    let mut county = Witnessed::aged().await;
    county.witness = None;
    for part in PARTS {
        put_back(&county.world, part);
    }
    let service = Service::serve(county.world, &[]).await;
    county.world = World::of(&service.world.path(""));
    county.begin().await;
    let (_world, failure) = service.failed().await;
    assert_eq!(failure.exit, signpost::exit::Exit::Sealed, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_or_new_ledger_is_filled_again_and_goes_on_to_be_cosigned() {
    let county = Witnessed::aged().await;
    put_back(&county.world, "ledger");
    let county = county.lived(1).await;
    std::fs::remove_dir_all(county.world.path("ledger")).unwrap();
    run(&county.world, &["ledger", "create", "--config", "signpost.toml"]);
    county.lived(1).await;
}
