//! Asks a server whether it takes connections, without logging in.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What a server said to a greeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It takes connections; whether it takes ours is another matter.
    Ready,
    /// It is there, but starting up, shutting down or recovering.
    NotYet(String),
}

/// Sends a startup message to the socket and judges the answer by the rule of libpq's `PQping`
/// (`src/interfaces/libpq/fe-connect.c`, `internal_ping`): a request for authentication, or any refusal
/// but 57P03, comes from a server that takes connections.
///
/// # Errors
/// When nobody listens or the answer does not come within a second.
pub(super) fn ping(socket: &Path, user: &str) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.set_write_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(&startup_message(user))?;
    let mut kind = [0; 1];
    stream.read_exact(&mut kind)?;
    if kind != *b"E" {
        return Ok(Answer::Ready);
    }
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut fields = Vec::new();
    stream
        .take(u64::from(u32::from_be_bytes(length)).saturating_sub(4).min(8192))
        .read_to_end(&mut fields)?;
    Ok(judge(&fields))
}

/// A startup message of protocol 3.0 (manual, "Message Formats", `StartupMessage`).
fn startup_message(user: &str) -> Vec<u8> {
    let mut body = 196_608_u32.to_be_bytes().to_vec();
    for word in [
        "user",
        user,
        "database",
        "postgres",
        "application_name",
        "rlsctl scratch",
        "",
    ] {
        body.extend_from_slice(word.as_bytes());
        body.push(0);
    }
    let length = u32::try_from(body.len() + 4).expect("a startup message of ours is short");
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// Reads the fields of an `ErrorResponse`: a letter and a NUL-terminated text each.
fn judge(fields: &[u8]) -> Answer {
    let field = |letter: u8| {
        fields
            .split(|&byte| byte == 0)
            .find(|field| field.first() == Some(&letter))
            .map(|field| &field[1..])
    };
    if field(b'C') == Some(b"57P03") {
        Answer::NotYet(String::from_utf8_lossy(field(b'M').unwrap_or_default()).into_owned())
    } else {
        Answer::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_57p03_means_wait() {
        assert_eq!(
            judge(b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"),
            Answer::NotYet("the database system is starting up".into())
        );
        assert_eq!(judge(b"SFATAL\0C53300\0Mtoo many clients\0\0"), Answer::Ready);
        assert_eq!(judge(b"SFATAL\0C28000\0MC57P03\0\0"), Answer::Ready);
        assert_eq!(judge(b""), Answer::Ready);
    }

    #[test]
    fn the_startup_message_counts_its_own_length() {
        let message = startup_message("postgres");
        assert_eq!(
            message.len(),
            u32::from_be_bytes(message[..4].try_into().unwrap()) as usize
        );
        assert!(message.ends_with(b"\0\0"));
    }
}
