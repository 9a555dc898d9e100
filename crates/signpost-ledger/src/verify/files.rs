//! The verifier's own reading of a directory (C2SP tlog-tiles).

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::VerifyError;

const WIDTH: u64 = 256;
const HASH_LEN: usize = 32;

/// The files of a copied log. One bundle and one other file are in memory at a time.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    size: u64,
    compared: u64,
    bundle: Bundle,
    /// The file that is compared.
    other: Vec<u8>,
}

#[derive(Debug, Default)]
struct Bundle {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where each entry's length stands, and where the last entry ends.
    offsets: Vec<usize>,
    /// What is wrong behind the last of them.
    broken: Option<VerifyError>,
}

/// The hashes that were found for a tile: full, or the last of its level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'f> {
    pub(super) level: usize,
    pub(super) number: u64,
    pub(super) hashes: &'f [u8],
}

impl Found<'_> {
    fn place(&self, directory: &Path) -> PathBuf {
        directory.join(format!("tile/{}", self.level)).join(number_path(self.number))
    }

    /// The first entry that the hash at this offset stands for.
    fn index(&self, offset: usize) -> u64 {
        (self.number * WIDTH + (offset / HASH_LEN) as u64) << (8 * self.level)
    }
}

impl Files {
    pub(super) fn new(directory: &Path, size: u64) -> Self {
        let directory = directory.to_owned();
        Self { directory, size, compared: 0, bundle: Bundle::default(), other: Vec::new() }
    }

    /// How many files were compared.
    pub(super) fn compared(&self) -> u64 {
        self.compared
    }

    /// Reads the bundle that begins with this entry, and finds the entries in it, as far as they
    /// go.
    pub(super) fn read_bundle(&mut self, first: u64) -> Result<(), VerifyError> {
        let width = (self.size - first).min(WIDTH);
        let place = self.directory.join("tile/entries").join(number_path(first / WIDTH));
        let is_full_form = read_form(&place, width, &mut self.bundle.bytes, &mut self.bundle.path)?;
        self.compared += 1;
        self.bundle.split(first, width);
        let end = self.bundle.offsets.last().copied().unwrap_or_default();
        if end < self.bundle.bytes.len() && (width == WIDTH || !is_full_form) {
            let what = "it goes on after its last entry";
            self.bundle.broken.get_or_insert(self.bundle.wrong(end, first + width, what));
        }
        if self.bundle.broken.is_some() {
            return Ok(());
        }
        let offsets = &self.bundle.offsets;
        let prefix = |width: usize| offsets.get(width).map(|end| &self.bundle.bytes[..*end]);
        let wrong = |offset: usize| {
            let place = offsets.iter().rposition(|start| *start <= offset).unwrap_or_default();
            first + place as u64
        };
        self.compared += compare_forms(&place, &self.bundle.path, &mut self.other, prefix, wrong)?;
        Ok(())
    }

    /// How many entries the bundle has.
    pub(super) fn bundle_len(&self) -> usize {
        self.bundle.offsets.len().saturating_sub(1)
    }

    /// Ends with what is wrong behind the bundle's last entry.
    pub(super) fn end_bundle(&mut self) -> Result<(), VerifyError> {
        self.bundle.broken.take().map_or(Ok(()), Err)
    }

    /// Where the bundle lies.
    pub(super) fn bundle_path(&self) -> PathBuf {
        self.bundle.path.clone()
    }

    /// An entry of the bundle, and where its length stands.
    pub(super) fn entry(&self, place: usize) -> (&[u8], usize) {
        let (start, end) = (self.bundle.offsets[place], self.bundle.offsets[place + 1]);
        (&self.bundle.bytes[start + 2..end], start)
    }

    /// Compares a tile with what it should hold, and each of its partial forms.
    pub(super) fn compare_tile(&mut self, found: Found) -> Result<(), VerifyError> {
        let width = (found.hashes.len() / HASH_LEN) as u64;
        let (place, mut path) = (found.place(&self.directory), PathBuf::new());
        let is_full_form = read_form(&place, width, &mut self.other, &mut path)?;
        self.compared += 1;
        if is_full_form && width < WIDTH {
            self.other.truncate(found.hashes.len()); // the rest is behind the checkpoint
        }
        let index = |offset| found.index(offset);
        compare(&path, &self.other, found.hashes, index)?;
        let prefix = |width: usize| found.hashes.get(..width * HASH_LEN);
        self.compared += compare_forms(&place, &path, &mut self.other, prefix, index)?;
        Ok(())
    }

    /// Where a tile that is not all found yet differs from what was found so far.
    pub(super) fn find_first_unlike(&mut self, found: Found) -> Option<VerifyError> {
        let width = (self.size - found.number * WIDTH).min(WIDTH);
        let (place, mut path) = (found.place(&self.directory), PathBuf::new());
        read_form(&place, width, &mut self.other, &mut path).ok()?;
        self.other.truncate(found.hashes.len());
        compare(&path, &self.other, found.hashes, |offset| found.index(offset)).err()
    }

    /// How many files lie in the directory `tile`, whatever they are.
    pub(super) fn count(&self) -> Result<u64, VerifyError> {
        let tiles = self.directory.join("tile");
        if self.size == 0 && !tiles.exists() { Ok(0) } else { count(&tiles) }
    }
}

