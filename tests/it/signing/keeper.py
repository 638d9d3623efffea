#!/usr/bin/env python3
"""Signs digests as a key service would: the secret key is a file of unprotected OpenPGP packets, named by KEEPER_KEY.

Reads the digest from stdin and writes the raw signature, as README.md describes it for `--sign-command`.
"""
import hashlib
import os
import subprocess
import sys
import tempfile


def packets(data):
    """Yields tag and body of each packet (RFC 9580, 4.2)."""
    at = 0
    while at < len(data):
        first = data[at]
        at += 1
        if first & 0x40:
            tag, length = first & 0x3F, data[at]
            at += 1
            if length >= 192:
                length = ((length - 192) << 8) + data[at] + 192
                at += 1
        else:
            tag, octets = (first >> 2) & 15, 1 << (first & 3)
            length = int.from_bytes(data[at:at + octets], "big")
            at += octets
        yield tag, data[at:at + length]
        at += length


def number(data, at):
    """Reads a number, and returns it with the place behind it (RFC 9580, 3.2)."""
    octets = (int.from_bytes(data[at:at + 2], "big") + 7) // 8
    return int.from_bytes(data[at + 2:at + 2 + octets], "big"), at + 2 + octets


def rsa(body, digest):
    n, at = number(body, 6)
    _, at = number(body, at)
    assert body[at] == 0, "the key is protected"
    d, _ = number(body, at + 1)
    size = (n.bit_length() + 7) // 8
    # DigestInfo of SHA-512 (RFC 8017, 9.2).
    info = bytes.fromhex("3051300d060960864801650304020305000440") + digest
    padded = b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info
    return pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big")


def ed25519(body, digest):
    _, at = number(body, 7 + body[6])
    assert body[at] == 0, "the key is protected"
    seed, _ = number(body, at + 1)
    # PKCS #8 (RFC 8410, 7).
    key = bytes.fromhex("302e020100300506032b657004220420") + seed.to_bytes(32, "big")
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("key", key), ("message", digest)):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(content)
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", f"{folder}/key"]
        return subprocess.run(command + ["-in", f"{folder}/message"], check=True, stdout=subprocess.PIPE).stdout


def public(body):
    """The public half, of which the fingerprint is made (RFC 9580, 5.5.4.2)."""
    if body[5] == 1:
        at = number(body, number(body, 6)[1])[1]
    else:
        at = number(body, 7 + body[6])[1]
    return body[:at]


def main():
    assert sys.argv[1:] == [] and os.environ["KUBEPKG_SIGN_PROTOCOL"] == "1"
    assert "KUBEPKG_SIGN_PASSPHRASE" not in os.environ
    digest = sys.stdin.buffer.read()
    assert len(digest) == 64
    kinds = {"rsa-pkcs1-sha512": (1, rsa), "ed25519": (22, ed25519)}
    algorithm, sign = kinds[os.environ["KUBEPKG_SIGN_ALGORITHM"]]
    with open(os.environ["KEEPER_KEY"], "rb") as file:
        data = file.read()
    for tag, body in packets(data):
        if tag in (5, 7) and body[5] == algorithm:
            half = public(body)
            fingerprint = hashlib.sha1(b"\x99" + len(half).to_bytes(2, "big") + half).hexdigest().upper()
            if fingerprint == os.environ["KUBEPKG_SIGN_FINGERPRINT"]:
                sys.stdout.buffer.write(sign(body, digest))
                return
    sys.exit("no such key")


main()
