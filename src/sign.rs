//! Signing: the seam behind which keys are kept.

/// Signs with one key, wherever it is kept: in a file, an agent, a smart card or a key service. Nothing signs yet;
/// writers take a signer once packages carry signatures.
pub trait Signer: Send + Sync {
    /// What went wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Returns the fingerprint of the signing key, in upper-case hexadecimal digits (RFC 9580, 5.5.4).
    fn fingerprint(&self) -> &str;

    /// Returns a binary detached signature of `message` (RFC 9580, 10.4).
    fn detached(&self, message: &mut dyn std::io::Read) -> Result<Vec<u8>, Self::Error>;

    /// Returns `text` in the cleartext signature framework (RFC 9580, 7).
    fn cleartext(&self, text: &str) -> Result<String, Self::Error>;
}
