"""Prints every element of a file of rpm-md in one line, packages sorted by their digests."""
import gzip
import re
import sys
import xml.etree.ElementTree as ElementTree


def flatten(element, path, lines):
    text = element.text or ""
    name = path + "/" + element.tag.split("}")[-1]
    lines.append(f"{name} {sorted(element.attrib.items())} {text if text.strip() or not len(element) else ''!r}")
    for child in element:
        flatten(child, name, lines)
    return lines


with gzip.open(sys.argv[1]) as file:
    root = ElementTree.fromstring(file.read())
print(root.tag, sorted(root.attrib.items()))
packages = ["\n".join(flatten(package, "", [])) for package in root]
print("\n".join(sorted(packages, key=lambda package: re.search("[0-9a-f]{64}", package).group())))
