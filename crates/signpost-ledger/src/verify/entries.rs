//! What the service's own entries must be by themselves, without the service's code.

/// Holds that each entry is 256 bytes long, of format 1, with nothing where nothing is, and not
/// before the one before it.
///
/// The layout is that of `signpost_core::entry`, in big-endian numbers: format at 0 (2 bytes), time
/// at 8 (8 bytes, milliseconds since 1970), reserved zeros from 244 to the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct EntryRules {
    last_ms: u64,
}

impl EntryRules {
    /// Looks at the next entry, in the ledger's order. Says what is wrong with it.
    pub fn check(&mut self, entry: &[u8]) -> Result<(), String> {
        let Ok(entry) = <&[u8; 256]>::try_from(entry) else {
            return Err(format!("it has {} bytes and should have 256", entry.len()));
        };
        let (Some([0, 1]), Some(time)) = (entry.first_chunk(), entry[8..].first_chunk()) else {
            return Err("it is of another format than 1: verify it with a newer build".to_owned());
        };
        if entry[244..] != [0; 12] {
            return Err("its reserved bytes are not zeros".to_owned());
        }
        let time = u64::from_be_bytes(*time);
        if time < self.last_ms {
            return Err(format!("it is of {time} ms, and the one before it of {}", self.last_ms));
        }
        self.last_ms = time;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_held() {
        let entry = |time: u64| {
            let mut entry = [7; 256];
            entry[..2].copy_from_slice(&[0, 1]);
            entry[8..16].copy_from_slice(&time.to_be_bytes());
            entry[244..].fill(0);
            entry
        };
        let mut rules = EntryRules::default();
        rules.check(&entry(5)).unwrap();
        rules.check(&entry(5)).unwrap();
        assert!(rules.check(&entry(4)).unwrap_err().contains("of 4 ms"));
        assert!(rules.check(&entry(6)[..255]).unwrap_err().contains("255"));
        let with = |place: usize, byte| {
            let mut entry = entry(9);
            entry[place] = byte;
            entry
        };
        assert!(rules.check(&with(1, 2)).unwrap_err().contains("format"));
        assert!(rules.check(&with(255, 1)).unwrap_err().contains("reserved"));
    }
}
