//! A tree of text files: the one inside the program, or a folder that takes its place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use include_dir::{Dir, DirEntry, include_dir};

static SPECS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/specs");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// The largest file that is read from a folder, in bytes. A spec or template is some kilobytes.
const MAX_FILE: u64 = 1 << 20;
/// The most files that are read from a folder.
const MAX_FILES: usize = 4096;

/// Text files by relative path, sorted. Dot-files are not among them.
#[derive(Debug, Clone)]
pub struct Tree {
    root: Root,
    files: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
enum Root {
    Embedded(&'static str),
    Folder(PathBuf),
}

/// Why a folder cannot be read as a tree.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file is larger than any spec or template can be.
    #[error("{} is larger than the limit of {MAX_FILE} bytes", .0.display())]
    TooLarge(PathBuf),
    /// The folder holds more files than a tree can have.
    #[error("{} holds more than the limit of {MAX_FILES} files", .0.display())]
    TooMany(PathBuf),
    /// Something that is neither file nor folder, such as a pipe.
    #[error("{} is neither a file nor a folder", .0.display())]
    NotAFile(PathBuf),
    /// A file is not text.
    #[error("{} is not UTF-8 text", .0.display())]
    NotText(PathBuf),
}

impl Tree {
    /// Returns the specs inside the program.
    pub fn embedded_specs() -> Self {
        Self::embedded("specs", &SPECS)
    }

    /// Returns the templates inside the program.
    pub fn embedded_templates() -> Self {
        Self::embedded("templates", &TEMPLATES)
    }

    fn embedded(name: &'static str, dir: &'static Dir<'static>) -> Self {
        let mut files = BTreeMap::new();
        collect_embedded(dir, &mut files);
        Self { root: Root::Embedded(name), files }
    }

    /// Reads a folder with all its folders.
    pub fn read(folder: &Path) -> Result<Self, TreeError> {
        let mut files = BTreeMap::new();
        read_folder(folder, "", &mut files)?;
        Ok(Self { root: Root::Folder(folder.to_owned()), files })
    }

    /// Returns a file's text.
    pub fn get(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Returns the files, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Returns what a message should call a file: its path in the file system, or in the program's source.
    pub fn display_path(&self, path: &str) -> String {
        match &self.root {
            Root::Embedded(name) => format!("{name}/{path}"),
            Root::Folder(folder) => folder.join(path).display().to_string(),
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.root {
            Root::Embedded(name) => write!(f, "the {name} inside kubepkg"),
            Root::Folder(folder) => folder.display().fmt(f),
        }
    }
}

fn collect_embedded(dir: &'static Dir<'static>, files: &mut BTreeMap<String, String>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect_embedded(dir, files),
            DirEntry::File(file) => {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    files.insert(path.to_owned(), text.to_owned());
                }
            }
        }
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) -> Result<(), TreeError> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| TreeError::NotText(path.clone()))?;
        if name.starts_with('.') {
            continue;
        }
        let relative = format!("{prefix}{name}");
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            read_folder(&path, &format!("{relative}/"), files)?;
            continue;
        }
        if !metadata.is_file() {
            return Err(TreeError::NotAFile(path));
        }
        if metadata.len() > MAX_FILE {
            return Err(TreeError::TooLarge(path));
        }
        if files.len() >= MAX_FILES {
            return Err(TreeError::TooMany(folder.to_owned()));
        }
        let text = String::from_utf8(fs::read(&path)?).map_err(|_| TreeError::NotText(path.clone()))?;
        files.insert(relative, text);
    }
    Ok(())
}
