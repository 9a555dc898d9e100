//! A sample of what is sought, spread evenly over all that comes by, however much that is.

use signpost_core::search::Sought;

/// What was taken so far: each of so many, and ever fewer where more come by.
#[derive(Debug)]
pub(crate) struct Sample {
    taken: Vec<Sought>,
    seen: u64,
    one_of: u64,
}

/// The most that are taken.
const TAKEN_MAX: usize = 2048;

impl Default for Sample {
    fn default() -> Self {
        Self { taken: Vec::new(), seen: 0, one_of: 1 }
    }
}

impl Sample {
    /// Sees one more, which is asked what it is if it is taken.
    pub(crate) fn add(&mut self, one: impl FnOnce() -> Option<Sought>) {
        if self.seen.is_multiple_of(self.one_of) {
            self.taken.extend(one());
            if self.taken.len() >= TAKEN_MAX {
                let mut is_kept = false;
                self.taken.retain(|_| {
                    is_kept = !is_kept;
                    is_kept
                });
                self.one_of *= 2;
            }
        }
        self.seen += 1;
    }

    pub(crate) fn taken(self) -> Vec<Sought> {
        self.taken
    }
}

#[cfg(test)]
mod tests {
    use signpost_core::search::SoughtKind;

    use super::*;

    fn one(number: u64) -> Option<Sought> {
        Sought::of(SoughtKind::Sealed, &[&number.to_be_bytes()[..], &[0; 24]].concat())
    }

    #[test]
    fn of_few_all_are_taken_and_of_many_as_many_of_each_part() {
        for count in [0, 1, 2047, 2048, 10_000, 100_000] {
            let mut sample = Sample::default();
            for number in 0..count {
                sample.add(|| one(number));
            }
            let taken = sample.taken();
            let expected = usize::try_from(count).unwrap().min(1024);
            assert!((expected..2048).contains(&taken.len()), "{} of {count}", taken.len());
            let is_taken = |number: &u64| taken.contains(&one(*number).unwrap());
            let in_first_half = (0..count / 2).filter(is_taken).count();
            assert!(in_first_half.abs_diff(taken.len() / 2) <= 1, "{in_first_half} of {count}");
        }
    }
}
