//! What lintian finds in the built set.
