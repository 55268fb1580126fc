//! Room on the disk.

use std::fs;
use std::path::Path;

/// Files of a folder that are looked at.
const MOST_FILES: usize = 10_000;
const DEEPEST: usize = 4;

/// How much room a disk has, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    /// For us.
    pub(super) free: u64,
    /// In all.
    pub(super) all: u64,
}

impl Room {
    /// Whether the disk is nearly full: less than a tenth is free, and less than 5 GB.
    pub(super) const fn is_short(self) -> bool {
        self.free < self.all / 10 && self.free < 5_000_000_000
    }
}

/// The room of the disk that holds a folder; none when it does not say.
pub(super) fn room(folder: &Path) -> Option<Room> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(Room { free: disk.f_bavail.saturating_mul(disk.f_frsize), all: disk.f_blocks.saturating_mul(disk.f_frsize) })
}

/// Bytes of the files in a folder and the folders in it. Links are not followed.
pub(super) fn size(folder: &Path) -> u64 {
    let mut left = MOST_FILES;
    size_below(folder, DEEPEST, &mut left)
}

fn size_below(folder: &Path, depth: usize, left: &mut usize) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut bytes = 0;
    for entry in entries.flatten() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        // Of the entry itself: a link counts as a link.
        let Ok(metadata) = entry.metadata() else { continue };
        bytes +=
            if metadata.is_dir() && depth > 0 { size_below(&entry.path(), depth - 1, left) } else { metadata.len() };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_as_large_as_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        fs::write(folder.path().join("in/a"), [0; 100]).unwrap();
        fs::write(folder.path().join("b"), [0; 23]).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("in/loop")).unwrap();
        assert!((123..200).contains(&size(folder.path())));
        assert!(room(folder.path()).is_some_and(|room| room.all >= room.free && room.all > 0));
        assert_eq!(size(Path::new("/nowhere")), 0);
    }

    #[test]
    fn a_large_disk_with_much_room_left_is_not_short() {
        let room = |free, all| Room { free, all }.is_short();
        assert!(room(1_000_000_000, 100_000_000_000));
        assert!(!room(50_000_000_000, 4_000_000_000_000));
        assert!(!room(900_000_000, 1_000_000_000));
    }
}
