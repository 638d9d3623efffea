//! Strict templates: a variable that does not exist is an error with a place, and nothing is escaped, since what is
//! written is shell, units and control fields.

use std::sync::Arc;

use handlebars::{Handlebars, html_escape, no_escape};
use serde::Serialize;

use crate::digest::Digest;
use crate::tree::Tree;

/// The templates of one tree, by path.
#[derive(Debug, Clone)]
pub struct Templates {
    tree: Arc<Tree>,
}

/// Why a template gives no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The tree has no such file.
    #[error("no template `{path}` in {tree}")]
    Missing {
        /// The path that was asked for.
        path: String,
        /// The tree that was looked in.
        tree: String,
    },
    /// The template is wrong, or names a variable that does not exist.
    #[error("{file}:{line}:{column}: {cause}")]
    Bad {
        /// The file, or what the text is where it is no file.
        file: String,
        /// The line, from 1; 0 where unknown.
        line: usize,
        /// The column, from 1; 0 where unknown.
        column: usize,
        /// What is wrong.
        cause: String,
    },
}

impl TemplateError {
    /// Returns what is wrong, without the place.
    pub fn cause(&self) -> String {
        match self {
            Self::Missing { .. } => self.to_string(),
            Self::Bad { cause, .. } => cause.clone(),
        }
    }
}

impl Templates {
    /// Takes the templates of a tree.
    pub fn new(tree: Tree) -> Self {
        Self { tree: Arc::new(tree) }
    }

    /// Returns a template as it is written.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.tree.get(path)
    }

    /// Returns the templates below a folder, such as `deb/`, as they are written, sorted by path.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &str)> {
        self.tree.iter().filter(move |(path, _)| path.starts_with(folder))
    }

    /// Returns a digest of the templates below a folder.
    pub fn digest(&self, folder: &str) -> Digest {
        let lengths: String =
            self.below(folder).map(|(path, text)| format!("{path} {}\n{text}\n", text.len())).collect();
        Digest::sha256(lengths)
    }

    /// Renders the template at `path` with the variables of `data`.
    pub fn render(&self, path: &str, data: &impl Serialize) -> Result<String, TemplateError> {
        let text = self
            .tree
            .get(path)
            .ok_or_else(|| TemplateError::Missing { path: path.to_owned(), tree: self.tree.to_string() })?;
        render_text(&self.tree.display_path(path), text, data)
    }
}

/// Renders a text that stands in a spec, such as a URL; `place` says where, for messages.
pub fn render_text(place: &str, text: &str, data: &impl Serialize) -> Result<String, TemplateError> {
    render_escaped(place, text, data, no_escape)
}

/// Renders a page: every value is escaped as HTML wants it, unless the template says otherwise with three braces.
pub fn render_html(place: &str, text: &str, data: &impl Serialize) -> Result<String, TemplateError> {
    render_escaped(place, text, data, html_escape)
}

fn render_escaped(
    place: &str,
    text: &str,
    data: &impl Serialize,
    escape: fn(&str) -> String,
) -> Result<String, TemplateError> {
    // A partial can include itself for ever, and nothing here needs one.
    for construct in ["{{>", "{{#>", "{{#*", "{{~>", "{{*"] {
        if let Some(at) = text.find(construct) {
            let line = text[..at].matches('\n').count() + 1;
            let cause = format!("`{construct}` begins a partial or a decorator, which templates here do not have");
            return Err(TemplateError::Bad { file: place.to_owned(), line, column: 0, cause });
        }
    }
    let mut engine = Handlebars::new();
    engine.set_strict_mode(true);
    engine.register_escape_fn(escape);
    engine.render_template(text, data).map_err(|error| {
        let (line, column) = match error.reason() {
            handlebars::RenderErrorReason::TemplateError(bad) => bad.pos().unwrap_or_default(),
            _ => (error.line_no.unwrap_or_default(), error.column_no.unwrap_or_default()),
        };
        TemplateError::Bad { file: place.to_owned(), line, column, cause: cause(error.reason()) }
    })
}

fn cause(reason: &handlebars::RenderErrorReason) -> String {
    match reason {
        handlebars::RenderErrorReason::MissingVariable(Some(name)) => format!("unknown variable `{name}`"),
        handlebars::RenderErrorReason::MissingVariable(None) => "unknown variable".to_owned(),
        handlebars::RenderErrorReason::TemplateError(bad) => match bad.reason() {
            handlebars::TemplateErrorReason::InvalidSyntax(_) => {
                "something in braces is not written `{{name}}`".to_owned()
            }
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> Result<String, TemplateError> {
        render_text("x.txt", text, &serde_json::json!({"name": "kubelet", "list": ["a"]}))
    }

    #[test]
    fn shell_passes_untouched() {
        let text = "if [ \"${1#a}\" = \"$(x)\" ]; then echo {{name}} '<&>'; fi";
        assert_eq!(render(text).unwrap(), text.replace("{{name}}", "kubelet"));
    }

    #[test]
    fn unknown_variables_are_errors_with_a_place() {
        let error = render("a\nb {{verison}}").unwrap_err().to_string();
        assert!(error.starts_with("x.txt:2:") && error.contains("verison"), "{error}");
        assert!(render("{{#each nothing}}{{/each}}").is_err());
        assert!(render("{{#if name}}").is_err());
    }
}
