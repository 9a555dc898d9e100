//! The machine of a run: its processor, the device and file system under the data, and how long
//! that takes to make a few bytes durable.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// About the length of the journal's frame for one answer.
const APPEND_BYTES: usize = 700;
const APPENDS: usize = 200;

/// What the figures of a run depend on.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// The load average of the last minute, before the run: other work on the machine.
    load: String,
    mount: Mount,
    fdatasync: Duration,
}

/// The mount that holds a directory.
#[derive(Clone, Debug)]
struct Mount {
    device: String,
    file_system: String,
    options: String,
}

impl Machine {
    /// Looks, and measures 200 times an append of 700 bytes and its `fdatasync` in `folder`. A file
    /// system in memory is refused: nothing is durable there.
    pub(crate) fn look(folder: &Path) -> anyhow::Result<Self> {
        let mount = Mount::of(folder)?;
        if matches!(mount.file_system.as_str(), "tmpfs" | "ramfs" | "devtmpfs") {
            let (folder, kind) = (folder.display(), &mount.file_system);
            bail!("{folder} is {kind}, where nothing is durable: choose a folder on a disk");
        }
        let load = first_line("/proc/loadavg");
        Ok(Self {
            processor: processor(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: first_line("/proc/sys/kernel/osrelease"),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            mount,
            fdatasync: median_fdatasync(folder)?,
        })
    }

    /// In a few lines of text.
    pub(crate) fn text(&self) -> String {
        let Self { processor, cores, kernel, load, mount, fdatasync } = self;
        let Mount { device, file_system, options } = mount;
        format!(
            "{processor}, {cores} cores, Linux {kernel}, load {load} before the run\n\
             {device}, {file_system} ({options})\n\
             bare append of {APPEND_BYTES} bytes and fdatasync: {} us, median of {APPENDS}",
            fdatasync.as_micros()
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "processor": self.processor,
            "cores": self.cores,
            "kernel": self.kernel,
            "load": self.load,
            "device": self.mount.device,
            "file_system": self.mount.file_system,
            "options": self.mount.options,
            "fdatasync_us": u64::try_from(self.fdatasync.as_micros()).unwrap_or(u64::MAX),
        })
    }
}

impl Mount {
    /// The last one mounted whose place is the longest above `folder`.
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize()?;
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let above = mounts.lines().filter_map(parse_mount);
        let above = above.filter(|(place, _)| folder.starts_with(place));
        let nearest = above.max_by_key(|(place, _)| place.len());
        Ok(nearest.context("no mount holds the data")?.1)
    }
}

/// A line of mountinfo: `id parent major:minor root place options [tags] - type device options`.
fn parse_mount(line: &str) -> Option<(String, Mount)> {
    let (before, behind) = line.split_once(" - ")?;
    let mut behind = behind.split(' ');
    let (file_system, device) = (behind.next()?.to_owned(), behind.next()?.to_owned());
    let mut before = before.split(' ').skip(4);
    let place = before.next()?.replace("\\040", " ");
    let options = before.next()?.to_owned();
    Some((place, Mount { device, file_system, options }))
}

fn median_fdatasync(folder: &Path) -> anyhow::Result<Duration> {
    let file = tempfile::tempfile_in(folder)?;
    let mut samples = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        samples.push(append_durably(&file, APPEND_BYTES)?);
    }
    samples.sort_unstable();
    Ok(samples[APPENDS / 2])
}

/// How long it takes to append so many bytes and to have them durable.
pub(crate) fn append_durably(mut file: &File, bytes: usize) -> anyhow::Result<Duration> {
    let bytes = vec![0xA5; bytes];
    let from = Instant::now();
    file.write_all(&bytes)?;
    file.sync_data()?;
    Ok(from.elapsed())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown processor", |(_, name)| name).to_owned()
}

fn first_line(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
