//! Cuts what a client sends into messages of the frontend/backend protocol (manual, "Message Formats").

/// Longer than this is no message of Postgres', whose limit is a gigabyte.
const LONGEST: usize = 1 << 30;

/// The codes that stand where a startup message has its protocol version.
const CANCEL: u32 = 80_877_102;
const TLS: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// One message with its type and length, or, once the stream can not be read, whatever came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The type; none for messages before the session begins.
    kind: Option<u8>,
    /// All of it, as it came.
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// Whether it asks for TLS or GSS encryption.
    pub(crate) fn asks_for_encryption(&self) -> bool {
        self.kind.is_none() && self.bytes.len() == 8 && matches!(word(&self.bytes[4..]), TLS | GSS)
    }

    /// Returns the text of a simple query.
    pub(crate) fn query(&self) -> Option<String> {
        (self.kind == Some(b'Q')).then(|| texts(&self.bytes[5..]).next().unwrap_or_default())
    }

    /// Returns statement name and text of a Parse message.
    pub(crate) fn parse(&self) -> Option<(String, String)> {
        if self.kind != Some(b'P') {
            return None;
        }
        let mut texts = texts(&self.bytes[5..]);
        Some((texts.next()?, texts.next()?))
    }

    /// Whether these bytes are in it.
    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        self.bytes.windows(bytes.len().max(1)).any(|window| window == bytes)
    }
}

fn word(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"))
}

fn texts(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes
        .split(|&byte| byte == 0)
        .map(|text| String::from_utf8_lossy(text).into_owned())
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Messages have no type yet.
    #[default]
    Startup,
    Session,
    /// Encrypted, or not the protocol at all.
    Opaque,
}

/// The state of one client's stream.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    phase: Phase,
    rest: Vec<u8>,
}

impl Framing {
    /// Takes what follows as it comes.
    pub(crate) fn give_up(&mut self) {
        self.phase = Phase::Opaque;
    }

    /// Takes bytes and returns the messages that are complete with them.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.rest.extend_from_slice(bytes);
        std::iter::from_fn(|| self.next()).collect()
    }

    fn next(&mut self) -> Option<Message> {
        let head = match self.phase {
            Phase::Startup => 0,
            Phase::Session => 1,
            Phase::Opaque => return self.everything(),
        };
        if self.rest.len() < head + 4 {
            return None;
        }
        let length = word(&self.rest[head..]) as usize;
        if !(4..=LONGEST).contains(&length) || (head == 0 && length < 8) {
            self.give_up();
            return self.everything();
        }
        if self.rest.len() < head + length {
            return None;
        }
        let bytes: Vec<u8> = self.rest.drain(..head + length).collect();
        let kind = (head == 1).then(|| bytes[0]);
        if head == 0 && !matches!(word(&bytes[4..]), CANCEL | TLS | GSS) {
            self.phase = Phase::Session;
        }
        Some(Message { kind, bytes })
    }

    fn everything(&mut self) -> Option<Message> {
        let bytes = std::mem::take(&mut self.rest);
        (!bytes.is_empty()).then_some(Message { kind: None, bytes })
    }
}

const STREAM: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x12\0\x03\0\0user\0me\0\0\0Q\0\0\0\x0dselect 1\0P\0\0\0\x10s1\0select\0\0\0X\0\0\0\x04";

#[test]
fn messages_are_the_same_however_they_are_cut_up() {
    let whole = Framing::default().feed(STREAM);
    assert_eq!(whole.len(), 5, "{whole:?}");
    assert!(whole[0].asks_for_encryption() && !whole[1].asks_for_encryption());
    assert_eq!(whole[2].query().as_deref(), Some("select 1"));
    assert_eq!(whole[3].parse(), Some(("s1".into(), "select".into())));
    assert!(whole[2].contains(b"ct 1") && !whole[2].contains(b"ct 2"));
    for size in 1..STREAM.len() {
        let mut framing = Framing::default();
        let pieces: Vec<Message> = STREAM.chunks(size).flat_map(|chunk| framing.feed(chunk)).collect();
        assert_eq!(pieces, whole, "in pieces of {size}");
    }
}

#[test]
fn what_is_not_the_protocol_passes_as_it_comes() {
    let mut framing = Framing::default();
    let http = framing.feed(b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(http[0].bytes, b"GET / HTTP/1.1\r\n\r\n");
    assert!(http[0].query().is_none());
    assert_eq!(framing.feed(b"more").len(), 1);
}
