//! The client of a burst: a process of its own, which tells a file what it was told.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signpost_core::id::FlagId;
use signpost_core::subject::Pseudonym;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::ConsistencyProof;
use signpost_proto::v1;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use uuid::Uuid;

use crate::harness::{Caller, World, channel, contact, date, nhs_number, question, request_id};

/// Set in the client's process: the county's folder, the server's address and the round.
const TASK: &str = "SIGNPOST_KILL_CLIENT";

/// Children that are recorded and asked about, and some that are shielded.
const CHILDREN: usize = 12;
const SHIELDED: usize = 4;

/// Stands beside a checkpoint that holds all of the one before.
const PROVEN: &str = "proven";

/// What a client is to do.
#[derive(Debug)]
pub(super) struct Burst {
    pub(super) folder: PathBuf,
    pub(super) address: SocketAddr,
    pub(super) round: u32,
}

/// What a request was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Ask,
    AskMany,
    Record,
    End,
    Shield,
}

/// What was acknowledged, or answered.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) what: What,
    pub(super) receipt: u64,
    pub(super) pseudonym: Pseudonym,
    /// Of a flag that was recorded or ended.
    pub(super) flag: Option<FlagId>,
    /// How much an answer showed: its lines, and one more for a further service.
    pub(super) shown: usize,
}

const KINDS: [(What, &str); 5] = [
    (What::Ask, "ask"),
    (What::AskMany, "ask-many"),
    (What::Record, "record"),
    (What::End, "end"),
    (What::Shield, "shield"),
];

impl Burst {
    /// In the client's process: what it is to do.
    pub(super) fn told() -> Option<Self> {
        let task = std::env::var(TASK).ok()?;
        let mut parts = task.splitn(3, ' ');
        Some(Self {
            address: parts.next()?.parse().ok()?,
            round: parts.next()?.parse().ok()?,
            folder: parts.next()?.into(),
        })
    }

    /// Starts this very test as another process.
    pub(super) fn start(&self, test: &str) -> Child {
        let Self { folder, address, round } = self;
        Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture"])
            .env(TASK, format!("{address} {round} {}", folder.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.join(format!("told-{}", self.round))
    }

    fn checkpoints_file(&self) -> PathBuf {
        self.folder.join(format!("checkpoints-{}", self.round))
    }

    /// The checkpoints that the client was given, in the order of their coming, each with whether
    /// the running service proved it to hold all of the one before.
    pub(super) fn checkpoints(&self) -> Vec<(Vec<u8>, bool)> {
        let text = std::fs::read_to_string(self.checkpoints_file()).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _torn)| whole);
        let parts = whole.lines().map(|line| line.split_once(' ').unwrap());
        parts.map(|(note, proven)| (hex::decode(note).unwrap(), proven == PROVEN)).collect()
    }

    /// Whether the client was told anything yet.
    pub(super) fn has_begun(&self) -> bool {
        std::fs::metadata(self.file()).is_ok_and(|found| found.len() > 0)
    }

    /// Whatever the client wrote; what it was writing when it was killed does not count.
    pub(super) fn lines(&self) -> Vec<Line> {
        let text = std::fs::read_to_string(self.file()).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _torn)| whole);
        whole.lines().map(|line| Line::parse(line).unwrap_or_else(|| panic!("{line}"))).collect()
    }

    /// Writes and asks until the server is gone.
    pub(super) async fn run(self) {
        let world = World::of(&self.folder);
        let connect = |system: &str| channel(self.address, world.tls(Some(system)));
        let northfield = connect("northfield");
        let person = |label: &str| Caller::new(northfield.clone(), Some(world.token(label)));
        let append = |path| OpenOptions::new().create(true).append(true).open(path).unwrap();
        let (lines, checkpoints) = (append(self.file()), append(self.checkpoints_file()));
        let told = Arc::new(Told { lines, checkpoints, newest: AtomicU64::new(0) });

        let asker = person("SOCIAL_WORKER");
        let first = self.round as usize * (CHILDREN + SHIELDED);
        let numbers: Vec<String> = (first..first + CHILDREN + SHIELDED).map(nhs_number).collect();
        let numbers: Vec<_> = numbers.iter().map(|number| ("nhs", number.as_str())).collect();
        let mut children = asker.child(&numbers).await;
        let shielded = children.split_off(CHILDREN);

        let recorder = Caller::new(connect("southmoor"), Some(world.token("nurse")));
        let today = world.today();
        let mut tasks = JoinSet::new();
        for half in children.chunks(CHILDREN / 2) {
            let (half, told) = (half.to_vec(), Arc::clone(&told));
            tasks.spawn(record_and_end(recorder.clone(), half, today, told));
        }
        tasks.spawn(shield(person("SOCIAL_WORK_MANAGER"), shielded, today, Arc::clone(&told)));
        for _ in 0..2 {
            tasks.spawn(ask(asker.clone(), children.clone(), Arc::clone(&told)));
        }
        let ledger = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
        tasks.spawn(audit(person("AUDITOR"), ledger, Arc::clone(&told)));
        tasks.spawn(ask_many(person("colleague"), children, told));
        tasks.join_all().await;
    }
}

/// Every write goes to the file at once, as one line at its end.
struct Told {
    lines: File,
    checkpoints: File,
    /// The newest receipt.
    newest: AtomicU64,
}

impl Told {
    fn write(&self, what: What, receipt: u64, child: &v1::Pseudonym, rest: &str) {
        let kind = KINDS.iter().find(|(kind, _)| *kind == what).unwrap().1;
        let line = format!("{kind} {receipt} {} {rest}\n", hex::encode(&child.value));
        (&self.lines).write_all(line.as_bytes()).unwrap();
        self.newest.fetch_max(receipt, Ordering::Relaxed);
    }

