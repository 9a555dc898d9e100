//! Whether the medium is told what is free: what a certificate says of it, as far as this process sees.

use std::path::Path;

/// A sentence about the file system below this directory, from the kernel's table of mounts.
pub(super) fn seen(directory: &Path) -> String {
    let Ok(table) = std::fs::read_to_string("/proc/self/mounts") else {
        return "not seen: this system tells no mounts; it is the operator's to see to".to_owned();
    };
    let directory = std::fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    sentence(&table, &directory)
}

fn sentence(table: &str, directory: &Path) -> String {
    let mounts = table.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let below = mounts.filter(|(point, _, _)| directory.starts_with(unescaped(point)));
    // The last of equal length covers the others.
    match below.max_by_key(|(point, _, _)| point.len()) {
        Some((_, kind, options)) if options.split(',').any(|option| option == "discard") => {
            format!("the file system ({kind}) is mounted with discard: removed blocks are trimmed")
        }
        Some((_, kind, _)) => format!(
            "not seen: the file system ({kind}) is mounted without discard; trimming is the \
             operator's to see to"
        ),
        None => "not seen: no mount was found; it is the operator's to see to".to_owned(),
    }
}

/// A path as the table writes it: blanks, tabs, line ends and backslashes as three octal digits.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "/dev/vda / ext4 rw,relatime 0 0\n\
                         /dev/vdb /var/lib ext4 rw,discard,relatime 0 0\n\
                         /dev/vdc /srv/two\\040words xfs rw 0 0\n";

    #[test]
    fn the_mount_that_covers_the_directory_is_told() {
        let of = |directory: &str| sentence(TABLE, Path::new(directory));
        assert!(of("/var/lib/signpost").contains("(ext4) is mounted with discard"));
        assert!(of("/var/libx").starts_with("not seen: the file system (ext4)"));
        assert!(of("/srv/two words/data").contains("(xfs) is mounted without discard"));
        assert!(sentence("", Path::new("/x")).contains("no mount was found"));
    }
}
