//! The elements of a document one by one, with limits. Documents that define entities are refused.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// How deep elements may stand in each other.
const MAX_DEPTH: usize = 32;
/// Bytes that the text of one element may have.
const MAX_TEXT: usize = 16 << 20;
/// Attributes that one element may have.
const MAX_ATTRIBUTES: usize = 64;

/// The attributes of an element, by name as it stands there.
pub(super) type Attributes = Vec<(String, String)>;

/// The beginning or the end of an element.
#[derive(Debug)]
pub(super) enum Node<'a> {
    /// It begins.
    Open(&'a Attributes),
    /// It ends, after this text of its own.
    Close(&'a str),
}

/// Returns the value of an attribute.
pub(super) fn attribute<'a>(attributes: &'a Attributes, name: &str) -> Option<&'a str> {
    attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Hands over the elements of a document, each with the names of those that it stands in and its own, without prefixes.
pub(super) fn read(
    document: &[u8],
    mut each: impl FnMut(&[&str], Node<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let mut reader = Reader::from_reader(document);
    reader.config_mut().expand_empty_elements = true;
    let (mut names, mut texts) = (Vec::<String>::new(), Vec::<String>::new());
    let mut roots = 0;
    loop {
        let event = reader.read_event().map_err(|error| format!("byte {}: {error}", reader.error_position()))?;
        match event {
            Event::Start(element) => {
                if names.len() == MAX_DEPTH {
                    return Err(format!("elements stand more than {MAX_DEPTH} deep"));
                }
                roots += usize::from(names.is_empty());
                names.push(name(&element)?);
                texts.push(String::new());
                let attributes = attributes(&element)?;
                each(&path(&names), Node::Open(&attributes))?;
            }
            Event::End(_) => {
                let text = texts.pop().unwrap_or_default();
                each(&path(&names), Node::Close(&text))?;
                names.pop();
            }
            Event::Text(more) => add(&mut texts, text(more.as_ref())?)?,
            Event::CData(more) => add(&mut texts, text(more.as_ref())?)?,
            Event::GeneralRef(reference) => add(&mut texts, &character(&reference)?)?,
            Event::DocType(_) => return Err("it defines a document type".to_owned()),
            Event::Eof if !names.is_empty() => return Err(format!("it ends inside of `{}`", names.join("/"))),
            Event::Eof if roots == 1 => return Ok(()),
            Event::Eof => return Err("it has no or more than one root".to_owned()),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

fn path(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn name(element: &BytesStart<'_>) -> Result<String, String> {
    Ok(text(element.local_name().as_ref())?.to_owned())
}

fn attributes(element: &BytesStart<'_>) -> Result<Attributes, String> {
    let mut all = Attributes::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if all.len() == MAX_ATTRIBUTES {
            return Err(format!("an element has more than {MAX_ATTRIBUTES} attributes"));
        }
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        all.push((text(attribute.key.as_ref())?.to_owned(), value.into_owned()));
    }
    Ok(all)
}

fn add(texts: &mut [String], more: &str) -> Result<(), String> {
    // Blanks beside the root belong to nothing.
    let Some(text) = texts.last_mut() else { return Ok(()) };
    if text.len() + more.len() > MAX_TEXT {
        return Err(format!("an element has more than {MAX_TEXT} bytes of text"));
    }
    text.push_str(more);
    Ok(())
}

/// Returns the character of a reference: one of XML's five names, or a number.
fn character(reference: &BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = text(reference.as_ref())?;
    quick_xml::escape::resolve_predefined_entity(name)
        .map(str::to_owned)
        .ok_or_else(|| format!("`&{};` is no character", name.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(document: &str) -> Result<Vec<String>, String> {
        let mut seen = Vec::new();
        read(document.as_bytes(), |path, node| {
            if let Node::Close(text) = node {
                seen.push(format!("{}={text}", path.join("/")));
            }
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn texts_are_those_of_their_elements() {
        let document =
            "<?xml version=\"1.0\"?>\n<a xmlns:r=\"x\"><!-- <z/> --><r:b>1 &lt;&#x41;<![CDATA[<]]></r:b><c/></a>\n";
        assert_eq!(seen(document).unwrap(), ["a/b=1 <A<", "a/c=", "a="]);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        for bad in [
            "",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
            "<a>&e;</a>",
            "<a b=\"1\" b=\"2\"/>",
            &deep,
        ] {
            assert!(seen(bad).is_err(), "{bad}");
        }
    }
}
