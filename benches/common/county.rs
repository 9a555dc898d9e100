//! A made-up county on disk: certificates, register and flags. It is made once for each count of
//! flags and people and format of the store, and every run works on a copy of its own.

pub(crate) mod people;

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::ToSpan;
use signpost::clock::{SystemClock, today};
use signpost::config::Config;
use signpost::init;
use signpost::pki::Authority;
use signpost_core::store::Clock;
use signpost_core::testing::put_records;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use tempfile::TempDir;

use crate::children::{self, ChildOf, FLAGS_EACH};

/// Told apart in the folder's name, so that a county of other content is made anew.
const CONTENT: u32 = 3;
const CHILDREN_A_COMMIT: usize = 100;
const COMMITS_IN_FLIGHT: usize = 8;

/// The copy of a county for one run; it goes with its value.
#[derive(Debug)]
pub(crate) struct County {
    folder: TempDir,
    /// How many children have flags.
    pub(crate) known: usize,
}

impl County {
    /// Makes the county if no earlier run has, and copies it. Its register has the asker and two
    /// administrators, and so many people more, who are invited.
    pub(crate) async fn with(flags: usize, people: usize) -> anyhow::Result<Self> {
        let known = flags / FLAGS_EACH;
        let root = data_folder()?;
        let format = format_of_new_stores(&root)?.replace(' ', "-");
        let master = root.join(format!("{format}-content-{CONTENT}-flags-{flags}-people-{people}"));
        if !master.exists() {
            // Under its name only when it is whole.
            let begun = root.join("begun");
            if begun.exists() {
                fs::remove_dir_all(&begun)?;
            }
            fs::create_dir(&begun)?;
            make(&begun, known).await?;
            if people > 0 {
                people::import(&begun, people).await?;
            }
            fs::rename(&begun, &master)?;
        }
        let folder = tempfile::Builder::new().prefix("run-").tempdir_in(&root)?;
        copy(&master, folder.path())?;
        Ok(Self { folder, known })
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// What the store in a county's folder is opened with.
pub(crate) fn options(folder: &Path) -> anyhow::Result<Options> {
    let keyring = Arc::new(SoftwareKeyring::open(&folder.join("keyring"))?);
    Ok(Options::new(&folder.join("data"), keyring, Arc::new(SystemClock)))
}

/// Where counties are kept: beside the build, on the same file system.
pub(crate) fn data_folder() -> anyhow::Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target folder")?;
    let folder = target.join("bench-data");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What this build writes into `FORMAT`.
fn format_of_new_stores(root: &Path) -> anyhow::Result<String> {
    let folder = tempfile::tempdir_in(root)?;
    let keyring = Arc::new(SoftwareKeyring::create(&folder.path().join("keyring"))?);
    let data = folder.path().join("data");
    EmbeddedStore::create(&Options::new(&data, keyring, Arc::new(SystemClock)))?;
    Ok(fs::read_to_string(data.join("FORMAT"))?.trim_end().to_owned())
}

async fn make(folder: &Path, known: usize) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let path = |name: &str| folder.join(name);
    let authority = Authority::new("County authority", now)?;
    authority.write_certificate(&path("authority.pem"))?;
    authority.issue_server(&path("server.pem"), &path("server.key"))?;
    authority.issue_client("asker", &path("asker.pem"), &path("asker.key"))?;
    fs::write(path("signpost.toml"), CONFIG)?;
    fs::write(path("bootstrap.toml"), bootstrap())?;
    let config = Config::load(&path("signpost.toml"), std::iter::empty())?;
    init::initialise(&config, &path("bootstrap.toml"), Arc::new(SystemClock)).await?;

    let store = EmbeddedStore::open(&options(folder)?)?.store;
    load(&store, known).await?;
    Ok(store.close().await?)
}

/// Puts the flags past every permit, many to a commit and many commits at once.
async fn load(store: &EmbeddedStore, known: usize) -> anyhow::Result<()> {
    put_records(store, children::owner()).await?;
    let style = "{msg} {wide_bar} {human_pos} of {human_len} children, {eta} left";
    let bar = ProgressBar::new(known as u64).with_style(ProgressStyle::with_template(style)?);
    bar.set_message("loading flags");
    let firsts = (0..known).step_by(CHILDREN_A_COMMIT);
    let commits = firsts.map(|first| {
        let numbers = first..known.min(first + CHILDREN_A_COMMIT);
        let (count, bar) = (numbers.len() as u64, &bar);
        let records = numbers.flat_map(|number| ChildOf::Known(number).records());
        async move {
            put_records(store, records).await?;
            bar.inc(count);
            anyhow::Ok(())
        }
    });
    futures::stream::iter(commits).buffer_unordered(COMMITS_IN_FLIGHT).try_collect::<()>().await?;
    bar.finish_and_clear();
    Ok(())
}

/// Copies all files of a folder into one that exists; what is made is ours alone, as keys must be.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::DirBuilder::new().mode(0o700).create(&target)?;
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        } else {
            bail!("{} is no file of a county", entry.path().display());
        }
    }
    Ok(())
}

/// One organisation, one team, one social worker, two administrators. They come by the calls of
/// onboarding; flags come past every permit, for a million recordings would take too long.
fn bootstrap() -> String {
    let from = today().saturating_sub(1.day());
    let until = today().saturating_add(300.days());
    format!(
        r#"[[organisation]]
kind = "LOCAL_AUTHORITY"
scheme = "GSS"
code = "E10000001"
name = "Northfield Council"
area = "E10000001"
authority = "CHILDREN_ACT_2004_S16LA"
authority_until = "{until}"
[[organisation.system]]
name = "Northfield case system"
certificate = "asker.pem"
[[organisation.team]]
name = "Duty Team"
duty_phone = "+441632960100"
days = 31
opens_minute = 540
closes_minute = 1020
[[organisation.team.group]]
role = "SOCIAL_WORKER"
purposes = ["S47_ENQUIRY"]
members_max = 1
valid_from = "{from}"
valid_until = "{until}"
[[organisation.team.group.member]]
staff = "NC-0001"
token = "asker.token"
[[organisation.team.group]]
role = "ADMIN_ONBOARDING"
members_max = 1
valid_from = "{from}"
valid_until = "{until}"
[[organisation.team.group.member]]
staff = "NC-0002"
token = "first.token"
[[organisation.team.group]]
role = "ADMIN_ONBOARDING"
members_max = 1
valid_from = "{from}"
valid_until = "{until}"
[[organisation.team.group.member]]
staff = "NC-0003"
token = "second.token"
"#
    )
}

/// The limits bear all that the benchmarks put on the service; the rest is as it is shipped.
const CONFIG: &str = r#"[server]
listen = "127.0.0.1:0"
certificate = "server.pem"
key = "server.key"
client_authority = "authority.pem"

[store]
data = "data"
keyring = "keyring"

[ledger]
directory = "ledger"
key = "ledger.key"
origin = "benchmark.example/ledger"

[pseudonymiser]
mode = "in-process"
keys = "evaluation.keys"

[limits]
connection_seconds_max = 86400

[quotas]
person_burst = 4294967295
person_day = 4294967295
person_children_a_day = 4294967295
organisation_burst = 4294967295
organisation_day = 4294967295
organisation_children_a_day = 4294967295

[log]
level = "warn"
"#;