    fn checkpoint(&self, note: &[u8], proven: &str) {
        let line = format!("{} {proven}\n", hex::encode(note));
        (&self.checkpoints).write_all(line.as_bytes()).unwrap();
    }

    fn answer(&self, what: What, child: &v1::Pseudonym, answer: &v1::Answer) {
        let shown = answer.signposts.len() + usize::from(answer.further_service);
        self.write(what, answer.receipt, child, &shown.to_string());
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let kind = parts.next()?;
        let what = KINDS.iter().find(|(_, name)| *name == kind)?.0;
        let receipt = parts.next()?.parse().ok()?;
        let pseudonym = Pseudonym::new(hex::decode(parts.next()?).ok()?.try_into().ok()?);
        let rest = parts.next()?;
        let flag = Uuid::try_parse(rest).ok().map(|flag| FlagId::new(flag.into_bytes()));
        Some(Self { what, receipt, pseudonym, flag, shown: rest.parse().unwrap_or_default() })
    }
}

/// Records flag after flag, and ends every other one.
async fn record_and_end(
    recorder: Caller,
    children: Vec<v1::Pseudonym>,
    today: jiff::civil::Date,
    told: Arc<Told>,
) -> Result<(), Status> {
    // An organisation may hold 50 flags of a child.
    for number in 0..40 {
        for child in &children {
            let named = [child.clone()];
            let new = contact(&named, &format!("CASE-{number}"), today);
            let flag = recorder.record(new).await?;
            told.write(What::Record, flag.receipt, child, &flag.contact_id);
            if number % 2 == 0 {
                continue;
            }
            let end = v1::EndContactRequest {
                request_id: request_id(),
                pseudonyms: named.to_vec(),
                contact_id: flag.contact_id,
                ended: Some(date(today)),
            };
            let ended = recorder.end(end).await?;
            told.write(What::End, ended.receipt, child, &ended.contact_id);
        }
    }
    Ok(())
}

async fn shield(
    manager: Caller,
    children: Vec<v1::Pseudonym>,
    today: jiff::civil::Date,
    told: Arc<Told>,
) -> Result<(), Status> {
    let review = today.saturating_add(jiff::Span::new().days(30));
    for child in children.iter().cycle() {
        let shield = v1::SetShieldRequest {
            request_id: request_id(),
            pseudonyms: vec![child.clone()],
            kind: v1::ShieldKind::Shielded.into(),
            review_due: Some(date(review)),
        };
        let set = manager.set_shield(shield).await?;
        told.write(What::Shield, set.receipt, child, "-");
    }
    Ok(())
}

async fn ask(asker: Caller, children: Vec<v1::Pseudonym>, told: Arc<Told>) -> Result<(), Status> {
    for child in children.iter().cycle() {
        let answer = asker.ask(question(std::slice::from_ref(child))).await?;
        told.answer(What::Ask, child, &answer);
    }
    Ok(())
}

/// Has the newest receipt proven again and again, and so a checkpoint signed that covers it; and has
/// it proven that each checkpoint holds all of the one before.
async fn audit(auditor: Caller, ledger: VerifierKey, told: Arc<Told>) -> Result<(), Status> {
    let mut before: Option<Checkpoint> = None;
    loop {
        let index = told.newest.load(Ordering::Relaxed);
        let asked = auditor.request(v1::ProveInclusionRequest { index, size: 0 });
        auditor.ledgers().prove_inclusion(asked).await?;
        let asked = auditor.request(v1::GetCheckpointRequest {});
        let note = auditor.ledgers().get_checkpoint(asked).await?.into_inner().checkpoint;
        let (now, _) = Checkpoint::open(&note, &ledger).unwrap();
        let proven = match &before {
            None => true,
            Some(before) if before.size > now.size => false,
            Some(before) => is_continued(&auditor, before, &now).await?,
        };
        told.checkpoint(&note, if proven { PROVEN } else { "not-proven" });
        before = Some(now);
    }
}

/// Whether the service proves that the one checkpoint holds all of the other.
async fn is_continued(
    auditor: &Caller,
    before: &Checkpoint,
    now: &Checkpoint,
) -> Result<bool, Status> {
    let (old_size, new_size) = (before.size, now.size);
    let asked = auditor.request(v1::ProveConsistencyRequest { old_size, new_size });
    let given = auditor.ledgers().prove_consistency(asked).await?.into_inner();
    let path = given.path.iter().map(|hash| Hash::new(hash[..].try_into().unwrap())).collect();
    let proof = ConsistencyProof { old_size, new_size, path };
    Ok(proof.verify(&before.root, &now.root).is_ok())
}

/// One caseload; the next question follows the line of the last answer.
async fn ask_many(
    asker: Caller,
    children: Vec<v1::Pseudonym>,
    told: Arc<Told>,
) -> Result<(), Status> {
    let (questions, received) = mpsc::channel(1);
    let first = v1::AskManyRequest { number: 0, question: Some(question(&children[..1])) };
    questions.send(first).await.ok();
    let request = asker.request(ReceiverStream::new(received));
    let mut answers = asker.signpost().ask_many(request).await?.into_inner();
    for (number, child) in (1..).zip(children.iter().cycle()) {
        let Some(answered) = answers.message().await? else { return Ok(()) };
        if let Some(v1::ask_many_response::Result::Answer(answer)) = answered.result {
            told.answer(What::AskMany, child, &answer);
        }
        let next = &children[number as usize % children.len()];
        let question = Some(question(std::slice::from_ref(next)));
        questions.send(v1::AskManyRequest { number, question }).await.ok();
    }
    Ok(())
}
