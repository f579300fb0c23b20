//! HTTP/1.1 for thousands of connections in one thread: messages with a length.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Of one read; a larger message takes more of them.
const BUFFER_BYTES: usize = 16 * 1024;
/// A head without an end is no head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A connection, and what was read of it.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were handed out.
    taken: usize,
}

/// A request or an answer.
#[derive(Debug, PartialEq)]
pub(super) struct Message<'a> {
    pub(super) first_line: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Where a message's parts end.
#[derive(Debug, PartialEq)]
struct Framed {
    head: usize,
    whole: usize,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(address).await?)
    }

    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new(), taken: 0 })
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next message; none where the other side closed the connection before it.
    pub(super) async fn read(&mut self) -> io::Result<Option<Message<'_>>> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let framed = loop {
            if let Some(framed) = framed(&self.buffer)? {
                break framed;
            }
            self.buffer.reserve(BUFFER_BYTES);
            if self.stream.read_buf(&mut self.buffer).await? > 0 {
                continue;
            }
            let ended = self.buffer.is_empty();
            return if ended { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        };
        self.taken = framed.whole;
        let (head, rest) = self.buffer.split_at(framed.head);
        let first_line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let body = rest.get(..framed.whole - framed.head).unwrap_or_default();
        Ok(Some(Message { first_line, body }))
    }

    /// Returns when the other side has closed the connection. It sends nothing before that.
    pub(super) async fn closed(&mut self) {
        let mut byte = [0];
        while self.stream.read(&mut byte).await.is_ok_and(|read| read > 0) {}
    }
}

/// None while the message is not all there.
fn framed(bytes: &[u8]) -> io::Result<Option<Framed>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        let endless = bytes.len() > MAX_HEAD_BYTES;
        return if endless { Err(ErrorKind::InvalidData.into()) } else { Ok(None) };
    };
    let head = end + 4;
    let mut length = 0;
    for line in bytes.get(..end).unwrap_or_default().split(|byte| *byte == b'\n').skip(1) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"content-length") {
            let digits = value.get(1..).unwrap_or_default().trim_ascii();
            let number = str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            length = number.ok_or(ErrorKind::InvalidData)?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Err(io::Error::new(ErrorKind::Unsupported, "a body without a length"));
        }
    }
    let whole: usize = head.checked_add(length).ok_or(ErrorKind::InvalidData)?;
    Ok((bytes.len() >= whole).then_some(Framed { head, whole }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_when_all_of_it_is_there() {
        let whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(framed(whole).unwrap(), Some(Framed { head: 47, whole: 50 }));
        for length in 0..whole.len() {
            assert_eq!(framed(&whole[..length]).unwrap(), None, "{length}");
        }
        let next = [whole.as_slice(), b"GET"].concat();
        assert_eq!(framed(&next).unwrap(), Some(Framed { head: 47, whole: 50 }));
    }

    #[test]
    fn a_message_without_a_length_has_no_body_and_an_odd_one_is_refused() {
        let none = b"GET / HTTP/1.1\r\n\r\n";
        assert_eq!(framed(none).unwrap(), Some(Framed { head: 18, whole: 18 }));
        for odd in ["content-length: x", "content-length:", "transfer-encoding: chunked"] {
            let message = format!("GET / HTTP/1.1\r\n{odd}\r\n\r\n");
            assert!(framed(message.as_bytes()).is_err(), "{odd}");
        }
        assert!(framed(&vec![b'x'; MAX_HEAD_BYTES + 1]).is_err());
    }
}
