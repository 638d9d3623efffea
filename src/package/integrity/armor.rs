//! The checksum of ASCII armor (RFC 9580, 6.1), which OpenPGP libraries pass over and gpg does not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Says whether an armored signature has a checksum that is not its own. What is no armor has none.
pub(super) fn is_corrupt(text: &[u8]) -> bool {
    let Some(text) = str::from_utf8(text).ok().filter(|text| text.starts_with("-----BEGIN ")) else { return false };
    // Headers end in an empty line.
    let body = text.lines().skip_while(|line| !line.trim().is_empty()).skip(1);
    let mut data = String::new();
    for line in body.map(str::trim) {
        if let Some(checksum) = line.strip_prefix('=').filter(|checksum| checksum.len() == 4) {
            let [wanted, bytes] = [STANDARD.decode(checksum), STANDARD.decode(&data)];
            return match (wanted, bytes) {
                (Ok(wanted), Ok(bytes)) => wanted != crc24(&bytes).to_be_bytes()[1..],
                _ => true,
            };
        }
        data.push_str(line);
    }
    false
}

fn crc24(bytes: &[u8]) -> u32 {
    const INIT: u32 = 0x00b7_04ce;
    const GENERATOR: u32 = 0x0186_4cfb;
    bytes.iter().fold(INIT, |mut crc, byte| {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= GENERATOR;
            }
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_gpg() {
        // `printf hello | gpg --enarmor`
        let good = "-----BEGIN PGP ARMORED FILE-----\nComment: x\n\naGVsbG8=\n=R/WK\n-----END PGP ARMORED FILE-----\n";
        assert!(!is_corrupt(good.as_bytes()));
        for (from, to) in [("=R/WK", "=R/WF"), ("aGVs", "aGVt"), ("=R/WK", "=R/W-")] {
            assert!(is_corrupt(good.replace(from, to).as_bytes()), "{to}");
        }
        assert!(!is_corrupt(good.replace("=R/WK\n", "").as_bytes()));
        assert!(!is_corrupt(b"\x88\x75binary"));
    }
}
