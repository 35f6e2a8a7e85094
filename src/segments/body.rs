//! The body of an event around its payload. A segment holds the members of the envelope as columns and the payload as it
//! stands; put together again they are the stored bytes, since a canonical body has one spelling.

use std::io::Write;
use uuid::Uuid;

/// The members of a body beside its payload.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Who brought it.
    pub actor: &'a str,
    /// The second person.
    pub approver: Option<&'a str>,
    /// The event that led to it.
    pub causation: Option<[u8; 16]>,
    /// What belongs together.
    pub correlation: Option<&'a str>,
    /// When it happened, in microseconds since 1970.
    pub effective_at: i64,
    /// Its id.
    pub event_id: [u8; 16],
    /// The source's own key.
    pub external_id: Option<&'a str>,
    /// Its kind.
    pub kind: &'a str,
    /// The ledger's name.
    pub ledger: &'a str,
    /// Minutes east of UTC.
    pub offset_minutes: i64,
    /// Place in the log.
    pub position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
    /// Place in the stream.
    pub revision: u64,
    /// In which role.
    pub role: &'a str,
    /// The system it came from.
    pub source: &'a str,
    /// `ledger`, `order/ID` or `claim/ID`.
    pub stream: &'a str,
    /// Version of the payload.
    pub version: i64,
}

impl Envelope<'_> {
    /// What stands before the payload.
    fn before(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{");
        text(out, "actor", Some(self.actor));
        text(out, "approver", self.approver);
        id(out, "causation", self.causation);
        text(out, "correlation", self.correlation);
        number(out, "effective_at", self.effective_at);
        id(out, "event_id", Some(self.event_id));
        text(out, "external_id", self.external_id);
        text(out, "kind", Some(self.kind));
        text(out, "ledger", Some(self.ledger));
        number(out, "offset_minutes", self.offset_minutes);
        out.extend_from_slice(b"\"payload\":");
    }
    /// What stands after it.
    fn after(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",");
        number(out, "position", self.position);
        number(out, "recorded_at", self.recorded_at);
        number(out, "revision", self.revision);
        text(out, "role", Some(self.role));
        text(out, "source", Some(self.source));
        text(out, "stream", Some(self.stream));
        number(out, "version", self.version);
        // Every member writes the comma that follows it.
        out.pop();
        out.extend_from_slice(b"}");
    }
    /// The whole body, in the place of what is in `out`.
    pub fn body(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.clear();
        self.before(out);
        out.extend_from_slice(payload);
        self.after(out);
    }
    /// The payload of a body that is exactly this around it; `None` when it is not.
    pub fn payload_of<'b>(&self, body: &'b [u8], buffer: &mut Vec<u8>) -> Option<&'b [u8]> {
        buffer.clear();
        self.before(buffer);
        let rest = body.strip_prefix(buffer.as_slice())?;
        buffer.clear();
        self.after(buffer);
        rest.strip_suffix(buffer.as_slice())
    }
}

fn name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

// Writing into memory does not fail; what should be missing all the same is found by comparing with the body.

fn text(out: &mut Vec<u8>, member: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    name(out, member);
    // The escapes of serde_json are those of RFC 8785.
    let _ = serde_json::to_writer(&mut *out, value);
    out.extend_from_slice(b",");
}

fn id(out: &mut Vec<u8>, member: &str, value: Option<[u8; 16]>) {
    let Some(value) = value else { return };
    name(out, member);
    out.extend_from_slice(b"\"");
    let mut digits = [0; uuid::fmt::Hyphenated::LENGTH];
    out.extend_from_slice(Uuid::from_bytes(value).hyphenated().encode_lower(&mut digits).as_bytes());
    out.extend_from_slice(b"\",");
}

fn number(out: &mut Vec<u8>, member: &str, value: impl std::fmt::Display) {
    name(out, member);
    let _ = write!(out, "{value},");
}
