/// What a guest wrote to stdout or stderr, up to a cap. Beyond it, bytes are dropped and counted;
/// the guest's writes still succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CappedOutput {
    bytes: Vec<u8>,
    cap: usize,
    dropped: u64,
}

impl CappedOutput {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            bytes: Vec::new(),
            cap,
            dropped: 0,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.cap - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.dropped += (bytes.len() - kept) as u64;
    }

    /// The first bytes that were written, not more than the cap.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same as [`bytes`](Self::bytes), handed over.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// How many bytes were dropped beyond the cap.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}
