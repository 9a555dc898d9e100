//! What a process has used so far: processor time, and how often its threads were switched.

use std::fs;
use std::time::Duration;

/// Linux counts processor time in hundredths of a second, whatever the kernel's own tick.
const TICK: Duration = Duration::from_millis(10);

/// So far, or between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Of all threads, in the kernel and outside.
    pub(crate) processor: Duration,
    /// Of the threads that live, wanted or not.
    pub(crate) switches: u64,
}

impl Usage {
    /// Of a process of this machine.
    pub(crate) fn of(process: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // Behind the name, which may hold anything: the state, ten more, then user and kernel time.
        let behind_name = stat.rsplit_once(") ").map_or("", |(_, behind)| behind);
        let times = behind_name.split(' ').skip(11).take(2);
        let ticks: u32 = times.filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
        let mut switches = 0;
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            // A thread that ends meanwhile is passed over.
            let status = fs::read_to_string(thread?.path().join("status")).unwrap_or_default();
            let counts = status.lines().filter(|line| line.contains("ctxt_switches"));
            let counts =
                counts.filter_map(|line| line.split_whitespace().last()?.parse::<u64>().ok());
            switches += counts.sum::<u64>();
        }
        Ok(Self { processor: TICK * ticks, switches })
    }

    /// Since an earlier look.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            switches: self.switches.saturating_sub(earlier.switches),
        }
    }
}
