//! The memory of a process of its own: what a destroyed generation was sealed under is not in it.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use signpost_core::id::Receipt;
use signpost_core::record::{ChildHead, Record};
use signpost_core::search::{Sought, SoughtKind};
use signpost_core::store::Store;
use signpost_core::subject::Pseudonym;
use signpost_core::testing::{ManualClock, put_records};
use signpost_core::turn::{Carry, Compaction, Generations};
use signpost_embedded::keyring::{SoftwareKeyring, WrappedKey};
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use zeroize::Zeroize;

const CHILDREN: u8 = 100;

fn head(child: u8) -> Record {
    Record::Head(ChildHead { pseudonym: Pseudonym::new([child; 64]), shields: Vec::new() })
}

/// The fingerprint of a generation's data key, the second half of what is wrapped.
fn data_key(options: &Options, generation: u64) -> Sought {
    let keys = options.data_dir.join(format!("generation-{generation:010}/keys"));
    let wrapped = WrappedKey::decode(&std::fs::read(keys).unwrap()).unwrap();
    let secret = options.keys.unwrap(&wrapped).unwrap();
    Sought::of(SoughtKind::Key, &secret[32..]).unwrap()
}

/// Writes and reads on all threads that the store has.
async fn use_it(store: &Arc<EmbeddedStore>) {
    for child in 0..CHILDREN {
        put_records(&**store, [head(child)]).await.unwrap();
    }
    let mut reading = tokio::task::JoinSet::new();
    for child in 0..CHILDREN {
        let store = Arc::clone(store);
        reading.spawn(async move { store.read(&head(child).key()).await.unwrap().unwrap() });
    }
    assert_eq!(reading.join_all().await.len(), usize::from(CHILDREN));
}

/// The buffer that memory is read into is no part of what is searched.
struct Memory {
    buffer: Vec<u8>,
}

impl Memory {
    /// How often this lies in what this process can write.
    fn holds(&mut self, sought: &Sought) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut found = 0;
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
            if rest.starts_with("rw") {
                let own = self.buffer.as_ptr() as u64;
                let behind = own + self.buffer.len() as u64;
                found += self.count(&memory, sought, from, to.min(own));
                found += self.count(&memory, sought, from.max(behind), to);
            }
        }
        self.buffer.zeroize();
        self.buffer.resize(BUFFER_LEN, 0);
        found
    }

    fn count(&mut self, memory: &File, sought: &Sought, from: u64, to: u64) -> usize {
        let (mut at, mut found) = (from, 0);
        while at < to {
            let len = usize::try_from(to - at).unwrap().min(BUFFER_LEN);
            // Some of what is mapped cannot be read, and holds nothing.
            let Ok(len) = memory.read_at(&mut self.buffer[..len], at) else { break };
            if len == 0 {
                break;
            }
            let bytes = &self.buffer[..len];
            let mut start = 0;
            while let Some(next) = bytes[start..].iter().position(|byte| *byte == sought.head()[0])
            {
                start += next;
                found += usize::from(sought.begins(&bytes[start..]));
                start += 1;
            }
            // What lies over the border is found from the next.
            at += (len - if at + len as u64 == to { 0 } else { sought.length() }) as u64;
        }
        found
    }
}

const BUFFER_LEN: usize = 1 << 20;

fn options(directory: &Path) -> Options {
    let keyring = SoftwareKeyring::create(&directory.join("keyring")).unwrap();
    let clock = Arc::new(ManualClock::default());
    let mut options = Options::new(&directory.join("data"), Arc::new(keyring), clock);
    options.index_cache_bytes = 1 << 20;
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_destroyed_generation_is_not_in_memory() {
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path());
    EmbeddedStore::create(&options).unwrap();
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    use_it(&store).await;
    let mut memory = Memory { buffer: vec![0; BUFFER_LEN] };
    let old = data_key(&options, 1);
    assert!(memory.holds(&old) > 0, "it is in use");

    let carry: Arc<dyn Carry> = Arc::new(Compaction { now: options.clock.now() });
    let next = store.prepare(carry).await.unwrap().generation;
    let new = data_key(&options, next);
    store.switch(next).await.unwrap();
    store.destroy(next - 1).await.unwrap();
    assert_eq!(memory.holds(&old), 0, "it is destroyed");
    assert!(memory.holds(&new) > 0, "it is in use now");
    use_it(&store).await;
    assert_eq!(memory.holds(&old), 0, "it is nowhere later either");
    assert_eq!(store.position().await.unwrap().generation, 2);
    assert!(store.entries(Receipt(0), 1.try_into().unwrap()).await.is_ok());
    store.close().await.unwrap();
}