impl Bundle {
    fn split(&mut self, first: u64, width: u64) {
        self.offsets.clear();
        self.offsets.push(0);
        self.broken = None;
        let mut end = 0;
        for index in first..first + width {
            let rest = &self.bytes[end..];
            let len = rest.first_chunk().map(|len| 2 + usize::from(u16::from_be_bytes(*len)));
            let what = match len {
                Some(len) if len <= rest.len() => {
                    end += len;
                    self.offsets.push(end);
                    continue;
                }
                _ if rest.is_empty() => "it ends before this entry",
                _ => "it ends within this entry",
            };
            self.broken = Some(self.wrong(end, index, what));
            return;
        }
    }

    fn wrong(&self, offset: usize, index: u64, what: &'static str) -> VerifyError {
        VerifyError::Bundle { path: self.path.clone(), offset: offset as u64, index, what }
    }
}

/// The path of a number: `x001/x234/067` of 1234067.
fn number_path(number: u64) -> PathBuf {
    let mut digits = number.to_string();
    while !digits.len().is_multiple_of(3) {
        digits.insert(0, '0');
    }
    let last = digits.split_off(digits.len() - 3);
    let mut path = PathBuf::new();
    while !digits.is_empty() {
        let rest = digits.split_off(3);
        path.push(format!("x{digits}"));
        digits = rest;
    }
    path.join(last)
}

/// Reads the file of this width. Of a partial one that is gone, the full one's first part counts:
/// says whether it is the full file that was read.
fn read_form(
    place: &Path,
    width: u64,
    bytes: &mut Vec<u8>,
    path: &mut PathBuf,
) -> Result<bool, VerifyError> {
    if width < WIDTH {
        *path = forms(place).join(width.to_string());
        match read(path, bytes) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && place.exists() => {}
            done => return done.map(|()| false).map_err(|source| failed(path, source)),
        }
    }
    place.clone_into(path);
    read(path, bytes).map(|()| true).map_err(|source| failed(path, source))
}

/// Compares the partial forms of a file, other than the one that was read, with the first part of
/// what it should hold. Those that are longer than that are behind the checkpoint. Says how many.
fn compare_forms<'f>(
    place: &Path,
    done: &Path,
    bytes: &mut Vec<u8>,
    prefix: impl Fn(usize) -> Option<&'f [u8]>,
    index: impl Fn(usize) -> u64 + Copy,
) -> Result<u64, VerifyError> {
    let forms = forms(place);
    let listed = match fs::read_dir(&forms) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        listed => listed.map_err(|source| failed(&forms, source))?,
    };
    let mut compared = 0;
    for entry in listed {
        let path = entry.map_err(|source| failed(&forms, source))?.path();
        let width = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        let expected = width.filter(|width| (1..256).contains(width)).and_then(&prefix);
        if let Some(expected) = expected.filter(|_| path != *done) {
            read(&path, bytes).map_err(|source| failed(&path, source))?;
            compare(&path, bytes, expected, index)?;
            compared += 1;
        }
    }
    Ok(compared)
}

/// A bundle of the longest entries, each behind its length.
const FILE_LEN_MAX: u64 = 256 * (2 + 65_535);

/// Says where, in a file, something else stands than should, and from which entry on.
fn compare(
    path: &Path,
    bytes: &[u8],
    expected: &[u8],
    index: impl Fn(usize) -> u64,
) -> Result<(), VerifyError> {
    if bytes == expected {
        return Ok(());
    }
    let differs = bytes.iter().zip(expected).position(|(one, other)| one != other);
    let offset = differs.unwrap_or_else(|| bytes.len().min(expected.len()));
    let what = match differs {
        Some(_) => "it holds something else than the entries give",
        None if bytes.len() < expected.len() => "it ends too early",
        None => "it goes on after its end",
    };
    let (path, index) = (path.to_owned(), index(offset));
    Err(VerifyError::Tile { path, offset: offset as u64, index, what })
}

/// The directory of a file's partial forms.
fn forms(place: &Path) -> PathBuf {
    place.with_extension("p")
}

fn read(path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    read_at_most(FILE_LEN_MAX, path, bytes)
}

/// Reads a file of at most so many bytes. Whoever gave the copy may have put anything there.
pub(super) fn read_at_most(len_max: u64, path: &Path, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.clear();
    // Before it is opened: a pipe would be waited for.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    fs::File::open(path)?.take(len_max + 1).read_to_end(bytes)?;
    if bytes.len() as u64 > len_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than any such file"));
    }
    Ok(())
}

fn count(directory: &Path) -> Result<u64, VerifyError> {
    let mut files = 0;
    for entry in fs::read_dir(directory).map_err(|source| failed(directory, source))? {
        let entry = entry.map_err(|source| failed(directory, source))?;
        let kind = entry.file_type().map_err(|source| failed(&entry.path(), source))?;
        files += if kind.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

fn failed(path: &Path, source: io::Error) -> VerifyError {
    VerifyError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of C2SP tlog-tiles, and the borders of the groups.
    #[test]
    fn numbers_are_written_in_groups() {
        for (number, path) in [
            (0, "000"),
            (999, "999"),
            (1000, "x001/000"),
            (1_234_067, "x001/x234/067"),
            (u64::MAX, "x018/x446/x744/x073/x709/x551/615"),
        ] {
            assert_eq!(number_path(number), Path::new(path));
        }
        assert_eq!(forms(Path::new("tile/0/x001/000")), Path::new("tile/0/x001/000.p"));
    }
}
